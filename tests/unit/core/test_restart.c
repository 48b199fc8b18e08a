/* restart: what follows an end, over all policies and over numbers that nobody would write. */
#include "config.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>

#include "core/restart.h"

#define EXITED(code) ((code) << 8)
#define KILLED(signo) (signo)
#define N(array) (sizeof(array) / sizeof *(array))

static struct restart_conf usual(enum restart_policy policy)
{
    struct restart_conf c = {
        .policy = policy,
        .delay_ns = 100 * NSEC_PER_MSEC,
        .delay_max_ns = 30 * NSEC_PER_SEC,
        .stable_after_ns = 10 * NSEC_PER_SEC,
    };
    c.success_exit[0] = true;
    return c;
}

static struct mono at(int64_t seconds)
{
    return (struct mono){seconds * NSEC_PER_SEC};
}

/* The worker ran from FROM to TO, in seconds, and exited with 1. No jitter. */
static struct restart_decision fail_after(const struct restart_conf *c, struct restart_history *h,
                                          int64_t from, int64_t to)
{
    return restart_decide(c, h, EXITED(1), at(from), at(to), 0);
}

Test(restart, success_is_exit_0_and_what_the_configuration_adds)
{
    struct restart_conf c = usual(RESTART_ON_FAILURE);
    c.success_exit[75] = true;
    c.success_signal[SIGTERM] = true;
    cr_expect(restart_is_success(&c, EXITED(0)));
    cr_expect(restart_is_success(&c, EXITED(75)));
    cr_expect_not(restart_is_success(&c, EXITED(1)));
    cr_expect(restart_is_success(&c, KILLED(SIGTERM)));
    cr_expect_not(restart_is_success(&c, KILLED(SIGKILL)));
    cr_expect_not(restart_is_success(&c, KILLED(SIGSEGV) | 0x80));
    cr_expect_not(restart_is_success(&c, 0x7f), "a stop is no end");
}

Test(restart, the_policy_decides_whether)
{
    static const struct {
        enum restart_policy policy;
        int status;
        enum restart_verdict verdict;
    } cases[] = {
        {RESTART_NO, EXITED(0), RESTART_DONE},          {RESTART_NO, EXITED(1), RESTART_FAILED},
        {RESTART_ON_FAILURE, EXITED(0), RESTART_DONE},  {RESTART_ON_FAILURE, EXITED(1), RESTART_AGAIN},
        {RESTART_ON_FAILURE, KILLED(9), RESTART_AGAIN}, {RESTART_ALWAYS, EXITED(0), RESTART_AGAIN},
        {RESTART_ALWAYS, EXITED(1), RESTART_AGAIN},
    };
    for (size_t i = 0; i < N(cases); i++) {
        struct restart_conf c = usual(cases[i].policy);
        struct restart_history h = {0};
        struct restart_decision d = restart_decide(&c, &h, cases[i].status, at(0), at(60), 0);
        cr_expect_eq(d.verdict, cases[i].verdict, "case %zu", i);
    }
}

Test(restart, a_stable_worker_comes_back_at_once_and_the_next_ones_wait_longer_and_longer)
{
    static const int64_t delays_ms[] = {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
    struct restart_conf c = usual(RESTART_ON_FAILURE);
    struct restart_history h = {0};

    cr_assert_eq(fail_after(&c, &h, 0, 10).verdict, RESTART_AGAIN);
    for (size_t i = 0; i < N(delays_ms); i++) {
        struct restart_decision d = fail_after(&c, &h, 20, 21);
        cr_assert_eq(d.verdict, RESTART_LATER);
        cr_assert_eq(d.delay_ns, delays_ms[i] * NSEC_PER_MSEC, "delay %zu is %lld", i, (long long)d.delay_ns);
    }
    cr_assert_eq(fail_after(&c, &h, 100, 110).verdict, RESTART_AGAIN);
    cr_assert_eq(fail_after(&c, &h, 110, 111).delay_ns, 100 * NSEC_PER_MSEC);
}

Test(restart, a_first_worker_that_never_was_stable_waits)
{
    struct restart_conf c = usual(RESTART_ON_FAILURE);
    struct restart_history h = {0};
    struct restart_decision d =
        restart_decide(&c, &h, EXITED(1), at(0), (struct mono){10 * NSEC_PER_SEC - 1}, 0);
    cr_assert_eq(d.verdict, RESTART_LATER);
    cr_assert_eq(d.delay_ns, 100 * NSEC_PER_MSEC);
}

Test(restart, with_stable_after_0_every_restart_is_immediate)
{
    struct restart_conf c = usual(RESTART_ALWAYS);
    struct restart_history h = {0};
    c.stable_after_ns = 0;
    for (int i = 0; i < 100; i++)
        cr_assert_eq(fail_after(&c, &h, 5, 5).verdict, RESTART_AGAIN);
}

Test(restart, jitter_takes_off_up_to_a_quarter)
{
    static const uint32_t randoms[] = {0, 1, 1u << 16, 1u << 31, UINT32_MAX - 1, UINT32_MAX};
    int64_t before = INT64_MAX;
    for (size_t i = 0; i < N(randoms); i++) {
        struct restart_conf c = usual(RESTART_ALWAYS);
        struct restart_history h = {0};
        struct restart_decision d = restart_decide(&c, &h, EXITED(1), at(0), at(1), randoms[i]);
        cr_expect_leq(d.delay_ns, 100 * NSEC_PER_MSEC);
        cr_expect_geq(d.delay_ns, 75 * NSEC_PER_MSEC);
        cr_expect_leq(d.delay_ns, before, "more chance, less delay");
        before = d.delay_ns;
    }
    cr_expect_leq(before, 75 * NSEC_PER_MSEC + 1);
}

Test(restart, more_restarts_than_the_limit_within_its_period_are_a_failure)
{
    struct restart_conf c = usual(RESTART_ALWAYS);
    struct restart_history h = {0};
    c.limit_count = 3;
    c.limit_period_ns = 60 * NSEC_PER_SEC;
    for (int i = 0; i < 3; i++)
        cr_assert_neq(fail_after(&c, &h, i, i + 1).verdict, RESTART_FAILED, "restart %d", i + 1);
    cr_assert_eq(fail_after(&c, &h, 3, 4).verdict, RESTART_FAILED);
    cr_assert_eq(fail_after(&c, &h, 3, 61).verdict, RESTART_FAILED,
                 "the period began at 1 s and is 60 s long");
    cr_assert_neq(fail_after(&c, &h, 3, 62).verdict, RESTART_FAILED, "a new period");
}

Test(restart, stable_runs_count_towards_the_limit_too)
{
    struct restart_conf c = usual(RESTART_ALWAYS);
    struct restart_history h = {0};
    c.limit_count = 2;
    c.limit_period_ns = 3600 * NSEC_PER_SEC;
    cr_assert_eq(fail_after(&c, &h, 0, 20).verdict, RESTART_AGAIN);
    cr_assert_eq(fail_after(&c, &h, 20, 40).verdict, RESTART_AGAIN);
    cr_assert_eq(fail_after(&c, &h, 40, 60).verdict, RESTART_FAILED);
}

Test(restart, without_a_limit_nothing_is_given_up)
{
    struct restart_conf c = usual(RESTART_ON_FAILURE);
    struct restart_history h = {.unstable = UINT_MAX - 1};
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(fail_after(&c, &h, 0, 0).verdict, RESTART_LATER);
    cr_assert_eq(h.unstable, UINT_MAX);
}

Test(restart, a_failed_start_is_never_repeated_at_once)
{
    struct restart_conf c = usual(RESTART_ON_FAILURE);
    struct restart_history h = {0};
    c.stable_after_ns = 0;
    cr_assert_eq(restart_decide_failed_start(&c, &h, at(1), 0).verdict, RESTART_LATER);
    c.delay_ns = 0;
    for (int i = 0; i < 10; i++) {
        struct restart_decision d = restart_decide_failed_start(&c, &h, at(1), UINT32_MAX);
        cr_assert_eq(d.verdict, RESTART_LATER);
        cr_assert_geq(d.delay_ns, 75 * NSEC_PER_MSEC);
    }
}

Test(restart, a_failed_start_obeys_the_policy_and_the_limit)
{
    struct restart_conf c = usual(RESTART_NO);
    struct restart_history h = {0};
    cr_assert_eq(restart_decide_failed_start(&c, &h, at(1), 0).verdict, RESTART_FAILED);
    c.policy = RESTART_ALWAYS;
    c.limit_count = 1;
    c.limit_period_ns = NSEC_PER_SEC;
    cr_assert_eq(restart_decide_failed_start(&c, &h, at(1), 0).verdict, RESTART_LATER);
    cr_assert_eq(restart_decide_failed_start(&c, &h, at(1), 0).verdict, RESTART_FAILED);
}

static const int64_t odd[] = {INT64_MIN,        INT64_MIN + 1, -1,       0, 1, 3, 4, 1000, INT64_C(1) << 32,
                              INT64_C(1) << 62, INT64_MAX - 1, INT64_MAX};
static const unsigned odd_counts[] = {0, 1, 2, 31, 32, 33, 62, 63, 64, 65, 1000, UINT_MAX - 1, UINT_MAX};

/* All of it runs under UBSan too: an overflow is found there. */
static void sweep_delay(int64_t delay, int64_t most)
{
    for (size_t k = 0; k < N(odd_counts); k++)
        for (uint32_t random = 0; random < 3; random++) {
            struct restart_conf c = usual(RESTART_ALWAYS);
            struct restart_history h = {.unstable = odd_counts[k]};
            struct restart_decision d;
            c.delay_ns = delay;
            c.delay_max_ns = most;
            d = restart_decide(&c, &h, EXITED(1), at(0), at(0), random == 2 ? UINT32_MAX : random);
            cr_assert_eq(d.verdict, RESTART_LATER);
            cr_assert_geq(d.delay_ns, 0);
            cr_assert(d.delay_ns <= (most > 0 ? most : 0), "%lld of at most %lld", (long long)d.delay_ns,
                      (long long)most);
            cr_assert_geq(h.unstable, 1);
        }
}

Test(restart, no_delay_overflows_or_is_negative)
{
    for (size_t i = 0; i < N(odd); i++)
        for (size_t j = 0; j < N(odd); j++)
            sweep_delay(odd[i], odd[j]);
}

Test(restart, the_delay_never_shrinks_from_one_failure_to_the_next)
{
    for (size_t i = 0; i < N(odd); i++) {
        struct restart_conf c = usual(RESTART_ALWAYS);
        struct restart_history h = {0};
        int64_t before = 0;
        c.delay_ns = odd[i];
        c.delay_max_ns = INT64_MAX;
        for (int n = 0; n < 200; n++) {
            int64_t delay = fail_after(&c, &h, 0, 0).delay_ns;
            cr_assert_geq(delay, before);
            before = delay;
        }
    }
}

Test(restart, no_moment_overflows)
{
    for (size_t i = 0; i < N(odd); i++)
        for (size_t j = 0; j < N(odd); j++)
            for (size_t k = 0; k < N(odd); k++) {
                struct restart_conf c = usual(RESTART_ALWAYS);
                struct restart_history h = {.in_period = 1, .period_start = {odd[k]}};
                c.limit_count = 2;
                c.limit_period_ns = odd[k];
                c.stable_after_ns = odd[k];
                struct restart_decision d =
                    restart_decide(&c, &h, EXITED(1), (struct mono){odd[i]}, (struct mono){odd[j]}, 7);
                cr_assert_neq(d.verdict, RESTART_DONE);
                cr_assert_leq(h.in_period, 2);
            }
}

Test(restart, the_exit_status_is_the_code_or_128_and_the_signal)
{
    for (int code = 0; code < 256; code++)
        cr_assert_eq(restart_exit_status(EXITED(code)), code);
    cr_assert_eq(restart_exit_status(KILLED(SIGTERM)), 143);
    cr_assert_eq(restart_exit_status(KILLED(SIGSEGV) | 0x80), 139);
}

static struct restart_decision on_demand(const struct restart_conf *c, struct restart_history *h, int status,
                                         int64_t from_ms, int64_t to_ms)
{
    return restart_decide_on_demand(c, h, status, (struct mono){from_ms * NSEC_PER_MSEC},
                                    (struct mono){to_ms * NSEC_PER_MSEC}, 0);
}

Test(restart, on_demand_an_end_is_never_the_last_whatever_the_policy)
{
    for (int policy = RESTART_NO; policy <= RESTART_ALWAYS; policy++) {
        struct restart_conf c = usual(policy);
        struct restart_history h = {0};
        cr_expect_eq(on_demand(&c, &h, EXITED(0), 0, 20000).verdict, RESTART_AGAIN);
        cr_expect_eq(on_demand(&c, &h, EXITED(1), 20000, 40000).verdict, RESTART_AGAIN);
        cr_expect_eq(on_demand(&c, &h, EXITED(1), 40000, 40010).verdict, RESTART_LATER);
    }
}

Test(restart, on_demand_a_limit_still_holds)
{
    struct restart_conf c = usual(RESTART_ON_FAILURE);
    struct restart_history h = {0};
    c.limit_count = 1;
    c.limit_period_ns = NSEC_PER_SEC;
    cr_expect_eq(on_demand(&c, &h, EXITED(1), 0, 10).verdict, RESTART_LATER);
    cr_expect_eq(on_demand(&c, &h, EXITED(1), 10, 20).verdict, RESTART_FAILED);
}

Test(restart, on_demand_many_short_good_runs_are_slowed_down_and_no_more)
{
    struct restart_conf c = usual(RESTART_ON_FAILURE);
    struct restart_history h = {0};
    for (int i = 0; i < RESTART_TRIGGERS; i++)
        cr_assert_eq(on_demand(&c, &h, EXITED(0), i, i + 1).verdict, RESTART_AGAIN, "%d", i);
    struct restart_decision d = on_demand(&c, &h, EXITED(0), 500, 501);
    cr_assert_eq(d.verdict, RESTART_LATER);
    cr_assert_eq(d.delay_ns, RESTART_TRIGGER_PERIOD_NS - 500 * NSEC_PER_MSEC);
    cr_assert_eq(on_demand(&c, &h, EXITED(0), 2000, 2501).verdict, RESTART_AGAIN, "the next period");
}
