/* test_restart: when a worker that ended is started again, and when not. */
#include "config.h"

#include <signal.h>
#include <string.h>

#include "rig.h"

rig_test(restart, follows_a_crash_at_once_when_the_worker_was_stable)
{
    rig_run(r, "--set", "stable_after=0", "--set", "restart_delay=1h", "--set", "restart_delay_max=1h",
            "--listen", rig_address(r, 4), "--", r->probe);
    pid_t first = rig_wait_worker(r, 1, 0);
    rig_kill(r, first, SIGKILL);
    rig_wait_worker(r, 1, first);
    cr_assert(rig_worker_restarts(r, 1) == 1);
    cr_assert(rig_log_has(r, "KILL"), "the log tells how the worker ended");
}

rig_test(restart, waits_longer_after_each_failure_of_a_worker_that_never_was_stable)
{
    rig_run(r, "--set", "restart_delay=20ms", "--", r->probe, "--from", "none", "--exit-status", "1");
    rig_until(r, rig_worker_restarts(r, 1) >= 3);
    rig_until(r, strcmp(rig_worker_state(r, 1), "backoff") == 0);
}

rig_test(restart, happens_after_success_too_with_policy_always)
{
    rig_run(r, "--restart", "always", "--set", "restart_delay=10ms", "--", "true");
    rig_until(r, rig_worker_restarts(r, 1) >= 3);
}

rig_test(restart, does_not_follow_success)
{
    rig_run(r, "--", r->probe, "--from", "none", "--exit-after", "20", "--exit-status", "0");
    cr_assert(rig_wait_exit(r) == 0);
}

rig_test(restart, takes_the_configured_statuses_for_success)
{
    rig_run(r, "--set", "success_status=3,TERM", "--", "sh", "-c", "exit 3");
    cr_assert(rig_wait_exit(r) == 3, "%d", r->exit_status);
}

rig_test(restart, gives_up_at_the_limit_and_ends_with_the_status)
{
    rig_run(r, "--set", "restart_limit=3/1m", "--set", "restart_delay=1ms", "--", "sh", "-c",
            "echo again; exit 9");
    cr_assert(rig_wait_exit(r) == 9, "%d", r->exit_status);
    unsigned n = 0;
    for (const char *s = rig_read_file(r, r->out_path); (s = strstr(s, "again")) != NULL; s++)
        n++;
    cr_assert(n == 3 || n == 4, "started %u times", n);
}

rig_test(restart, of_one_worker_leaves_the_others_alone)
{
    rig_run(r, "--set", "stable_after=0", "--workers", "3", "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    pid_t first = rig_worker_pid(r, 1), second = rig_worker_pid(r, 2), third = rig_worker_pid(r, 3);
    rig_kill(r, second, SIGKILL);
    rig_wait_worker(r, 2, second);
    cr_assert(rig_worker_pid(r, 1) == first && rig_worker_pid(r, 3) == third);
}
