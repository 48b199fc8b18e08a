/* idle: see the header. Short connections would slip through a look now and then, so between two looks the
 * kernel notes the first arrival; long ones are found in its tables. */
#include "config.h"

#include "engine/idle.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "engine/engine.h"
#include "sys/clock.h"
#include "sys/connections.h"
#include "sys/fd.h"
#include "sys/socket_events.h"

#define LOOKS 4 /* within idle_stop */
#define BATCH 16

/* Of a service with idle_stop. */
struct idle {
    ev_timer timer;
    struct mono last_needed;
};

/* What the kernel has noted so far. */
static void take_arrivals(struct engine *e)
{
    void *tags[BATCH];
    int n = socket_events_next(e->idle.arrival_fd, tags, BATCH);
    for (int i = 0; i < n; i++) {
        const struct socket_group *g = ((const struct held_socket *)tags[i])->group;
        for (size_t j = 0; g && j < g->n_users; j++)
            if (g->users[j]->idle)
                g->users[j]->idle->last_needed = clock_mono();
    }
}

static void on_arrivals(struct ev_loop *loop, ev_io *watcher, int revents)
{
    (void)loop, (void)revents;
    take_arrivals(watcher->data);
}

/* Asks for the next arrival at each socket of S. Is there a connection at one of them, or may there be? */
static bool look_at_sockets(struct service *s)
{
    struct engine *e = s->engine;
    bool found = false;
    for (size_t i = 0; i < s->n_groups; i++)
        for (size_t j = 0; j < s->groups[i]->n_held; j++) {
            struct held_socket *h = s->groups[i]->held[j];
            struct endpoint ep = hold_endpoint(h);
            /* The kernel shows us the tables of our own namespace only. */
            found = h->is_foreign || connections_exist(&ep) != 0 || found;
            found = socket_events_await_arrival(e->idle.arrival_fd, h->fd, h) < 0 || found;
        }
    return found;
}

static bool is_running(const struct worker *w)
{
    return w->state == WORKER_STARTING || w->state == WORKER_READY;
}

static void stop(struct service *s)
{
    char text[32];
    event_log_say(&s->engine->log, LOG_INFO, s->conf->name, s->conf->name,
                  "nobody has needed it for %s: it is stopped until somebody does",
                  units_format_duration(text, sizeof text, s->conf->with->idle_stop_ns));
    for (size_t i = 0; i < s->n_workers; i++) {
        struct worker *w = s->workers[i];
        if (!is_running(w))
            continue;
        w->is_idle_stop = true;
        worker_save(w);
        engine_step(w, WORKER_EV_STOP);
    }
}

static void on_look(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct service *s = t->data;
    take_arrivals(s->engine); /* a timer is called before what came at the same moment */
    if (look_at_sockets(s)) {
        s->idle->last_needed = clock_mono();
        event_log_say(&s->engine->log, LOG_DEBUG, s->conf->name, s->conf->name,
                      "is needed: a connection is there");
    } else if (mono_between(s->idle->last_needed, clock_mono()) >= s->conf->with->idle_stop_ns)
        stop(s);
}

void idle_set_pace(struct service *s)
{
    double pace = (double)s->conf->with->idle_stop_ns / NSEC_PER_SEC / LOOKS;
    if (s->idle && s->idle->timer.repeat == pace)
        return;
    idle_end(s);
    if (s->conf->with->idle_stop_ns == INT64_MAX)
        return;
    s->idle = mem_new(sizeof *s->idle);
    ev_timer_init(&s->idle->timer, on_look, pace, pace);
    s->idle->timer.data = s;
}

void idle_end(struct service *s)
{
    if (s->idle)
        ev_timer_stop(s->engine->loop, &s->idle->timer);
    free(s->idle);
    s->idle = NULL;
}

void idle_follow(struct service *s)
{
    bool runs = false;
    for (size_t i = 0; i < s->n_workers; i++)
        runs = runs || is_running(s->workers[i]);
    if (!s->idle || runs == (bool)ev_is_active(&s->idle->timer))
        return;
    if (!runs) {
        ev_timer_stop(s->engine->loop, &s->idle->timer);
        return;
    }
    s->idle->last_needed = clock_mono();
    look_at_sockets(s);
    ev_timer_again(s->engine->loop, &s->idle->timer);
}

void idle_forget(const struct held_socket *h)
{
    if (h->engine->idle.arrival_fd >= 0)
        socket_events_remove(h->engine->idle.arrival_fd, h->fd);
}

int idle_start(struct engine *e)
{
    e->idle.arrival_fd = socket_events_new();
    if (e->idle.arrival_fd < 0)
        return e->idle.arrival_fd;
    ev_io_init(&e->idle.arrivals, on_arrivals, e->idle.arrival_fd, EV_READ);
    e->idle.arrivals.data = e;
    ev_io_start(e->loop, &e->idle.arrivals);
    return 0;
}

void idle_stop(struct engine *e)
{
    if (e->idle.arrival_fd >= 0)
        ev_io_stop(e->loop, &e->idle.arrivals);
    fd_close(&e->idle.arrival_fd);
}
