/* rolling: reloading a service without a gap, as core/rolling decides it.
 *
 * What is under way is in the soft state: which workers are due, which are candidates for their places, and
 * for which generation. So a successor goes on. */
#ifndef BERTH_ENGINE_ROLLING_H
#define BERTH_ENGINE_ROLLING_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "wire/soft_state.h"

struct service;
struct worker;

struct rolling {
    struct worker **others, *one_other; /* candidates and retired ones; base/pointers, owned */
    unsigned n_others;
    unsigned target;        /* the generation that comes; 0: nothing is under way */
    unsigned last_target;   /* of what was under way last … */
    bool has_failed;        /* … and that was given up */
    bool is_again;          /* it was asked for once more meanwhile */
    uint64_t fingerprint;   /* of the configuration that the new workers are started with */
    struct mono not_before; /* of the next try to replace a single worker */
    char *reason;           /* why the last one was given up; owned, may be NULL */
    ev_timer *timer;        /* when to look again; engine/alarm */
};

/* All workers of S are replaced by a new generation; once more, if that is under way already. */
void rolling_begin(struct service *s);
/* W alone is replaced, by one of its own generation. False: not now, since something is under way, or the
 * last try failed a short time ago. */
bool rolling_replace(struct worker *w);
/* Is something under way, or does it go on once more? */
bool rolling_is_active(const struct service *s);
/* Of the candidates; of the service itself while nothing is under way. */
unsigned rolling_generation(const struct service *s);
/* The one that no process has had yet. */
unsigned rolling_next_generation(const struct service *s);
/* S, or one of its workers, has changed. */
void rolling_follow(struct service *s);
/* S is to stop: what is under way is given up. */
void rolling_cancel(struct service *s, const char *why);
/* Goes on where a predecessor was. */
void rolling_resume(struct service *s);
void rolling_free(struct service *s);
/* Reads or writes the columns of S's row that are about it. */
void rolling_load(struct service *s, const struct soft_state_row *row);
void rolling_store(const struct service *s, struct soft_state_row *row);

#endif
