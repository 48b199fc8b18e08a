/* operation: see the header. It watches; what the services do is the engine's. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/sequence.h"
#include "engine/standby.h"
#include "engine/update.h"
#include "sys/clock.h"

struct operation {
    struct list link; /* engine.operations */
    struct engine *engine;
    struct control_client *client; /* NULL: gone, or already answered */
    enum operation_kind kind;
    bool has_begun; /* its services have been told; only now can it be over */
    bool has_failed;
    ev_timer *timer; /* of services that were sent a signal: engine/alarm */
    size_t n_services;
    struct watched {
        struct service *service;
        unsigned generation; /* RESTART: workers of it or later count */
        const struct worker *failed;
        unsigned told_number; /* RELOAD by a signal or a command: engine/told */
        bool is_reloaded;     /* RELOAD: its command has ended well */
        bool is_rolling; /* RELOAD: what fails is engine/rolling's to judge; an old worker may die as it likes
                          */
        struct mono told;    /* RELOAD by a signal: when that was sent */
        const char *problem; /* what else has failed; NULL: nothing */
        char *hook_failed;   /* which command failed, and how; owned */
    } services[];
};

static void operation_free(struct operation *o)
{
    list_remove(&o->link);
    for (size_t i = 0; i < o->n_services; i++)
        free(o->services[i].hook_failed);
    alarm_stop(o->engine->loop, &o->timer);
    free(o);
}

static struct watched *find(struct operation *o, const struct service *s)
{
    for (size_t i = 0; i < o->n_services; i++)
        if (o->services[i].service == s)
            return &o->services[i];
    return NULL;
}

static bool is_up(const struct watched *x, enum operation_kind kind)
{
    const struct service *s = x->service;
    if (!s->has_begun)
        return false;
    unsigned n_up = 0;
    for (unsigned i = 0; i < s->n_workers; i++) {
        const struct worker *w = s->workers[i];
        bool is_old = kind == OPERATION_RESTART && w->generation < x->generation;
        n_up += w->is_wanted && !w->is_spare && !is_old && w != x->failed &&
                (w->state == WORKER_READY || w->state == WORKER_DONE || w->state == WORKER_WAITING);
    }
    return n_up >= s->n_wanted; /* spares are not waited for */
}

/* Are the workers of the slots behind FROM all down? */
static bool is_down(const struct service *s, size_t from)
{
    const struct worker *w;
    service_each_worker (w, s)
        if (w->slot > from && w->state != WORKER_DOWN)
            return false;
    return true;
}

/* Does one of an earlier generation than X's still finish what it is at? */
static bool drains(const struct watched *x)
{
    const struct worker *w;
    service_each_worker (w, x->service)
        if (w->role == WORKER_RETIRED && w->pid != 0 && w->generation < x->generation)
            return true;
    return false;
}

static bool is_reloaded(const struct watched *x)
{
    const struct service *s = x->service;
    switch (s->conf->with->reload) {
    case RELOAD_SIGNAL:
        return !x->failed && !x->problem && told_is_taken(x->service, x->told);
    case RELOAD_COMMAND:
        return x->is_reloaded;
    case RELOAD_RESTART:
        return is_up(x, OPERATION_RESTART);
    case RELOAD_ROLLING:
        break;
    }
    return s->conf->with->type == TYPE_ONESHOT || !s->has_begun
               ? is_up(x, OPERATION_RESTART)
               : s->generation >= x->generation && !drains(x);
}

static bool is_reached(const struct watched *x, enum operation_kind kind)
{
    const struct service *s = x->service;
    switch (kind) {
    case OPERATION_START:
    case OPERATION_RESTART:
        return is_up(x, kind);
    case OPERATION_SCALE:
        return (!s->is_wanted || (is_up(x, kind) && standby_is_settled(s))) && is_down(s, standby_slots(s));
    case OPERATION_RELOAD:
        return is_reloaded(x);
    case OPERATION_STOP:
        return !s->has_begun && is_down(s, 0) && !hooks_are_busy(s);
    case OPERATION_SHUTDOWN:
        return false; /* operation_on_over() answers it */
    }
    return false;
}

/* What a signal has led to is recorded, unless another one has followed. */
static void record_signal(const struct watched *x, const char *why)
{
    if (x->told.ns > 0 && x->told_number == x->service->told.number && told_is_under_way(x->service))
        told_end(x->service, why);
}

static void fail(struct operation *o, const struct watched *x, const char *reason)
{
    o->has_failed = true;
    record_signal(x, reason);
    if (!o->client)
        return;
    control_client_error(o->client, "io.berth.Failed",
                         json_pack("{s:s, s:s}", "service", x->service->conf->name, "reason", reason));
    o->client = NULL;
}

/* Has something made the outcome impossible for X? Then the client is told. */
static bool has_failed(struct operation *o, const struct watched *x)
{
    bool wants_up = o->kind == OPERATION_START || o->kind == OPERATION_RESTART || o->kind == OPERATION_RELOAD;
    char reason[300];
    if (x->hook_failed) {
        fail(o, x, x->hook_failed);
        return true;
    }
    const struct rolling *r = x->service->rolling;
    if (o->kind == OPERATION_RELOAD && r && r->has_failed && r->last_target == x->generation) {
        fail(o, x, r->reason ? r->reason : "a new worker has failed");
        return true;
    }
    if (x->failed) {
        cleanup_free char *how = worker_describe_failure(x->failed);
        fail(o, x, how);
        return true;
    }
    if (x->problem) {
        fail(o, x, x->problem);
        return true;
    }
    if (wants_up && x->service->is_blocked) {
        const char *blocker = sequence_blocker(x->service);
        snprintf(reason, sizeof reason, "it requires %s, which has failed",
                 blocker ? blocker : "another service");
        fail(o, x, reason);
        return true;
    }
    if (wants_up && !x->service->is_wanted) {
        fail(o, x, "it was stopped meanwhile");
        return true;
    }
    if (o->kind == OPERATION_STOP && x->service->is_wanted) {
        fail(o, x, "it was started again meanwhile");
        return true;
    }
    return false;
}

/* Is there something to be found out, also where nobody waits for it? */
static bool lives_on(const struct operation *o)
{
    for (size_t i = 0; i < o->n_services; i++)
        if (o->services[i].told.ns > 0)
            return true;
    return o->client != NULL;
}

/* Answers when the outcome is known, and frees O. */
static void evaluate(struct operation *o)
{
    bool all = true, goes_on = lives_on(o);
    for (size_t i = 0; goes_on && i < o->n_services && !o->has_failed; i++) {
        bool reached = is_reached(&o->services[i], o->kind);
        if (reached)
            record_signal(&o->services[i], NULL);
        else if (has_failed(o, &o->services[i]))
            break;
        all = all && reached;
    }
    if (o->client && all)
        control_client_reply(o->client, json_pack("{s:b}", "done", 1), false);
    if (!goes_on || all || o->has_failed)
        operation_free(o);
}

static void begin_restart(struct watched *x)
{
    bool runs = x->service->is_wanted && x->service->has_begun; /* else it is started, as what it was */
    x->generation = runs ? rolling_next_generation(x->service) : x->service->generation;
    engine_restart(x->service);
}

static struct mono sooner(struct mono a, struct mono b, struct mono now)
{
    return mono_is_before(now, a) && mono_is_before(a, b) ? a : b;
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int revents);

/* Looks again when the next of them is due. */
static void look_at_signals(struct operation *o)
{
    struct mono now = clock_mono(), next = MONO_NEVER;
    for (size_t i = 0; i < o->n_services; i++) {
        const struct service_settings *with = o->services[i].service->conf->with;
        struct mono told = o->services[i].told;
        if (told.ns == 0)
            continue;
        next = sooner(mono_add(told, with->settle_ns), next, now);
        next = sooner(mono_add(told, with->start_timeout_ns), next, now);
    }
    if (!mono_is_never(next))
        alarm_start(o->engine->loop, &o->timer, (double)mono_between(now, next) / NSEC_PER_SEC, on_timer, o);
}

/* A signal has been taken, or will not be any more. */
static void on_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct operation *o = t->data;
    struct mono now = clock_mono();
    for (size_t i = 0; i < o->n_services; i++) {
        struct watched *x = &o->services[i];
        bool is_late = mono_between(x->told, now) >= x->service->conf->with->start_timeout_ns;
        if (x->told.ns > 0 && is_late && told_says_reloading(x->service))
            x->problem = "it says that it is reloading, and not within start_timeout that it has reloaded";
    }
    look_at_signals(o);
    evaluate(o);
}

static void begin_signal(struct watched *x)
{
    x->told = x->service->told.since;
    x->told_number = x->service->told.number;
    if (!told_send(x->service))
        x->problem = "none of its workers is ready for its reload signal";
}

static void begin_reload(struct watched *x)
{
    const struct service_conf *c = x->service->conf;
    if (x->service->accepts && c->with->reload == RELOAD_ROLLING)
        return; /* connections get what is new by themselves */
    if (c->with->reload == RELOAD_SIGNAL) {
        told_begin(x->service);
        begin_signal(x);
    } else if (c->with->reload == RELOAD_COMMAND) {
        x->told_number = told_next(x->service);
        hooks_run_reload(x->service);
    } else {
        x->generation = x->service->has_begun ? rolling_next_generation(x->service) : x->service->generation;
        x->is_rolling =
            x->service->has_begun && c->with->reload == RELOAD_ROLLING && c->with->type != TYPE_ONESHOT;
        engine_replace(x->service);
    }
}

static void begin_service(struct operation *o, struct watched *x, unsigned n)
{
    switch (o->kind) {
    case OPERATION_START:
        sequence_start(x->service);
        break;
    case OPERATION_STOP:
        sequence_stop(x->service);
        break;
    case OPERATION_RESTART:
        begin_restart(x);
        break;
    case OPERATION_RELOAD:
        begin_reload(x);
        break;
    case OPERATION_SCALE:
        engine_scale(x->service, n);
        break;
    case OPERATION_SHUTDOWN:
        break;
    }
}

void operation_begin(struct engine *e, struct control_client *client, enum operation_kind kind,
                     struct service *const *services, size_t n_services, unsigned n, bool wait)
{
    struct operation *o = mem_new(sizeof *o + n_services * sizeof o->services[0]);
    o->engine = e;
    o->client = client;
    o->kind = kind;
    o->n_services = n_services;
    list_append(&e->operations, &o->link);
    for (size_t i = 0; i < n_services; i++)
        o->services[i].service = services[i];
    for (size_t i = 0; i < n_services; i++)
        begin_service(o, &o->services[i], n);
    if (!wait) {
        control_client_reply(client, json_pack("{s:b}", "done", 0), false);
        o->client = NULL;
    }
    o->has_begun = true;
    look_at_signals(o);
    if (kind == OPERATION_SHUTDOWN)
        engine_shutdown(e, false);
    else
        evaluate(o);
}

static void tell_progress(struct operation *o, const struct worker *w)
{
    if (!o->client)
        return;
    json_t *progress = json_pack("{s:s, s:i, s:i, s:s, s:s}", "service", w->service->conf->name, "worker",
                                 (int)w->slot, "generation", (int)w->generation, "state",
                                 worker_state_name(w->state), "message", w->note ? w->note : "");
    control_client_reply(o->client, json_pack("{s:o, s:b}", "progress", progress, "done", 0), true);
}

/* Somebody who waits for it is told now, and not after the tenth try. */
static bool has_come_to_grief(const struct worker *w)
{
    return w->role == WORKER_CURRENT && w->is_wanted && !w->is_spare &&
           (w->state == WORKER_BACKOFF || w->state == WORKER_FAILED);
}

/* Was W started in the place of one that has died since SINCE? */
static bool stands_in(const struct worker *w, struct mono since)
{
    return w->restarts > 0 && mono_is_before(since, w->started);
}

void operation_resume(struct service *s)
{
    const struct worker *w;
    if (s->conf->with->reload != RELOAD_SIGNAL || !told_is_under_way(s))
        return;
    struct operation *o = mem_new(sizeof *o + sizeof o->services[0]);
    o->engine = s->engine;
    o->kind = OPERATION_RELOAD;
    o->n_services = 1;
    list_append(&s->engine->operations, &o->link);
    struct watched *x = &o->services[0];
    x->service = s;
    x->told = s->told.since;
    x->told_number = s->told.number;
    if (s->told.state != TOLD_SENT)
        begin_signal(x);
    service_each_worker (w, s)
        if (w->role == WORKER_CURRENT && (has_come_to_grief(w) || stands_in(w, x->told)))
            x->failed = w;
    o->has_begun = true;
    look_at_signals(o);
    evaluate(o);
}

void operation_on_change(struct engine *e, const struct worker *w)
{
    list_each (o, &e->operations, struct operation, link) {
        struct watched *x = o->kind == OPERATION_SHUTDOWN ? NULL : find(o, w->service);
        if (!x && o->kind != OPERATION_SHUTDOWN)
            continue;
        tell_progress(o, w);
        if (x && !x->is_rolling && has_come_to_grief(w))
            x->failed = w;
        if (x && o->has_begun)
            evaluate(o);
    }
}

/* Also where it is started again at once: it was to take a signal. */
static bool dies_of_signal(const struct watched *x, const struct worker *w)
{
    return x->told.ns > 0 && !w->service->accepts && (w->state == WORKER_READY || w->state == WORKER_STANDBY);
}

/* Also where a spare serves for it, which may be about to die of the same. */
static bool fails_to_serve(const struct worker *w, enum worker_event event)
{
    return w->is_wanted && !w->is_spare && (event == WORKER_EV_END_LATER || event == WORKER_EV_END_FAILED);
}

void operation_on_end(const struct worker *w, enum worker_event event)
{
    struct service *s = w->service;
    if (w->role != WORKER_CURRENT)
        return;
    list_each (o, &s->engine->operations, struct operation, link) {
        struct watched *x = o->kind == OPERATION_SHUTDOWN ? NULL : find(o, s);
        bool is_reload = o->kind == OPERATION_RELOAD;
        if (!x || !(is_reload ? dies_of_signal(x, w) : fails_to_serve(w, event)))
            continue;
        x->failed = w;
        if (o->has_begun && is_reload)
            evaluate(o);
    }
    if (!fails_to_serve(w, event))
        return;
    s->has_died = true;
    update_on_service_change(s);
}

void operation_on_service_change(struct service *s)
{
    update_on_service_change(s);
    take_over_follow(s->engine);
    list_each (o, &s->engine->operations, struct operation, link)
        if (o->kind != OPERATION_SHUTDOWN && o->has_begun && find(o, s))
            evaluate(o);
}

void operation_on_hook_failed(struct service *s, const char *how)
{
    take_over_on_hook_failed(s, how);
    list_each (o, &s->engine->operations, struct operation, link) {
        struct watched *x = o->kind == OPERATION_SHUTDOWN ? NULL : find(o, s);
        if (!x)
            continue;
        free(x->hook_failed);
        x->hook_failed = mem_printf("its before_start %s", how);
        if (o->has_begun)
            evaluate(o);
    }
    update_on_service_change(s);
}

void operation_on_reloaded(struct service *s, unsigned number, bool is_good, const char *how)
{
    event_log_say(&s->engine->log, is_good ? LOG_INFO : LOG_ERROR, s->conf->name, s->conf->name,
                  "its reload command %s", how);
    list_each (o, &s->engine->operations, struct operation, link) {
        struct watched *x = o->kind == OPERATION_RELOAD ? find(o, s) : NULL;
        if (!x || x->told_number > number)
            continue;
        x->is_reloaded = is_good;
        free(x->hook_failed);
        x->hook_failed = is_good ? NULL : mem_printf("its reload command %s", how);
        if (o->has_begun)
            evaluate(o);
    }
}

void operation_on_service_leaving(struct service *s)
{
    list_each (o, &s->engine->operations, struct operation, link) {
        struct watched *x = o->kind == OPERATION_SHUTDOWN ? NULL : find(o, s);
        if (!x)
            continue;
        if (o->client)
            fail(o, x, "it was removed from the configuration meanwhile");
        operation_free(o);
    }
}

void operation_on_client_gone(struct engine *e, const struct control_client *client)
{
    list_each (o, &e->operations, struct operation, link) {
        if (o->client != client)
            continue;
        o->client = NULL;
        if (!lives_on(o))
            operation_free(o);
    }
}

void operation_on_over(struct engine *e)
{
    list_each (o, &e->operations, struct operation, link) {
        if (o->client && o->kind == OPERATION_SHUTDOWN)
            control_client_reply(o->client, json_pack("{s:b}", "done", 1), false);
        else if (o->client)
            fail(o, &o->services[0], "berth is shutting down");
        operation_free(o);
    }
}
