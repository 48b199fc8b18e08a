/* test_store: descriptors that a worker leaves with berth (FDSTORE=1), and who finds them. The workers are
 * libsystemd (tests/lib/sd_say), libberth, and python. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "rig.h"

static json_t *worker_member(struct rig *r, const char *key)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    json_t *worker = json_array_get(json_object_get(service, "workers"), 0);
    return json_object_get(worker, key);
}

static long n_stored(struct rig *r)
{
    return (long)json_integer_value(worker_member(r, "stored"));
}

static const char *status(struct rig *r)
{
    const char *text = json_string_value(worker_member(r, "status"));
    return text ? text : "";
}

static const char *sd_say(struct rig *r)
{
    const char *path = rig_format(r, "%s/tests/lib/sd_say", getenv("top_builddir"));
    if (access(path, X_OK) != 0)
        rig_skip("built without libsystemd");
    return path;
}

/* Writes a python worker; what it needs is there, and found() gives the stored descriptors by name. */
static const char *script(struct rig *r, const char *text)
{
    rig_write_file(
        rig_path(r, "worker.py"),
        rig_format(
            r,
            "import array, os, signal, socket, sys, time\n"
            "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
            "address = '\\0' + os.environ['NOTIFY_SOCKET'][1:]\n"
            "def send(text, fds=[]):\n"
            "    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []\n"
            "    s.sendmsg([text.encode()], rights, 0, address)\n"
            "def found():\n"
            "    if os.environ.get('LISTEN_PID') != str(os.getpid()): return []\n"
            "    names = os.environ['LISTEN_FDNAMES'].split(':')\n"
            "    assert len(names) == int(os.environ['LISTEN_FDS'])\n"
            "    return [(name, 3 + i) for i, name in enumerate(names)]\n"
            "%s",
            text));
    return rig_path(r, "worker.py");
}

#define ONCE "stable_after=0"

rig_test(store, what_a_worker_leaves_the_next_one_finds_behind_its_sockets)
{
    rig_run(r, "--set", ONCE, "--listen", rig_format(r, "web=unix:%s/web", r->dir), "--", sd_say(r), "listen",
            "store:one", "store:two words", "store:three", "barrier", "say:STATUS=stored", "wait");
    rig_until(r, strcmp(status(r), "stored") == 0);
    cr_assert_eq(n_stored(r), 3);
    cr_assert_str_eq(rig_read_file(r, r->out_path), "web: (no file)\n1\n");
    rig_cmd_ok(r, "restart", "sd_say");
    rig_until(r, n_stored(r) == 6); /* these are others, of the same names */
    cr_assert_str_eq(rig_read_file(r, r->out_path),
                     "web: (no file)\n1\n"
                     "web: (no file)\none: one\ntwo words: two words\nthree: three\n4\n");
    pid_t worker = rig_wait_worker(r, 1, 0);
    rig_kill_supervisor(r);
    rig_until(r, n_stored(r) == 6);
    rig_kill(r, worker, SIGKILL);
    rig_until(r, n_stored(r) == 9);
    cr_assert(strstr(rig_read_file(r, r->out_path), "three: three\none: one\n"), "in their order: %s",
              rig_read_file(r, r->out_path));
}

rig_test(store, it_is_emptied_when_the_service_is_stopped_for_good)
{
    rig_run(r, "--", sd_say(r), "store:one", "say:STATUS=stored", "wait");
    rig_until(r, strcmp(status(r), "stored") == 0);
    rig_until(r, strstr(rig_fds(r, r->keeper), "memfd:stored"));
    rig_cmd_ok(r, "stop", "sd_say");
    cr_assert_eq(n_stored(r), 0);
    rig_until(r, !strstr(rig_fds(r, r->keeper), "memfd:stored"));
    rig_cmd_ok(r, "start", "sd_say");
    rig_until(r, n_stored(r) == 1);
}

rig_test(store, a_crash_in_between_lets_go_too)
{
    rig_run(r, "--", sd_say(r), "store:one", "say:STATUS=stored", "wait");
    rig_until(r, strcmp(status(r), "stored") == 0);
    rig_cmd_ok(r, "stop", "sd_say");
    rig_kill_supervisor(r);
    rig_wait_state(r, "stopped");
    cr_assert_eq(n_stored(r), 0);
}

rig_test(store, a_crash_loop_keeps_it)
{
    rig_run(r, "--set", "restart_delay=10ms", "--set", "restart_delay_max=10ms", "--", "sh", "-c",
            rig_format(r, "if mkdir %s; then %s store:kept; else %s listen; fi; exit 1", rig_path(r, "once"),
                       sd_say(r), sd_say(r)));
    rig_until(r, rig_worker_restarts(r, 1) > 3);
    /* LISTEN_PID is the shell's, so sd_say looks at what is there without it. */
    cr_assert_eq(n_stored(r), 1);
}

rig_test(store, descriptors_are_removed_by_name)
{
    rig_run(r, "--set", ONCE, "--", sd_say(r), "store:a", "store:b", "say:FDSTOREREMOVE=1\\nFDNAME=a",
            "say:FDSTOREREMOVE=1\\nFDNAME=nothing", "store:stored", "say:FDSTOREREMOVE=1", "say:STATUS=done",
            "wait");
    rig_until(r, strcmp(status(r), "done") == 0);
    cr_assert_eq(n_stored(r), 2);
    cr_assert(rig_log_has(r, "FDSTOREREMOVE=1 without a FDNAME"));
    rig_kill_supervisor(r);
    rig_until(r, n_stored(r) == 2);
}

rig_test(store, the_same_descriptor_is_kept_once)
{
    rig_run(r, "--", "python3",
            script(r, "a, b = os.pipe()\n"
                      "for i in range(5): send('FDSTORE=1\\nFDNAME=x', [a, os.dup(a)])\n"
                      "send('FDSTORE=1\\nFDNAME=x', [b])\n"
                      "send('STATUS=done')\n"
                      "signal.pause()\n"));
    rig_until(r, strcmp(status(r), "done") == 0);
    cr_assert_eq(n_stored(r), 2);
}

rig_test(store, what_hangs_up_is_removed_unless_it_is_not_to_be_looked_at)
{
    rig_run(
        r, "--", "python3",
        script(
            r,
            "keep = []\n"
            "def pair(extra, name):\n"
            "    ours, theirs = socket.socketpair()\n"
            "    send('FDSTORE=1\\nFDNAME=' + name + extra, [theirs.fileno()])\n"
            "    theirs.close()\n"
            "    return ours\n"
            "polled, unpolled, kept = pair('', 'polled'), pair('\\nFDPOLL=0', 'unpolled'), pair('', 'kept')\n"
            "signal.signal(signal.SIGUSR1, lambda *a: (polled.close(), unpolled.close()))\n"
            "send('FDSTORE=1', [os.open('/dev/null', 0)])\n"
            "send('STATUS=done')\n"
            "while True: time.sleep(0.1)\n")); /* pause() may begin with a signal in Python's hands */
    rig_until(r, strcmp(status(r), "done") == 0);
    cr_assert_eq(n_stored(r), 4);
    rig_kill_supervisor(r);
    rig_until(r, n_stored(r) == 4);
    rig_cmd_ok(r, "signal", "USR1", "python3");
    rig_until(r, n_stored(r) == 3);
    size_t held = rig_count_fds(r->keeper);
    rig_kill_supervisor(r);
    rig_until(r, n_stored(r) == 3);
    rig_until(r, rig_count_fds(r->keeper) <= held);
}

rig_test(store, a_worker_can_leave_as_many_as_store_max_and_no_more)
{
    rig_run(r, "--set", "store_max=5", "--set", ONCE, "--", "python3",
            script(r, "fds = [os.open('/dev/null', 0) for i in range(250)]\n"
                      "if not found():\n"
                      "    assert os.environ['FDSTORE'] == '5'\n"
                      "    send('FDSTORE=1\\nFDNAME=first', fds[:4])\n"
                      "    for i in range(10): send('FDSTORE=1\\nFDNAME=many', fds[4:])\n"
                      "send('STATUS=' + ' '.join(name for name, fd in found()) + '.')\n"
                      "signal.pause()\n"));
    rig_until(r, strcmp(status(r), ".") == 0);
    cr_assert_eq(n_stored(r), 5);
    cr_assert(rig_log_has(r, "more descriptors than store_max allows"));
    size_t before = rig_count_fds(rig_supervisor_pid(r));
    rig_cmd_ok(r, "restart", "python3");
    rig_until(r, strcmp(status(r), "first first first first many.") == 0);
    cr_assert_leq(rig_count_fds(rig_supervisor_pid(r)), before + 4, "but for what commands need");
}

rig_test(store, what_a_lower_store_max_keeps_from_the_next_worker_is_told_of)
{
    const char *conf =
        rig_format(r, "[service:web]\ncommand = python3 %s\n",
                   script(r, "if not found():\n"
                             "    for i in range(5): send('FDSTORE=1', [os.open('/dev/null', 0)])\n"
                             "send('STATUS=%d' % len(found()))\n"
                             "signal.pause()\n"));
    rig_up(r, conf);
    rig_until(r, strcmp(status(r), "0") == 0);
    rig_configure(r, rig_format(r, "%sstore_max = 2\n", conf));
    rig_cmd_ok(r, "update");
    rig_cmd_ok(r, "restart", "web");
    rig_until(r, strcmp(status(r), "2") == 0);
    cr_assert(rig_log_has(r, "worker 1 is handed 2 of the 5 descriptors that are stored for it"));
    cr_assert_eq(n_stored(r), 5);
}

rig_test(store, the_most_that_can_be_configured_is_handed_on)
{
    rig_run(r, "--set", "store_max=512", "--set", ONCE, "--", "python3",
            script(r, "if not found():\n"
                      "    fds = [os.open('/dev/null', 0) for i in range(512)]\n"
                      "    for i in range(8): send('FDSTORE=1', fds[64*i:64*(i+1)])\n"
                      "send('STATUS=%d' % len(found()))\n"
                      "signal.pause()\n"));
    rig_until(r, strcmp(status(r), "0") == 0);
    rig_cmd_ok(r, "restart", "python3");
    rig_until(r, strcmp(status(r), "512") == 0);
}

rig_test(store, names_may_be_as_long_as_one_variable_can_tell)
{
    rig_run(r, "--set", "store_max=512", "--set", ONCE, "--listen", rig_format(r, "web=unix:%s/web", r->dir),
            "--", "python3",
            script(r, "if len(found()) == 1:\n"
                      "    for i in range(251):\n"
                      "        send('FDSTORE=1\\nFDNAME=' + 'x' * 255, [os.open('/dev/null', 0)])\n"
                      "send('STATUS=%d' % sum(name == 'x' * 255 for name, fd in found()))\n"
                      "signal.pause()\n"));
    rig_until(r, strcmp(status(r), "0") == 0);
    cr_assert_eq(n_stored(r), LIMIT_STORE_NAMES / 256);
    cr_assert(rig_log_has(r, "more than 64000 characters of names"));
    rig_cmd_ok(r, "restart", "python3");
    rig_until(r, strcmp(status(r), "250") == 0);
}

rig_test(store, a_bad_name_stores_nothing)
{
    rig_run(r, "--", "python3",
            script(r, "for name in ('', 'a:b', 'x' * 256, '\\x7f'):\n"
                      "    send('FDSTORE=1\\nFDNAME=' + name, [0])\n"
                      "send('FDSTORE=1\\nFDNAME=' + 'x' * 255, [0])\n"
                      "send('STATUS=done')\n"
                      "signal.pause()\n"));
    rig_until(r, strcmp(status(r), "done") == 0);
    cr_assert_eq(n_stored(r), 1);
    cr_assert(rig_log_has(r, "has a FDNAME that is none"));
}

rig_test(store, without_a_way_to_tell_of_them_nothing_is_stored)
{
    rig_run(r, "--set", "handoff=none", "--", "python3",
            script(r, "assert 'FDSTORE' not in os.environ\n"
                      "send('FDSTORE=1', [0])\n"
                      "send('STATUS=done')\n"
                      "signal.pause()\n"));
    rig_until(r, strcmp(status(r), "done") == 0);
    cr_assert_eq(n_stored(r), 0);
    cr_assert(rig_log_has(r, "no later worker could be told of it"));
}

rig_test(store, they_leave_room_for_the_descriptor_of_readiness)
{
    rig_run(r, "--ready", "fd:5", "--set", ONCE, "--listen", rig_format(r, "web=unix:%s/web", r->dir), "--",
            "python3",
            script(r, "assert os.environ['FDSTORE'] == '1'\n"
                      "send('STATUS=' + ' '.join(name for name, fd in found()))\n"
                      "send('FDSTORE=1\\nFDNAME=x', [s.fileno(), os.open('/dev/null', 0)])\n"
                      "os.write(5, b'\\n')\n"
                      "signal.pause()\n"));
    rig_wait_state(r, "running");
    rig_until(r, n_stored(r) == 1);
    rig_cmd_ok(r, "restart", "python3");
    rig_wait_state(r, "running");
    rig_until(r, strcmp(status(r), "web x") == 0);
}

rig_test(store, each_slot_has_its_own)
{
    rig_run(r, "--workers", "2", "--set", ONCE, "--", "sh", "-c",
            rig_format(r, "exec %s listen store:of-$BERTH_WORKER say:STATUS=here wait", sd_say(r)));
    rig_until(r, rig_worker_pid(r, 1) > 0 && rig_worker_pid(r, 2) > 0 && n_stored(r) == 1);
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL);
    rig_until(r, strstr(rig_read_file(r, r->out_path), "of-1: of-1\n1\n") != NULL);
    rig_until(r, n_stored(r) == 2);
    rig_cmd_ok(r, "scale", "sh=1");
    rig_kill(r, rig_wait_worker(r, 1, 0), SIGKILL);
    rig_until(r, strstr(rig_read_file(r, r->out_path), "of-1: of-1\nof-1: of-1\n2\n") != NULL);
    cr_assert(!strstr(rig_read_file(r, r->out_path), "of-2"));
}

rig_test(store, they_come_over_a_channel_too)
{
    rig_run(r, "--set", "handoff=channel", "--set", ONCE, "--listen",
            rig_format(r, "web=unix:%s/web", r->dir), "--", "python3",
            script(r, "c = socket.socket(fileno=int(os.environ['BERTH_CHANNEL']))\n"
                      "text, fds, flags, _ = socket.recv_fds(c, 65536, 253)\n"
                      "names = [l[5:] for l in text.decode().split('\\n') if l.startswith('NAME=')]\n"
                      "assert len(names) == len(fds)\n"
                      "if len(fds) == 1:\n"
                      "    f = os.memfd_create('x'); os.write(f, b'inside')\n"
                      "    send('FDSTORE=1\\nFDNAME=mine', [f])\n"
                      "    send('STATUS=stored')\n"
                      "else:\n"
                      "    send('STATUS=%s %s' % (names[1], os.pread(fds[1], 100, 0).decode()))\n"
                      "signal.pause()\n"));
    rig_until(r, strcmp(status(r), "stored") == 0);
    rig_cmd_ok(r, "restart", "python3");
    rig_until(r, strcmp(status(r), "mine inside") == 0);
}

rig_test(store, what_is_stored_is_explained)
{
    rig_run(r, "--", sd_say(r), "store:one", "say:STATUS=stored", "wait");
    rig_until(r, strcmp(status(r), "stored") == 0);
    const struct rig_result *result = rig_cmd_ok(r, "explain", "sd_say");
    cr_assert(strstr(result->out, "stored") && strstr(result->out, "FDSTORE") &&
                  strstr(result->out, "LISTEN_FDNAMES"),
              "%s", result->out);
}

/* An accepted connection outlives everybody who had it. */
rig_test(store, a_connection_outlives_its_worker_and_the_supervisor)
{
    rig_run(r, "--set", ONCE, "--listen", rig_address(r, 4), "--", "python3",
            script(r, "listener, client = None, None\n"
                      "for name, fd in found():\n"
                      "    if name == 'client': client = socket.socket(fileno=fd)\n"
                      "    else: listener = socket.socket(fileno=fd)\n"
                      "if not client:\n"
                      "    client, _ = listener.accept()\n"
                      "    send('FDSTORE=1\\nFDNAME=client', [client.fileno()])\n"
                      "while client.recv(100): client.sendall(b'%d\\n' % os.getpid())\n"
                      "send('FDSTOREREMOVE=1\\nFDNAME=client')\n"
                      "signal.pause()\n"));
    cr_assert_eq(mkfifo(rig_path(r, "gate"), 0600), 0);
    int gate = open(rig_path(r, "gate"), O_RDWR | O_CLOEXEC);
    rig_wait_worker(r, 1, 0); /* then there is a listener */
    pid_t client = rig_spawn(r, "said",
                             RIG_ARGV("python3", "-c",
                                      rig_format(r,
                                                 "import socket, sys\n"
                                                 "c = socket.create_connection(('127.0.0.1', %u))\n"
                                                 "for line in open('%s'):\n"
                                                 "    if line == 'end\\n': break\n"
                                                 "    c.sendall(b'x')\n"
                                                 "    answer = c.recv(100)\n"
                                                 "    assert answer.endswith(b'\\n')\n"
                                                 "    print(answer.decode(), end='', flush=True)\n"
                                                 "c.shutdown(socket.SHUT_WR)\n"
                                                 "assert c.recv(1) == b''\n",
                                                 r->port, rig_path(r, "gate"))));
    const char *expected = "";
    for (int i = 0; i < 6; i++) {
        pid_t worker = rig_wait_worker(r, 1, 0);
        cr_assert_eq(write(gate, "x\n", 2), 2);
        expected = rig_format(r, "%s%d\n", expected, (int)worker);
        rig_until(r, strcmp(rig_read_file(r, rig_path(r, "said")), expected) == 0);
        rig_until(r, n_stored(r) == 1);
        if (i % 3 == 0)
            rig_kill(r, worker, SIGKILL);
        else if (i % 3 == 1)
            rig_cmd_ok(r, "restart", "python3");
        else
            rig_kill_supervisor(r);
        if (i % 3 != 2)
            rig_wait_worker(r, 1, worker);
    }
    cr_assert_eq(write(gate, "end\n", 4), 4);
    close(gate);
    rig_until(r, n_stored(r) == 0);
    rig_cmd_ok(r, "stop", "python3"); /* the last who has the connection */
    cr_assert_eq(rig_wait_child(r, client), 0);
}
