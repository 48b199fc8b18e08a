/* restart: the policy, the limit and the delay. The caller tells the time and the chance, so that the same
 * facts always give the same decision. The invariant: whatever the numbers, nothing overflows, and a delay is
 * between 0 and its maximum. */
#include "config.h"

#include "core/restart.h"

#include <limits.h>
#include <sys/wait.h>

/* A start that failed would fail again at once: without a delay of its own it would spin. */
#define FAILED_START_LEAST (100 * NSEC_PER_MSEC)

bool restart_is_success(const struct restart_conf *c, int wait_status)
{
    if (WIFEXITED(wait_status))
        return c->success_exit[WEXITSTATUS(wait_status)];
    if (WIFSIGNALED(wait_status) && (size_t)WTERMSIG(wait_status) < sizeof c->success_signal)
        return c->success_signal[WTERMSIG(wait_status)];
    return false;
}

/* Nanoseconds from EARLIER to LATER, held at both ends of the range: a clock that seems to run backwards
 * gives 0. */
static int64_t elapsed(struct mono earlier, struct mono later)
{
    int64_t ns;
    if (mono_is_before(later, earlier))
        return 0;
    return __builtin_sub_overflow(later.ns, earlier.ns, &ns) ? INT64_MAX : ns;
}

/* Counts one more restart; false when that is one too many. */
static bool count_restart(const struct restart_conf *c, struct restart_history *h, struct mono now)
{
    if (c->limit_count == 0)
        return true;
    if (h->in_period == 0 || elapsed(h->period_start, now) > c->limit_period_ns) {
        h->period_start = now;
        h->in_period = 0;
    }
    if (h->in_period >= c->limit_count)
        return false;
    h->in_period++;
    return true;
}

/* delay, 2 delay, 4 delay … up to delay_max, for the 1st, 2nd, 3rd … unstable end in a row. */
static int64_t nominal_delay(const struct restart_conf *c, unsigned unstable)
{
    int64_t delay = c->delay_ns > 0 ? c->delay_ns : 0;
    int64_t most = c->delay_max_ns > 0 ? c->delay_max_ns : 0;
    unsigned doublings = unstable > 1 ? unstable - 1 : 0;

    if (delay == 0)
        return 0;
    if (doublings > 62 || delay > (most >> doublings))
        return most;
    return delay << doublings;
}

/* Takes off up to a quarter, so that many workers that fell together do not come back together. */
static int64_t with_jitter(int64_t ns, uint32_t random)
{
    int64_t quarter = ns / 4;
    int64_t high = (quarter >> 32) * random, low = ((quarter & UINT32_MAX) * (uint64_t)random) >> 32;
    return ns - high - low;
}

static struct restart_decision later(const struct restart_conf *c, struct restart_history *h, int64_t least,
                                     uint32_t random)
{
    int64_t ns;

    if (h->unstable < UINT_MAX)
        h->unstable++;
    ns = nominal_delay(c, h->unstable);
    return (struct restart_decision){RESTART_LATER, with_jitter(ns < least ? least : ns, random)};
}

struct restart_decision restart_decide(const struct restart_conf *c, struct restart_history *h,
                                       int wait_status, struct mono started, struct mono now, uint32_t random)
{
    bool success = restart_is_success(c, wait_status);

    if (c->policy == RESTART_NO || (c->policy == RESTART_ON_FAILURE && success))
        return (struct restart_decision){success ? RESTART_DONE : RESTART_FAILED, 0};
    if (!count_restart(c, h, now))
        return (struct restart_decision){RESTART_FAILED, 0};
    if (elapsed(started, now) >= c->stable_after_ns) {
        h->unstable = 0;
        return (struct restart_decision){RESTART_AGAIN, 0};
    }
    return later(c, h, 0, random);
}

/* What is left of the period in which it was started too often; 0: it was not. */
static int64_t trigger_delay(struct restart_history *h, struct mono now)
{
    int64_t past = elapsed(h->trigger_start, now);

    if (h->triggers == 0 || past >= RESTART_TRIGGER_PERIOD_NS) {
        h->trigger_start = now;
        h->triggers = 0;
        past = 0;
    }
    h->triggers++;
    return h->triggers > RESTART_TRIGGERS ? RESTART_TRIGGER_PERIOD_NS - past : 0;
}

struct restart_decision restart_decide_on_demand(const struct restart_conf *c, struct restart_history *h,
                                                 int wait_status, struct mono started, struct mono now,
                                                 uint32_t random)
{
    struct restart_conf always = *c;
    int64_t delay_ns;

    always.policy = RESTART_ALWAYS;
    if (!restart_is_success(c, wait_status))
        return restart_decide(&always, h, wait_status, started, now, random);
    h->unstable = 0;
    delay_ns = trigger_delay(h, now);
    return (struct restart_decision){delay_ns > 0 ? RESTART_LATER : RESTART_AGAIN, delay_ns};
}

struct restart_decision restart_decide_failed_start(const struct restart_conf *c, struct restart_history *h,
                                                    struct mono now, uint32_t random)
{
    if (c->policy == RESTART_NO || !count_restart(c, h, now))
        return (struct restart_decision){RESTART_FAILED, 0};
    return later(c, h, FAILED_START_LEAST, random);
}

int restart_exit_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}
