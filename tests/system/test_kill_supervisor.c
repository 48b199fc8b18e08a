/* test_kill_supervisor: the supervisor is killed outright, at random moments, under load. No request is lost,
 * no worker restarted, no descriptor lost or doubled; and what happened while nobody supervised is known
 * afterwards. */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

#define KILLS 100
#define CLIENTS 4

static void wait_ms(int ms)
{
    poll(NULL, 0, ms);
}

/* Kills it either when it has found its feet (three times of four) or somewhere on the way there. */
static void kill_at_a_random_moment(struct rig *r, int round)
{
    if (round % 4 == 3) {
        rig_until(r, rig_supervisor_pid(r) > 0);
        wait_ms((int)(random() % 8));
    } else {
        rig_wait_state(r, "running");
        wait_ms((int)(random() % 20));
    }
    rig_kill_supervisor(r);
}

static unsigned count_in(const char *text, const char *word)
{
    unsigned n = 0;

    for (const char *s = strstr(text, word); s != NULL; s = strstr(s + 1, word))
        n++;
    return n;
}

static void kill_a_hundred_supervisors(struct rig *r, const char *address)
{
    struct load *load;
    const char *worker_fds, *listener;
    size_t keeper_fds;
    pid_t worker;

    rig_run(r, "--listen", address, "--", r->probe, "--report", r->report);
    worker = rig_wait_report(r, "serving"); /* it has opened all that it will */
    /* One restart first: what a second supervisor adds is then there already. */
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    worker_fds = rig_fds(r, worker);
    keeper_fds = rig_count_fds(r->pid);
    listener = rig_format(r, "socket:[%lu]\n", rig_socket_inode(worker, 3));
    load = rig_load(r, address, CLIENTS);
    for (int i = 0; i < KILLS; i++)
        kill_at_a_random_moment(r, i);
    rig_wait_state(r, "running");
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    cr_assert(rig_worker_pid(r, 1) == worker && rig_worker_restarts(r, 1) == 0);
    cr_assert(count_in(rig_fds(r, worker), listener) == 1);
    rig_until(r, strcmp(rig_fds(r, worker), worker_fds) == 0);
    cr_assert(count_in(rig_fds(r, r->pid), listener) == 1, "the keeper holds it once");
    rig_until(r, rig_count_fds(r->pid) == keeper_fds);
    cr_assert(count_in(rig_fds(r, rig_supervisor_pid(r)), listener) == 1, "so does the supervisor");
}

rig_test(kill_supervisor, a_hundred_times_over_tcp)
{
    kill_a_hundred_supervisors(r, rig_address(r, 4));
}

rig_test(kill_supervisor, a_hundred_times_over_a_unix_socket)
{
    kill_a_hundred_supervisors(r, rig_address(r, 1));
}

rig_test(kill_supervisor, and_the_worker_together_restarts_the_worker)
{
    struct load *load;
    pid_t worker;

    rig_run(r, "--set", "stable_after=0", "--listen", rig_address(r, 4), "--", r->probe);
    worker = rig_wait_worker(r, 1, 0);
    load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int i = 0; i < 10; i++) {
        pid_t supervisor = rig_supervisor_pid(r);
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS) && supervisor > 0);
        /* The keeper must not start a successor before the worker has ended too. */
        kill(r->keeper, SIGSTOP);
        rig_kill(r, supervisor, SIGKILL);
        rig_kill(r, worker, SIGKILL);
        kill(r->keeper, SIGCONT);
        worker = rig_wait_worker(r, 1, worker);
        cr_assert(rig_worker_restarts(r, 1) == i + 1, "%d restarts after %d ends", rig_worker_restarts(r, 1),
                  i + 1);
    }
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 10 * CLIENTS);
}

rig_test(kill_supervisor, does_not_hide_how_a_worker_ended_meanwhile)
{
    rig_run(r, "--set", "restart=no", "--listen", rig_address(r, 4), "--", r->probe);
    pid_t worker = rig_wait_worker(r, 1, 0), supervisor = rig_supervisor_pid(r);
    kill(r->keeper, SIGSTOP);
    rig_kill(r, supervisor, SIGKILL);
    rig_kill(r, worker, SIGUSR1);
    kill(r->keeper, SIGCONT);
    cr_assert(rig_wait_exit(r) == 128 + SIGUSR1, "%d", r->exit_status);
}

rig_test(kill_supervisor, while_a_worker_stops_still_ends_it_in_time)
{
    rig_run(r, "--stop-timeout", "5s", "--listen", rig_address(r, 4), "--", r->probe, "--ignore-term",
            "--report", r->report);
    rig_wait_report(r, "serving");
    pid_t worker = rig_wait_worker(r, 1, 0);
    kill(r->pid, SIGTERM);
    rig_wait_state(r, "stopping");
    rig_kill_supervisor(r);
    rig_wait_exit(r);
    cr_assert(!rig_process_is_alive(worker));
}

rig_test(kill_supervisor, keeps_what_an_operator_had_said)
{
    rig_run(r, "--workers", "1", "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    rig_cmd_ok(r, "scale", "probe=3");
    rig_kill_supervisor(r);
    rig_until(r, rig_worker_pid(r, 3) > 0);
    rig_cmd_ok(r, "stop", "probe");
    rig_kill_supervisor(r);
    rig_wait_state(r, "stopped");
    cr_assert(rig_worker_pid(r, 1) == 0 && rig_worker_pid(r, 3) == 0);
    rig_cmd_ok(r, "start", "probe");
    cr_assert(rig_worker_pid(r, 1) > 0 && rig_worker_pid(r, 3) > 0);
}

rig_test(kill_supervisor, in_quick_succession_never_stops_the_service)
{
    struct load *load;

    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    pid_t worker = rig_wait_worker(r, 1, 0);
    load = rig_load(r, rig_address(r, 4), CLIENTS);
    /* Quicker than it can ever become stable: the keeper slows down and at last starts it without its soft
     * state. */
    for (int i = 0; i < 6; i++)
        rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert(rig_worker_pid(r, 1) == worker);
    rig_load_end(r, load, 0);
}

/* The fifth one knows nothing of what is in the soft state. */
rig_test(kill_supervisor, again_and_again_does_not_undo_the_end_of_berth)
{
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, "BERTH_CRASH_AT=keeper_stable_before:1:1:4");
    rig_expect(r, 0, RIG_ARGV("mkfifo", rig_path(r, "go")));
    rig_up(r, rig_format(r,
                         "[service:main]\ncommand = sh -c 'echo once >>%s; exit 7'\nessential = yes\n"
                         "restart = no\nafter = side\n"
                         "[service:side]\nready = fd:9\ncommand = sh -c 'trap \"read x <%s; exit\" TERM; "
                         "echo >&9; while :; do sleep 0.01; done'\n",
                         rig_path(r, "said"), rig_path(r, "go")));
    rig_until(r, rig_log_has(r, "shutting down"));
    rig_kill_supervisor(r);
    rig_until(r, rig_log_has(r, "(restart 5,"));
    rig_expect(r, 0, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", rig_path(r, "go"))));
    cr_assert_eq(rig_wait_exit(r), 7);
    cr_assert_str_eq(rig_read_file(r, rig_path(r, "said")), "once\n", "it was not started again");
}

rig_test(kill_supervisor, that_hangs_does_not_hold_the_keeper_up)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--orphans", "100", "--report", r->report);
    rig_wait_report(r, "orphaned");
    pid_t worker = rig_wait_worker(r, 1, 0), supervisor = rig_supervisor_pid(r);
    kill(supervisor, SIGSTOP);
    rig_kill(r, worker, SIGKILL);
    rig_until(r, rig_count_zombies(r->pid) == 0);
    for (int i = 0; i < 200; i++)
        kill(r->pid, SIGWINCH);
    kill(supervisor, SIGCONT);
    rig_wait_worker(r, 1, worker);
    cr_assert(rig_supervisor_pid(r) == supervisor);
}
