/* test_take_over_odds: take-overs in which the two berths come into each other's way, or the new one wants
 * something else than the old one had. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "taker.h"

/* Each has a cgroup for each worker, and the old one kills all that is in its own. */
rig_test(take_over, workers_with_one_cgroup_do_not_kill_each_other)
{
    const char *cgroup = rig_format(r, "cgroup=%s", strrchr(r->dir, '/') + 1);
    const char *what[] = {"--set",    cgroup,
                          "--set",    "kill=cgroup",
                          "--set",    "stop_timeout=100ms",
                          "--set",    "settle=10ms",
                          "--listen", rig_address(r, 4),
                          "--",       "sh",
                          "-c",       "trap '' TERM; sleep 1000",
                          NULL};
    const struct rig_result *result =
        rig_exec(r, RIG_ARGV(r->berth, "run", "--set", cgroup, "--set", "kill=cgroup", "--", "true"));
    if (result->status != 0) { /* where no cgroup can be made */
        cr_assert(strstr(result->err, "could not be started: cgroup: "), "%s", result->err);
        return;
    }
    rig_start(r, rig_run_argv(r, what));
    rig_wait_state(r, "running");
    struct taker t = taker_start(r, taker_run_argv(r, what));
    taker_becomes(r, &t, 0);
    cr_assert(rig_process_is_alive(rig_worker_pid(r, 1)));
    cr_assert_eq(rig_worker_restarts(r, 1), 0);
    cr_assert(!rig_log_has(r, "was killed by"));
}
