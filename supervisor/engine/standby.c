/* standby: see the header. It is looked from the loop, and not from inside of a worker's step, except at the
 * end of a worker: there nothing is to come before the spare. */
#include "config.h"

#include "engine/standby.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "core/standby.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/sequence.h"
#include "sys/clock.h"

unsigned standby_slots(const struct service *s)
{
    unsigned spares = s->accepts || s->n_wanted == 0 ? 0 : s->conf->with->standby;
    unsigned room = LIMIT_WORKERS - s->n_wanted;
    return s->n_wanted + (spares < room ? spares : room);
}

unsigned standby_slots_there(const struct service *s)
{
    return standby_slots(s) < s->n_workers ? standby_slots(s) : s->n_workers;
}

/* One that has no spares, wants none, and has as many slots as it is to, pays for nothing of this. */
static bool concerns(const struct service *s)
{
    return !s->accepts && (s->conf->with->standby > 0 || s->n_spares > 0 || s->n_workers > standby_slots(s));
}

static bool is_at_work(const struct service *s)
{
    return concerns(s) && s->is_wanted && s->has_begun && !s->engine->is_shutting_down;
}

/* --- the facts ----------------------------------------------------------------------------------------- */

/* A restart is the only thing that leaves a worker which is to go behind its service's generation. */
static bool returns(const struct worker *w)
{
    return w->is_wanted && !w->is_spare && w->generation < w->service->generation;
}

static enum standby_state state_of(const struct worker *w)
{
    switch (w->state) {
    case WORKER_SPAWNING:
    case WORKER_STARTING:
        return w->is_spare ? STANDBY_BOOTING : STANDBY_COMING;
    case WORKER_STANDBY:
        return STANDBY_WAITING;
    case WORKER_READY:
        return STANDBY_SERVING;
    case WORKER_DONE:
        return w->is_spare ? STANDBY_LOST : STANDBY_OVER;
    case WORKER_FAILED:
        return STANDBY_LOST;
    case WORKER_STOPPING:
    case WORKER_KILLING:
        return returns(w) ? STANDBY_RETURNING : STANDBY_NONE;
    case WORKER_DOWN:
    case WORKER_BACKOFF:
    case WORKER_WAITING:
    case WORKER_STATE_COUNT:
        break;
    }
    return STANDBY_NONE;
}

/* A worker whose end is not in its state yet, and what it comes to. */
struct end {
    const struct worker *of;
    enum standby_state state;
};

/* END may be NULL. */
static struct standby_facts gather(const struct service *s, const struct end *end)
{
    unsigned n = standby_slots_there(s);
    struct standby_slot *slots = mem_new_array(n + 1, sizeof *slots);
    for (unsigned i = 0; i < n; i++) {
        const struct worker *w = s->workers[i];
        slots[i] = (struct standby_slot){
            .state = end && end->of == w ? end->state : state_of(w),
            .is_spare = w->is_spare,
            .has_left = fd_store_count(s, w->slot) > 0,
        };
    }
    return (struct standby_facts){slots, n, s->n_wanted, rolling_is_active(s)};
}

static void forget(struct standby_facts *f)
{
    free((struct standby_slot *)f->slots);
}

bool standby_is_settled(const struct service *s)
{
    if (!concerns(s))
        return true;
    for (unsigned i = 0; i < s->n_workers; i++)
        if (s->workers[i]->state == WORKER_STOPPING || s->workers[i]->state == WORKER_KILLING)
            return false;
    struct standby_facts f = gather(s, NULL);
    bool rests = standby_decide(&f).verdict == STANDBY_REST;
    forget(&f);
    return rests;
}

/* --- what is done about them --------------------------------------------------------------------------- */

static void label(struct worker *w, bool is_spare)
{
    worker_set_spare(w, is_spare);
    worker_save(w);
}

/* W is to serve. Before that is recorded: a successor, who finds what is left of it, goes on. */
static void inherit(const struct standby_facts *f, const struct worker *w)
{
    size_t from = standby_predecessor(f, w->slot - 1);
    if (from != w->slot - 1)
        fd_store_pass(w->service, (unsigned)from + 1, w->slot);
}

static void act(const struct standby_facts *f, struct standby_plan plan, struct worker *w)
{
    switch (plan.verdict) {
    case STANDBY_REST:
        break;
    case STANDBY_ACTIVATE:
        inherit(f, w);
        engine_step(w, WORKER_EV_ACTIVATE);
        break;
    case STANDBY_STOP:
        worker_say(w, LOG_INFO, "is one more than are to serve: it is stopped");
        engine_step(w, WORKER_EV_STOP);
        break;
    case STANDBY_MAKE_SPARE:
    case STANDBY_MAKE_WORKER:
        label(w, plan.verdict == STANDBY_MAKE_SPARE);
        break;
    }
}

/* False when there is nothing to do. */
static bool take_step(struct service *s, const struct end *end)
{
    struct standby_facts f = gather(s, end);
    struct standby_plan plan = standby_decide(&f);
    if (plan.verdict != STANDBY_REST)
        act(&f, plan, s->workers[plan.slot]);
    forget(&f);
    return plan.verdict != STANDBY_REST;
}

static bool take_all_steps(struct service *s, const struct end *end)
{
    unsigned n = 0;
    if (!is_at_work(s))
        return false;
    while (take_step(s, end))
        must(++n <= 4 * LIMIT_WORKERS);
    return n > 0;
}

/* How many of the workers in slots that are too many are missed: others are to serve, and do not yet. */
static unsigned count_missed(const struct service *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < standby_slots_there(s); i++)
        n += s->workers[i]->state == WORKER_READY || state_of(s->workers[i]) == STANDBY_OVER;
    return is_at_work(s) && n < s->n_wanted ? s->n_wanted - n : 0;
}

void standby_stop_surplus(struct service *s)
{
    unsigned missed = count_missed(s);
    for (unsigned i = standby_slots(s); i < s->n_workers; i++) {
        struct worker *w = s->workers[i];
        w->is_wanted = false;
        worker_save(w);
        if (missed > 0 && w->state == WORKER_READY)
            missed--;
        else
            engine_step(w, WORKER_EV_STOP);
    }
    service_trim_slots(s);
    hold_trim_slots(s);
}

void standby_look(struct service *s)
{
    bool has_changed = take_all_steps(s, NULL);
    if (is_at_work(s) && s->n_workers > standby_slots(s))
        standby_stop_surplus(s);
    if (!has_changed)
        return;
    upkeep_follow(s);
    operation_on_service_change(s);
    sequence_follow(s); /* what its slots count as is part of its state */
}

void standby_cover(struct worker *w, enum worker_event event)
{
    struct end end = {w, event == WORKER_EV_END_FAILED ? STANDBY_LOST : STANDBY_NONE};
    if (w->role == WORKER_CURRENT && w->is_wanted && event != WORKER_EV_END_DONE)
        take_all_steps(w->service, &end);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct engine *e = t->data;
    for (size_t i = 0; i < e->n_services; i++) {
        struct service *s = e->services[i];
        bool is_due = s->is_standby_due;
        s->is_standby_due = false;
        if (!is_due)
            continue;
        standby_look(s);
        engine_check_over(s);
    }
}

void standby_follow(struct service *s)
{
    struct engine *e = s->engine;
    if (!concerns(s))
        return;
    s->is_standby_due = true;
    if (ev_is_active(&e->standby_timer))
        return;
    ev_timer_init(&e->standby_timer, on_timer, 0, 0);
    e->standby_timer.data = e;
    ev_timer_start(e->loop, &e->standby_timer);
}

/* --- a worker ------------------------------------------------------------------------------------------ */

void standby_prepare(struct worker *w)
{
    struct service *s = w->service;
    bool is_spare = false;
    if (w->role == WORKER_CANDIDATE) {
        is_spare = s->workers[w->slot - 1]->is_spare && standby_slots(s) > s->n_wanted;
    } else if (is_at_work(s) && w->role == WORKER_CURRENT) {
        struct standby_facts f = gather(s, NULL);
        is_spare = standby_starts_as_spare(&f, w->slot - 1);
        if (!is_spare)
            inherit(&f, w);
        forget(&f);
    }
    worker_set_spare(w, is_spare);
    w->is_unsent = false;
}

void standby_activate(struct worker *w)
{
    worker_set_spare(w, false);
    w->is_unsent = true;
    w->started = clock_mono(); /* that it has waited for long does not make it a stable worker */
}

/* One that cannot be told is of no use, and its end brings the next one about. */
static void give_up(struct worker *w, const char *why)
{
    worker_set_note(w, "could not be sent its sockets: %s", why);
    worker_say(w, LOG_ERROR, "%s: it is killed", w->note);
    w->has_failed_start = true;
    engine_step(w, WORKER_EV_KILL);
}

void standby_send(struct worker *w)
{
    struct berr err;
    crash_point(CRASH_AT_standby_recorded);
    int r = channel_activate(w, &err);
    crash_point(CRASH_AT_standby_sent);
    w->is_unsent = false;
    worker_save(w);
    if (r < 0)
        give_up(w, err.text);
}

/* --- another number of them ---------------------------------------------------------------------------- */

void standby_follow_conf(struct service *s)
{
    unsigned n = standby_slots(s);
    bool is_so = s->n_workers >= n;
    if (s->accepts || !s->is_wanted || !s->has_begun)
        return;
    for (unsigned i = 0; i < s->n_workers && is_so; i++)
        is_so = s->workers[i]->is_wanted == (i < n);
    if (!is_so)
        engine_scale(s, s->n_wanted);
}
