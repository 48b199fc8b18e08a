/* sequence: see the header. Services that are to be looked at stand in a queue, so that a long chain of them
 * is no deep recursion. */
#include "config.h"

#include "engine/sequence.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/update.h"

static bool is_leaving(const struct service *s)
{
    return s->leaving != NULL;
}

/* Does it serve, wait for somebody to serve, or has it run to the end that it was started for? */
static bool is_up(const struct service *s)
{
    enum service_state state = service_state(s);
    return state == SERVICE_RUNNING || state == SERVICE_DEGRADED || state == SERVICE_WAITING ||
           (state == SERVICE_DONE && s->conf->with->type == TYPE_ONESHOT);
}

static bool has_failed(const struct service *s)
{
    enum service_state state = service_state(s);
    return state == SERVICE_FAILED || (state == SERVICE_DONE && s->conf->with->type != TYPE_ONESHOT);
}

/* For one that comes after it and does not require it: it is up, will not come up, or has had its try. */
static bool is_settled(const struct service *s)
{
    return !s->is_wanted || (!update_renews(s) && !rolling_is_active(s) &&
                             (is_up(s) || has_failed(s) || service_state(s) == SERVICE_BACKOFF));
}

static bool may_begin(const struct service *s)
{
    const struct order *o = &s->engine->order;
    for (size_t i = o->first_before[s->index]; i < o->first_before[s->index + 1]; i++) {
        const struct service *other = s->engine->services[o->before[i].service];
        if (!is_settled(other) || (o->before[i].is_required && !is_up(other)))
            return false;
    }
    return true;
}

const char *sequence_blocker(const struct service *s)
{
    const struct order *o = &s->engine->order;
    for (size_t i = o->first_before[s->index]; !is_leaving(s) && i < o->first_before[s->index + 1]; i++) {
        const struct service *other = s->engine->services[o->before[i].service];
        if (o->before[i].is_required && has_failed(other))
            return other->conf->name;
    }
    return NULL;
}

static void block(struct service *s, const char *blocker)
{
    if (s->is_blocked == (blocker != NULL))
        return;
    s->is_blocked = blocker != NULL;
    if (blocker)
        event_log_say(&s->engine->log, LOG_ERROR, s->conf->name, s->conf->name,
                      "is not started: it requires %s, which has failed", blocker);
    operation_on_service_change(s);
    sequence_follow(s);
    engine_check_over(s);
}

static void try_begin(struct service *s)
{
    if (!s->is_wanted || s->has_begun || s->engine->is_shutting_down || !s->engine->has_begun)
        return;
    block(s, sequence_blocker(s));
    if (!s->is_blocked && may_begin(s) && !update_holds_back(s) && !hooks_put_off_start(s)) {
        engine_bring_up(s);
        sequence_tell(s);
    }
}

/* Once those that it waits for are as they are to be: what it requires may have changed with it. */
static bool may_be_renewed(const struct service *s)
{
    const struct order *o = &s->engine->order;
    for (size_t i = o->first_before[s->index]; i < o->first_before[s->index + 1]; i++)
        if (!is_settled(s->engine->services[o->before[i].service]))
            return false;
    return true;
}

static void look_later(struct service *s);

static void try_renew(struct service *s)
{
    if (s->engine->is_shutting_down || !update_renews(s) || !may_be_renewed(s))
        return;
    engine_replace(s);
    update_on_service_change(s);
    look_later(s);
}

static bool is_down(const struct service *s)
{
    return !s->has_begun && !service_has_process(s) && !hooks_are_busy(s);
}

static void try_end(struct service *s)
{
    const struct order *o = &s->engine->order;
    if (s->is_wanted || !s->has_begun)
        return;
    for (size_t i = o->first_behind[s->index]; !is_leaving(s) && i < o->first_behind[s->index + 1]; i++) {
        const struct service *other = s->engine->services[o->behind[i].service];
        if ((!other->is_wanted || s->engine->is_shutting_down) && !is_down(other))
            return; /* it is stopped first */
    }
    if (!hooks_put_off_stop(s)) {
        engine_bring_down(s);
        sequence_tell(s);
    }
}

static void look_at_neighbours(struct service *s)
{
    const struct engine *e = s->engine;
    const struct order *o = &e->order;
    for (size_t i = o->first_behind[s->index]; i < o->first_behind[s->index + 1]; i++)
        try_begin(e->services[o->behind[i].service]);
    for (size_t i = o->first_behind[s->index]; i < o->first_behind[s->index + 1]; i++)
        try_renew(e->services[o->behind[i].service]);
    for (size_t i = o->first_before[s->index]; i < o->first_before[s->index + 1]; i++)
        try_end(e->services[o->before[i].service]);
}

/* --- the queue ----------------------------------------------------------------------------------------- */

static void work(struct engine *e)
{
    struct sequence_queue *q = &e->queue;
    if (q->is_working)
        return;
    q->is_working = true;
    while (q->n > 0) {
        struct service *s = e->services[q->waiting[--q->n]];
        s->is_queued = false;
        look_at_neighbours(s);
    }
    q->is_working = false;
}

static void look_later(struct service *s)
{
    struct engine *e = s->engine;
    if (s->is_queued)
        return;
    s->is_queued = true;
    must(e->queue.n < e->n_services);
    e->queue.waiting[e->queue.n++] = s->index;
}

void sequence_follow(struct service *s)
{
    struct engine *e = s->engine;
    hooks_follow(s);
    enum service_state state = service_state(s);
    if (state == s->seen || is_leaving(s))
        return;
    s->seen = state;
    announce_on_service_change(s);
    announce_follow(e);
    operation_on_service_change(s);
    look_later(s);
    work(e);
}

void sequence_look(struct service *s)
{
    if (is_leaving(s))
        return;
    look_later(s);
    work(s->engine);
}

void sequence_retry(struct service *s)
{
    if (is_leaving(s))
        return;
    try_begin(s);
    try_end(s);
    if (s->engine->is_shutting_down || is_down(s))
        look_at_neighbours(s);
}

void sequence_tell(struct service *s)
{
    bool shows_in_steps = s->has_begun ? s->n_wanted > 0 : !is_down(s);
    if (shows_in_steps)
        return;
    sequence_follow(s);
    operation_on_service_change(s);
    sequence_look(s);
}

/* --- what is asked for --------------------------------------------------------------------------------- */

static void want(struct service *s, bool up)
{
    if (s->is_wanted == up)
        return;
    s->is_wanted = up;
    s->is_blocked = false;
    s->comes_by_demand = false;
    service_save(s);
}

void sequence_start(struct service *s)
{
    const struct order *o = &s->engine->order;
    bool had_begun = s->is_wanted && s->has_begun;
    if (!s->has_begun && has_failed(s))
        hooks_abandon_start(s); /* asked for again, it is tried again */
    want(s, true);
    for (size_t i = o->first_before[s->index]; i < o->first_before[s->index + 1]; i++) {
        struct service *other = s->engine->services[o->before[i].service];
        if (o->before[i].is_required && (!other->is_wanted || has_failed(other)))
            sequence_start(other);
    }
    if (had_begun || s->has_begun) /* what of it has ended is started again */
        engine_bring_up(s);
    else
        try_begin(s);
    sequence_follow(s);
}

void sequence_stop(struct service *s)
{
    const struct order *o = &s->engine->order;
    want(s, false);
    for (size_t i = o->first_behind[s->index]; !is_leaving(s) && i < o->first_behind[s->index + 1]; i++) {
        struct service *other = s->engine->services[o->behind[i].service];
        if (!o->behind[i].is_required || !other->is_wanted)
            continue;
        event_log_say(&s->engine->log, LOG_INFO, other->conf->name, other->conf->name,
                      "is stopped, because it requires %s", s->conf->name);
        sequence_stop(other);
    }
    if (s->has_begun) {
        try_end(s);
    } else {
        hooks_abandon_start(s);
        engine_bring_down(s); /* what is left of an earlier stop, if anything */
    }
    sequence_follow(s);
}

/* What a service needs that is to be started, and that was not to be: it is started with it. */
static void want_required(struct engine *e)
{
    const struct order *o = &e->order;
    for (size_t i = e->n_services; i-- > 0;) {
        const struct service *s = e->services[o->sequence[i]];
        if (!s->is_wanted || s->has_begun)
            continue;
        for (size_t j = o->first_before[s->index]; j < o->first_before[s->index + 1]; j++)
            if (o->before[j].is_required)
                want(e->services[o->before[j].service], true);
    }
}

void sequence_follow_all(struct engine *e)
{
    if (!e->is_shutting_down)
        want_required(e);
    for (size_t i = 0; i < e->n_services; i++) {
        try_begin(e->services[e->order.sequence[i]]);
        try_renew(e->services[e->order.sequence[i]]);
    }
    work(e);
    for (size_t i = e->n_services; i-- > 0;)
        try_end(e->services[e->order.sequence[i]]);
}

/* --- the set of services ------------------------------------------------------------------------------- */

void sequence_link(struct engine *e)
{
    size_t n;
    cleanup_free size_t *circle = NULL;
    sequence_fini(e);
    bool is_sound = order_make(e->conf, &e->order, &circle, &n);
    must(is_sound); /* conf_check() has refused a circle */
    e->queue.waiting = mem_new_array(e->n_services + 1, sizeof *e->queue.waiting);
    for (size_t i = 0; i < e->n_services; i++) {
        e->services[i]->is_queued = false;
        e->services[i]->seen = SERVICE_STATE_COUNT;
    }
}

void sequence_fini(struct engine *e)
{
    order_fini(&e->order);
    free(e->queue.waiting);
    e->queue = (struct sequence_queue){0};
}
