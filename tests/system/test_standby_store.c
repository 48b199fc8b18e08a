/* test_standby_store: what workers leave with berth (FDSTORE=1), where spares take their places. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "standby_rig.h"

/* What worker N says of itself. */
static const char *status_of(struct rig *r, int n)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0), *w;
    size_t i;
    json_array_foreach (json_object_get(service, "workers"), i, w)
        if (json_integer_value(json_object_get(w, "worker")) == n && json_object_get(w, "status"))
            return json_string_value(json_object_get(w, "status"));
    return "";
}

static long stored_by(struct rig *r, int n)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    json_t *w = json_array_get(json_object_get(service, "workers"), (size_t)n - 1);
    return (long)json_integer_value(json_object_get(w, "stored"));
}

/* Of their memory files, how many does the keeper hold? */
static unsigned n_held(struct rig *r)
{
    unsigned n = 0;
    for (const char *at = rig_fds(r, r->keeper); (at = strstr(at, "memfd:memory")) != NULL; at++)
        n++;
    return n;
}

/* Workers that leave a memory file with a number in it: 0, or one more than what was left for them, and say
 * "has" and the number. On USR1 they say that they hang, and of ABRT they do not end. With ARG "spare"
 * spares leave 0 as well; with "last" workers leave it when they are told to go, once there is a file "go",
 * otherwise at once. */
static void begin(struct rig *r, const char *arg, const char *keys, unsigned spares)
{
    const char *script = rig_path(r, "worker");
    rig_write_file(script,
                   "import os, signal, socket, sys, time\n"
                   "c = socket.socket(fileno=int(os.environ['BERTH_CHANNEL']))\n"
                   "n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                   "n.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:])\n"
                   "number = None\n"
                   "def leave():\n"
                   "    fd = os.memfd_create('memory')\n"
                   "    os.write(fd, b'%d' % number)\n"
                   "    n.send(b'FDSTOREREMOVE=1\\nFDNAME=memory')\n"
                   "    socket.send_fds(n, [b'FDSTORE=1\\nFDNAME=memory'], [fd])\n"
                   "def go(*_):\n"
                   "    if number is not None and sys.argv[1] == 'last':\n"
                   "        while not os.path.exists(sys.argv[2]): time.sleep(0.01)\n"
                   "        leave()\n"
                   "    os._exit(0)\n"
                   "signal.signal(signal.SIGTERM, go)\n"
                   "signal.signal(signal.SIGUSR1, lambda *_: n.send(b'WATCHDOG=trigger'))\n"
                   "signal.signal(signal.SIGABRT, lambda *_: 0)\n"
                   "n.send(b'RESTART_RESET=1' if os.environ['BERTH_WORKER'] == '2' else b'X=1')\n"
                   "if sys.argv[1] == 'spare' and os.environ['BERTH_WORKER'] == '2': number = 0; leave()\n"
                   "c.send(b'WAITING=1')\n"
                   "text, fds, _, _ = socket.recv_fds(c, 65536, 253)\n"
                   "number = int(os.pread(fds[-1], 100, 0)) + 1 if b'NAME=memory' in text else 0\n"
                   "if sys.argv[1] != 'last': leave()\n"
                   "n.send(b'STATUS=has %d' % number)\n"
                   "while True: time.sleep(0.1)\n"); /* pause() may begin with a signal in Python's hands */
    rig_up(r, rig_format(r,
                         "[service:web]\nhandoff = channel\nwatchdog = 1h\nstop_timeout = 1h\n%scommand = "
                         "python3 %s %s %s\n",
                         keys, script, arg, rig_path(r, "go")));
    rig_until(r, strcmp(status_of(r, 1), "has 0") == 0 && standby_is_complete(r, 1, spares));
}

rig_test(standby_store, what_a_worker_has_stored_goes_to_the_spare_that_takes_over)
{
    begin(r, "first", "standby = 1\nstable_after = 0\n", 1);
    for (int i = 0; i < 2; i++) {
        pid_t pid = rig_worker_pid(r, 1 + i);
        kill(rig_supervisor_pid(r), SIGSTOP); /* so that it is its successor who sees the end */
        rig_kill(r, pid, SIGKILL);
        rig_kill_supervisor(r);
        rig_until(r, strcmp(status_of(r, 2 - i), rig_format(r, "has %d", i + 1)) == 0 &&
                         standby_is_complete(r, 1, 1));
        rig_until(r, n_held(r) == 1);
    }
}

rig_test(standby_store, is_passed_on_though_the_supervisor_dies_meanwhile)
{
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, "BERTH_CRASH_AT=store_passed:1");
    begin(r, "first", "standby = 1\nstable_after = 0\n", 1);
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL);
    rig_until(r, strcmp(status_of(r, 2), "has 1") == 0 && standby_is_complete(r, 1, 1));
    cr_assert(rig_log_has(r, "(restart 1,"));
    rig_until(r, n_held(r) == 1);
}

/* … and nobody would be told of. */
rig_test(standby_store, keeps_nothing_that_there_is_no_room_for)
{
    begin(r, "spare", "standby = 1\nstable_after = 0\nstore_max = 1\n", 1);
    rig_until(r, stored_by(r, 2) == 1 && n_held(r) == 2);
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL);
    rig_until(r, rig_log_has(r, "what worker 1 stored as \"memory\" is let go: with it worker 2 stores more "
                                "descriptors than store_max allows"));
    rig_until(r, strcmp(status_of(r, 2), "has 1") == 0 && standby_is_complete(r, 1, 1));
    rig_until(r, n_held(r) == 1);
}

/* One variable could not tell of them all. */
rig_test(standby_store, keeps_no_more_names_than_one_can_be_told)
{
    rig_write_file(rig_path(r, "worker"),
                   "import os, signal, socket\n"
                   "n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                   "n.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:])\n"
                   "for i in range(150):\n"
                   "    fd = os.memfd_create('memory')\n"
                   "    socket.send_fds(n, [b'FDSTORE=1\\nFDNAME=' + b'x' * 255], [fd])\n"
                   "    os.close(fd)\n"
                   "socket.socket(fileno=int(os.environ['BERTH_CHANNEL'])).send(b'WAITING=1')\n"
                   "while True: signal.pause()\n");
    rig_up(r, rig_format(r,
                         "[service:web]\nhandoff = channel\nstandby = 1\nstore_max = 512\n"
                         "command = python3 %s\n",
                         rig_path(r, "worker")));
    rig_until(r, stored_by(r, 1) == 150 && stored_by(r, 2) == 150);
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL);
    rig_until(r, rig_log_has(r, "is let go: with it worker 2 stores descriptors with more than 64000 "
                                "characters of names"));
    rig_until(r, stored_by(r, 2) == LIMIT_STORE_NAMES / 256);
}

/* It is not waited for. */
rig_test(standby_store, what_one_that_hangs_has_stored_goes_to_the_spare_as_well)
{
    begin(r, "first", "standby = 1\nstable_after = 0\n", 1);
    pid_t worker = rig_worker_pid(r, 1);
    kill(worker, SIGUSR1);
    rig_until(r, strcmp(status_of(r, 2), "has 1") == 0);
    cr_assert_str_eq(rig_worker_state(r, 1), "stopping");
    rig_kill(r, worker, SIGKILL);
    rig_until(r, standby_is_complete(r, 1, 1));
    rig_kill(r, rig_worker_pid(r, 2), SIGKILL);
    rig_until(r, strcmp(status_of(r, 1), "has 2") == 0 && standby_is_complete(r, 1, 1));
}

rig_test(standby_store, a_spare_that_is_dead_as_well_keeps_nothing_of_it)
{
    begin(r, "first", "standby = 2\nstable_after = 0\n", 2);
    pid_t worker = rig_worker_pid(r, 1), spare = rig_worker_pid(r, 2);
    kill(rig_supervisor_pid(r), SIGSTOP);
    rig_kill(r, worker, SIGKILL);
    rig_kill(r, spare, SIGKILL);
    kill(rig_supervisor_pid(r), SIGCONT);
    rig_until(r, strcmp(status_of(r, 3), "has 1") == 0 && standby_is_complete(r, 1, 2));
}

/* The dead spare's slot is the first to have a process again. */
rig_test(standby_store, what_is_stored_is_found_by_whoever_is_started_to_serve)
{
    begin(r, "first", "standby = 1\nstable_after = 1h\nrestart_delay = 500ms\n", 1);
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL);
    rig_until(r, strcmp(status_of(r, 2), "has 1") == 0 && standby_is_complete(r, 1, 1));
    rig_kill(r, rig_worker_pid(r, 2), SIGKILL);
    rig_until(r, strcmp(status_of(r, 1), "has 2") == 0 && standby_is_complete(r, 1, 1));
    pid_t worker = rig_worker_pid(r, 1), spare = rig_worker_pid(r, 2);
    kill(rig_supervisor_pid(r), SIGSTOP);
    rig_kill(r, spare, SIGKILL);
    rig_kill(r, worker, SIGKILL); /* its third end in a row: it waits longer than the spare */
    kill(rig_supervisor_pid(r), SIGCONT);
    rig_until(r, strcmp(status_of(r, 2), "has 3") == 0 && standby_is_complete(r, 1, 1));
}

/* Also what it leaves at its very end: until then nobody serves in its place. */
rig_test(standby_store, in_a_restart_a_spare_finds_what_the_worker_has_left)
{
    begin(r, "last", "standby = 1\n", 1);
    pid_t spare = rig_worker_pid(r, 2);
    pid_t restart = rig_spawn(r, "restart", rig_cmd_argv(r, RIG_ARGV("restart", "web")));
    rig_until(r, standby_find(r, "standby", spare, 0) != 0);
    cr_assert_str_eq(rig_worker_state(r, 1), "stopping");
    standby_touch(r, "go");
    cr_assert_eq(rig_wait_child(r, restart), 0);
    rig_until(r, strcmp(status_of(r, 2), "has 1") == 0 && standby_is_complete(r, 1, 1));
    rig_cmd_ok(r, "restart", "web");
    rig_until(r, strcmp(status_of(r, 1), "has 2") == 0 || strcmp(status_of(r, 2), "has 2") == 0);
    rig_until(r, standby_is_complete(r, 1, 1));
}
