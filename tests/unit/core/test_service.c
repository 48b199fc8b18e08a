/* service: one word from many workers. */
#include "config.h"

#include <criterion/criterion.h>

#include "core/service.h"

#define N(array) (sizeof(array) / sizeof *(array))

static enum service_state state_of(bool wanted_up, const enum worker_state *workers, size_t n)
{
    uint16_t counts[WORKER_STATE_COUNT] = {0};
    for (size_t i = 0; i < n; i++)
        counts[workers[i]]++;
    return service_state_of(wanted_up, counts);
}

#define UP(...)                                                                                              \
    state_of(true, (enum worker_state[]){__VA_ARGS__},                                                       \
             sizeof((enum worker_state[]){__VA_ARGS__}) / sizeof(enum worker_state))
#define DOWN(...)                                                                                            \
    state_of(false, (enum worker_state[]){__VA_ARGS__},                                                      \
             sizeof((enum worker_state[]){__VA_ARGS__}) / sizeof(enum worker_state))

Test(service, without_workers_it_is_what_is_wanted)
{
    cr_assert_eq(state_of(true, NULL, 0), SERVICE_RUNNING);
    cr_assert_eq(state_of(false, NULL, 0), SERVICE_STOPPED);
}

Test(service, one_worker_speaks_for_itself)
{
    cr_expect_eq(UP(WORKER_DOWN), SERVICE_STARTING);
    cr_expect_eq(UP(WORKER_SPAWNING), SERVICE_STARTING);
    cr_expect_eq(UP(WORKER_STARTING), SERVICE_STARTING);
    cr_expect_eq(UP(WORKER_READY), SERVICE_RUNNING);
    cr_expect_eq(UP(WORKER_STOPPING), SERVICE_STARTING, "it is being replaced");
    cr_expect_eq(UP(WORKER_BACKOFF), SERVICE_BACKOFF);
    cr_expect_eq(UP(WORKER_DONE), SERVICE_DONE);
    cr_expect_eq(UP(WORKER_FAILED), SERVICE_FAILED);
    cr_expect_eq(UP(WORKER_WAITING), SERVICE_WAITING);
}

Test(service, many_workers_are_as_good_as_the_mix)
{
    cr_expect_eq(UP(WORKER_READY, WORKER_READY), SERVICE_RUNNING);
    cr_expect_eq(UP(WORKER_READY, WORKER_STARTING), SERVICE_STARTING);
    cr_expect_eq(UP(WORKER_READY, WORKER_BACKOFF), SERVICE_DEGRADED);
    cr_expect_eq(UP(WORKER_READY, WORKER_FAILED, WORKER_STARTING), SERVICE_DEGRADED);
    cr_expect_eq(UP(WORKER_BACKOFF, WORKER_STARTING), SERVICE_BACKOFF);
    cr_expect_eq(UP(WORKER_FAILED, WORKER_STARTING), SERVICE_STARTING, "one of them may serve yet");
    cr_expect_eq(UP(WORKER_READY, WORKER_DONE), SERVICE_RUNNING);
    cr_expect_eq(UP(WORKER_DONE, WORKER_FAILED), SERVICE_FAILED);
    cr_expect_eq(UP(WORKER_DONE, WORKER_DONE), SERVICE_DONE);
    cr_expect_eq(UP(WORKER_READY, WORKER_WAITING), SERVICE_RUNNING);
    cr_expect_eq(UP(WORKER_FAILED, WORKER_WAITING), SERVICE_WAITING, "a connection helps it up");
}

Test(service, unwanted_it_stops_until_nobody_runs)
{
    cr_expect_eq(DOWN(WORKER_STOPPING, WORKER_DOWN), SERVICE_STOPPING);
    cr_expect_eq(DOWN(WORKER_KILLING), SERVICE_STOPPING);
    cr_expect_eq(DOWN(WORKER_SPAWNING), SERVICE_STOPPING);
    cr_expect_eq(DOWN(WORKER_DOWN, WORKER_FAILED, WORKER_DONE, WORKER_BACKOFF), SERVICE_STOPPED);
}

/* Calls CHECK for every mixture of three workers. */
static void each_mix(void (*check)(const enum worker_state mix[3]))
{
    for (int a = 0; a < WORKER_STATE_COUNT; a++)
        for (int b = 0; b < WORKER_STATE_COUNT; b++)
            for (int c = 0; c < WORKER_STATE_COUNT; c++)
                check((enum worker_state[]){a, b, c});
}

static void check_order_does_not_matter(const enum worker_state m[3])
{
    enum service_state s = state_of(true, m, 3);
    cr_assert_eq(s, state_of(true, (enum worker_state[]){m[1], m[0], m[2]}, 3));
    cr_assert_eq(s, state_of(true, (enum worker_state[]){m[2], m[1], m[0]}, 3));
}

Test(service, the_order_of_the_workers_does_not_matter)
{
    each_mix(check_order_does_not_matter);
}

static void check_over_means_nobody_runs_or_will(const enum worker_state m[3])
{
    bool over = service_is_over(state_of(true, m, 3)), all_ended = true;
    for (int i = 0; i < 3; i++)
        all_ended &= m[i] == WORKER_DONE || m[i] == WORKER_FAILED;
    cr_assert_eq(over, all_ended);
}

Test(service, it_is_over_exactly_when_every_worker_has_ended_for_good)
{
    each_mix(check_over_means_nobody_runs_or_will);
}

static void check_unwanted_is_stopped_or_stopping(const enum worker_state m[3])
{
    enum service_state s = state_of(false, m, 3);
    cr_assert(s == SERVICE_STOPPED || s == SERVICE_STOPPING);
    cr_assert_not(service_is_over(s));
}

Test(service, unwanted_it_is_only_stopped_or_stopping)
{
    each_mix(check_unwanted_is_stopped_or_stopping);
}

Test(service, every_state_has_a_name_of_its_own)
{
    for (int a = 0; a < SERVICE_STATE_COUNT; a++)
        for (int b = 0; b < a; b++)
            cr_assert_str_neq(service_state_name(a), service_state_name(b));
    cr_assert_str_eq(service_state_name(SERVICE_DEGRADED), "degraded");
}
