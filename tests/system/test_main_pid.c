/* test_main_pid: a worker that hands over to another process of its own. */
#include "config.h"

#include <signal.h>

#include "say.h"

/* A daemon that goes into the background, as libsystemd's users do: the child speaks for the parent. */
#define DAEMON                                                                                               \
    PYTHON "told, tell = os.pipe()\n"                                                                        \
           "if os.fork():\n"                                                                                 \
           "    os.close(tell)\n"                                                                            \
           "    os.read(told, 1)\n"                                                                          \
           "    os._exit(0)\n"                                                                               \
           "os.setsid()\n"                                                                                   \
           "if os.fork(): os._exit(0)\n"                                                                     \
           "signal.signal(signal.SIGTERM, lambda *a: os._exit(0))\n"                                         \
           "send(b'MAINPID=%d\\nREADY=1' % os.getpid())\n"                                                   \
           "os.write(tell, b'x')\n"                                                                          \
           "while True: signal.pause()\n"

rig_test(main_pid, a_daemon_that_forks_is_followed_to_its_end)
{
    rig_run(r, "--ready", "notify", "--set", "stable_after=0", "--", DAEMON);
    rig_wait_state(r, "running");
    rig_until(r, rig_log_has(r, "goes on in its place"));
    pid_t daemon = rig_worker_pid(r, 1);
    cr_assert(rig_process_is_alive(daemon));
    cr_assert_eq(rig_parent_of(daemon), r->keeper);
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert_eq(rig_worker_pid(r, 1), daemon);
    rig_kill(r, daemon, SIGKILL);
    rig_until(r, rig_log_has(r, "was killed by KILL"));
    rig_wait_worker(r, 1, daemon);
    rig_until(r, rig_worker_restarts(r, 1) == 1);
    rig_cmd_ok(r, "restart", "python3");
    cr_assert_eq(rig_stop(r), 0);
}

/* One that forks twice, and whose middle process is still there LONGER than the first one, in seconds. */
#define SLOW_DAEMON(longer)                                                                                  \
    PYTHON "told, tell = os.pipe()\n"                                                                        \
           "first = os.getpid()\n"                                                                           \
           "if os.fork():\n"                                                                                 \
           "    os.read(told, 1)\n"                                                                          \
           "    os._exit(0)\n"                                                                               \
           "if os.fork():\n"                                                                                 \
           "    while os.getppid() == first: time.sleep(0.001)\n"                                            \
           "    time.sleep(" longer ")\n"                                                                    \
           "    os._exit(0)\n"                                                                               \
           "send(b'MAINPID=%d' % os.getpid())\n"                                                             \
           "os.write(tell, b'x')\n"                                                                          \
           "while True: signal.pause()\n"

rig_test(main_pid, a_middle_process_that_ends_late_is_waited_for)
{
    rig_run(r, "--", SLOW_DAEMON("0.1")); /* berth waits for a second */
    rig_until(r, rig_log_has(r, "goes on in its place"));
    pid_t daemon = rig_worker_pid(r, 1);
    cr_assert(rig_process_is_alive(daemon));
    cr_assert_eq(rig_worker_restarts(r, 1), 0);
    rig_kill(r, daemon, SIGTERM);
    rig_until(r, rig_log_has(r, "was killed by TERM"));
}

rig_test(main_pid, a_middle_process_that_stays_is_not_waited_for)
{
    rig_run(r, "--", SLOW_DAEMON("1000"));
    cr_assert_eq(rig_wait_exit(r), 0);
    cr_assert_not(rig_log_has(r, "goes on in its place"));
}

rig_test(main_pid, one_that_is_deaf_is_killed_though_it_leads_no_group)
{
    rig_run(r, "--ready", "notify", "--stop-timeout", "200ms", "--", DAEMON);
    rig_wait_state(r, "running");
    rig_until(r, rig_log_has(r, "goes on in its place"));
    kill(rig_worker_pid(r, 1), SIGSTOP);
    rig_cmd_ok(r, "stop", "python3");
}

rig_test(main_pid, strangers_are_refused)
{
    rig_run(r, "--",
            PYTHON "send(b'MAINPID=1')\n"
                   "send(b'MAINPID=%d' % os.getppid())\n"
                   "send(b'MAINPID=999999999')\n"
                   "send(b'STATUS=said')\n"
                   "signal.pause()\n");
    rig_until(r, has_status(r, "said"));
    cr_assert_null(worker_member(r, "main_pid"));
    cr_assert(rig_log_has(r, "names berth or process 1 as its main process"));
}

rig_test(main_pid, a_child_that_ended_first_is_not_followed)
{
    rig_run(r, "--set", "restart=no", "--",
            PYTHON "told, tell = os.pipe()\n"
                   "child = os.fork()\n"
                   "if not child:\n"
                   "    os.read(told, 1)\n"
                   "    os._exit(0)\n"
                   "heard, hear = os.pipe()\n"
                   "send(b'MAINPID=%d' % child)\n"
                   "send(b'BARRIER=1', [hear])\n"
                   "os.close(hear)\n"
                   "os.write(tell, os.read(heard, 1) or b'x')\n"
                   "os.waitpid(child, 0)\n"
                   "sys.exit(7)\n");
    cr_assert_eq(rig_wait_exit(r), 7);
    cr_assert(rig_log_has(r, "is its main one"));
}

rig_test(main_pid, is_told_by_a_pidfd_or_its_number_too)
{
    rig_run(r, "--",
            PYTHON "child = os.fork()\n"
                   "if not child: signal.pause()\n"
                   "other = os.fork()\n"
                   "if not other: signal.pause()\n"
                   "fd = os.pidfd_open(child)\n"
                   "send(b'MAINPIDFD=1', [0])\n"
                   "send(b'MAINPIDFD=1')\n"
                   "send(b'MAINPID=%d\\nMAINPIDFDID=77' % other)\n"
                   "send(b'MAINPID=%d\\nMAINPIDFDID=%d' % (child, os.fstat(fd).st_ino))\n"
                   "send(b'MAINPIDFD=1\\nMAINPID=%d' % other, [fd])\n"
                   "send(b'MAINPIDFD=1\\nSTATUS=%d' % child, [fd])\n"
                   "signal.pause()\n");
    rig_until(r, worker_member(r, "status") != NULL);
    cr_assert_eq(json_integer_value(worker_member(r, "main_pid")),
                 strtol(json_string_value(worker_member(r, "status")), NULL, 10));
    cr_assert(rig_log_has(r, "has MAINPIDFD=1 and a descriptor that is no pidfd"));
}
