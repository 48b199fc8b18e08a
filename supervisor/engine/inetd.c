/* inetd: see the header. */
#include "config.h"

#include "engine/inetd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/units.h"
#include "engine/demand.h"
#include "engine/engine.h"
#include "sys/clock.h"

#define CONNECTIONS_AT_ONCE 16 /* then others have their turn */

/* Of a service whose connections could not be served. */
struct accept_pause {
    ev_timer *timer; /* none is accepted while it waits */
    struct restart_history history;
};

/* conf_check() sees to it that there is only one. */
static struct service *find_service(const struct held_socket *h)
{
    return h->group->n_users > 0 ? h->group->users[0] : NULL;
}

static unsigned socket_index(const struct service *s, const struct held_socket *h)
{
    for (size_t i = 0; i < s->conf->sockets.n; i++)
        if (str_eq(s->conf->sockets.v[i], h->socket->name))
            return (unsigned)i + 1;
    return 0;
}

SPAWN_IN_CHILD static bool is_serving(const struct worker *w)
{
    return w->state != WORKER_DOWN && w->state != WORKER_DONE;
}

static unsigned count_connections(const struct service *s, unsigned index)
{
    unsigned n = 0;
    for (size_t i = 0; i < s->n_workers; i++)
        n += is_serving(s->workers[i]) && s->workers[i]->connection &&
             s->workers[i]->connection->socket_index == index;
    return n;
}

static bool is_pausing(const struct service *s)
{
    return s->accept_pause && alarm_waits(s->accept_pause->timer);
}

bool inetd_is_open(const struct held_socket *h)
{
    const struct service *s = find_service(h);
    /* In a take-over the other one accepts, until it has let go: without O_NONBLOCK, which is its as well,
     * we would stand still where it was quicker. */
    return s && s->is_wanted && s->has_begun && !h->is_refusing && !is_pausing(s) &&
           !take_over_is_pending(h->engine) &&
           count_connections(s, socket_index(s, h)) < (unsigned)h->socket->options->max_connections;
}

/* --- who may come -------------------------------------------------------------------------------------- */

/* A host, or a user of this one, as a number that is the same for all of its connections. */
SPAWN_IN_CHILD static uint64_t source_of(int connection, const struct sockaddr_storage *peer)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)peer;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    const unsigned char *bytes = (const unsigned char *)&in->sin_addr;
    size_t n = sizeof in->sin_addr;
    struct ucred credentials = {0};
    socklen_t len = sizeof credentials;
    if (peer->ss_family == AF_INET6) {
        bool is_v4 = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
        bytes = in6->sin6_addr.s6_addr + (is_v4 ? 12 : 0);
        n = is_v4 ? 4 : 16;
    } else if (peer->ss_family != AF_INET) {
        getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &len);
        bytes = (const unsigned char *)&credentials.uid;
        n = sizeof credentials.uid;
    }
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Runs in the child, on the supervisor's memory as it stood when the child was made. */
SPAWN_IN_CHILD static bool admits(int connection, const struct sockaddr_storage *peer, void *arg)
{
    struct inetd_admission *a = arg;
    const struct service *s = a->worker->service;
    int n = 0;
    a->source = source_of(connection, peer);
    for (size_t i = 0; i < s->n_workers; i++) {
        const struct worker *other = s->workers[i];
        bool is_same = other->connection && other->connection->source == a->source &&
                       other->connection->socket_index == a->worker->connection->socket_index;
        n += is_same && other != a->worker && is_serving(other);
    }
    if (a->max_per_source >= 0 && n >= a->max_per_source)
        return false;
    /* Before the keeper is told of this process, so that whoever finds it knows its source. */
    state_store_set(&s->engine->store, a->worker->row, WORKER_COL_SOURCE, (int64_t)a->source);
    return true;
}

static char *format_peer(const struct spawn_accept *a)
{
    struct endpoint e = {.family = a->peer.ss_family, .type = SOCK_STREAM, .len = a->peer_len, .sa = a->peer};
    char text[ADDRESS_TEXT];
    return mem_strdup(endpoint_format(text, sizeof text, &e));
}

/* --- the life of a connection -------------------------------------------------------------------------- */

static struct worker *free_slot(struct service *s)
{
    for (size_t i = 0; i < s->n_workers; i++)
        if (s->workers[i]->state == WORKER_DOWN)
            return s->workers[i];
    if (s->n_workers >= LIMIT_WORKERS)
        return NULL;
    service_ensure_slots(s, s->n_workers + 1);
    return s->workers[s->n_workers - 1];
}

/* False when nobody was there any more, or could be served. */
static bool serve_one(struct service *s, struct held_socket *h)
{
    struct worker *w = free_slot(s);
    if (!w)
        return false;
    w->is_wanted = false; /* it is not started again */
    worker_begin_connection(w, h, socket_index(s, h));
    engine_step(w, WORKER_EV_START);
    if (w->connection)
        w->connection->listener = NULL;
    bool served = w->pid != 0;
    service_trim_slots(s);
    return served;
}

void inetd_serve(struct held_socket *h)
{
    struct service *s = find_service(h);
    for (int i = 0;
         i < CONNECTIONS_AT_ONCE && inetd_is_open(h) && demand_is_somebody_there(h) && serve_one(s, h); i++)
        continue;
    demand_follow(s);
}

void inetd_prepare(struct worker *w, struct spawn_accept *ret, struct inetd_admission *room)
{
    *room = (struct inetd_admission){w, w->connection->listener->socket->options->max_per_source, 0};
    *ret = (struct spawn_accept){.fd = w->connection->listener->fd, .admits = admits, .arg = room};
}

void inetd_note(struct worker *w, const struct spawn_accept *a, const struct inetd_admission *room)
{
    w->connection->source = room->source;
    w->connection->peer = format_peer(a);
    inetd_end_pause(w->service);
}

static void on_pause_over(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct service *s = t->data;
    demand_follow(s);
}

void inetd_end_pause(struct service *s)
{
    if (s->accept_pause)
        alarm_stop(s->engine->loop, &s->accept_pause->timer);
    free(s->accept_pause);
    s->accept_pause = NULL;
}

/* Whoever waits in the queue waits a little longer, and longer each time. */
static void pause_accepting(struct service *s)
{
    struct restart_conf c = s->conf->with->restart;
    char text[32];
    c.policy = RESTART_ALWAYS;
    c.limit_count = 0;
    if (!s->accept_pause)
        s->accept_pause = mem_new(sizeof *s->accept_pause);
    struct restart_decision d =
        restart_decide_failed_start(&c, &s->accept_pause->history, clock_mono(), clock_random());
    event_log_say(&s->engine->log, LOG_WARNING, s->conf->name, s->conf->name, "accepts again in %s",
                  units_format_duration(text, sizeof text, d.delay_ns / NSEC_PER_MSEC * NSEC_PER_MSEC));
    alarm_start(s->engine->loop, &s->accept_pause->timer, (double)d.delay_ns / NSEC_PER_SEC, on_pause_over,
                s);
}

/* The client had gone again, or somebody else took it. */
static bool is_nobody(int err)
{
    return err == EAGAIN || err == EINTR || err == ECONNABORTED || err == EPROTO || err == EPERM;
}

void inetd_on_failure(struct worker *w, const struct spawn_accept *a, const struct spawn_failure *failure)
{
    struct service *s = w->service;
    bool is_refused = failure->step == SPAWN_STEP_ADMIT;
    if (is_refused) {
        cleanup_free char *peer = format_peer(a);
        event_log_say(&s->engine->log, LOG_WARNING, s->conf->name, s->conf->name,
                      "turned %s away: it has max_per_source (%d) connections already", peer,
                      ((const struct inetd_admission *)a->arg)->max_per_source);
    } else if (failure->step != SPAWN_STEP_ACCEPT || !is_nobody(failure->err)) {
        pause_accepting(s);
    }
    engine_step(w, WORKER_EV_END_DONE);
}

void inetd_release(struct worker *w)
{
    if (w->state == WORKER_DONE)
        engine_step(w, WORKER_EV_STOP);
}
