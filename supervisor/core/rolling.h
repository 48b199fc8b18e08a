/* rolling: replacing the workers of a service without a gap: a new one is started beside the old, has to
 * become ready and to stay so for a while, and only then the old one is told to go.
 *
 * It decides from what is, not from what it decided before, so a supervisor that is killed in the middle is
 * followed by one that goes on. */
#ifndef BERTH_CORE_ROLLING_H
#define BERTH_CORE_ROLLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

#define ROLLING_DRAIN_NS                                                                                     \
    (10 * NSEC_PER_SEC) /* how long a drain that is in the way may go on, from its beginning */

/* What is there to replace the worker of a slot. */
enum rolling_candidate {
    ROLLING_NONE,
    ROLLING_COMING, /* started, not ready yet */
    ROLLING_READY,
    ROLLING_FAILED, /* it ended, or did not become ready in time */
};

struct rolling_slot {
    bool is_due;   /* its worker is to be replaced */
    bool has_room; /* one more process of it may be had */
    enum rolling_candidate candidate;
    struct mono ready_since; /* ROLLING_READY */
    bool has_fallen;         /* its worker is a new one already, and did not stay up */
};

struct rolling_facts {
    const struct rolling_slot *slots;
    size_t n_slots;
    unsigned step; /* how many are replaced at a time; 0: all */
    int64_t settle_ns;
    unsigned n_generations; /* alive without the new one: those that serve and those that drain */
    unsigned max_generations;
    struct mono oldest_drain; /* when the oldest generation that drains was told to; MONO_NEVER: none does */
    struct mono now;
};

enum rolling_verdict {
    ROLLING_DONE,      /* nothing is left to be replaced */
    ROLLING_WAIT,      /* for one of its workers, or until `due` */
    ROLLING_START,     /* a candidate in each slot for which rolling_starts() holds */
    ROLLING_PROMOTE,   /* every candidate takes its slot, and the old workers are told to go */
    ROLLING_END_DRAIN, /* the oldest generation that drains is killed */
    ROLLING_GIVE_UP,   /* a new worker has failed: all candidates go, the old workers stay */
};

struct rolling_plan {
    enum rolling_verdict verdict;
    struct mono due; /* WAIT: when to look again; MONO_NEVER: not by itself */
    size_t first, n; /* START: slots that are due and have no candidate, from FIRST on, N of them */
};

struct rolling_plan rolling_decide(const struct rolling_facts *f);
/* Does START concern slot I? */
bool rolling_starts(const struct rolling_slot *slot);

#endif
