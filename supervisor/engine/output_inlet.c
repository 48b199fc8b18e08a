/* output_inlet: the end of a service whose standard input is other services' output. It has to read what they
 * write last, so it is stopped after them: it sees the end of its input, and is only asked to end when that
 * did not make it. */
#include "config.h"

#include <string.h>

#include "engine/engine.h"
#include "sys/fd.h"

#define EOF_GRACE 3.0 /* seconds that it has to end by itself */

void output_mark_sinks(struct engine *e)
{
    e->has_sinks = false;
    for (size_t i = 0; i < e->n_services; i++)
        e->has_sinks = e->has_sinks || e->services[i]->conf->is_sink;
}

bool output_is_fed(const struct service *s)
{
    return s->output && s->conf->is_sink;
}

static bool feeds(const struct service *source, const struct service *sink)
{
    const struct output_conf *o = source->conf->with->output;
    return o && o->how == OUTPUT_PIPE && strcmp(o->target, sink->conf->name) == 0;
}

static bool has_ended(const struct service *s)
{
    return !s->is_wanted && !s->has_begun && !service_has_process(s) && s->states[WORKER_SPAWNING] == 0;
}

static bool sources_have_ended(const struct service *sink)
{
    const struct engine *e = sink->engine;
    for (size_t i = 0; i < e->n_services; i++)
        if (feeds(e->services[i], sink) && !has_ended(e->services[i]))
            return false;
    return true;
}

void output_close_inlet(struct output *o)
{
    for (int is_write_end = 0; is_write_end < 2 && o->inlet_read_fd >= 0; is_write_end++) {
        char name[LIMIT_HELD_NAME + 1];
        output_inlet_held_name(o, is_write_end, name);
        keeper_link_drop(&o->service->engine->keeper, name);
    }
    fd_close(&o->inlet_read_fd);
    fd_close(&o->inlet_write_fd);
}

static void on_grace_over(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct service *s = ((struct output *)t->data)->service;
    engine_bring_down(s);
    engine_proceed_shutdown(s->engine);
}

/* S is not wanted any more, and is told so by the end of its input. */
static void end_input(struct service *s)
{
    struct output *o = s->output;
    o->has_ended = true;
    s->is_wanted = s->has_begun = false;
    service_save(s);
    for (size_t i = 0; i < s->n_workers; i++) {
        struct worker *w = s->workers[i];
        w->is_wanted = false;
        worker_save(w);
        if (!worker_state_has_process(w->state))
            engine_step(w, WORKER_EV_STOP);
    }
    output_close_inlet(o);
    ev_now_update(s->engine->loop);
    ev_timer_init(&o->grace, on_grace_over, EOF_GRACE, 0);
    o->grace.data = o;
    ev_timer_start(s->engine->loop, &o->grace);
}

/* True when that let somebody end who may feed others. */
static bool end_one(struct service *s)
{
    if (!output_is_fed(s) || s->output->has_ended)
        return false;
    if (s->engine->is_hurried) {
        s->output->has_ended = true;
        s->is_wanted = false;
        engine_bring_down(s);
        return true;
    }
    if (!sources_have_ended(s))
        return false;
    end_input(s);
    return true;
}

bool output_end_inputs(struct engine *e)
{
    bool all = true, again = e->has_sinks;
    while (again) {
        again = false;
        for (size_t i = 0; i < e->n_services; i++)
            again = end_one(e->services[i]) || again;
    }
    for (size_t i = 0; e->has_sinks && i < e->n_services; i++)
        all = all && (!output_is_fed(e->services[i]) || e->services[i]->output->has_ended);
    return all;
}
