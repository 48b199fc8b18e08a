/* rolling_facts: see the header. */
#include "config.h"

#include "engine/rolling_facts.h"

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/standby.h"
#include "sys/clock.h"

struct worker *rolling_candidate(const struct service *s, unsigned slot)
{
    for (unsigned i = 0; i < s->rolling->n_others; i++)
        if (s->rolling->others[i]->role == WORKER_CANDIDATE && s->rolling->others[i]->slot == slot)
            return s->rolling->others[i];
    return NULL;
}

static enum rolling_candidate how_far(const struct worker *w)
{
    if (!w)
        return ROLLING_NONE;
    if (w->state == WORKER_READY || w->state == WORKER_STANDBY)
        return ROLLING_READY;
    return w->state == WORKER_SPAWNING || w->state == WORKER_STARTING ? ROLLING_COMING : ROLLING_FAILED;
}

/* Is W one that took over in this reload, and does it not stay up? */
static bool has_fallen(const struct worker *w)
{
    const struct service *s = w->service;
    return s->rolling->target > s->generation && w->generation == s->rolling->target && !w->is_due &&
           !w->is_spare &&
           (w->state == WORKER_BACKOFF || w->state == WORKER_FAILED || w->state == WORKER_DONE);
}

static unsigned count_lanes(const struct service *s, unsigned slot)
{
    unsigned n = 1;
    for (unsigned i = 0; i < s->rolling->n_others; i++)
        n += s->rolling->others[i]->slot == slot;
    return n;
}

/* Does a generation of which W is one serve, or is it but what drains? */
static bool serves(const struct service *s, unsigned generation)
{
    for (size_t i = 0; i < s->n_workers; i++)
        if (s->workers[i]->generation == generation)
            return true;
    return false;
}

/* The lowest generation above FLOOR with a process, but for the one that comes; 0: there is none. */
static unsigned next_alive(const struct service *s, unsigned floor)
{
    unsigned lowest = 0;
    const struct worker *w;
    service_each_worker (w, s)
        if (w->pid != 0 && w->generation > floor && w->generation != s->rolling->target &&
            (lowest == 0 || w->generation < lowest))
            lowest = w->generation;
    return lowest;
}

unsigned rolling_oldest_drain(const struct service *s)
{
    unsigned generation = next_alive(s, 0);
    while (generation != 0 && serves(s, generation))
        generation = next_alive(s, generation);
    return generation;
}

static struct mono drains_since(const struct service *s, unsigned generation)
{
    struct mono since = MONO_NEVER;
    for (unsigned i = 0; i < s->rolling->n_others; i++) {
        const struct worker *w = s->rolling->others[i];
        if (w->generation == generation && w->pid != 0 && mono_is_before(w->since, since))
            since = w->since;
    }
    return since;
}

struct rolling_facts rolling_gather(const struct service *s)
{
    unsigned n = standby_slots_there(s);
    struct rolling_slot *slots = mem_new_array(n + 1, sizeof *slots);
    struct rolling_facts f = {
        .slots = slots,
        .n_slots = n,
        .step = s->conf->with->rolling_step,
        .settle_ns = s->conf->with->settle_ns,
        .max_generations = s->conf->with->max_generations,
        .oldest_drain = drains_since(s, rolling_oldest_drain(s)),
        .now = clock_mono(),
    };
    for (unsigned i = 0; i < n; i++) {
        const struct worker *candidate = rolling_candidate(s, i + 1);
        slots[i] = (struct rolling_slot){
            .is_due = s->workers[i]->is_due,
            .has_room = count_lanes(s, i + 1) < LIMIT_LANES,
            .candidate = how_far(candidate),
            .ready_since = candidate ? candidate->since : MONO_ZERO,
            .has_fallen = has_fallen(s->workers[i]),
        };
    }
    for (unsigned generation = 0; (generation = next_alive(s, generation)) != 0;)
        f.n_generations++;
    return f;
}

char *rolling_reason(const struct service *s)
{
    const struct worker *failed = NULL;
    for (unsigned slot = 1; slot <= standby_slots(s) && !failed; slot++) {
        if (how_far(rolling_candidate(s, slot)) == ROLLING_FAILED)
            failed = rolling_candidate(s, slot);
        else if (slot <= s->n_workers && has_fallen(s->workers[slot - 1]))
            failed = s->workers[slot - 1];
    }
    return failed ? worker_describe_failure(failed) : mem_strdup("a new worker has failed");
}
