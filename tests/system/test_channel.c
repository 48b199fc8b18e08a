/* test_channel: workers that are sent their sockets (handoff = channel), and what they say over their
 * channel. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

static const char *worker_member(struct rig *r, const char *key)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    json_t *worker = json_array_get(json_object_get(service, "workers"), 0);
    const char *value = json_string_value(json_object_get(worker, key));

    return value != NULL ? value : "";
}

#define CHANNEL "--set", "handoff=channel", "--set", "stable_after=0"

rig_test(channel, sends_a_worker_its_sockets_with_names_and_addresses)
{
    rig_run(r, CHANNEL, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--listen",
            rig_format(r, "admin=unix:%s/a.sock", r->dir), "--", r->probe, "--from", "channel", "--report",
            r->report, "--say", "STATUS=here I am");
    pid_t worker = rig_wait_report(r, "started");
    rig_until(r, strcmp(worker_member(r, "status"), "here I am") == 0);
    struct load *load = rig_load(r, rig_address(r, 4), 2);
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_kill(r, worker, SIGKILL);
    rig_wait_worker(r, 1, worker);
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 2);
}

rig_test(channel, sends_more_sockets_than_go_into_one_packet)
{
    const char *args[2 * 130 + 16], *const *argv;
    size_t n = 0;

    args[n++] = "--set";
    args[n++] = "handoff=channel,channel";
    for (int i = 0; i < 130; i++) {
        args[n++] = "--listen";
        args[n++] = rig_format(r, "s%d=unix:%s/%d.sock", i, r->dir, i);
    }
    args[n++] = "--";
    args[n++] = "sh";
    args[n++] = "-c";
    args[n++] =
        "python3 -c 'import os, socket\n"
        "s = socket.socket(fileno=int(os.environ[\"BERTH_CHANNEL\"]))\n"
        "got, names = 0, 0\n"
        "while True:\n"
        "    text, fds, flags, _ = socket.recv_fds(s, 65536, 253)\n"
        "    assert not flags & socket.MSG_CTRUNC\n"
        "    assert (\"FIRST=%d\\n\" % got).encode() in text, text\n"
        "    got += len(fds)\n"
        "    names += text.count(b\"NAME=\")\n"
        "    for fd, line in zip(fds, [l for l in text.split(b\"\\n\") if l.startswith(b\"ADDRESS=\")]):\n"
        "        name = socket.socket(fileno=fd).getsockname()\n"
        "        assert line == b\"ADDRESS=unix:\" + name.encode(), (line, name)\n"
        "    if b\"ACTIVATE=1\\n\" in text: break\n"
        "print(got, names)'";
    args[n] = NULL;
    argv = rig_run_argv(r, args);
    rig_start(r, argv);
    cr_assert_eq(rig_wait_exit(r), 0);
    cr_assert_str_eq(rig_read_file(r, r->out_path), "130 130\n");
}

rig_test(channel, makes_a_worker_ready_when_it_says_so)
{
    rig_run(r, CHANNEL, "--ready", "notify", "--listen", rig_address(r, 4), "--", r->probe, "--from",
            "channel", "--say", "READY=1\\nSTATUS=up");
    rig_wait_state(r, "running");
    cr_assert_str_eq(worker_member(r, "status"), "up");
    cr_assert(rig_log_has(r, "ready"));
}

rig_test(channel, gives_up_a_worker_that_never_says_it_is_ready)
{
    rig_run(r, CHANNEL, "--ready", "notify", "--set", "start_timeout=300ms", "--listen", rig_address(r, 4),
            "--", r->probe, "--from", "channel", "--say", "STATUS=still at it");
    rig_until(r, rig_log_has(r, "not ready within start_timeout"));
    rig_until(r, rig_worker_restarts(r, 1) > 0);
}

rig_test(channel, outlives_the_supervisor)
{
    rig_run(r, CHANNEL, "--ready", "notify", "--listen", rig_address(r, 4), "--", r->probe, "--from",
            "channel", "--slow-start", "1", "--report", r->report, "--say", "READY=1");
    pid_t worker = rig_wait_worker(r, 1, 0);
    /* What its successor was told of is with the keeper. */
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    size_t held = rig_count_fds(r->keeper);
    for (int i = 0; i < 3; i++) {
        rig_kill_supervisor(r);
        rig_wait_state(r, "running");
        cr_assert_eq(rig_worker_pid(r, 1), worker);
        rig_until(r, rig_count_fds(r->keeper) == held);
    }
    rig_kill(r, worker, SIGKILL);
    rig_wait_worker(r, 1, worker);
    rig_until(r, rig_count_fds(r->keeper) == held); /* the dead worker's is not held any more */
}

rig_test(channel, passes_over_what_it_does_not_understand)
{
    rig_run(r, CHANNEL, "--ready", "notify", "--log-level", "debug", "--listen", rig_address(r, 4), "--",
            "python3", "-c",
            "import os, signal, socket\n"
            "s = socket.socket(fileno=int(os.environ['BERTH_CHANNEL']))\n"
            "s.send(b'x' * 5000)\n"
            "s.send(b'READY=1\\0')\n"
            "s.send(b'\\xff\\xfe=\\x80')\n"
            "socket.send_fds(s, [b'FDSTORE=1'], [0, 1, 2] * 80)\n"
            "s.send(b'STATUS=\\x1b[2J\\xff')\n"
            "s.send(b'READY=1')\n"
            "signal.pause()\n");
    rig_wait_state(r, "running");
    cr_assert(rig_log_has(r, "too long over its channel"));
    cr_assert(rig_log_has(r, "NUL byte over its channel"));
}

rig_test(channel, leaves_no_descriptor_for_a_placeholder)
{
    const struct rig_result *result =
        rig_expect(r, 2,
                   rig_run_argv(r, RIG_ARGV("--set", "handoff=channel", "--listen", "web=127.0.0.1:0", "--",
                                            "server", "{fd:web}")));
    cr_assert(strstr(result->err, "{fd:web} cannot be filled: a worker does not have that socket") != NULL,
              "%s", result->err);
}

rig_test(channel, says_there_too_that_the_worker_is_to_end)
{
    rig_run(r, CHANNEL, "--ready", "notify", "--listen", rig_address(r, 4), "--", "python3", "-u", "-c",
            "import os, signal, socket\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "s = socket.socket(fileno=int(os.environ['BERTH_CHANNEL']))\n"
            "assert b'ACTIVATE=1' in s.recv(65536)\n"
            "s.send(b'READY=1')\n"
            "print(s.recv(65536))\n");
    rig_wait_state(r, "running");
    cr_assert_eq(rig_stop(r), 0);
    cr_assert_str_eq(rig_read_file(r, r->out_path), "b'DRAIN=1\\n'\n");
}
