/* test_notify: what workers say at NOTIFY_SOCKET. Those who say it are libsystemd (tests/lib/sd_say),
 * systemd-notify, libberth, and python where somebody has to break the rules. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

static const char *note(struct rig *r)
{
    const char *text = json_string_value(worker_member(r, "note"));
    return text ? text : "";
}

/* --- readiness ----------------------------------------------------------------------------------------- */

rig_test(notify, ready_is_told_with_libsystemd)
{
    rig_run(r, "--ready", "notify", "--listen", rig_address(r, 4), "--", sd_say(r), "say:STATUS=booting",
            "barrier", "say:READY=1\\nSTATUS=up and serving", "wait");
    rig_wait_state(r, "running");
    cr_assert(has_status(r, "up and serving"), "%s", status(r));
    cr_assert(rig_log_has(r, "ready"));
}

rig_test(notify, ready_is_told_by_a_shell_script_with_systemd_notify)
{
    if (!rig_find_program(r, "systemd-notify"))
        rig_skip("systemd-notify is not installed");
    rig_run(r, "--ready", "notify", "--", "sh", "-c",
            "systemd-notify --ready --status='from a script'; sleep 1000");
    rig_wait_state(r, "running");
    cr_assert(has_status(r, "from a script"), "%s", status(r));
}

rig_test(notify, ready_is_told_in_another_process_name)
{
    rig_needs_root(); /* who else may send another one's credentials */
    rig_run(r, "--ready", "notify", "--", "sh", "-c",
            rig_format(r, "%s 'for-parent:READY=1\\nSTATUS=in its name'; exec sleep 1000", sd_say(r)));
    rig_wait_state(r, "running");
    cr_assert(has_status(r, "in its name"), "%s", status(r));
}

/* Who has sent it is long gone when it is read, and only its user is known. */
rig_test(notify, a_script_of_another_user_is_heard_too)
{
    rig_needs_root();
    cr_assert_eq(chmod(r->dir, 0755), 0);
    if (!rig_find_program(r, "systemd-notify"))
        rig_skip("systemd-notify is not installed");
    rig_run(r, "--ready", "notify", "--user", "nobody", "--", "sh", "-c",
            "systemd-notify --no-block --ready --status=nobody; sleep 1000");
    rig_wait_state(r, "running");
    cr_assert(has_status(r, "nobody"), "%s", status(r));
}

rig_test(notify, ready_is_told_with_libberth)
{
    rig_run(r, "--ready", "notify", "--listen", rig_address(r, 4), "--",
            rig_format(r, "%s/tests/lib/libberth-worker", getenv("top_builddir")));
    rig_wait_state(r, "running");
}

rig_test(notify, who_never_says_that_it_is_ready_is_given_up)
{
    rig_run(r, "--ready", "notify", "--set", "start_timeout=300ms", "--", "sleep", "1000");
    rig_until(r, rig_log_has(r, "not ready within start_timeout"));
    rig_until(r, rig_worker_restarts(r, 1) > 0);
}

rig_test(notify, a_worker_in_a_new_root_directory_is_heard)
{
    rig_needs_root();
    const char *root = rig_path(r, "root");
    cr_assert_eq(mkdir(root, 0755), 0);
    cr_assert_eq(mkdir(rig_format(r, "%s/dev", root), 0755), 0);
    /* A root directory with a program of its own and the libraries that it needs. */
    const struct rig_result *result =
        rig_exec(r, RIG_ARGV("sh", "-ec",
                             rig_format(r,
                                        "cp %s %s/say; for l in $(ldd %s | grep -o '/[^ ]*'); do mkdir -p "
                                        "%s$(dirname $l); cp $l %s$l; done",
                                        sd_say(r), root, sd_say(r), root, root)));
    cr_assert_eq(result->status, 0, "%s", result->err);
    rig_run(r, "--ready", "notify", "--set", rig_format(r, "chroot=%s", root), "--", "/say", "say:READY=1",
            "wait");
    rig_wait_state(r, "running");
}

rig_test(notify, each_worker_speaks_for_itself_alone)
{
    rig_run(r, "--ready", "notify", "--workers", "3", "--set", "start_timeout=1m", "--", "sh", "-c",
            rig_format(r,
                       "echo $NOTIFY_SOCKET >%s/$BERTH_WORKER.$$; "
                       "test $BERTH_WORKER = 2 && %s say:READY=1; exec sleep 1000",
                       r->dir, sd_say(r)));
    rig_until(r, strcmp(rig_worker_state(r, 2), "ready") == 0);
    cr_assert_str_eq(rig_worker_state(r, 1), "starting");
    cr_assert_str_eq(rig_worker_state(r, 3), "starting");
}

/* A child of the first process, which lives on with the first one's variable, is heard by nobody. */
rig_test(notify, a_process_of_an_earlier_worker_does_not_speak_for_the_next)
{
    const char *once = rig_path(r, "once"), *said = rig_path(r, "said"), *gate = rig_path(r, "gate");
    cr_assert_eq(mkfifo(gate, 0600), 0);
    rig_run(
        r, "--ready", "notify", "--set", "kill=process", "--", "sh", "-c",
        rig_format(r,
                   "if mkdir %s; then setsid sh -c 'read x <%s; %s say:READY=1; echo $? >%s' & exit 1; fi; "
                   "exec sleep 1000",
                   once, gate, sd_say(r), said));
    rig_until(r, rig_worker_restarts(r, 1) == 1 && strcmp(rig_worker_state(r, 1), "starting") == 0);
    rig_expect(r, 0, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", gate)));
    rig_until(r, access(said, R_OK) == 0 && *rig_read_file(r, said));
    cr_assert_str_eq(rig_worker_state(r, 1), "starting");
    cr_assert_neq(atoi(rig_read_file(r, said)), 0, "nobody was there to hear it");
}

/* --- the rest of the words ------------------------------------------------------------------------------ */

rig_test(notify, reloading_lasts_until_ready_comes_again)
{
    rig_run(r, "--ready", "notify", "--", "sh", "-c",
            rig_format(r,
                       "say() { %s \"$@\"; }; trap 'say \"say:RELOADING=1\\\\nMONOTONIC_USEC=1\"' HUP; "
                       "trap 'say say:READY=1' USR1; say say:READY=1; while :; do sleep 0.05; done",
                       sd_say(r)));
    rig_wait_state(r, "running");
    cr_assert_null(worker_member(r, "reloading_ms"));
    rig_cmd_ok(r, "signal", "HUP", "sh");
    rig_until(r, worker_member(r, "reloading_ms") != NULL);
    cr_assert(json_integer_value(worker_member(r, "reloading_ms")) > 1000, "it has said since when");
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert_not_null(worker_member(r, "reloading_ms"), "a successor knows it too");
    rig_cmd_ok(r, "signal", "USR1", "sh");
    rig_until(r, worker_member(r, "reloading_ms") == NULL);
    cr_assert(rig_log_has(r, "says that it has reloaded"));
}

rig_test(notify, stopping_is_final)
{
    rig_run(r, "--ready", "notify", "--", sd_say(r), "say:STOPPING=1", "say:READY=1", "say:RELOADING=1",
            "say:STATUS=on my way out", "wait");
    rig_until(r, has_status(r, "on my way out"));
    cr_assert_str_eq(rig_worker_state(r, 1), "starting");
    cr_assert(json_is_true(worker_member(r, "says_stopping")));
    cr_assert_null(worker_member(r, "reloading_ms"));
}

rig_test(notify, what_it_said_last_is_told_with_its_end)
{
    rig_run(r, "--set", "restart_delay=20s", "--", sd_say(r), "say:STATUS=cannot open the database",
            "say:ERRNO=13\\nBUSERROR=org.example.Broken\\nEXIT_STATUS=9", "exit:3");
    rig_until(r, strcmp(rig_worker_state(r, 1), "backoff") == 0);
    cr_assert_str_eq(note(r),
                     "exited with status 3; it had said: cannot open the database, errno 13 (Permission "
                     "denied), org.example.Broken");
    cr_assert(rig_log_has(r, "it had said: cannot open the database, errno 13"));
    cr_assert_str_eq(status(r), "", "it is the next one's to say");
}

rig_test(notify, what_it_said_last_is_cut_between_two_characters)
{
    char words[200] = "x";
    for (int i = 0; i < 90; i++)
        strcat(words, "\u00e9");
    rig_run(r, "--set", "restart_delay=20s", "--", sd_say(r), rig_format(r, "say:STATUS=%s", words),
            "exit:3");
    rig_until(r, strcmp(rig_worker_state(r, 1), "backoff") == 0);
    cr_assert(strstr(note(r), "it had said: x\u00e9") && strstr(note(r), "\u00e9…"), "%s", note(r));
    const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("reload")))->err;
    cr_assert(strstr(err, "it had said: x\u00e9"), "%s", err);
}

rig_test(notify, trouble_is_shown_while_it_runs)
{
    rig_run(r, "--", sd_say(r), "say:ERRNO=2\\nVARLINKERROR=org.example.Odd\\nEXIT_STATUS=9",
            "say:STATUS=odd", "wait");
    rig_until(r, has_status(r, "odd"));
    cr_assert_eq(json_integer_value(worker_member(r, "errno")), 2);
    cr_assert_eq(json_integer_value(worker_member(r, "exit_status")), 9);
    cr_assert_str_eq(json_string_value(worker_member(r, "error")), "org.example.Odd");
}

rig_test(notify, the_delay_before_restarts_can_be_begun_anew)
{
    static const char sentence[] = "starting it again in ";
    rig_run(r, "--set", "restart_delay=10ms", "--", sd_say(r), "say:RESTART_RESET=1", "exit:3");
    rig_until(r, rig_worker_restarts(r, 1) >= 6);
    for (const char *at = rig_log(r); (at = strstr(at, sentence)); at++)
        cr_assert_leq(atoi(at + strlen(sentence)), 10, "%s", rig_log(r));
}

rig_test(notify, more_time_can_be_asked_for_the_start)
{
    rig_run(r, "--ready", "notify", "--set", "start_timeout=3s", "--", "sh", "-c",
            rig_format(r,
                       "say() { %s \"$@\"; }; say say:EXTEND_TIMEOUT_USEC=60000000; "
                       "until test -e %s; do sleep 0.05; done; say say:READY=1; exec sleep 1000",
                       sd_say(r), rig_path(r, "go")));
    rig_until(r, json_integer_value(worker_member(r, "since_ms")) > 3200);
    rig_kill_supervisor(r); /* its successor would find the time to be up */
    rig_until(r, strcmp(rig_service_state(r), "starting") == 0);
    rig_write_file(rig_path(r, "go"), "");
    rig_wait_state(r, "running");
    cr_assert_eq(rig_worker_restarts(r, 1), 0);
}

rig_test(notify, more_time_can_be_asked_for_the_end)
{
    rig_run(r, "--set", "stop_timeout=3s", "--ready", "notify", "--", "sh", "-c",
            rig_format(
                r,
                "say() { %s \"$@\"; }; trap 'say say:EXTEND_TIMEOUT_USEC=20000000; sleep 3.5; exit 0' TERM; "
                "say say:READY=1; while :; do sleep 0.05; done",
                sd_say(r)));
    rig_wait_state(r, "running");
    cr_assert_eq(rig_stop(r), 0);
    cr_assert(!rig_log_has(r, "did not end within"));
}

rig_test(notify, time_that_was_asked_for_the_start_does_not_count_for_the_end)
{
    rig_run(r, "--set", "stop_timeout=300ms", "--ready", "notify", "--", "sh", "-c",
            rig_format(
                r,
                "trap '' TERM; %s say:EXTEND_TIMEOUT_USEC=60000000 say:READY=1; while :; do sleep 0.05; done",
                sd_say(r)));
    rig_wait_state(r, "running");
    rig_cmd_ok(r, "stop", "sh");
    cr_assert(rig_log_has(r, "did not end within stop_timeout"));
}

rig_test(notify, a_barrier_is_passed_when_all_before_it_was_read)
{
    rig_run(r, "--ready", "notify", "--", sd_say(r), "say:STATUS=1", "say:STATUS=2", "barrier",
            "say:STATUS=3", "barrier", "say:READY=1", "wait");
    rig_wait_state(r, "running");
    cr_assert(has_status(r, "3"));
}

rig_test(notify, a_barrier_beside_something_else_is_dropped)
{
    rig_run(r, "--ready", "notify", "--",
            PYTHON "r, w = os.pipe()\n"
                   "send(b'BARRIER=1\\nREADY=1', [w])\n"
                   "send(b'BARRIER=1')\n"
                   "send(b'BARRIER=1', [w, w])\n"
                   "send(b'STATUS=after')\n"
                   "signal.pause()\n");
    rig_until(r, has_status(r, "after"));
    cr_assert_str_eq(rig_worker_state(r, 1), "starting");
    cr_assert(rig_log_has(r, "has BARRIER=1 beside something else"));
}

/* --- what is out of order ------------------------------------------------------------------------------- */

rig_test(notify, what_is_too_long_or_has_a_nul_is_dropped_whole_and_told_once)
{
    rig_run(r, "--ready", "notify", "--log-level", "debug", "--",
            PYTHON "for i in range(50): send(b'READY=1\\n' + b'x' * 4089)\n"
                   "for i in range(50): send(b'READY=1\\0')\n"
                   "send(b'')\n"
                   "send(b'\\xff\\xfe=\\x80\\n===\\nREADY')\n"
                   "send(b'STATUS=\\x1b[2Jall the same')\n"
                   "signal.pause()\n");
    rig_until(r, has_status(r, "\\x1b[2Jall the same"));
    cr_assert_str_eq(rig_worker_state(r, 1), "starting");
    const char *first = strstr(rig_log(r), "that is dropped");
    cr_assert(first && !strstr(first + 1, "that is dropped"), "%s", rig_log(r));
    cr_assert(rig_log_has(r, "is longer than 4096 bytes"));
}

rig_test(notify, the_longest_message_is_read)
{
    rig_run(r, "--ready", "notify", "--",
            PYTHON "send(b'X=' + b'x' * (4096 - 10) + b'\\nREADY=1')\n"
                   "signal.pause()\n");
    rig_wait_state(r, "running");
}

rig_test(notify, descriptors_that_nobody_wants_are_closed)
{
    rig_run(r, "--ready", "notify", "--",
            PYTHON "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
                   "send(b'READY=1')\n"
                   "signal.sigwait([signal.SIGUSR1])\n"
                   "fds = [os.open('/dev/null', 0) for i in range(250)]\n"
                   "for i in range(20): send(b'X=1', fds)\n"
                   "send(b'STATUS=sent')\n"
                   "signal.pause()\n");
    rig_wait_state(r, "running");
    pid_t supervisor = rig_supervisor_pid(r);
    rig_status(r);
    size_t before = rig_count_fds(supervisor), held = rig_count_fds(r->keeper);
    rig_cmd_ok(r, "signal", "USR1", "python3");
    rig_until(r, has_status(r, "sent"));
    rig_until(r, rig_count_fds(supervisor) <= before + 8); /* of commands; 5000 were sent */
    rig_until(r, rig_count_fds(r->keeper) == held);
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
}

rig_test(notify, a_stranger_is_not_heard)
{
    rig_needs_root();
    cr_assert_eq(chmod(r->dir, 0755), 0);
    rig_run(r, "--ready", "notify", "--user", "nobody", "--", "sh", "-c",
            rig_format(r, "echo $NOTIFY_SOCKET; exec sleep 1000"));
    rig_until(r, strchr(rig_read_file(r, r->out_path), '\n'));
    const char *address = rig_format(r, "%.*s", (int)strcspn(rig_read_file(r, r->out_path), "\n"),
                                     rig_read_file(r, r->out_path));
    /* Somebody else, who could not end that worker either. */
    rig_env(r, rig_format(r, "NOTIFY_SOCKET=%s", address));
    const struct rig_result *result =
        rig_exec(r, RIG_ARGV("setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups",
                             "/usr/bin/python3", "-c",
                             "import os, socket\n"
                             "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                             "s.sendto(b'READY=1', '\\0' + os.environ['NOTIFY_SOCKET'][1:])\n"));
    cr_assert_eq(result->status, 0, "%s", result->err);
    rig_until(r, rig_log_has(r, "of uid 12345 speaks for it and is not of this worker"));
    cr_assert_str_eq(rig_worker_state(r, 1), "starting");
    result = rig_exec(r, RIG_ARGV("setpriv", "--reuid", "nobody", "--clear-groups", "--regid", "nogroup",
                                  "/usr/bin/python3", "-c",
                                  "import os, socket\n"
                                  "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                                  "s.sendto(b'READY=1', '\\0' + os.environ['NOTIFY_SOCKET'][1:])\n"));
    cr_assert_eq(result->status, 0, "%s", result->err);
    rig_wait_state(r, "running");
}

rig_test(notify, a_flood_of_one_worker_holds_up_nobody)
{
    rig_write_file(rig_path(r, "flood.py"), "import os, socket\n"
                                            "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                                            "s.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:])\n"
                                            "while True: s.send(b'STATUS=me\\n' + b'x' * 4000)\n");
    rig_up(r, rig_format(r,
                         "[service:flood]\ncommand = python3 %s\n"
                         "[service:calm]\ncommand = %s say:READY=1 wait\nready = notify\n",
                         rig_path(r, "flood.py"), sd_say(r)));
    rig_until(r, has_status(r, "me"));
    for (int i = 0; i < 5; i++)
        rig_cmd_ok(r, "restart", "calm");
    cr_assert_str_eq(rig_state_of(r, "calm"), "running");
    rig_cmd_ok(r, "stop", "flood");
}

/* --- what outlives the supervisor ----------------------------------------------------------------------- */

rig_test(notify, nothing_is_lost_while_there_is_no_supervisor)
{
    cr_assert_eq(mkfifo(rig_path(r, "gate"), 0600), 0);
    rig_run(r, "--ready", "notify", "--", "sh", "-c",
            rig_format(r, "read x <%s; %s 'say:READY=1\\nSTATUS=unheard'; exec sleep 1000",
                       rig_path(r, "gate"), sd_say(r)));
    rig_until(r, strcmp(rig_worker_state(r, 1), "starting") == 0);
    pid_t supervisor = rig_supervisor_pid(r);
    cr_assert_gt(supervisor, 0);
    kill(supervisor, SIGSTOP); /* it is deaf from now on … */
    cr_assert_eq(rig_exec(r, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", rig_path(r, "gate"))))->status,
                 0);
    kill(supervisor, SIGKILL); /* … and its successor is not */
    rig_until(r, rig_supervisor_pid(r) != supervisor && rig_supervisor_pid(r) != 0);
    rig_wait_state(r, "running");
    rig_until(r, has_status(r, "unheard"));
}

rig_test(notify, each_process_has_one_socket_and_leaves_none_behind)
{
    rig_run(r, "--set", "stable_after=0", "--", r->probe, "--report", r->report);
    pid_t worker = rig_wait_worker(r, 1, 0);
    size_t held = rig_count_fds(r->keeper);
    for (int i = 0; i < 5; i++) {
        rig_kill(r, worker, SIGKILL);
        worker = rig_wait_worker(r, 1, worker);
        if (i == 2)
            rig_kill_supervisor(r);
    }
    rig_until(r, rig_count_fds(r->keeper) <= held + 1);
    rig_until(r, rig_supervisor_pid(r) != 0);
}

rig_test(notify, a_program_that_cannot_be_run_leaves_no_socket)
{
    rig_up(r, "[service:no]\ncommand = /nowhere/no\nrestart_delay = 10ms\nrestart_delay_max = 10ms\n"
              "[service:yes]\ncommand = sleep 1000\n");
    rig_wait_state_of(r, "yes", "running");
    rig_until(r, rig_number_of(r, "no", "restarts") > 2);
    size_t held = rig_count_fds(r->keeper);
    long n = rig_number_of(r, "no", "restarts");
    rig_until(r, rig_number_of(r, "no", "restarts") > n + 10);
    rig_until(r, rig_count_fds(r->keeper) <= held + 2);
}

rig_test(notify, may_be_narrowed_to_the_main_process)
{
    rig_run(r, "--",
            PYTHON "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
                   "def child_says(text):\n"
                   "    child = os.fork()\n"
                   "    if not child: send(text); os._exit(0)\n"
                   "    os.waitpid(child, 0)\n"
                   "child_says(b'STATUS=one')\n"
                   "send(b'NOTIFYACCESS=main')\n"
                   "child_says(b'STATUS=two\\nERRNO=2')\n"
                   "child_says(b'NOTIFYACCESS=all')\n"
                   "child_says(b'ERRNO=3')\n"
                   "send(b'STATUS=three')\n"
                   "signal.sigwait([signal.SIGUSR1])\n"
                   "child_says(b'ERRNO=4')\n"
                   "send(b'NOTIFYACCESS=none\\nSTATUS=four')\n"
                   "send(b'STATUS=five')\n"
                   "signal.pause()\n");
    rig_until(r, has_status(r, "three"));
    cr_assert_null(worker_member(r, "errno"));
    cr_assert(rig_log_has(r, "and may not, by NOTIFYACCESS"));
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    kill(rig_worker_pid(r, 1), SIGUSR1);
    rig_until(r, has_status(r, "four"));
    cr_assert_null(worker_member(r, "errno"), "a successor knows it too");
    rig_cmd_ok(r, "restart", "python3");
    rig_until(r, has_status(r, "three"));
}
