/* demand: see the header. A socket is only watched while a worker waits at it: once that runs, its
 * connections are not our affair, and would wake us for nothing. */
#include "config.h"

#include "engine/demand.h"

#include <poll.h>

#include "engine/engine.h"
#include "engine/inetd.h"

static bool waits_at(const struct worker *w, const struct held_socket *h)
{
    return w->state == WORKER_WAITING && (h->slot == 0 || h->slot == w->slot);
}

static bool is_awaited(const struct engine *e, const struct held_socket *h)
{
    if (h->socket->options.accept)
        return inetd_is_open(e, h);
    for (size_t i = 0; i < e->n_services; i++) {
        const struct service *s = e->services[i];
        if (s->conf->start != START_ON_DEMAND || !hold_is_used_by(h, s->conf))
            continue;
        for (size_t j = 0; j < s->n_workers; j++)
            if (waits_at(s->workers[j], h))
                return true;
    }
    return false;
}

static void start_all(struct engine *e, struct held_socket *h)
{
    for (size_t i = 0; i < e->n_services; i++) {
        struct service *s = e->services[i];
        if (s->conf->start != START_ON_DEMAND || !hold_is_used_by(h, s->conf))
            continue;
        event_log_say(&e->log, LOG_INFO, s->conf->name, s->conf->name, "somebody is there at %s", h->bound);
        for (size_t j = 0; j < s->n_workers; j++)
            if (waits_at(s->workers[j], h))
                engine_step(s->workers[j], WORKER_EV_DEMAND);
    }
}

static short look(const struct held_socket *h)
{
    struct pollfd p = {.fd = h->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

/* A listener that somebody shut down looks readable for ever; nobody is there. */
static bool is_shut_down(const struct held_socket *h)
{
    return look(h) & (POLLHUP | POLLERR | POLLNVAL);
}

bool demand_is_somebody_there(const struct held_socket *h)
{
    return (look(h) & POLLIN) && !is_shut_down(h);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int revents)
{
    (void)revents;
    struct held_socket *h = watcher->data;
    if (demand_is_somebody_there(h)) {
        if (h->socket->options.accept)
            inetd_serve(h->engine, h);
        else
            start_all(h->engine, h);
        return;
    }
    if (!is_shut_down(h))
        return; /* whoever was there has gone again */
    ev_io_stop(loop, watcher);
    socket_guard_check(&h->engine->guard, NULL);
    if (!is_shut_down(h)) /* else until it is replaced: it would wake us without end */
        demand_follow(h->engine);
}

void demand_init(struct held_socket *h)
{
    ev_io_init(&h->demand, on_readable, h->fd, EV_READ);
    h->demand.data = h;
}

void demand_forget(struct held_socket *h)
{
    if (ev_is_active(&h->demand))
        ev_io_stop(h->engine->loop, &h->demand);
}

void demand_follow(struct engine *e)
{
    for (size_t i = 0; i < e->hold.n_sockets; i++) {
        struct held_socket *h = e->hold.sockets[i];
        bool watch = !e->is_shutting_down && is_awaited(e, h);
        if (watch && !ev_is_active(&h->demand))
            ev_io_start(e->loop, &h->demand);
        else if (!watch)
            demand_forget(h);
    }
}
