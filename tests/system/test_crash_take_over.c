/* test_crash_take_over: in a take-over under load the supervisor of either berth is killed at every point
 * where a test build can die: its successor goes on, the new one takes over in the end, and no request is
 * lost. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/crash_point.h"
#include "taker.h"

#define CLIENTS 2

static void begin(struct rig *r, struct load *ret[2])
{
    rig_run(r, "--listen", rig_address(r, 4), "--listen", rig_address(r, 1), "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    ret[0] = rig_load(r, rig_address(r, 4), CLIENTS);
    ret[1] = rig_load(r, rig_address(r, 1), CLIENTS);
}

static struct taker take(struct rig *r)
{
    return taker_run(r, "--listen", rig_address(r, 4), "--listen", rig_address(r, 1), "--set", "settle=10ms",
                     "--ready", rig_format(r, "check:test -e %s", rig_path(r, "go")), "--", r->probe,
                     "--drain");
}

static void end(struct rig *r, struct taker *t, struct load *load[2])
{
    rig_write_file(rig_path(r, "go"), "");
    taker_becomes(r, t, 0);
    rig_wait_state(r, "running");
    for (int i = 0; i < 2; i++) {
        cr_assert(load_wait_ok(load[i], 5, RIG_PATIENCE_SECONDS));
        rig_load_end(r, load[i], 0);
    }
    cr_assert(taker_left_nothing(r));
    cr_assert(!rig_log_has(r, "(restart 2,"), "a successor died by itself");
    cr_assert_eq(rig_stop(r), 0);
}

static void of_the_taker(struct rig *r, const char *point)
{
    struct load *load[2];
    begin(r, load);
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, rig_format(r, "BERTH_CRASH_AT=%s", point));
    struct taker t = take(r);
    end(r, &t, load);
    if (strncmp(point, "take_over_", strlen("take_over_")) == 0)
        cr_assert(rig_log_has(r, "(restart 1,"), "nobody died at %s", point);
}

/* The first supervisor or, while the other one has it all and is not ready, the second. */
static void of_the_taken(struct rig *r, const char *point, int supervisor)
{
    struct load *load[2];
    const char *berth = r->berth, *log = r->err_path;
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, rig_format(r, "BERTH_CRASH_AT=%s:1:%d", point, supervisor));
    begin(r, load);
    rig_env(r, "BERTH_CRASH_AT");
    r->berth = berth;
    struct taker t = take(r);
    rig_until(r, taker_says(r, &t, "started (pid="));
    if (supervisor == 1)
        rig_kill_supervisor(r);
    end(r, &t, load);
    if (strncmp(point, "hand_over_", strlen("hand_over_")) == 0 && supervisor == 0)
        cr_assert(strstr(rig_read_file(r, log), "(restart 1,"), "nobody died at %s", point);
}

/* --- safe mode: without the soft state ----------------------------------------------------------------- */

/* The taker's supervisors die at POINT, four in a row from number FIRST on; with OPTION it has a control
 * socket of its own. */
static void of_a_taker_in_safe_mode(struct rig *r, const char *point, int first, const char *option)
{
    struct load *load[2];
    const char *own = rig_path(r, "own.sock");
    begin(r, load);
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, rig_format(r, "BERTH_CRASH_AT=%s:1:%d:4", point, first));
    if (option)
        rig_env(r, rig_format(r, "%s=%s", option, own));
    struct taker t = take(r);
    if (first > 0) {
        rig_until(r, taker_says(r, &t, "started (pid="));
        rig_kill(r, taker_supervisor(r, &t), SIGKILL);
    }
    rig_until(r, taker_says(r, &t, first > 0 ? "(restart 5," : "(restart 4,"));
    cr_assert(!rig_log_has(r, "carries on"));
    rig_write_file(rig_path(r, "go"), "");
    if (option)
        r->control = own;
    taker_becomes(r, &t, 0);
    rig_wait_state(r, "running");
    for (int i = 0; i < 2; i++) {
        cr_assert(load_wait_ok(load[i], 5, RIG_PATIENCE_SECONDS));
        rig_load_end(r, load[i], 0);
    }
    cr_assert(taker_left_nothing(r));
    cr_assert_eq(rig_stop(r), 0);
}

rig_test(crash_take_over, of_the_taker_in_safe_mode)
{
    of_a_taker_in_safe_mode(r, "keeper_stable_before", 1, NULL);
}

rig_test(crash_take_over, of_the_taker_in_safe_mode_with_a_control_socket_of_its_own)
{
    of_a_taker_in_safe_mode(r, "keeper_stable_before", 1, "BERTH_CONTROL");
}

rig_test(crash_take_over, of_the_taker_in_safe_mode_before_it_has_anything)
{
    of_a_taker_in_safe_mode(r, "take_over_begun", 0, NULL);
}

/* It knows nothing of the other one then, and what it knows is that it has everything. */
rig_test(crash_take_over, of_the_taken_in_safe_mode)
{
    struct load *load[2];
    const char *berth = r->berth;
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, "BERTH_CRASH_AT=keeper_stable_before:1:1:4");
    begin(r, load);
    rig_env(r, "BERTH_CRASH_AT");
    r->berth = berth;
    pid_t worker = rig_worker_pid(r, 1);
    struct taker t = taker_run(r, "--listen", rig_address(r, 4), "--listen", rig_address(r, 1), "--ready",
                               "notify", "--", "sleep", "1000");
    rig_until(r, taker_says(r, &t, "started (pid="));
    rig_kill_supervisor(r);
    cr_assert_eq(taker_wait(r, &t), 125);
    cr_assert(taker_says(r, &t, "cannot be taken over any more"));
    rig_wait_state(r, "running");
    cr_assert_eq(rig_worker_pid(r, 1), worker);
    for (int i = 0; i < 2; i++) {
        cr_assert(load_wait_ok(load[i], 5, RIG_PATIENCE_SECONDS));
        rig_load_end(r, load[i], 0);
    }
    cr_assert(taker_left_nothing(r));
}

/* By then the other one has it all. */
rig_test(crash_take_over, of_the_taken_in_safe_mode_at_its_end)
{
    const char *berth = r->berth;
    rig_expect(r, 0, RIG_ARGV("mkfifo", rig_path(r, "gate")));
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, "BERTH_CRASH_AT=keeper_stable_before:1:1:4");
    rig_run(r, "--listen", rig_address(r, 4), "--ready", "fd:9", "--", "sh", "-c",
            rig_format(r, "trap 'read x <%s; exit' TERM; echo >&9; while :; do sleep 0.01; done",
                       rig_path(r, "gate")));
    rig_wait_state(r, "running");
    rig_env(r, "BERTH_CRASH_AT");
    r->berth = berth;
    struct taker t = taker_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--drain");
    rig_until(r, rig_log_has(r, "what runs here drains"));
    rig_kill_supervisor(r);
    rig_until(r, rig_log_has(r, "(restart 5,"));
    rig_expect(r, 0, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", rig_path(r, "gate"))));
    taker_becomes(r, &t, 0);
    rig_wait_state(r, "running");
    cr_assert_eq(rig_stop(r), 0);
}

/* --- a point each -------------------------------------------------------------------------------------- */

/* That it is all its own is written down before its options are put on it. */
rig_test(crash_take_over, what_is_its_own_gets_its_options_from_a_successor)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, "BERTH_CRASH_AT=take_over_committed");
    struct taker t = taker_run(r, "--listen", rig_format(r, "%s?backlog=77", rig_address(r, 4)), "--",
                               r->probe, "--drain");
    taker_becomes(r, &t, 0);
    rig_wait_state(r, "running");
    rig_until(r, strstr(rig_cmd_ok(r, "sockets")->out, " 77 "));
    cr_assert(rig_log_has(r, "(restart 1,"), "nobody died");
}

#define X(name)                                                                                              \
    rig_test(crash_take_over, of_the_taker_at_##name)                                                        \
    {                                                                                                        \
        of_the_taker(r, #name);                                                                              \
    }                                                                                                        \
    rig_test(crash_take_over, of_the_taken_at_##name)                                                        \
    {                                                                                                        \
        of_the_taken(r, #name, 0);                                                                           \
    }                                                                                                        \
    rig_test(crash_take_over, of_the_takens_successor_at_##name)                                             \
    {                                                                                                        \
        of_the_taken(r, #name, 1);                                                                           \
    }
CRASH_POINTS(X)
#undef X
