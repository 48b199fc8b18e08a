/* retire: see the header. */
#include "config.h"

#include "engine/retire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/shared.h"
#include "engine/crash_point.h"
#include "engine/demand.h"
#include "engine/engine.h"
#include "engine/update.h"
#include "sys/clock.h"
#include "sys/listener.h"
#include "sys/unix_path.h"

#define PACE 0.01
#define LEAST_NS (30 * NSEC_PER_MSEC) /* for handshakes that are under way */
#define MOST_NS (2 * NSEC_PER_SEC)

struct retired_socket {
    struct list link; /* hold.retired */
    struct held_socket *socket;
    struct socket_conf conf; /* what is left of its configuration: name and options */
    struct mono since;
};

static bool is_drained(const struct retired_socket *r, struct mono now, const struct unix_queues *unix_queues)
{
    struct listener_queue q;
    int64_t age = mono_between(r->since, now);
    if (age >= MOST_NS || !r->socket->listens)
        return true;
    int is_known = hold_queue(r->socket, unix_queues, &q);
    return age >= LEAST_NS && (is_known < 0 ? !r->socket->is_foreign : q.depth == 0);
}

static void finish(struct retired_socket *r)
{
    struct engine *e = r->socket->engine;
    char who[LIMIT_NAME + 16];
    snprintf(who, sizeof who, "socket %s", r->conf.name);
    event_log_say(&e->log, LOG_INFO, who, NULL, "%s is given up", r->socket->bound);
    list_remove(&r->link);
    hold_close(r->socket);
    crash_point(CRASH_AT_socket_retired);
    free(r->conf.name);
    shared_drop(r->conf.options);
    free(r);
}

static void on_look(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)revents;
    struct engine *e = t->data;
    struct mono now = clock_mono();
    struct unix_queues all;
    unix_queues_read(&all);
    list_each (r, &e->hold.retired, struct retired_socket, link)
        if (is_drained(r, now, &all))
            finish(r);
    unix_queues_fini(&all);
    if (!list_is_empty(&e->hold.retired))
        return;
    ev_timer_stop(loop, t);
    update_proceed(e);
}

static void stop_arrivals(struct held_socket *h)
{
    if (hold_unix_path(h)) {
        unix_path_give_up(hold_unix_path(h), h->socket->options->unlink);
    } else if (h->listens) {
        struct endpoint ep = hold_endpoint(h);
        listener_stop_arrivals(h->fd, &ep); /* where that is not possible, its queue is short all the same */
    }
}

void retire_socket(struct held_socket *h)
{
    struct engine *e = h->engine;
    struct retired_socket *r = mem_new(sizeof *r);
    r->socket = h;
    r->since = clock_mono();
    r->conf.name = mem_strdup(h->socket->name);
    r->conf.options = shared_hold(h->socket->options);
    h->socket = &r->conf;
    h->group = NULL;
    socket_guard_remove(&e->guard, h);
    demand_forget(h);
    stop_arrivals(h);
    list_append(&e->hold.retired, &r->link);
    if (!ev_is_active(&e->retire_timer)) {
        ev_timer_init(&e->retire_timer, on_look, PACE, PACE);
        e->retire_timer.data = e;
        ev_timer_start(e->loop, &e->retire_timer);
    }
}

void retire_finish_all(struct engine *e)
{
    list_each (r, &e->hold.retired, struct retired_socket, link)
        finish(r);
}

struct held_socket *retire_nth(const struct engine *e, size_t i)
{
    list_each (r, &e->hold.retired, struct retired_socket, link)
        if (i-- == 0)
            return r->socket;
    return NULL;
}
