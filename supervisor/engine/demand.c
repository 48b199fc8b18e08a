/* demand: see the header. A socket is only watched while a worker waits at it: once that runs, its
 * connections are not our affair, and would wake us for nothing. */
#include "config.h"

#include "engine/demand.h"

#include <poll.h>
#include <stdlib.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/inetd.h"

static bool waits_at(const struct worker *w, const struct held_socket *h)
{
    return w->state == WORKER_WAITING && (h->slot == 0 || h->slot == w->slot);
}

static bool is_awaited(const struct held_socket *h)
{
    if (h->socket->options->accept)
        return inetd_is_open(h);
    for (size_t i = 0; i < h->group->n_users; i++) {
        const struct service *s = h->group->users[i];
        for (size_t j = 0; s->states[WORKER_WAITING] > 0 && j < s->n_workers; j++)
            if (waits_at(s->workers[j], h))
                return true;
    }
    return false;
}

static void start_all(struct engine *e, struct held_socket *h)
{
    for (size_t i = 0; i < h->group->n_users; i++) {
        struct service *s = h->group->users[i];
        if (s->states[WORKER_WAITING] == 0)
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

static void on_readable(struct ev_loop *loop, ev_io *watcher, int revents);

static void follow(struct held_socket *h)
{
    bool watch = !h->engine->is_shutting_down && is_awaited(h);
    if (!watch) {
        demand_forget(h);
        return;
    }
    if (h->demand)
        return;
    h->demand = mem_new(sizeof *h->demand);
    ev_io_init(h->demand, on_readable, h->fd, EV_READ);
    h->demand->data = h;
    ev_io_start(h->engine->loop, h->demand);
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int revents)
{
    (void)loop, (void)revents;
    struct held_socket *h = watcher->data;
    if (demand_is_somebody_there(h)) {
        if (h->socket->options->accept)
            inetd_serve(h);
        else
            start_all(h->engine, h);
        return;
    }
    if (!is_shut_down(h))
        return; /* whoever was there has gone again */
    demand_forget(h);
    socket_guard_check(&h->engine->guard, NULL);
    if (!is_shut_down(h)) /* else until it is replaced: it would wake us without end */
        follow(h);
}

void demand_forget(struct held_socket *h)
{
    if (!h->demand)
        return;
    ev_io_stop(h->engine->loop, h->demand);
    free(h->demand);
    h->demand = NULL;
}

void demand_follow(const struct service *s)
{
    for (size_t i = 0; i < s->n_groups; i++)
        for (size_t j = 0; j < s->groups[i]->n_held; j++)
            follow(s->groups[i]->held[j]);
}
