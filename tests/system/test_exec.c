/* test_exec: processes that borrow held sockets over the control socket. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

rig_test(exec, serves_a_borrowed_socket_while_the_service_is_stopped)
{
    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--set", "essential=no", "--",
            r->probe);
    rig_wait_state(r, "running");
    rig_cmd_ok(r, "stop", "probe");
    pid_t borrower = rig_spawn(
        r, "borrower", rig_cmd_argv(r, RIG_ARGV("exec", "--socket", "web", "--", r->probe, "--drain")));
    struct load *load = rig_load(r, rig_address(r, 4), 2);
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    kill(borrower, SIGTERM);
    cr_assert_eq(rig_wait_child(r, borrower), 0);
    rig_cmd_ok(r, "start", "probe");
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    cr_assert(rig_log_has(r, "lends 1 sockets to process"));
}

rig_test(exec, tells_the_command_of_its_sockets)
{
    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--listen",
            rig_format(r, "admin=unix:%s/a.sock", r->dir), "--", r->probe);
    rig_wait_state(r, "running");
    const struct rig_result *result =
        rig_cmd_ok(r, "exec", "--socket=admin", "--socket", "web", "--", "sh", "-c",
                   "[ $LISTEN_PID = $$ ] && echo $LISTEN_FDS $LISTEN_FDNAMES $0 $1 ${BERTH_SERVICE-none}",
                   "{fd:web}", "{path:admin}");
    cr_assert_str_eq(result->out, rig_format(r, "2 admin:web 4 %s/a.sock none\n", r->dir));
    result = rig_cmd_ok(r, "exec", "sh", "-c", "echo $LISTEN_FDNAMES");
    cr_assert_str_eq(result->out, "web:admin\n");
}

rig_test(exec, hands_over_more_sockets_than_go_with_one_message)
{
    const char *args[2 * 300 + 8];
    size_t n = 0;

    for (int i = 0; i < 300; i++) {
        args[n++] = "--listen";
        args[n++] = rig_format(r, "s%d=unix:%s/%d.sock", i, r->dir, i);
    }
    args[n++] = "--";
    args[n++] = r->probe;
    args[n] = NULL;
    rig_start(r, rig_run_argv(r, args));
    rig_wait_state(r, "running");
    const struct rig_result *result =
        rig_cmd_ok(r, "exec", "python3", "-c",
                   "import os, socket\n"
                   "n = int(os.environ['LISTEN_FDS'])\n"
                   "names = os.environ['LISTEN_FDNAMES'].split(':')\n"
                   "for i in range(n):\n"
                   "    path = socket.socket(fileno=3 + i).getsockname()\n"
                   "    assert path.endswith('/%d.sock' % i) and names[i] == 's%d' % i, (i, path)\n"
                   "print(n)\n");
    cr_assert_str_eq(result->out, "300\n");
    /* It has room for some of them. */
    result = rig_expect(
        r, 1,
        RIG_ARGV("sh", "-c", "ulimit -n 100; exec \"$0\" --control \"$1\" exec true", r->berth, r->control));
    cr_assert(strstr(result->err, "raise the limit of open files (ulimit -n)") != NULL, "%s", result->err);
    result = rig_cmd_ok(r, "exec", "sh", "-c", "echo $LISTEN_FDS");
    cr_assert_str_eq(result->out, "300\n", "somebody else's lack is not ours");
}

rig_test(exec, gives_the_command_the_limits_that_it_was_started_with)
{
    struct rlimit low = {.rlim_cur = 200, .rlim_max = 8000};

    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    cr_assert_str_eq(rig_cmd_ok(r, "exec", "sh", "-c", "ulimit -n")->out, "200\n");
}

rig_test(exec, a_client_without_room_for_the_control_message_loses_only_its_own)
{
    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--listen",
            rig_format(r, "admin=unix:%s/a.sock", r->dir), "--", r->probe);
    rig_wait_state(r, "running");
    const struct rig_result *result = rig_expect(
        r, 0,
        RIG_ARGV("python3", "-c",
                 "import socket, sys\n"
                 "s = socket.socket(socket.AF_UNIX)\n"
                 "s.connect(sys.argv[1])\n"
                 "s.sendall(b'{\"method\": \"io.berth.Borrow\", \"parameters\": {\"sockets\": []}}\\0')\n"
                 "text, fds, flags, _ = socket.recv_fds(s, 65536, 1)\n"
                 "print(len(fds), bool(flags & socket.MSG_CTRUNC))\n",
                 r->control));
    cr_assert_str_eq(result->out, "1 True\n");
    cr_assert_str_eq(rig_cmd_ok(r, "exec", "sh", "-c", "echo $LISTEN_FDS")->out, "2\n");
    rig_cmd_ok(r, "status");
}

rig_test(exec, says_what_is_wrong)
{
    static const struct {
        int status;
        const char *words[4], *part;
    } cases[] = {
        {4, {"--socket", "wbe", "true"}, "there is no socket 'wbe', did you mean 'web'?"},
        {2, {"--socket"}, "--socket wants a NAME behind it"},
        {2, {"--sock", "web", "true"}, "'--sock' is no option of exec"},
        {2, {"--socket", "web"}, "there is no command to run"},
        {127, {"/no/such/program"}, "'/no/such/program' cannot be executed"},
        {126, {"/"}, "cannot be executed"},
        {2, {"echo", "{fd:nosuch}"}, "nosuch"},
    };

    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--", r->probe);
    rig_wait_state(r, "running");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const *w = cases[i].words;
        const struct rig_result *result =
            rig_expect(r, cases[i].status, rig_cmd_argv(r, RIG_ARGV("exec", w[0], w[1], w[2])));
        cr_assert(strstr(result->err, cases[i].part) != NULL, "%s: %s", w[0], result->err);
    }
    rig_expect(r, 5, RIG_ARGV(r->berth, "--control", rig_path(r, "nobody"), "exec", "true"));
}

rig_test(exec, lends_nothing_to_other_users)
{
    rig_needs_root();
    cr_assert_eq(chmod(r->dir, 0755), 0);
    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert_eq(chmod(r->control, 0666), 0);
    const struct rig_result *result =
        rig_expect(r, 1,
                   RIG_ARGV("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", r->berth,
                            "--control", r->control, "exec", "true"));
    cr_assert(strstr(result->err, "does not let you do that") != NULL, "%s", result->err);
}
