/* rolling: all that may happen while workers are replaced, walked from state to state: what the plan asks for
 * is done, and every worker may become ready, fail or end at any time. */
#include "config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "core/rolling.h"

#define SLOTS 3
#define SETTLE (1 * NSEC_PER_SEC)
#define STATES 200000

/* The moments that matter: when something began, and when it has lasted for long enough. */
static const struct mono began = {100 * NSEC_PER_SEC}, now = {200 * NSEC_PER_SEC};

#define FALLEN 2

enum candidate { NONE, COMING, READY, SETTLED, FAILED };

struct model {
    unsigned char candidate[SLOTS];
    unsigned char is_new[SLOTS]; /* the slot's worker is of the new generation; FALLEN: and did not stay up */
    unsigned char draining;      /* workers of the old generation that were told to go */
    unsigned char elder;         /* of the generation before that: 0 none, 1 young, 2 for long */
    unsigned char verdict;       /* how it ended; 0: it goes on */
};

struct terms {
    unsigned slots, step, max_generations;
};

static struct model seen[STATES];
static size_t n_seen, n_walked;

static void reach(const struct model *m)
{
    for (size_t i = 0; i < n_seen; i++)
        if (memcmp(&seen[i], m, sizeof *m) == 0)
            return;
    cr_assert_lt(n_seen, STATES);
    seen[n_seen++] = *m;
}

static unsigned count(const struct terms *t, const unsigned char *values, unsigned char from,
                      unsigned char to)
{
    unsigned n = 0;
    for (unsigned i = 0; i < t->slots; i++)
        n += values[i] >= from && values[i] <= to;
    return n;
}

static struct rolling_plan decide(const struct terms *t, const struct model *m)
{
    static const enum rolling_candidate how_far[] = {ROLLING_NONE, ROLLING_COMING, ROLLING_READY,
                                                     ROLLING_READY, ROLLING_FAILED};
    struct rolling_slot slots[SLOTS];
    for (unsigned i = 0; i < t->slots; i++)
        slots[i] = (struct rolling_slot){
            .is_due = !m->is_new[i],
            .has_room = true,
            .candidate = how_far[m->candidate[i]],
            .ready_since = m->candidate[i] == SETTLED ? began : mono_add(now, -SETTLE / 2),
            .has_fallen = m->is_new[i] == FALLEN,
        };
    bool old_lives = m->draining > 0 || count(t, m->is_new, 0, 0) > 0;
    struct rolling_facts f = {
        .slots = slots,
        .n_slots = t->slots,
        .step = t->step,
        .settle_ns = SETTLE,
        .n_generations = old_lives + (m->elder > 0),
        .max_generations = t->max_generations,
        .oldest_drain = m->elder == 0   ? MONO_NEVER
                        : m->elder == 1 ? mono_add(now, -ROLLING_DRAIN_NS / 2)
                                        : mono_add(now, -ROLLING_DRAIN_NS),
        .now = now,
    };
    return rolling_decide(&f);
}

/* May anything happen without the plan? Time counts where DUE says that it is waited for. */
static bool can_change(const struct terms *t, const struct model *m, bool is_timed)
{
    return count(t, m->candidate, COMING, COMING) > 0 || m->elder > 0 || m->draining > 0 || is_timed;
}

static void apply(const struct terms *t, const struct model *m, struct rolling_plan plan)
{
    struct model next = *m;
    switch (plan.verdict) {
    case ROLLING_DONE:
        cr_assert_eq(count(t, m->is_new, 1, FALLEN), t->slots, "all are new");
        cr_assert_eq(count(t, m->candidate, COMING, FAILED), 0, "and none is left over");
        next.verdict = 1 + ROLLING_DONE;
        break;
    case ROLLING_GIVE_UP:
        cr_assert(count(t, m->candidate, FAILED, FAILED) > 0 || count(t, m->is_new, FALLEN, FALLEN) > 0);
        cr_assert_gt(count(t, m->is_new, 0, 0), 0, "there is somebody to go on");
        memset(next.candidate, NONE, sizeof next.candidate);
        next.verdict = 1 + ROLLING_GIVE_UP;
        break;
    case ROLLING_WAIT:
        cr_assert(can_change(t, m, !mono_is_never(plan.due)), "it would wait for ever");
        cr_assert(mono_is_never(plan.due) || mono_is_before(now, plan.due), "it would look again and again");
        return;
    case ROLLING_START:
        cr_assert_gt(plan.n, 0);
        cr_assert_eq(count(t, m->is_new, FALLEN, FALLEN), 0, "nobody follows one that did not stay up");
        for (unsigned i = (unsigned)plan.first, left = (unsigned)plan.n; i < t->slots && left > 0; i++)
            if (!m->is_new[i] && m->candidate[i] == NONE) {
                next.candidate[i] = COMING;
                left--;
            }
        break;
    case ROLLING_PROMOTE:
        cr_assert_eq(count(t, m->is_new, FALLEN, FALLEN), 0, "nobody follows one that did not stay up");
        for (unsigned i = 0; i < t->slots; i++)
            if (m->candidate[i] != NONE) {
                cr_assert_eq(m->candidate[i], SETTLED, "nobody goes before the new one has proved itself");
                next.candidate[i] = NONE;
                next.is_new[i] = 1;
                next.draining++;
            }
        cr_assert_neq(next.draining, m->draining);
        break;
    case ROLLING_END_DRAIN:
        cr_assert_eq(m->elder, 2);
        next.elder = 0;
        break;
    }
    reach(&next);
}

/* What workers and time may do. */
static void happen(const struct terms *t, const struct model *m)
{
    struct model next;
    for (unsigned i = 0; i < t->slots; i++) {
        next = *m;
        if (m->candidate[i] == COMING || m->candidate[i] == READY) {
            next.candidate[i]++;
            reach(&next);
        }
        if (m->candidate[i] >= COMING && m->candidate[i] <= SETTLED) {
            next.candidate[i] = FAILED;
            reach(&next);
        }
        next = *m;
        if (m->is_new[i]) {
            next.is_new[i] = m->is_new[i] == FALLEN ? 1 : FALLEN;
            reach(&next);
        }
    }
    next = *m;
    if (m->draining > 0) {
        next.draining--;
        reach(&next);
    }
    next = *m;
    if (m->elder > 0) {
        next.elder = 0;
        reach(&next);
        next.elder = 2;
        reach(&next);
    }
}

static void check(const struct terms *t, const struct model *m)
{
    /* Every slot has its old worker or a new one that was promoted: that nobody is missing is that nobody is
     * told to go but by a promotion. What is left to be bounded is what is there beside them. */
    unsigned under_way = count(t, m->candidate, COMING, FAILED);
    bool old = m->draining > 0 || count(t, m->is_new, 0, 0) > 0,
         is_new = under_way > 0 || count(t, m->is_new, 1, FALLEN) > 0;
    cr_assert_leq(under_way, t->step ? t->step : t->slots);
    cr_assert_leq((unsigned)old + is_new + (m->elder > 0),
                  t->max_generations > 2 || !is_new ? 3 : t->max_generations);
    for (unsigned i = 0; i < t->slots; i++)
        cr_assert(!m->is_new[i] || m->candidate[i] == NONE, "a slot is replaced once");
    if (m->verdict)
        cr_assert_eq(under_way, 0, "no generation is left behind");
}

static void walk(const struct terms *t)
{
    bool was_done = false, was_given_up = false;
    n_seen = 0;
    for (unsigned char elder = 0; elder < 3; elder++)
        reach(&(struct model){.elder = elder});
    for (size_t i = 0; i < n_seen; i++) {
        struct model m = seen[i];
        check(t, &m);
        was_done = was_done || m.verdict == 1 + ROLLING_DONE;
        was_given_up = was_given_up || m.verdict == 1 + ROLLING_GIVE_UP;
        if (m.verdict)
            continue;
        apply(t, &m, decide(t, &m));
        happen(t, &m);
    }
    cr_assert(was_done && was_given_up);
    n_walked += n_seen;
}

Test(rolling, at_no_reachable_state_is_anybody_missing_or_left_behind)
{
    for (unsigned slots = 1; slots <= SLOTS; slots++)
        for (unsigned step = 0; step <= slots; step++)
            for (unsigned max = 2; max <= 3; max++)
                walk(&(struct terms){slots, step, max});
    cr_log_info("%zu states", n_walked);
    cr_assert_gt(n_walked, 1000);
}

static struct rolling_facts facts(const struct rolling_slot *slots, size_t n)
{
    return (struct rolling_facts){.slots = slots,
                                  .n_slots = n,
                                  .settle_ns = SETTLE,
                                  .n_generations = 1,
                                  .max_generations = 2,
                                  .oldest_drain = MONO_NEVER,
                                  .now = now};
}

Test(rolling, it_is_looked_again_at_the_moment_at_which_the_last_has_settled)
{
    struct rolling_slot slots[] = {{true, true, ROLLING_READY, {now.ns - SETTLE / 4}, false},
                                   {true, true, ROLLING_READY, {now.ns - SETTLE / 2}, false}};
    struct rolling_facts f = facts(slots, 2);
    struct rolling_plan plan = rolling_decide(&f);
    cr_assert_eq(plan.verdict, ROLLING_WAIT);
    cr_assert_eq(plan.due.ns, now.ns + SETTLE * 3 / 4);
}

Test(rolling, without_a_lane_nothing_is_started)
{
    struct rolling_slot slots[] = {{true, false, ROLLING_NONE, {0}, false}};
    struct rolling_facts f = facts(slots, 1);
    struct rolling_plan plan = rolling_decide(&f);
    cr_assert_eq(plan.verdict, ROLLING_WAIT);
    cr_assert(mono_is_never(plan.due));
}

Test(rolling, with_no_slots_there_is_nothing_to_do)
{
    struct rolling_facts f = facts(NULL, 0);
    cr_assert_eq(rolling_decide(&f).verdict, ROLLING_DONE);
}
