/* standby: see the header. */
#include "config.h"

#include "core/standby.h"

#define NOWHERE ((size_t)-1)

static bool serves(const struct standby_slot *s)
{
    return s->state == STANDBY_COMING || s->state == STANDBY_SERVING || s->state == STANDBY_OVER;
}

static size_t count_in(const struct standby_facts *f, enum standby_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_slots; i++)
        n += f->slots[i].state == state;
    return n;
}

static size_t count_serving(const struct standby_facts *f)
{
    return count_in(f, STANDBY_COMING) + count_in(f, STANDBY_SERVING) + count_in(f, STANDBY_OVER);
}

static size_t first_in(const struct standby_facts *f, enum standby_state state)
{
    for (size_t i = 0; i < f->n_slots; i++)
        if (f->slots[i].state == state)
            return i;
    return NOWHERE;
}

static size_t last_in(const struct standby_facts *f, enum standby_state state)
{
    for (size_t i = f->n_slots; i-- > 0;)
        if (f->slots[i].state == state)
            return i;
    return NOWHERE;
}

/* Who can serve soonest; one that boots is still sooner than one that is yet to be started. */
static size_t best_spare(const struct standby_facts *f)
{
    size_t slot = first_in(f, STANDBY_WAITING);
    return slot != NOWHERE ? slot : first_in(f, STANDBY_BOOTING);
}

/* Whoever does not serve yet is missed least. */
static size_t least_needed(const struct standby_facts *f)
{
    size_t slot = last_in(f, STANDBY_COMING);
    return slot != NOWHERE ? slot : last_in(f, STANDBY_SERVING);
}

/* Of the slots in STATE, N are to count as workers; the first ones, if that has to be changed. */
static struct standby_plan label(const struct standby_facts *f, enum standby_state state, size_t n)
{
    size_t n_workers = 0, last_worker = NOWHERE, first_spare = NOWHERE;
    for (size_t i = 0; i < f->n_slots; i++) {
        if (f->slots[i].state != state)
            continue;
        n_workers += !f->slots[i].is_spare;
        if (!f->slots[i].is_spare)
            last_worker = i;
        else if (first_spare == NOWHERE)
            first_spare = i;
    }
    if (n_workers > n)
        return (struct standby_plan){STANDBY_MAKE_SPARE, last_worker};
    if (n_workers < n && first_spare != NOWHERE)
        return (struct standby_plan){STANDBY_MAKE_WORKER, first_spare};
    return (struct standby_plan){STANDBY_REST, 0};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Of the slots without a process as many are workers as are missing, and those that will have one come first:
 * so what is told of the service is what its workers are, however its spares fare. */
static struct standby_plan label_all(const struct standby_facts *f, size_t missing)
{
    static const enum standby_state in_order[] = {STANDBY_RETURNING, STANDBY_NONE, STANDBY_LOST};
    for (size_t i = 0; i < 3; i++) {
        size_t n = least(missing, count_in(f, in_order[i]));
        struct standby_plan plan = label(f, in_order[i], n);
        if (plan.verdict != STANDBY_REST)
            return plan;
        missing -= n;
    }
    return (struct standby_plan){STANDBY_REST, 0};
}

struct standby_plan standby_decide(const struct standby_facts *f)
{
    size_t serving = count_serving(f), returning = count_in(f, STANDBY_RETURNING), slot;
    if (serving + returning < f->workers && (slot = best_spare(f)) != NOWHERE)
        return (struct standby_plan){STANDBY_ACTIVATE, slot};
    if (serving > f->workers && !f->is_replacing && (slot = least_needed(f)) != NOWHERE)
        return (struct standby_plan){STANDBY_STOP, slot};
    return label_all(f, serving < f->workers ? f->workers - serving : 0);
}

bool standby_starts_as_spare(const struct standby_facts *f, size_t slot)
{
    bool counts = serves(&f->slots[slot]) || f->slots[slot].state == STANDBY_RETURNING;
    return count_serving(f) + count_in(f, STANDBY_RETURNING) - counts >= f->workers;
}

/* The one that counts as a worker no more is the last of them: label(). */
static size_t last_that_left(const struct standby_facts *f, enum standby_state state)
{
    for (size_t i = f->n_slots; i-- > 0;)
        if (f->slots[i].state == state && f->slots[i].has_left && !f->slots[i].is_spare)
            return i;
    return NOWHERE;
}

size_t standby_predecessor(const struct standby_facts *f, size_t slot)
{
    size_t from = NOWHERE;
    if (f->slots[slot].is_spare && (from = last_that_left(f, STANDBY_LOST)) == NOWHERE)
        from = last_that_left(f, STANDBY_NONE);
    return from == NOWHERE ? slot : from;
}
