/* test_standby_signal: reload = signal with spares: those that wait are sent the signal, one that boots is
 * sent it later, and one that takes the place of a worker which dies of the signal makes no success of it. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standby_rig.h"

static unsigned count_lines(struct rig *r, const char *line)
{
    const char *text = rig_format(r, "\n%s", rig_read_file(r, rig_path(r, "told")));
    const char *whole = rig_format(r, "\n%s\n", line);
    unsigned n = 0;
    while ((text = strstr(text, whole)) && text++)
        n++;
    return n;
}

/* Workers that write their pid to a file on HUP, which they can from their very start; they boot while there
 * is no file "hold". They look up now and then, as Python may sit down to wait with a signal in its hands.
 * KEYS. */
static void begin(struct rig *r, const char *keys, unsigned ready, unsigned spares)
{
    rig_write_file(rig_path(r, "worker"),
                   "import os, select, signal, socket, sys, time\n"
                   "is_spare = True\n"
                   "told = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"
                   "def tell(signo, frame):\n"
                   "    os.write(told, b'%d\\n' % os.getpid())\n"
                   "    if os.path.exists(sys.argv[3 if is_spare else 4]): os._exit(3)\n"
                   "signal.signal(signal.SIGHUP, tell)\n"
                   "c = socket.socket(fileno=int(os.environ['BERTH_CHANNEL']))\n"
                   "os.write(told, b'boots\\n')\n"
                   "while os.path.exists(sys.argv[2]): time.sleep(0.01)\n"
                   "c.send(b'WAITING=1')\n"
                   "while not select.select([c], [], [], 0.1)[0]: pass\n"
                   "c.recv(65536)\n"
                   "is_spare = False\n"
                   "os.write(told, b'serves\\n')\n"
                   "while True: time.sleep(0.1)\n");
    rig_up(r, rig_format(r,
                         "[service:web]\nhandoff = channel\nreload = signal:HUP\n"
                         "stable_after = 0\n%scommand = python3 %s %s %s %s %s\n",
                         keys, rig_path(r, "worker"), rig_path(r, "told"), rig_path(r, "hold"),
                         rig_path(r, "bad-spare"), rig_path(r, "bad-worker")));
    rig_until(r, count_lines(r, "serves") == ready && standby_is_complete(r, ready, spares));
}

static unsigned times_told(struct rig *r, pid_t pid)
{
    return count_lines(r, rig_format(r, "%d", (int)pid));
}

rig_test(standby_signal, a_reload_reaches_workers_and_the_spares_that_wait)
{
    begin(r, "workers = 2\nstandby = 2\nsettle = 200ms\n", 2, 2);
    pid_t one = standby_find(r, "ready", 0, 0), two = standby_find(r, "ready", one, 0),
          spare = standby_find(r, "standby", 0, 0), other = standby_find(r, "standby", spare, 0);
    rig_cmd_ok(r, "reload", "web");
    rig_until(r, times_told(r, one) == 1 && times_told(r, two) == 1);
    rig_until(r, times_told(r, spare) == 1 && times_told(r, other) == 1);
    cr_assert(standby_is_complete(r, 2, 2) && standby_find(r, "ready", one, two) == 0 &&
              standby_find(r, "standby", spare, other) == 0);
    rig_kill(r, one, SIGKILL); /* and who was told as a spare serves as any other */
    rig_until(r, standby_is_complete(r, 2, 2));
    rig_cmd_ok(r, "reload", "web");
    rig_until(r, times_told(r, spare) == 2 && times_told(r, other) == 2);
}

/* Before that it may not know the signal; it may have read what is old. */
static void check_that_one_that_boots_is_told_later(struct rig *r, bool is_supervisor_killed)
{
    begin(r, "standby = 1\nsettle = 200ms\n", 1, 1);
    pid_t worker = standby_find(r, "ready", 0, 0), spare = standby_find(r, "standby", 0, 0), booting = 0;
    standby_touch(r, "hold");
    rig_kill(r, spare, SIGKILL);
    rig_until(r, (booting = standby_find(r, "starting", 0, 0)) != 0 && count_lines(r, "boots") == 3);
    rig_cmd_ok(r, "reload", "web");
    rig_until(r, times_told(r, worker) == 1);
    cr_assert_eq(times_told(r, booting), 0);
    if (is_supervisor_killed)
        rig_kill_supervisor(r);
    unlink(rig_path(r, "hold"));
    rig_until(r, standby_find(r, "standby", 0, 0) == booting && times_told(r, booting) == 1);
    rig_kill(r, worker, SIGKILL);
    rig_until(r, standby_find(r, "ready", 0, 0) == booting && standby_is_complete(r, 1, 1));
    cr_assert_eq(times_told(r, booting), 1, "once");
    cr_assert_eq(times_told(r, standby_find(r, "standby", 0, 0)), 0, "it was started behind the reload");
}

rig_test(standby_signal, a_reload_reaches_a_spare_that_boots_once_it_has_booted)
{
    check_that_one_that_boots_is_told_later(r, false);
}

rig_test(standby_signal, a_reload_reaches_a_spare_that_boots_though_the_supervisor_is_killed)
{
    check_that_one_that_boots_is_told_later(r, true);
}

/* The spare dies, or the worker, and the spare takes its place. */
static void check_that_a_death_is_no_reload(struct rig *r, const char *bad)
{
    begin(r, "standby = 1\nsettle = 100s\n", 1, 1);
    standby_touch(r, bad);
    const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("reload", "web")))->err;
    cr_assert(strstr(err, "exited with status 3"), "%s", err);
    rig_until(r, standby_is_complete(r, 1, 1));
}

rig_test(standby_signal, that_a_spare_dies_of_is_no_reload)
{
    check_that_a_death_is_no_reload(r, "bad-spare");
    cr_assert_eq(rig_pid_of(r, "web", 1), standby_find(r, "ready", 0, 0));
}

rig_test(standby_signal, that_a_worker_dies_of_is_no_reload_though_a_spare_takes_its_place)
{
    check_that_a_death_is_no_reload(r, "bad-worker");
    cr_assert_eq(rig_pid_of(r, "web", 2), standby_find(r, "ready", 0, 0));
}
