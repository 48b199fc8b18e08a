/* worker_fsm: every cell is decided, and whatever comes in whatever order, processes are started, asked to
 * end and forgotten as a much simpler model says. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/worker_fsm.h"

#define N_STATES WORKER_STATE_COUNT
#define N_EVENTS WORKER_EVENT_COUNT

static const char *cell_text(enum worker_state s, enum worker_event e)
{
    static char text[64];
    snprintf(text, sizeof text, "%s, when %s", worker_state_name(s), worker_event_name(e));
    return text;
}

static bool is_end(enum worker_event e)
{
    return e == WORKER_EV_END_AGAIN || e == WORKER_EV_END_LATER || e == WORKER_EV_END_DONE ||
           e == WORKER_EV_END_FAILED || e == WORKER_EV_END_WAIT;
}

Test(worker_fsm, every_cell_is_decided)
{
    for (int s = 0; s < N_STATES; s++)
        for (int e = 0; e < N_EVENTS; e++)
            cr_expect_neq(worker_fsm_step(s, e).cell, WORKER_CELL_UNDECIDED, "%s", cell_text(s, e));
}

Test(worker_fsm, states_and_events_have_names_of_their_own)
{
    for (int a = 0; a < N_STATES; a++)
        for (int b = 0; b < a; b++)
            cr_expect_str_neq(worker_state_name(a), worker_state_name(b));
    for (int a = 0; a < N_EVENTS; a++)
        for (int b = 0; b < a; b++)
            cr_expect_str_neq(worker_event_name(a), worker_event_name(b));
    cr_assert_str_eq(worker_state_name(WORKER_DOWN), "stopped");
    cr_assert_str_eq(worker_event_name(WORKER_EV_END_AGAIN), "END_AGAIN");
}

Test(worker_fsm, every_effect_belongs_to_the_state_that_it_leads_to)
{
    for (int s = 0; s < N_STATES; s++)
        for (int e = 0; e < N_EVENTS; e++) {
            struct worker_step step = worker_fsm_step(s, e);
            if (step.cell != WORKER_CELL_GO) {
                cr_expect_eq(step.effects, 0, "%s", cell_text(s, e));
                continue;
            }
            cr_expect_eq(!!(step.effects & WORKER_DO_SPAWN), step.next == WORKER_SPAWNING, "%s",
                         cell_text(s, e));
            cr_expect_eq(!!(step.effects & WORKER_DO_SIGNAL), step.next == WORKER_STOPPING, "%s",
                         cell_text(s, e));
            cr_expect_eq(!!(step.effects & WORKER_DO_KILL), step.next == WORKER_KILLING, "%s",
                         cell_text(s, e));
            cr_expect_eq(!!(step.effects & WORKER_DO_ACTIVATE),
                         e == WORKER_EV_ACTIVATE && step.next == WORKER_STARTING, "%s", cell_text(s, e));
        }
}

/* Why each BUG cell cannot come. A cell that is a bug for none of these reasons fails. */
static const char *why_impossible(enum worker_state s, enum worker_event e)
{
    bool process = worker_state_has_process(s);
    bool has_timer =
        s == WORKER_STARTING || s == WORKER_STOPPING || s == WORKER_KILLING || s == WORKER_BACKOFF;

    if (e == WORKER_EV_TIMEOUT && !has_timer)
        return "the state has no timer";
    if (e == WORKER_EV_SPAWNED && s != WORKER_SPAWNING)
        return "nothing is being spawned";
    if (is_end(e) && !process && s != WORKER_SPAWNING)
        return "there is no process that could end";
    if ((e == WORKER_EV_STOP || e == WORKER_EV_KILL) && s == WORKER_SPAWNING)
        return "spawning is over before the next event is looked at";
    if (e == WORKER_EV_ACTIVATE && s != WORKER_STARTING && s != WORKER_STANDBY)
        return "it is no spare that boots or waits";
    return NULL;
}

Test(worker_fsm, a_cell_is_a_bug_exactly_where_there_is_a_reason)
{
    for (int s = 0; s < N_STATES; s++)
        for (int e = 0; e < N_EVENTS; e++) {
            bool is_bug = worker_fsm_step(s, e).cell == WORKER_CELL_BUG;
            cr_expect_eq(is_bug, why_impossible(s, e) != NULL, "%s", cell_text(s, e));
        }
}

/* The model: what a person would note on paper about one slot, without its states. */
struct model {
    bool spawning; /* a process was ordered and has neither come nor failed to */
    bool process;
    bool asked;   /* it was sent its stop signal */
    bool killed;  /* it was sent KILL */
    bool waiting; /* a restart is due later */
    bool idle;    /* it waits for a connection */
};

static bool model_has_timer(const struct model *m, enum worker_state s)
{
    return m->waiting || (m->process && (m->asked || m->killed || s == WORKER_STARTING));
}

/* Could the engine, by this paper, see event E now? */
static bool can_come(const struct model *m, enum worker_state s, enum worker_event e)
{
    switch (e) {
    case WORKER_EV_START:
    case WORKER_EV_READY:
    case WORKER_EV_WAIT:
    case WORKER_EV_DEMAND:
    case WORKER_EV_BOOTED:
        return true;
    case WORKER_EV_ACTIVATE:
        return s == WORKER_STARTING || s == WORKER_STANDBY;
    case WORKER_EV_STOP:
    case WORKER_EV_KILL:
        return !m->spawning;
    case WORKER_EV_SPAWNED:
        return m->spawning;
    case WORKER_EV_TIMEOUT:
        return model_has_timer(m, s);
    case WORKER_EV_END_AGAIN:
    case WORKER_EV_END_LATER:
    case WORKER_EV_END_DONE:
    case WORKER_EV_END_FAILED:
    case WORKER_EV_END_WAIT:
        return m->process || m->spawning;
    case WORKER_EVENT_COUNT:
        break;
    }
    return false;
}

/* What the event itself does to the world. */
static void happen(struct model *m, enum worker_event e)
{
    if (e == WORKER_EV_SPAWNED)
        *m = (struct model){.process = true};
    if (is_end(e))
        *m = (struct model){.waiting = e == WORKER_EV_END_LATER, .idle = e == WORKER_EV_END_WAIT};
    if (e == WORKER_EV_WAIT && !m->spawning && !m->process)
        *m = (struct model){.idle = true};
    if (e == WORKER_EV_STOP || e == WORKER_EV_KILL || e == WORKER_EV_TIMEOUT)
        m->waiting = m->idle = false;
}

/* What the machine's effects do to it; each must make sense just then. */
static void carry_out(struct model *m, unsigned effects, const char *where)
{
    if (effects & WORKER_DO_SPAWN) {
        cr_assert_not(m->process || m->spawning, "a second process would be started: %s", where);
        *m = (struct model){.spawning = true};
    }
    if (effects & WORKER_DO_SIGNAL) {
        cr_assert(m->process, "a signal to nobody: %s", where);
        cr_assert_not(m->asked || m->killed, "asked twice: %s", where);
        m->asked = true;
    }
    if (effects & WORKER_DO_KILL) {
        cr_assert(m->process, "KILL to nobody: %s", where);
        m->killed = true;
    }
}

/* Do state and paper tell the same? */
static void compare(const struct model *m, enum worker_state s, const char *where)
{
    cr_assert_eq(worker_state_has_process(s), m->process, "%s", where);
    cr_assert_eq(s == WORKER_SPAWNING, m->spawning, "%s", where);
    cr_assert_eq(s == WORKER_KILLING, m->killed, "%s", where);
    cr_assert_eq(s == WORKER_STOPPING, m->asked && !m->killed, "%s", where);
    cr_assert_eq(s == WORKER_BACKOFF, m->waiting, "%s", where);
    cr_assert_eq(s == WORKER_WAITING, m->idle, "%s", where);
}

static unsigned model_bits(const struct model *m)
{
    return m->spawning | m->process << 1 | m->asked << 2 | m->killed << 3 | m->waiting << 4 | m->idle << 5;
}

#define DEPTH 8

struct walk {
    bool seen[N_STATES][64][DEPTH + 1]; /* with so many events to go */
    bool reached[N_STATES];
    unsigned long steps;
};

static void step_and_compare(enum worker_state *s, struct model *m, enum worker_event e)
{
    struct worker_step step = worker_fsm_step(*s, e);
    char where[64];

    strcpy(where, cell_text(*s, e));
    cr_assert_neq(step.cell, WORKER_CELL_BUG, "it can come: %s", where);
    happen(m, e);
    carry_out(m, step.effects, where);
    if (step.cell == WORKER_CELL_GO)
        *s = step.next;
    compare(m, *s, where);
}

static void walk(struct walk *w, enum worker_state s, struct model m, int left)
{
    if (w->seen[s][model_bits(&m)][left])
        return;
    w->seen[s][model_bits(&m)][left] = w->reached[s] = true;
    for (int e = 0; left > 0 && e < N_EVENTS; e++) {
        enum worker_state next = s;
        struct model after = m;
        if (!can_come(&m, s, e))
            continue;
        step_and_compare(&next, &after, e);
        w->steps++;
        walk(w, next, after, left - 1);
    }
}

Test(worker_fsm, any_eight_events_in_any_order_keep_the_paper_and_the_state_alike)
{
    static struct walk w;
    walk(&w, WORKER_DOWN, (struct model){0}, DEPTH);
    for (int s = 0; s < N_STATES; s++)
        cr_expect(w.reached[s], "%s is never reached", worker_state_name(s));
    cr_assert_gt(w.steps, 100);
}

/* Every sequence in full, without memory of what was seen: how many processes came and went is counted along
 * it. */
static void walk_counting(enum worker_state s, struct model m, int left, int started, int forgotten)
{
    cr_assert_eq(started - forgotten, m.process, "in %s: %d came, %d went", worker_state_name(s), started,
                 forgotten);
    for (int e = 0; left > 0 && e < N_EVENTS; e++) {
        enum worker_state next = s;
        struct model after = m;
        if (!can_come(&m, s, e) || e == WORKER_EV_READY)
            continue;
        step_and_compare(&next, &after, e);
        walk_counting(next, after, left - 1, started + (e == WORKER_EV_SPAWNED),
                      forgotten + (m.process && is_end(e)));
    }
}

Test(worker_fsm, every_process_that_came_is_forgotten_once)
{
    walk_counting(WORKER_DOWN, (struct model){0}, 6, 0, 0);
}

/* Wanted down: the engine answers an end with END_DONE or END_FAILED only, and sends no START. */
static bool comes_when_unwanted(enum worker_event e)
{
    return e != WORKER_EV_START && e != WORKER_EV_WAIT && e != WORKER_EV_END_AGAIN &&
           e != WORKER_EV_END_LATER && e != WORKER_EV_END_WAIT;
}

static void walk_unwanted(enum worker_state s, struct model m, int left)
{
    for (int e = 0; left > 0 && e < N_EVENTS; e++) {
        enum worker_state next = s;
        struct model after = m;
        if (!can_come(&m, s, e) || !comes_when_unwanted(e))
            continue;
        step_and_compare(&next, &after, e);
        cr_assert_neq(next, WORKER_SPAWNING, "%s starts one though nobody wants it", cell_text(s, e));
        walk_unwanted(next, after, left - 1);
    }
}

Test(worker_fsm, nothing_is_started_once_it_is_unwanted_and_stopped)
{
    static const struct {
        enum worker_state state;
        struct model model;
    } from[] = {
        {WORKER_DOWN, {0}},
        {WORKER_STARTING, {.process = true}},
        {WORKER_READY, {.process = true}},
        {WORKER_STANDBY, {.process = true}},
        {WORKER_STOPPING, {.process = true, .asked = true}},
        {WORKER_KILLING, {.process = true, .killed = true}},
        {WORKER_BACKOFF, {.waiting = true}},
        {WORKER_DONE, {0}},
        {WORKER_FAILED, {0}},
        {WORKER_WAITING, {.idle = true}},
    };
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        enum worker_state s = from[i].state;
        struct model m = from[i].model;
        step_and_compare(&s, &m, WORKER_EV_STOP);
        walk_unwanted(s, m, 5);
    }
}

Test(worker_fsm, a_worker_that_is_told_to_stop_is_down_after_its_end)
{
    static const enum worker_state from[] = {WORKER_STARTING, WORKER_READY, WORKER_STANDBY, WORKER_STOPPING,
                                             WORKER_KILLING};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        struct worker_step step = worker_fsm_step(from[i], WORKER_EV_STOP);
        enum worker_state s = step.cell == WORKER_CELL_GO ? step.next : from[i];
        cr_expect_eq(worker_fsm_step(s, WORKER_EV_END_DONE).next, WORKER_DOWN, "from %s",
                     worker_state_name(from[i]));
    }
}

Test(worker_fsm, a_worker_that_does_not_obey_is_killed_again_and_again)
{
    enum worker_state s = WORKER_READY;
    static const enum worker_state path[] = {WORKER_STOPPING, WORKER_KILLING, WORKER_KILLING};
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        struct worker_step step = worker_fsm_step(s, i == 0 ? WORKER_EV_STOP : WORKER_EV_TIMEOUT);
        cr_assert_eq(step.next, path[i]);
        cr_assert_neq(step.effects, 0);
        s = step.next;
    }
}

Test(worker_fsm, a_worker_that_waits_is_started_by_demand_and_by_nothing_less)
{
    cr_expect_eq(worker_fsm_step(WORKER_WAITING, WORKER_EV_DEMAND).next, WORKER_SPAWNING);
    cr_expect_eq(worker_fsm_step(WORKER_WAITING, WORKER_EV_START).next, WORKER_SPAWNING);
    cr_expect_eq(worker_fsm_step(WORKER_WAITING, WORKER_EV_WAIT).cell, WORKER_CELL_STAY);
    for (int s = 0; s < N_STATES; s++)
        if (s != WORKER_WAITING)
            cr_expect_eq(worker_fsm_step(s, WORKER_EV_DEMAND).cell, WORKER_CELL_STAY, "%s",
                         worker_state_name(s));
}

Test(worker_fsm, a_spare_boots_waits_and_is_sent_its_sockets_once)
{
    enum worker_state s = worker_fsm_step(WORKER_STARTING, WORKER_EV_BOOTED).next;
    cr_assert_eq(s, WORKER_STANDBY);
    cr_assert_eq(worker_fsm_step(s, WORKER_EV_READY).cell, WORKER_CELL_STAY, "it has nothing to serve with");
    struct worker_step step = worker_fsm_step(s, WORKER_EV_ACTIVATE);
    cr_assert_eq(step.next, WORKER_STARTING);
    cr_assert_eq(step.effects, WORKER_DO_ACTIVATE);
    cr_assert_eq(worker_fsm_step(WORKER_READY, WORKER_EV_ACTIVATE).cell, WORKER_CELL_BUG);
}
