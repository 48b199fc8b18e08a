/* socket_guard: see the header.
 *
 * A shutdown is told by epoll at once, a path by inotify at once. Nothing tells of a changed backlog, so it
 * is looked at when a worker has ended and a few times after one was started: that is when servers call
 * listen(2). */
#include "config.h"

#include "engine/socket_guard.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/socket_events.h"
#include "sys/path_watch.h"
#include "sys/unix_path.h"

#define UNIX_CHECK_AFTER 0.05
#define LATE_CHECK_FIRST 0.25
#define LATE_CHECKS 5 /* each twice as late as the one before: the last after some 8 s */

static void say(const struct held_socket *h, struct engine *e, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void say(const struct held_socket *h, struct engine *e, enum log_level level, const char *fmt, ...)
{
    char who[LIMIT_NAME + 16];
    va_list ap;
    snprintf(who, sizeof who, "socket %s", h->socket->name);
    va_start(ap, fmt);
    event_log_vsay(&e->log, level, who, NULL, fmt, ap);
    va_end(ap);
}

/* Who did it? The one that is known to have ended or is on its way out is the likeliest; else all that have
 * the socket. */
static char *name_culprit(const struct held_socket *h, const struct worker *suspect, char *dst, size_t size)
{
    const struct worker *found = suspect;
    unsigned users = 0, leaving = 0;
    char who[LIMIT_NAME + 32];
    for (size_t i = 0; !suspect && i < h->group->n_users; i++) {
        const struct service *s = h->group->users[i];
        const struct worker *w;
        service_each_worker (w, s) {
            if ((h->slot != 0 && h->slot != w->slot) || w->pid == 0)
                continue;
            bool is_leaving = w->state == WORKER_STOPPING || w->state == WORKER_KILLING;
            users++;
            leaving += is_leaving;
            if (!found || (is_leaving && leaving == 1))
                found = w;
        }
    }
    if (!found)
        snprintf(dst, size, "somebody who is no worker any more, or never was one");
    else if (suspect || users == 1 || leaving == 1)
        snprintf(dst, size, "worker %s", worker_subject(who, sizeof who, found));
    else
        snprintf(dst, size, "one of the %u workers of %s", users, found->service->conf->name);
    return dst;
}

/* Does a worker of S have sockets at all? Whoever waits for demand, or serves one connection, has none. */
static bool has_sockets(const struct service *s)
{
    return !s->accepts && service_state(s) != SERVICE_WAITING;
}

/* The workers have the dead socket; only new ones get its successor. */
static void replace_dead_unix(struct engine *e, struct held_socket *h, const char *culprit)
{
    struct berr err;
    if (hold_replace(e, h, &err) < 0) {
        socket_events_remove(e->guard.hup_fd, h->fd); /* it would tell us without end */
        socket_guard_expect(&e->guard);
        say(h, e, LOG_ERROR, "%s shut %s down, and it could not be made again: %s", culprit, h->bound,
            err.text);
        return;
    }
    say(h, e, LOG_WARNING,
        "%s shut %s down; it was made again, and its services are restarted on the new one", culprit,
        h->bound);
    for (size_t i = 0; i < h->group->n_users; i++)
        if (h->group->users[i]->is_wanted && has_sockets(h->group->users[i]))
            engine_restart(h->group->users[i]);
}

static void check_listening(struct engine *e, struct held_socket *h, const struct worker *suspect)
{
    char culprit[LIMIT_NAME + 64];
    if (h->is_refusing || listener_is_listening(h->fd) != 0)
        return;
    if (hand_over_is_shared(e) && h->family == AF_UNIX) {
        socket_events_remove(e->guard.hup_fd, h->fd); /* later: it would have to be another one */
        return;
    }
    name_culprit(h, suspect, culprit, sizeof culprit);
    if (h->family == AF_UNIX) {
        replace_dead_unix(e, h, culprit);
        return;
    }
    int r = listener_listen(h->fd, h->socket->options->backlog);
    if (r < 0)
        socket_events_remove(e->guard.hup_fd, h->fd);
    if (r < 0)
        say(h, e, LOG_ERROR, "%s shut %s down, and it could not be revived: %s", culprit, h->bound,
            strerror(-r));
    else
        say(h, e, LOG_WARNING, "%s shut %s down for everybody; it was put right", culprit, h->bound);
}

static void check_backlog(struct engine *e, struct held_socket *h, const struct worker *suspect,
                          const struct unix_queues *unix_queues)
{
    struct listener_queue q;
    char culprit[LIMIT_NAME + 64];
    if (hand_over_is_shared(e) || h->is_refusing || h->backlog == 0 || hold_queue(h, unix_queues, &q) < 0 ||
        q.limit == h->backlog)
        return;
    if (listener_listen(h->fd, h->socket->options->backlog) < 0)
        return; /* the check for listening has said why */
    say(h, e, LOG_INFO, "%s changed the backlog of %s from %u to %u; it was put back",
        name_culprit(h, suspect, culprit, sizeof culprit), h->bound, h->backlog, q.limit);
}

static void check_path(struct engine *e, struct held_socket *h, const struct worker *suspect)
{
    const char *path = hold_unix_path(h);
    char culprit[LIMIT_NAME + 64];
    if (!path || hand_over_is_shared(e))
        return;
    int state = unix_path_check(path);
    if (state == UNIX_PATH_OURS)
        return;
    name_culprit(h, suspect, culprit, sizeof culprit);
    const char *deed = state == UNIX_PATH_FOREIGN ? "replaced" : "removed";
    int r = state < 0 ? state : unix_path_restore(path);
    if (r == 0) {
        say(h, e, LOG_WARNING, "%s was %s (by %s, it seems); it was put back", path, deed, culprit);
        return;
    }
    say(h, e, LOG_WARNING, "%s was %s together with its hidden link (%s); it is made again", path, deed,
        strerror(-r));
    replace_dead_unix(e, h, culprit);
}

/* The queues of all Unix sockets are asked for at once. */
static void check_unix_backlogs(struct engine *e)
{
    struct unix_queues all;
    struct held_socket *h;
    if (unix_queues_read(&all) == 0)
        hold_each(h, &e->hold) if (h->listens && h->family == AF_UNIX) check_backlog(e, h, NULL, &all);
    unix_queues_fini(&all);
}

static void on_unix_check(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    check_unix_backlogs(((struct socket_guard *)t->data)->engine);
}

static void check(struct engine *e, struct held_socket *h, const struct worker *suspect)
{
    if (h->listens)
        check_listening(e, h, suspect);
    if (h->listens && h->family != AF_UNIX)
        check_backlog(e, h, suspect, NULL);
    check_path(e, h, suspect);
}

void socket_guard_check(struct socket_guard *g, const struct worker *suspect)
{
    struct engine *e = g->engine;
    struct held_socket *h;
    if (!suspect) {
        hold_each(h, &e->hold) check(e, h, NULL);
        check_unix_backlogs(e);
        return;
    }
    for (size_t i = 0; i < suspect->service->n_groups; i++) {
        const struct socket_group *group = suspect->service->groups[i];
        for (size_t j = 0; j < group->n_held; j++)
            check(e, group->held[j], suspect);
    }
    if (suspect->service->n_groups > 0 && !ev_is_active(&g->unix_check))
        ev_timer_start(e->loop, &g->unix_check); /* once for all that end at about this time */
}

static void on_hup(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop, (void)revents;
    struct socket_guard *g = w->data;
    void *tags[16];
    int n = socket_events_next(g->hup_fd, tags, 16);
    for (int i = 0; i < n; i++)
        check_listening(g->engine, tags[i], NULL);
}

static void on_path(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop, (void)revents;
    struct socket_guard *g = w->data;
    if (!path_watch_drain(g->path_fd))
        return;
    struct held_socket *h;
    hold_each(h, &g->engine->hold) check_path(g->engine, h, NULL);
}

static void on_late_check(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)revents;
    struct socket_guard *g = t->data;
    socket_guard_check(g, NULL);
    if (--g->late_checks == 0) {
        ev_timer_stop(loop, t);
        return;
    }
    t->repeat *= 2;
    ev_timer_again(loop, t);
}

void socket_guard_expect(struct socket_guard *g)
{
    g->late_checks = LATE_CHECKS;
    g->late_check.repeat = LATE_CHECK_FIRST;
    ev_timer_again(g->engine->loop, &g->late_check);
}

void socket_guard_resume(struct socket_guard *g)
{
    struct held_socket *h;
    hold_each(h, &g->engine->hold) if (h->listens && h->family == AF_UNIX)
    {
        socket_events_remove(g->hup_fd, h->fd);
        socket_events_watch_hangup(g->hup_fd, h->fd, h);
    }
}

int socket_guard_start(struct socket_guard *g, struct engine *e)
{
    g->engine = e;
    g->hup_fd = socket_events_new();
    g->path_fd = g->hup_fd < 0 ? -1 : path_watch_new();
    if (g->hup_fd < 0 || g->path_fd < 0)
        return g->hup_fd < 0 ? g->hup_fd : g->path_fd;
    ev_io_init(&g->hup_watcher, on_hup, g->hup_fd, EV_READ);
    ev_io_init(&g->path_watcher, on_path, g->path_fd, EV_READ);
    ev_init(&g->late_check, on_late_check);
    ev_timer_init(&g->unix_check, on_unix_check, UNIX_CHECK_AFTER, 0);
    g->hup_watcher.data = g->path_watcher.data = g->late_check.data = g->unix_check.data = g;
    ev_set_priority(&g->hup_watcher, EV_MAXPRI); /* every moment without a listener refuses somebody */
    ev_io_start(e->loop, &g->hup_watcher);
    ev_io_start(e->loop, &g->path_watcher);
    return 0;
}

void socket_guard_stop(struct socket_guard *g)
{
    ev_io_stop(g->engine->loop, &g->hup_watcher);
    ev_io_stop(g->engine->loop, &g->path_watcher);
    ev_timer_stop(g->engine->loop, &g->late_check);
    ev_timer_stop(g->engine->loop, &g->unix_check);
    fd_close(&g->hup_fd);
    fd_close(&g->path_fd);
}

void socket_guard_add(struct socket_guard *g, struct held_socket *h)
{
    int r = h->listens ? socket_events_watch_hangup(g->hup_fd, h->fd, h) : 0;
    if (r < 0)
        say(h, g->engine, LOG_WARNING,
            "%s cannot be watched: %s; a worker that shuts it down is found out only at its end", h->bound,
            strerror(-r));
    if (!hold_unix_path(h))
        return;
    h->guard_watch = path_watch_add(g->path_fd, hold_unix_path(h));
    if (h->guard_watch < 0)
        say(h, g->engine, LOG_WARNING,
            "the folder of %s cannot be watched: %s; a removed path is found out only when a worker ends",
            h->bound, strerror(-h->guard_watch));
}

/* The folder's watch stays: other sockets may be in it, and an event too many only makes us look. */
void socket_guard_remove(struct socket_guard *g, struct held_socket *h)
{
    if (h->listens)
        socket_events_remove(g->hup_fd, h->fd);
    h->guard_watch = -1;
}
