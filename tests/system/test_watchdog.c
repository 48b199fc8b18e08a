/* test_watchdog: readiness by a newline (ready = fd:N), and signs of life (watchdog). */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

static json_t *worker_member(struct rig *r, const char *key)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    json_t *worker = json_array_get(json_object_get(service, "workers"), 0);
    return json_object_get(worker, key);
}

/* libsystemd's client; see tests/lib/sd_say.c for its words. */
static const char *sd_say(struct rig *r)
{
    const char *path = rig_format(r, "%s/tests/lib/sd_say", getenv("top_builddir"));
    if (access(path, X_OK) != 0)
        rig_skip("built without libsystemd");
    return path;
}

/* --- a newline on a descriptor ---------------------------------------------------------------------------
 */

rig_test(ready_fd, a_newline_makes_it_ready)
{
    cr_assert_eq(mkfifo(rig_path(r, "gate"), 0600), 0);
    rig_run(r, "--ready", "fd:7", "--listen", rig_address(r, 4), "--", "sh", "-c",
            rig_format(r, "printf nearly >&7; read x <%s; echo >&7; exec 7>&-; exec sleep 1000",
                       rig_path(r, "gate")));
    rig_until(r, strcmp(rig_worker_state(r, 1), "starting") == 0);
    rig_until(r, strstr(rig_fds(r, r->keeper), "pipe:"));
    rig_kill_supervisor(r);
    rig_until(r, strcmp(rig_worker_state(r, 1), "starting") == 0);
    cr_assert_eq(rig_exec(r, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", rig_path(r, "gate"))))->status,
                 0);
    rig_wait_state(r, "running");
    cr_assert(rig_log_has(r, "ready"));
    rig_until(r, !strstr(rig_fds(r, r->keeper), "pipe:"));
    const char *fds; /* sleep has only what it was given; the shell may still have something of its own */
    rig_until(r, (fds = rig_fds(r, rig_worker_pid(r, 1))) && !strstr(fds, "\n4 ") && !strstr(fds, "\n6 "));
}

rig_test(ready_fd, closed_without_a_newline_it_is_not_ready)
{
    rig_run(r, "--ready", "fd:3", "--set", "start_timeout=3s", "--", "sh", "-c",
            "printf nearly >&3; exec 3>&-; exec sleep 1000");
    rig_until(r, rig_log_has(r, "without a newline: it will not be ready"));
    rig_until(r, rig_log_has(r, "not ready within start_timeout"));
    rig_until(r, rig_worker_restarts(r, 1) > 0);
}

/* --- signs of life ---------------------------------------------------------------------------------------
 */

rig_test(watchdog, who_gives_signs_of_life_lives)
{
    rig_run(r, "--set", "watchdog=3s", "--ready", "notify", "--", sd_say(r), "watchdog:3000000",
            "say:READY=1", "feed:300");
    rig_wait_state(r, "running");
    rig_until(r, json_integer_value(worker_member(r, "since_ms")) > 3300);
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    rig_until(r, json_integer_value(worker_member(r, "since_ms")) > 6600);
    cr_assert_eq(rig_worker_restarts(r, 1), 0);
}

rig_test(watchdog, whose_end_by_it_would_be_no_failure_is_started_again)
{
    rig_run(r, "--set", "watchdog=50ms", "--set", "success_status=0, ABRT", "--set", "restart_delay=10ms",
            "--", "sleep", "1000");
    rig_until(r, rig_worker_restarts(r, 1) > 1);
}

rig_test(watchdog, who_gives_none_is_aborted_and_started_again)
{
    rig_run(r, "--set", "watchdog=300ms", "--set", "stable_after=0", "--ready", "notify", "--", sd_say(r),
            "say:READY=1", "wait");
    rig_until(r, rig_worker_restarts(r, 1) > 1);
    cr_assert(rig_log_has(r, "gave no sign of life within watchdog (300ms): it is sent ABRT"));
    cr_assert(rig_log_has(r, "was killed by ABRT"));
}

rig_test(watchdog, it_begins_anew_for_a_successor_and_does_not_end_with_the_supervisor)
{
    rig_run(r, "--set", "watchdog=3s", "--set", "restart=no", "--ready", "notify", "--", sd_say(r),
            "say:READY=1", "wait");
    rig_wait_state(r, "running");
    rig_kill_supervisor(r);
    cr_assert_eq(rig_wait_exit(r), 128 + SIGABRT);
}

rig_test(watchdog, who_ignores_abrt_is_killed)
{
    rig_run(r, "--set", "watchdog=200ms", "--stop-timeout", "200ms", "--set", "restart=no", "--ready", "fd:3",
            "--", "sh", "-c", "trap '' ABRT; echo >&3; while :; do sleep 0.05; done");
    cr_assert_eq(rig_wait_exit(r), 128 + SIGKILL);
    cr_assert(rig_log_has(r, "did not end within stop_timeout"));
}

rig_test(watchdog, a_good_exit_status_after_abrt_is_a_failure_all_the_same)
{
    rig_run(r, "--set", "watchdog=200ms", "--ready", "fd:3", "--", "sh", "-c",
            "trap 'exit 0' ABRT; echo >&3; while :; do sleep 0.05; done");
    rig_until(r, rig_worker_restarts(r, 1) > 0);
}

rig_test(watchdog, before_it_is_ready_nobody_is_judged)
{
    rig_run(r, "--set", "watchdog=200ms", "--ready", "delay:1200ms", "--", "sleep", "1000");
    rig_until(r, rig_worker_restarts(r, 1) > 0);
    const char *ready = strstr(rig_log(r), "sleep/1#1: ready");
    cr_assert(ready && strstr(ready, "sleep/1#1: gave no sign of life"), "%s", rig_log(r));
}

rig_test(watchdog, a_worker_can_ask_for_it_itself)
{
    rig_run(r, "--set", "stable_after=0", "--", sd_say(r), "watchdog:0", "say:WATCHDOG=trigger", "wait");
    rig_until(r, rig_log_has(r, "says itself that it hangs"));
    rig_until(r, rig_worker_restarts(r, 1) > 0);
}

rig_test(watchdog, its_interval_is_the_workers_to_change)
{
    rig_run(r, "--set", "watchdog=300ms", "--set", "restart=no", "--ready", "notify", "--", sd_say(r),
            "say:WATCHDOG_USEC=60000000\\nREADY=1", "wait");
    rig_wait_state(r, "running");
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    rig_until(r, json_integer_value(worker_member(r, "since_ms")) > 1200);
    cr_assert_eq(rig_worker_restarts(r, 1), 0);
}

rig_test(watchdog, it_can_be_asked_for_where_none_is_configured)
{
    rig_run(r, "--set", "restart=no", "--", sd_say(r), "say:WATCHDOG_USEC=200000", "wait");
    cr_assert_eq(rig_wait_exit(r), 128 + SIGABRT);
}

rig_test(watchdog, who_says_that_it_is_stopping_has_the_time_for_that)
{
    rig_run(r, "--set", "watchdog=3s", "--stop-timeout", "20s", "--set", "restart=no", "--ready", "notify",
            "--", "sh", "-c", rig_format(r, "%s say:READY=1 say:STOPPING=1; sleep 3.5; exit 0", sd_say(r)));
    cr_assert_eq(rig_wait_exit(r), 0);
}
