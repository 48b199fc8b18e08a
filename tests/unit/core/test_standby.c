/* standby: all that may happen to the workers and spares of a service, walked from state to state: what the
 * plan asks for is done, every process may boot, become ready or end at any time, and the number of workers
 * may change. */
#include "config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "core/standby.h"

#define SLOTS 4
#define STATES 400000
#define PLACES 1000003 /* prime */

/* What a slot holds. ENDING and EMPTY are the same to the plan. LOST is empty until somebody starts it again.
 */
enum held { LOST, EMPTY, ENDING, RETURNING, BOOTING, WAITING, COMING, SERVING, OVER, HELD_COUNT };

struct model {
    unsigned char held[SLOTS];
    unsigned char is_spare[SLOTS];
    unsigned char has_left[SLOTS]; /* everyone who serves leaves something */
    unsigned char workers, is_replacing;
};

struct terms {
    unsigned slots, spares;
};

static struct model seen[STATES];
static unsigned places[PLACES]; /* by what is there: 1 + its number in `seen` */
static size_t n_seen, n_walked;
static bool was_activated, was_stopped, was_relabelled, was_passed;

static void reach(const struct model *m)
{
    unsigned at = 0;
    for (size_t i = 0; i < sizeof *m; i++)
        at = at * 31 + ((const unsigned char *)m)[i];
    for (at %= PLACES; places[at] > 0; at = (at + 1) % PLACES)
        if (memcmp(&seen[places[at] - 1], m, sizeof *m) == 0)
            return;
    cr_assert_lt(n_seen, STATES);
    seen[n_seen++] = *m;
    places[at] = (unsigned)n_seen;
}

/* How many slots there are, which is fewer than TERMS allow after a scaling down. */
static unsigned slots_of(const struct terms *t, const struct model *m)
{
    return m->workers + t->spares;
}

static unsigned count(const struct terms *t, const struct model *m, enum held from, enum held to)
{
    unsigned n = 0;
    for (unsigned i = 0; i < slots_of(t, m); i++)
        n += m->held[i] >= from && m->held[i] <= to;
    return n;
}

static struct standby_facts facts_of(const struct terms *t, const struct model *m, struct standby_slot *slots)
{
    static const enum standby_state states[HELD_COUNT] = {
        [LOST] = STANDBY_LOST,           [EMPTY] = STANDBY_NONE,      [ENDING] = STANDBY_NONE,
        [RETURNING] = STANDBY_RETURNING, [BOOTING] = STANDBY_BOOTING, [WAITING] = STANDBY_WAITING,
        [COMING] = STANDBY_COMING,       [SERVING] = STANDBY_SERVING, [OVER] = STANDBY_OVER,
    };
    for (unsigned i = 0; i < slots_of(t, m); i++) {
        enum held held =
            m->held[i] == RETURNING && m->is_spare[i] ? ENDING : m->held[i]; /* its time is over */
        slots[i] = (struct standby_slot){states[held], m->is_spare[i], m->has_left[i]};
    }
    return (struct standby_facts){slots, slots_of(t, m), m->workers, m->is_replacing};
}

static void check_activation(const struct terms *t, const struct model *m, size_t slot)
{
    cr_assert(m->held[slot] == WAITING || m->held[slot] == BOOTING);
    cr_assert(m->held[slot] == WAITING || count(t, m, WAITING, WAITING) == 0, "the one that waits is sooner");
    cr_assert_lt(count(t, m, COMING, OVER), m->workers, "nobody is missed");
}

static void check_stop(const struct terms *t, const struct model *m, size_t slot)
{
    cr_assert_gt(count(t, m, COMING, OVER), m->workers, "one that is needed would be stopped");
    cr_assert(m->held[slot] == COMING || (m->held[slot] == SERVING && count(t, m, COMING, COMING) == 0));
    cr_assert_not(m->is_replacing);
}

static void inherit(const struct standby_facts *f, struct model *m, size_t slot)
{
    size_t from = standby_predecessor(f, slot);
    cr_assert(from == slot || (m->is_spare[slot] && !m->is_spare[from] && m->held[from] <= ENDING));
    m->has_left[slot] = m->has_left[slot] || m->has_left[from];
    if (from != slot)
        m->has_left[from] = 0, was_passed = true;
}

/* One that has failed leaves nothing. */
static struct model rest(struct model m)
{
    for (unsigned i = 0; i < SLOTS; i++)
        m.has_left[i] = m.held[i] == SERVING || (m.has_left[i] && m.held[i] != LOST);
    return m;
}

/* The plan is followed until it rests. */
static struct model settle(const struct terms *t, struct model m)
{
    struct standby_slot slots[SLOTS];
    for (unsigned n = 0;; n++) {
        struct standby_facts f = facts_of(t, &m, slots);
        struct standby_plan plan = standby_decide(&f);
        cr_assert_leq(n, 4 * SLOTS, "it never rests");
        if (plan.verdict == STANDBY_REST)
            return rest(m);
        cr_assert_lt(plan.slot, slots_of(t, &m));
        if (plan.verdict == STANDBY_ACTIVATE) {
            check_activation(t, &m, plan.slot);
            inherit(&f, &m, plan.slot);
            m.held[plan.slot] = COMING;
            m.is_spare[plan.slot] = 0;
            was_activated = true;
        } else if (plan.verdict == STANDBY_STOP) {
            check_stop(t, &m, plan.slot);
            m.held[plan.slot] = ENDING;
            m.has_left[plan.slot] = 0; /* it stays there */
            was_stopped = true;
        } else {
            cr_assert_leq(m.held[plan.slot], RETURNING);
            cr_assert_neq(m.is_spare[plan.slot], plan.verdict == STANDBY_MAKE_SPARE, "it is that already");
            if (m.held[plan.slot] == RETURNING) /* it is one too many */
                m.has_left[plan.slot] = 0;
            m.is_spare[plan.slot] = plan.verdict == STANDBY_MAKE_SPARE;
            was_relabelled = true;
        }
    }
}

static void start(const struct terms *t, struct model *m, size_t slot)
{
    struct standby_slot slots[SLOTS];
    struct standby_facts f = facts_of(t, m, slots);
    bool is_spare = standby_starts_as_spare(&f, slot);
    if (!is_spare)
        inherit(&f, m, slot);
    m->is_spare[slot] = is_spare;
    m->held[slot] = is_spare ? BOOTING : COMING;
}

/* The slots behind the last are told to go, as scaling down does. What a slot has left that is a spare's now
 * stays there. */
static struct model scale(const struct terms *t, struct model m, unsigned workers)
{
    unsigned before = slots_of(t, &m);
    m.workers = (unsigned char)workers;
    for (unsigned i = slots_of(t, &m); i < before; i++)
        m.held[i] = EMPTY, m.is_spare[i] = m.has_left[i] = 0;
    m = settle(t, m);
    for (unsigned i = 0; i < slots_of(t, &m); i++)
        m.has_left[i] = m.has_left[i] && !m.is_spare[i];
    return m;
}

/* What a slot of this state may come to by itself. */
static void happen_to(const struct terms *t, const struct model *m, unsigned i)
{
    struct model next = *m;
    switch (m->held[i]) {
    case LOST:
    case EMPTY:
        start(t, &next, i);
        break;
    case ENDING:
    case RETURNING:
        next.held[i] = EMPTY;
        break;
    case BOOTING:
        next.held[i] = WAITING;
        break;
    case COMING:
        next.held[i] = SERVING;
        break;
    default:
        break;
    }
    next = settle(t, next);
    reach(&next);
    for (enum held end = LOST; end <= RETURNING && m->held[i] >= BOOTING && m->held[i] != OVER; end++) {
        next = *m; /* it dies, or is told to go: hung, unhealthy, restarted */
        next.held[i] = (unsigned char)end;
        if (count(t, &next, COMING, OVER) >= m->workers)
            next.has_left[i] = 0; /* nobody takes its place */
        next = settle(t, next);
        reach(&next);
    }
    next = *m;
    if (m->held[i] == SERVING) {
        next.held[i] = OVER;
        next = settle(t, next);
        reach(&next);
    }
}

/* Of any state after the plan has been followed. */
static void check(const struct terms *t, const struct model *m)
{
    unsigned serving = count(t, m, COMING, OVER), spares = count(t, m, BOOTING, WAITING), labels = 0;
    unsigned returning = 0;
    for (unsigned i = 0; i < slots_of(t, m); i++)
        returning += m->held[i] == RETURNING && !m->is_spare[i];
    cr_assert(serving + returning >= m->workers || spares == 0, "a spare waits while a worker is missing");
    cr_assert(m->is_replacing || serving <= m->workers || count(t, m, OVER, OVER) > m->workers,
              "more serve than are to");
    for (unsigned i = 0; i < slots_of(t, m); i++) {
        labels += !m->is_spare[i];
        cr_assert(m->held[i] < BOOTING || (m->held[i] <= WAITING) == m->is_spare[i]);
        cr_assert(!m->is_spare[i] || !m->has_left[i], "what is left is where nobody serves");
    }
    unsigned lost_workers = 0, coming_spares = 0;
    for (unsigned i = 0; i < slots_of(t, m); i++) {
        lost_workers += m->held[i] == LOST && !m->is_spare[i];
        coming_spares += m->held[i] != LOST && m->held[i] <= RETURNING && m->is_spare[i];
    }
    cr_assert(lost_workers == 0 || coming_spares == 0, "who comes back counts before who does not");
    cr_assert(labels == m->workers || serving > m->workers, "%u slots count as workers, and %u are to",
              labels, m->workers);
}

/* When nothing goes wrong any more, all workers serve and all spares wait, soon. */
static void check_recovery(const struct terms *t, struct model m)
{
    m.is_replacing = 0;
    m = settle(t, m);
    unsigned over = count(t, &m, OVER, OVER);
    for (int round = 0; round < 4; round++)
        for (unsigned i = 0; i < slots_of(t, &m); i++) {
            if (m.held[i] <= EMPTY) {
                start(t, &m, i);
            } else if (m.held[i] <= RETURNING) {
                m.held[i] = EMPTY;
            } else if (m.held[i] == BOOTING || m.held[i] == COMING) {
                m.held[i]++;
            }
            m = settle(t, m);
        }
    cr_assert_eq(count(t, &m, SERVING, OVER), m.workers > over ? m.workers : over);
    cr_assert_eq(count(t, &m, WAITING, WAITING), slots_of(t, &m) - count(t, &m, SERVING, OVER),
                 "every spare comes back");
}

static void walk(const struct terms *t)
{
    n_seen = 0;
    memset(places, 0, sizeof places);
    for (unsigned workers = 1; workers + t->spares <= t->slots; workers++) {
        struct model m = {.held = {EMPTY, EMPTY, EMPTY, EMPTY}, .workers = (unsigned char)workers};
        m = settle(t, m);
        reach(&m);
    }
    for (size_t i = 0; i < n_seen; i++) {
        struct model m = seen[i], next = m;
        check(t, &m);
        check_recovery(t, m);
        for (unsigned slot = 0; slot < slots_of(t, &m); slot++)
            happen_to(t, &m, slot);
        for (unsigned workers = 1; workers + t->spares <= t->slots; workers++) {
            next = scale(t, m, workers);
            reach(&next);
        }
        next = m;
        next.is_replacing = !m.is_replacing;
        next = settle(t, next);
        reach(&next);
    }
    n_walked += n_seen;
}

Test(standby, at_no_reachable_state_a_spare_waits_while_a_worker_is_missing)
{
    for (unsigned spares = 0; spares < SLOTS; spares++)
        walk(&(struct terms){SLOTS, spares});
    cr_log_info("%zu states", n_walked);
    cr_assert_gt(n_walked, 1000);
    cr_assert(was_activated && was_stopped && was_relabelled && was_passed);
}

/* Any state at all, also one that no plan leads to: what a predecessor of another version, or a lost memory,
 * has left. */
Test(standby, from_any_state_whatever_it_comes_to_rest_and_recovers)
{
    struct terms t = {SLOTS, 2};
    unsigned all = 1;
    for (unsigned i = 0; i < SLOTS; i++)
        all *= 2 * HELD_COUNT;
    for (unsigned code = 0; code < all; code++) {
        struct model m = {.workers = 2};
        for (unsigned i = 0, rest = code; i < SLOTS; i++, rest /= 2 * HELD_COUNT) {
            m.held[i] = (unsigned char)(rest % HELD_COUNT);
            m.is_spare[i] = rest / HELD_COUNT % 2;
        }
        check_recovery(&t, m);
    }
}

Test(standby, the_death_of_a_worker_activates_the_first_spare_that_waits)
{
    struct standby_slot slots[] = {{STANDBY_NONE, false, false},
                                   {STANDBY_BOOTING, true, false},
                                   {STANDBY_WAITING, true, false},
                                   {STANDBY_WAITING, true, false}};
    struct standby_plan plan = standby_decide(&(struct standby_facts){slots, 4, 1, false});
    cr_assert_eq(plan.verdict, STANDBY_ACTIVATE);
    cr_assert_eq(plan.slot, 2);
    slots[2] = (struct standby_slot){STANDBY_COMING, false, false};
    plan = standby_decide(&(struct standby_facts){slots, 4, 1, false});
    cr_assert_eq(plan.verdict, STANDBY_MAKE_SPARE, "what is started in its place is a spare");
    cr_assert_eq(plan.slot, 0);
}

Test(standby, without_slots_there_is_nothing_to_do)
{
    cr_assert_eq(standby_decide(&(struct standby_facts){NULL, 0, 0, false}).verdict, STANDBY_REST);
}

Test(standby, of_two_dead_ones_that_counts_as_the_worker_which_comes_back)
{
    struct standby_slot slots[] = {{STANDBY_LOST, false, false}, {STANDBY_NONE, true, false}};
    struct standby_plan plan = standby_decide(&(struct standby_facts){slots, 2, 1, false});
    cr_assert_eq(plan.verdict, STANDBY_MAKE_WORKER);
    cr_assert_eq(plan.slot, 1);
    slots[1].is_spare = false;
    plan = standby_decide(&(struct standby_facts){slots, 2, 1, false});
    cr_assert_eq(plan.verdict, STANDBY_MAKE_SPARE);
    cr_assert_eq(plan.slot, 0);
}

Test(standby, in_a_restart_a_spare_serves_once_the_worker_has_ended_and_takes_what_it_left)
{
    struct standby_slot slots[] = {{STANDBY_RETURNING, false, true}, {STANDBY_WAITING, true, false}};
    struct standby_facts f = {slots, 2, 1, false};
    cr_assert_eq(standby_decide(&f).verdict, STANDBY_REST);
    slots[0].state = STANDBY_NONE;
    struct standby_plan plan = standby_decide(&f);
    cr_assert(plan.verdict == STANDBY_ACTIVATE && plan.slot == 1);
    cr_assert_eq(standby_predecessor(&f, 1), 0);
    slots[1].is_spare = false;
    cr_assert_eq(standby_predecessor(&f, 1), 1, "who is a worker already takes nobody's place");
}
