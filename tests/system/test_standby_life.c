/* test_standby_life: spares and a supervisor that dies, or has no keeper; and the programs that can be
 * spares. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standby_rig.h"

/* --- the supervisor ------------------------------------------------------------------------------------ */

rig_test(standby, a_worker_that_dies_while_there_is_no_supervisor_is_replaced_by_its_successor)
{
    standby_begin(r, "standby = 1\n", 1, 1);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int i = 0; i < 5; i++) {
        pid_t worker = standby_find(r, "ready", 0, 0), spare = standby_find(r, "standby", 0, 0);
        cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
        kill(rig_supervisor_pid(r), SIGSTOP);
        rig_kill(r, worker, SIGKILL);
        rig_kill_supervisor(r);
        rig_until(r, standby_find(r, "ready", 0, 0) == spare && standby_is_complete(r, 1, 1));
    }
    rig_load_end(r, load, 5 * CLIENTS);
}

/* What is a spare is known by the soft state only. */
rig_test(standby, in_safe_mode_nobody_who_does_not_serve_is_taken_for_one_who_does)
{
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, "BERTH_CRASH_AT=keeper_stable_before:1:1:4"); /* the fifth one begins anew */
    standby_begin(r, "standby = 1\n", 1, 1);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL); /* now the second one serves, and would be the surplus */
    rig_until(r, strcmp(rig_worker_state(r, 2), "ready") == 0 && standby_is_complete(r, 1, 1));
    rig_kill_supervisor(r);
    rig_until(r, rig_log_has(r, "is one more than are to serve") && standby_is_complete(r, 1, 1));
    for (int i = 0; i < 3; i++) {
        pid_t spare = standby_find(r, "standby", 0, 0);
        cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
        rig_kill(r, standby_find(r, "ready", 0, 0), SIGKILL);
        rig_until(r, standby_find(r, "ready", 0, 0) == spare && standby_is_complete(r, 1, 1));
    }
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 4 * CLIENTS);
}

rig_test(standby, goes_on_without_a_keeper)
{
    standby_begin(r, "standby = 1\n", 1, 1);
    pid_t supervisor = rig_supervisor_pid(r), worker = standby_find(r, "ready", 0, 0),
          spare = standby_find(r, "standby", 0, 0);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    kill(r->keeper, SIGKILL);
    rig_wait_exit(r);
    r->pid = r->keeper = supervisor;
    rig_until(r, rig_log_has(r, "supervision goes on unprotected"));
    rig_kill(r, worker, SIGKILL);
    rig_wait_child(r, worker);
    rig_until(r, standby_find(r, "ready", 0, 0) == spare && standby_is_complete(r, 1, 1));
    rig_cmd_ok(r, "upgrade");
    rig_until(r, standby_find(r, "ready", 0, 0) == spare && standby_is_complete(r, 1, 1));
    kill(spare, SIGKILL); /* it is no child of the new keeper's, but ours */
    rig_wait_child(r, spare);
    rig_until(r, standby_is_complete(r, 1, 1));
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 2 * CLIENTS);
}

/* --- programs ------------------------------------------------------------------------------------------ */

rig_test(standby, berth_wait_is_all_that_a_worker_has_to_call)
{
    const char *worker = rig_format(r, "%s/tests/lib/libberth-worker", getenv("top_builddir"));
    rig_run(r, "--set", "handoff=channel", "--standby", "1", "--ready", "notify", "--set", "stable_after=0",
            "--listen", rig_address(r, 4), "--", worker);
    rig_until(r, standby_is_complete(r, 1, 1));
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int i = 0; i < 5; i++) {
        pid_t pid = standby_find(r, "ready", 0, 0), spare = standby_find(r, "standby", 0, 0);
        cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
        rig_kill(r, pid, SIGKILL);
        rig_until(r, standby_find(r, "ready", 0, 0) == spare && standby_is_complete(r, 1, 1));
    }
    rig_load_end(r, load, 5 * CLIENTS);
    rig_cmd_ok(r, "reload", "libberth-worker");
}

/* Workers that take longer to die of serving than spares to boot, so there is always another one; but for
 * those with BETTER in their environment. */
static const char *dying(struct rig *r, const char *keys)
{
    const char *script = rig_path(r, "worker");
    rig_write_file(script, "import os, signal, socket, time\n"
                           "c = socket.socket(fileno=int(os.environ['BERTH_CHANNEL']))\n"
                           "c.send(b'WAITING=1')\n"
                           "c.recv(65536)\n"
                           "if 'BETTER' in os.environ:\n"
                           "    c.send(b'READY=1')\n"
                           "    signal.pause()\n"
                           "time.sleep(0.5)\n"
                           "os._exit(7)\n");
    return rig_format(r,
                      "[service:web]\nhandoff = channel\nstandby = 2\nrestart_delay = 1ms\n"
                      "restart_delay_max = 10ms\nready = notify\nreload = restart\ncommand = python3 %s\n%s",
                      script, keys);
}

rig_test(standby, a_start_has_failed_when_workers_die_of_serving)
{
    rig_up(r, dying(r, "start = manual\n"));
    rig_wait_state_of(r, "web", "stopped");
    const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("start", "web")))->err;
    cr_assert(strstr(err, "exited with status 7"), "%s", err);
    err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("scale", "web=2")))->err;
    cr_assert(strstr(err, "exited with status 7"), "%s", err);
}

rig_test(standby, so_has_an_update)
{
    rig_up(r, dying(r, "env.BETTER = yes\n"));
    rig_until(r, standby_is_complete(r, 1, 2));
    rig_configure(r, dying(r, ""));
    const struct rig_result *result = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("update")));
    cr_assert(strstr(result->out, "exited with status 7") || strstr(result->err, "exited with status 7"),
              "%s%s", result->out, result->err);
}

static unsigned count_in_log(struct rig *r, const char *text)
{
    unsigned n = 0;
    for (const char *at = rig_log(r); (at = strstr(at, text)); at++)
        n++;
    return n;
}

rig_test(standby, a_spare_that_says_it_is_ready_is_none_and_is_complained_of_once)
{
    const char *script = rig_path(r, "worker");
    rig_write_file(script, "import os, signal, socket\n"
                           "c = socket.socket(fileno=int(os.environ['BERTH_CHANNEL']))\n"
                           "for i in range(50): c.send(b'READY=1')\n"
                           "c.send(b'WAITING=1')\n"
                           "c.recv(65536)\n"
                           "c.send(b'READY=1')\n"
                           "signal.pause()\n");
    rig_run(r, "--set", "handoff=channel", "--standby", "1", "--ready", "notify", "--set", "stable_after=0",
            "--listen", rig_address(r, 4), "--", "python3", script);
    rig_until(r, standby_is_complete(r, 1, 1));
    cr_assert_eq(count_in_log(r, "says that it is ready, and it is a spare"), 1);
    pid_t spare = standby_find(r, "standby", 0, 0);
    rig_kill(r, standby_find(r, "ready", 0, 0), SIGKILL);
    rig_until(r, standby_find(r, "ready", 0, 0) == spare && standby_is_complete(r, 1, 1));
}

/* What it is sent cannot reach it: that is told, and the next one is taken. */
rig_test(standby, a_spare_that_has_closed_its_channel_serves_nobody)
{
    const char *script = rig_path(r, "worker"), *closed = rig_path(r, "closed");
    rig_write_file(script, "import os, signal, socket, sys\n"
                           "c = socket.socket(fileno=int(os.environ['BERTH_CHANNEL']))\n"
                           "c.send(b'WAITING=1')\n"
                           "if os.environ['BERTH_WORKER'] == '2':\n"
                           "    c.shutdown(socket.SHUT_RDWR)\n"
                           "    c.close()\n"
                           "    open(sys.argv[1], 'w').close()\n"
                           "    signal.pause()\n"
                           "c.recv(65536)\n"
                           "signal.pause()\n");
    rig_run(r, "--set", "handoff=channel", "--standby", "2", "--set", "stable_after=0", "--listen",
            rig_address(r, 4), "--", "python3", script, closed);
    rig_until(r, standby_is_complete(r, 1, 2) && access(closed, F_OK) == 0);
    pid_t second = rig_worker_pid(r, 2), third = rig_worker_pid(r, 3);
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL);
    rig_until(r, standby_find(r, "ready", 0, 0) == third && standby_is_complete(r, 1, 2));
    cr_assert(
        rig_log_has(r, "could not be sent its sockets: it has closed its channel, or ended: it is killed"));
    cr_assert_neq(rig_worker_pid(r, 2), second);
}

rig_test(standby, what_a_spare_writes_to_its_descriptor_of_readiness_counts_once_it_serves)
{
    const char *script = rig_path(r, "worker");
    rig_write_file(script, "import os, signal, socket\n"
                           "c = socket.socket(fileno=int(os.environ['BERTH_CHANNEL']))\n"
                           "os.write(4, b'\\n')\n"
                           "c.send(b'WAITING=1')\n"
                           "c.recv(65536)\n"
                           "signal.pause()\n");
    rig_run(r, "--set", "handoff=channel", "--standby", "1", "--ready", "fd:4", "--set", "stable_after=0",
            "--listen", rig_address(r, 4), "--", "python3", script);
    rig_until(r, standby_is_complete(r, 1, 1));
    rig_kill(r, standby_find(r, "ready", 0, 0), SIGKILL);
    rig_until(r, standby_is_complete(r, 1, 1));
}

/* --- workers in slots that are too many ---------------------------------------------------------------- */

/* The worker of slot 2 serves, that of slot 1 boots, and there is to be slot 1 only. */
static void check_that_the_surplus_is_not_missed(struct rig *r, const char *keys, unsigned ready,
                                                 unsigned spares, void (*shrink)(struct rig *r))
{
    standby_begin(r, keys, ready, spares);
    standby_touch(r, "hold");
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL);
    rig_until(r,
              strcmp(rig_worker_state(r, 1), "ready") != 0 && strcmp(rig_worker_state(r, 2), "ready") == 0);
    pid_t worker = rig_worker_pid(r, 2);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    shrink(r);
    rig_kill_supervisor(r);
    rig_until(r, strcmp(rig_worker_state(r, 1), "starting") == 0);
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    cr_assert(rig_worker_pid(r, 2) == worker && strcmp(rig_worker_state(r, 2), "ready") == 0);
    unlink(rig_path(r, "hold"));
    rig_until(r, rig_worker_pid(r, 1) != 0 && standby_is_complete(r, 1, 0));
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

static void do_without_spares(struct rig *r)
{
    rig_configure(r, standby_configuration(r, "ready = notify\n"));
    rig_cmd_ok(r, "update");
}

rig_test(standby, without_spares_any_more_who_serves_stays_until_another_one_does)
{
    check_that_the_surplus_is_not_missed(r, "ready = notify\nstandby = 1\n", 1, 1, do_without_spares);
}

static void scale_down(struct rig *r)
{
    rig_cmd_ok(r, "scale", "--no-wait", "web=1");
}

rig_test(standby, so_it_is_where_there_never_were_spares)
{
    check_that_the_surplus_is_not_missed(r, "ready = notify\nworkers = 2\n", 2, 0, scale_down);
}
