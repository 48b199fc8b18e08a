/* restart: what follows when a worker has ended: again at once, again later, done, or failed for good.
 *
 * The first restart of a worker that had been up for stable_after is immediate; after that the delay doubles
 * from restart_delay to restart_delay_max with jitter, until a worker is stable again. A socket is never
 * given up here. */
#ifndef BERTH_CORE_RESTART_H
#define BERTH_CORE_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

enum restart_policy { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS };

struct restart_conf {
    enum restart_policy policy;
    bool success_exit[256];  /* exit codes that are no failure */
    bool success_signal[65]; /* signals that are none */
    int64_t delay_ns, delay_max_ns, stable_after_ns;
    unsigned limit_count; /* 0: no limit */
    int64_t limit_period_ns;
};

/* Kept in the soft state, a number each. */
struct restart_history {
    unsigned unstable;  /* ends in a row without a stable run between them */
    unsigned in_period; /* restarts since period_start */
    struct mono period_start;
    unsigned triggers; /* starts on demand since trigger_start; not kept */
    struct mono trigger_start;
};

/* A worker that is started on demand and ends well may be started again at once this often in this time; then
 * it waits. */
#define RESTART_TRIGGERS 20
#define RESTART_TRIGGER_PERIOD_NS (2 * NSEC_PER_SEC)

enum restart_verdict { RESTART_AGAIN, RESTART_LATER, RESTART_DONE, RESTART_FAILED };

struct restart_decision {
    enum restart_verdict verdict;
    int64_t delay_ns; /* with RESTART_LATER */
};

/* Is this wait status no failure? */
bool restart_is_success(const struct restart_conf *c, int wait_status);
/* A worker that started at STARTED ended now with WAIT_STATUS, unasked. RANDOM feeds the jitter: the delay is
 * between 75 and 100 % of the nominal one. Updates *H. */
struct restart_decision restart_decide(const struct restart_conf *c, struct restart_history *h,
                                       int wait_status, struct mono started, struct mono now,
                                       uint32_t random);
/* The same for one that is started on demand: RESTART_AGAIN is to wait for demand. It is never DONE, and
 * FAILED by restart_limit only: a policy is about starting without demand. One that ended well but fast,
 * again and again, is slowed down. */
struct restart_decision restart_decide_on_demand(const struct restart_conf *c, struct restart_history *h,
                                                 int wait_status, struct mono started, struct mono now,
                                                 uint32_t random);
/* A worker could not be spawned, or did not become ready in time. Never immediate. */
struct restart_decision restart_decide_failed_start(const struct restart_conf *c, struct restart_history *h,
                                                    struct mono now, uint32_t random);
/* The exit status that berth itself ends with for WAIT_STATUS: the code, or 128 + signal. */
int restart_exit_status(int wait_status);

#endif
