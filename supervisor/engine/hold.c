/* hold: see the header. How sockets come to be held is engine/hold_open's part. */
#include "config.h"

#include "engine/hold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/pointers.h"
#include "base/str.h"
#include "core/handoff/handoff.h"
#include "engine/crash_point.h"
#include "engine/demand.h"
#include "engine/engine.h"
#include "engine/retire.h"
#include "sys/fd.h"
#include "sys/net_namespace.h"
#include "sys/unix_path.h"

struct endpoint hold_endpoint(const struct held_socket *h)
{
    struct endpoint ep;
    must(listener_endpoint(h->fd, &ep) == 0); /* it could be read when it was added */
    return ep;
}

int hold_queue(const struct held_socket *h, const struct unix_queues *unix_queues, struct listener_queue *ret)
{
    struct endpoint ep = hold_endpoint(h);
    if (unix_queues && h->family == AF_UNIX && h->listens)
        return unix_queues_find(unix_queues, h->fd, ret);
    return listener_queue(h->fd, &ep, ret);
}

const char *hold_unix_path(const struct held_socket *h)
{
    const char *path = strchr(h->bound, ':') + 1;
    return h->family == AF_UNIX && *path == '/' ? path : NULL;
}

static void subject(const struct held_socket *h, char dst[LIMIT_NAME + 16])
{
    snprintf(dst, LIMIT_NAME + 16, "socket %s", h->socket->name);
}

void hold_learn_backlogs(struct engine *e)
{
    struct unix_queues all = {NULL, 0};
    struct listener_queue q;
    struct held_socket *h;
    bool is_read = false;
    hold_each(h, &e->hold)
    {
        if (!h->listens || h->backlog != 0)
            continue;
        if (h->family == AF_UNIX && !is_read) {
            unix_queues_read(&all); /* what cannot be told is not compared */
            is_read = true;
        }
        h->backlog = hold_queue(h, &all, &q) == 0 ? q.limit : 0;
    }
    unix_queues_fini(&all);
}

void hold_held_name(const struct held_socket *h, char dst[LIMIT_HELD_NAME + 1])
{
    struct held_name name = {.kind = HELD_SOCKET, .slot = h->slot, .part = h->part, .parts = h->parts};
    str_copy(name.name, sizeof name.name, h->socket->name);
    str_copy(name.address, sizeof name.address, h->declared);
    int r = held_name_format(dst, &name);
    must(r == 0); /* it was one before */
}

struct held_socket *hold_add(struct engine *e, const struct socket_conf *conf, const char *held, int fd)
{
    struct held_socket *h;
    struct held_name name;
    struct endpoint ep;
    char bound[ADDRESS_TEXT];
    held_name_parse(held, &name);
    if (listener_endpoint(fd, &ep) < 0) {
        fd_close(&fd);
        return NULL;
    }
    h = mem_new(sizeof *h + strlen(name.address) + 1);
    memcpy(h->declared, name.address, strlen(name.address) + 1);
    h->socket = conf;
    h->slot = name.slot;
    h->part = name.part;
    h->parts = name.parts;
    h->fd = fd;
    h->guard_watch = -1;
    h->engine = e;
    endpoint_format(bound, sizeof bound, &ep);
    h->bound = str_eq(bound, h->declared) ? h->declared : mem_strdup(bound);
    h->family = (uint16_t)ep.family;
    h->type = (uint16_t)ep.type;
    h->listens = listener_type_listens(&ep);
    h->is_foreign = net_namespace_is_own(fd) == 0;
    if (conf->options->accept && !take_over_is_pending(e))
        fd_set_nonblock(fd, true); /* a client may be gone before it is accepted */
    /* Our predecessor may have left it so. */
    h->is_refusing =
        h->listens && conf->options->when_stopped == WHEN_STOPPED_REFUSE && listener_is_listening(fd) == 0;
    h->group = hold_find_group(e, conf->name);
    pointers_add(h->group->held, h->group->n_held, h->group->one_held, h);
    socket_guard_add(&e->guard, h);
    return h;
}

static void held_socket_free(struct held_socket *h)
{
    demand_forget(h);
    idle_forget(h);
    fd_close(&h->fd);
    if (h->bound != h->declared)
        free(h->bound);
    free(h);
}

void hold_remove(struct held_socket *h)
{
    struct socket_group *g = h->group;
    unsigned kept = 0;
    for (size_t i = 0; i < g->n_held; i++)
        if (g->held[i] != h)
            g->held[kept++] = g->held[i];
    g->n_held = kept;
    h->group = NULL;
}

static size_t place_of(const struct held_socket *h)
{
    size_t i = 0;
    while (i < h->socket->listen.n && !str_eq(h->socket->listen.v[i], h->declared))
        i++;
    return i;
}

static int compare_held(const void *a, const void *b)
{
    const struct held_socket *one = *(struct held_socket *const *)a, *other = *(struct held_socket *const *)b;
    size_t at = place_of(one), other_at = place_of(other);
    int r = (at > other_at) - (at < other_at);
    if (r == 0)
        r = (one->slot > other->slot) - (one->slot < other->slot);
    return r != 0 ? r : (one->part > other->part) - (one->part < other->part);
}

void hold_sort(struct socket_group *g)
{
    if (g->n_held > 1)
        qsort(g->held, g->n_held, sizeof(struct held_socket *), compare_held);
}

/* --- groups -------------------------------------------------------------------------------------------- */

static void group_free(struct socket_group *g)
{
    for (size_t i = 0; i < g->n_held; i++)
        held_socket_free(g->held[i]);
    pointers_free(g->held, g->n_held, g->one_held);
    pointers_free(g->users, g->n_users, g->one_user);
    free(g);
}

struct socket_group *hold_find_group(const struct engine *e, const char *socket)
{
    const struct socket_conf *c = conf_find_socket(e->conf, socket);
    return c ? e->hold.groups[c - e->conf->sockets] : NULL;
}

size_t hold_count(const struct engine *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->hold.n_groups; i++)
        n += e->hold.groups[i]->n_held;
    return n;
}

static const char *group_name(const void *data, size_t n)
{
    return ((const struct hold *)data)->groups[n]->conf->name;
}

/* The group of OLD that becomes C's, or a new one. */
static struct socket_group *inherit(struct socket_group *old, const struct socket_conf *c)
{
    struct socket_group *g = old ? old : mem_new(sizeof *g);
    g->conf = c;
    for (size_t i = 0; i < g->n_held; i++)
        g->held[i]->socket = c;
    pointers_free(g->users, g->n_users, g->one_user);
    return g;
}

static void link_service(struct engine *e, struct service *s)
{
    pointers_free(s->groups, s->n_groups, s->one_group);
    for (size_t i = 0; i < s->conf->sockets.n; i++) {
        struct socket_group *g = hold_find_group(e, s->conf->sockets.v[i]);
        pointers_add(s->groups, s->n_groups, s->one_group, g);
        pointers_add(g->users, g->n_users, g->one_user, s);
    }
}

/* Which of the groups in OLD has the name of each socket, or NULL; those that have none are retired. */
static struct socket_group **match_groups(struct engine *e, struct hold *old)
{
    struct name_table names = {NULL, 0, 0};
    struct socket_group **matched = mem_new_array(e->conf->n_sockets + 1, sizeof(struct socket_group *));
    cleanup_free bool *taken = mem_new_array(old->n_groups + 1, sizeof *taken);
    for (size_t i = 0; i < old->n_groups; i++)
        name_table_add(&names, i, group_name, old);
    for (size_t i = 0; i < e->conf->n_sockets; i++) {
        size_t at = name_table_find(&names, e->conf->sockets[i].name, group_name, old);
        if (at == NAME_TABLE_NONE)
            continue;
        matched[i] = old->groups[at];
        taken[at] = true;
    }
    name_table_fini(&names);
    for (size_t i = 0; i < old->n_groups; i++)
        if (!taken[i]) {
            for (size_t k = 0; k < old->groups[i]->n_held; k++)
                retire_socket(old->groups[i]->held[k]);
            old->groups[i]->n_held = 0;
            group_free(old->groups[i]);
        }
    return matched;
}

void hold_link(struct engine *e)
{
    struct hold old = e->hold;
    e->hold.groups = match_groups(e, &old);
    e->hold.n_groups = e->conf->n_sockets;
    for (size_t i = 0; i < e->hold.n_groups; i++)
        e->hold.groups[i] = inherit(e->hold.groups[i], &e->conf->sockets[i]);
    free(old.groups);
    for (size_t i = 0; i < e->n_services; i++)
        link_service(e, e->services[i]);
}

bool hold_is_used_by(const struct held_socket *h, const struct service_conf *s)
{
    for (size_t i = 0; i < s->sockets.n; i++)
        if (strcmp(s->sockets.v[i], h->socket->name) == 0)
            return true;
    return false;
}

void hold_close(struct held_socket *h)
{
    char held[LIMIT_HELD_NAME + 1];
    hold_held_name(h, held);
    socket_guard_remove(&h->engine->guard, h);
    keeper_link_drop(&h->engine->keeper, held);
    held_socket_free(h);
}

static bool has_slot(const struct socket_group *g, unsigned slot)
{
    for (size_t i = 0; i < g->n_users; i++)
        if (g->users[i]->n_workers >= slot)
            return true;
    return slot <= 1; /* the first stays, so that the address is ours with no worker at all */
}

static void trim_group(struct socket_group *g)
{
    unsigned kept = 0;
    for (size_t i = 0; i < g->n_held; i++) {
        struct held_socket *h = g->held[i];
        if (has_slot(g, h->slot))
            g->held[kept++] = h;
        else
            hold_close(h);
    }
    g->n_held = kept;
}

void hold_trim_slots(struct service *s)
{
    for (size_t i = 0; i < s->n_groups; i++)
        if (s->groups[i]->conf->options->reuse_port == REUSE_PORT_PER_WORKER)
            trim_group(s->groups[i]);
}

void hold_release_all(struct engine *e)
{
    struct held_socket *h;
    hold_each(h, &e->hold)
    {
        bool unlink = h->socket->options->unlink;
        if (hold_unix_path(h) && !h->is_lent && !hand_over_keeps_file(e, hold_unix_path(h), unlink))
            unix_path_give_up(hold_unix_path(h), unlink);
        hold_close(h);
        crash_point(CRASH_AT_shutdown_socket_closed);
    }
    for (size_t i = 0; i < e->hold.n_groups; i++)
        e->hold.groups[i]->n_held = 0;
    retire_finish_all(e);
}

void hold_fini(struct hold *h)
{
    for (size_t i = 0; i < h->n_groups; i++)
        group_free(h->groups[i]);
    free(h->groups);
    h->groups = NULL;
    h->n_groups = 0;
}

size_t hold_collect(const struct service *s, unsigned slot, struct held_socket **ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_groups; i++)
        for (size_t j = 0; j < s->groups[i]->n_held; j++) {
            struct held_socket *h = s->groups[i]->held[j];
            if (h->slot != 0 && h->slot != slot)
                continue;
            if (n < max)
                ret[n] = h;
            n++;
        }
    return n;
}

/* Does any process of a worker have H? */
static bool is_in_use(const struct held_socket *h)
{
    if (take_over_shares(h->engine))
        return true; /* by workers of another berth */
    for (size_t i = 0; i < h->group->n_users; i++)
        if (service_has_process(h->group->users[i]))
            return true;
    return false;
}

static bool is_expected_non_blocking(const struct held_socket *h)
{
    for (size_t i = 0; i < h->group->n_users; i++) {
        const struct service_conf *c = h->group->users[i]->conf;
        if (handoff_is_non_blocking(&c->with->handoff, c->command.n > 0 ? c->command.v[0] : ""))
            return true;
    }
    return false;
}

/* O_NONBLOCK is one flag for all who have the socket: `auto` leaves it as running workers have set it. What
 * another berth may carry on with is left alone whatever is wanted; in the end it gets what it is to have. */
void hold_prepare_for_spawn(struct engine *e, struct held_socket *h)
{
    enum non_blocking how = h->socket->options->non_blocking;
    if (h->is_lent || (how == NON_BLOCKING_AUTO && is_in_use(h)))
        return;
    int r = fd_set_nonblock(h->fd, how == NON_BLOCKING_YES ||
                                       (how == NON_BLOCKING_AUTO && is_expected_non_blocking(h)));
    if (r < 0) {
        char who[LIMIT_NAME + 16];
        subject(h, who);
        event_log_say(&e->log, LOG_ERROR, who, NULL, "O_NONBLOCK could not be set on %s: %s", h->bound,
                      strerror(-r));
    }
}

/* Is a service that uses it wanted up, or still running? */
static bool is_served(const struct socket_group *g)
{
    for (size_t i = 0; i < g->n_users; i++)
        if (service_state(g->users[i]) != SERVICE_STOPPED)
            return true;
    return false;
}

static void follow(struct held_socket *h, bool refuse)
{
    struct engine *e = h->engine;
    char who[LIMIT_NAME + 16];
    if (!h->listens || refuse == h->is_refusing || (refuse && take_over_is_pending(e)))
        return;
    int r = refuse ? listener_refuse(h->fd) : listener_listen(h->fd, h->socket->options->backlog);
    subject(h, who);
    if (r < 0) {
        event_log_say(&e->log, LOG_ERROR, who, NULL, "%s could not be made to %s connections: %s", h->bound,
                      refuse ? "refuse" : "take", strerror(-r));
        return;
    }
    h->is_refusing = refuse;
    event_log_say(&e->log, LOG_INFO, who, NULL, "%s %s", h->bound,
                  refuse ? "refuses connections" : "takes connections again");
}

void hold_follow_service(const struct service *s)
{
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct socket_group *g = s->groups[i];
        bool refuse = g->conf->options->when_stopped == WHEN_STOPPED_REFUSE && !is_served(g);
        for (size_t j = 0; j < g->n_held; j++)
            follow(g->held[j], refuse);
    }
}

void hold_follow_refusals(struct engine *e)
{
    struct held_socket *h;
    hold_each(h, &e->hold) if (h->is_refusing && listener_is_listening(h->fd) == 1) listener_refuse(h->fd);
}

void hold_own_all(struct engine *e)
{
    struct held_socket *h;
    hold_each(h, &e->hold)
    {
        h->is_lent = false;
        if (h->socket->options->accept)
            fd_set_nonblock(h->fd, true);
        else if (h->socket->options->non_blocking != NON_BLOCKING_AUTO)
            hold_prepare_for_spawn(e, h);
    }
}

int hold_replace(struct engine *e, struct held_socket *h, struct berr *err)
{
    /* Our own dead one would be taken for a live owner's. */
    if (hold_unix_path(h))
        unix_path_give_up(hold_unix_path(h), true);
    struct endpoint ep = hold_endpoint(h);
    int fd = listener_open(&ep, h->socket->options, err);
    if (fd < 0)
        return fd;
    socket_guard_remove(&e->guard, h);
    demand_forget(h);
    idle_forget(h);
    char held[LIMIT_HELD_NAME + 1];
    hold_held_name(h, held);
    keeper_link_put(&e->keeper, held, fd);
    fd_close(&h->fd);
    h->fd = fd;
    h->backlog = 0;
    socket_guard_add(&e->guard, h);
    for (size_t i = 0; i < h->group->n_users; i++)
        demand_follow(h->group->users[i]);
    hold_learn_backlogs(e);
    return 0;
}
