/* rolling: see the header. */
#include "config.h"

#include "core/rolling.h"

bool rolling_starts(const struct rolling_slot *slot)
{
    return slot->is_due && slot->has_room && slot->candidate == ROLLING_NONE;
}

/* The counts that decide. */
struct tally {
    size_t due, coming, ready, failed, fallen;
    size_t startable, first; /* slots in which a candidate may be started, and the first of them */
    struct mono settled;     /* when the last of those that are ready has stayed so for long enough */
};

static struct tally count(const struct rolling_facts *f)
{
    struct tally t = {.settled = f->now};
    for (size_t i = f->n_slots; i-- > 0;) {
        const struct rolling_slot *s = &f->slots[i];
        t.due += s->is_due;
        t.coming += s->candidate == ROLLING_COMING;
        t.failed += s->candidate == ROLLING_FAILED;
        t.fallen += s->has_fallen;
        if (s->candidate == ROLLING_READY) {
            struct mono settled = mono_add(s->ready_since, f->settle_ns);
            t.ready++;
            if (mono_is_before(t.settled, settled))
                t.settled = settled;
        }
        if (rolling_starts(s)) {
            t.startable++;
            t.first = i;
        }
    }
    return t;
}

/* Candidates are wanted, and none is there yet: is there room for their generation? */
static struct rolling_plan begin_step(const struct rolling_facts *f, const struct tally *t, size_t most)
{
    struct mono end = mono_add(f->oldest_drain, ROLLING_DRAIN_NS);
    bool is_full = f->n_generations >= f->max_generations && !mono_is_never(f->oldest_drain);
    if (is_full && mono_is_before(f->now, end))
        return (struct rolling_plan){.verdict = ROLLING_WAIT, .due = end};
    if (is_full)
        return (struct rolling_plan){.verdict = ROLLING_END_DRAIN, .due = MONO_NEVER};
    if (t->startable == 0)
        return (struct rolling_plan){.verdict = ROLLING_WAIT, .due = MONO_NEVER};
    return (struct rolling_plan){ROLLING_START, MONO_NEVER, t->first,
                                 t->startable < most ? t->startable : most};
}

struct rolling_plan rolling_decide(const struct rolling_facts *f)
{
    struct tally t = count(f);
    size_t under_way = t.coming + t.ready, most = f->step > 0 && f->step < t.due ? f->step : t.due;
    if (t.failed > 0)
        return (struct rolling_plan){.verdict = ROLLING_GIVE_UP, .due = MONO_NEVER};
    if (t.due == 0 && under_way == 0)
        return (struct rolling_plan){.verdict = ROLLING_DONE, .due = MONO_NEVER};
    if (t.fallen > 0) /* the others would be replaced by what does not stay up */
        return (struct rolling_plan){.verdict = ROLLING_GIVE_UP, .due = MONO_NEVER};
    if (under_way == 0)
        return begin_step(f, &t, most);
    if (under_way < most &&
        t.startable > 0) /* others of the step were put off, or a predecessor died in it */
        return (struct rolling_plan){ROLLING_START, MONO_NEVER, t.first,
                                     t.startable < most - under_way ? t.startable : most - under_way};
    if (t.coming > 0)
        return (struct rolling_plan){.verdict = ROLLING_WAIT, .due = MONO_NEVER};
    if (mono_is_before(f->now, t.settled))
        return (struct rolling_plan){.verdict = ROLLING_WAIT, .due = t.settled};
    return (struct rolling_plan){.verdict = ROLLING_PROMOTE, .due = MONO_NEVER};
}
