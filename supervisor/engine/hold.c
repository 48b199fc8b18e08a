/* hold: see the header. What is to be opened and dropped is core/sockset's decision; this carries it out. */
#include "config.h"

#include "engine/hold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "core/sockset.h"
#include "engine/crash_point.h"
#include "engine/demand.h"
#include "engine/engine.h"
#include "sys/fd.h"
#include "sys/resolve.h"
#include "sys/unix_path.h"

const char *hold_unix_path(const struct held_socket *h)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&h->endpoint.sa;
    bool has_path = h->endpoint.family == AF_UNIX &&
                    h->endpoint.len > offsetof(struct sockaddr_un, sun_path) && un->sun_path[0] != '\0';
    return has_path ? un->sun_path : NULL;
}

static void subject(const struct held_socket *h, char dst[LIMIT_NAME + 16])
{
    snprintf(dst, LIMIT_NAME + 16, "socket %s", h->socket->name);
}

/* The limit that our own listen(2) brought about: the guard compares with it. */
static void learn_backlog(struct held_socket *h)
{
    struct listener_queue q;
    h->backlog = h->listens && listener_queue(h->fd, &h->endpoint, &q) == 0 ? q.limit : 0;
}

/* Takes FD. NULL when it is no socket any more. */
static struct held_socket *add(struct engine *e, const struct socket_conf *conf, const struct address *a,
                               const char *held, int fd)
{
    struct held_socket *h = mem_new(sizeof *h);
    struct held_name name;
    held_name_parse(held, &name);
    h->socket = conf;
    h->slot = name.slot;
    h->part = name.part;
    h->parts = name.parts;
    h->fd = fd;
    h->guard_watch = -1;
    h->engine = e;
    demand_init(h);
    snprintf(h->held, sizeof h->held, "%s", held);
    address_format(h->declared, sizeof h->declared, a);
    if (listener_endpoint(fd, &h->endpoint) < 0) {
        fd_close(&h->fd);
        free(h);
        return NULL;
    }
    endpoint_format(h->bound, sizeof h->bound, &h->endpoint);
    h->listens = listener_type_listens(&h->endpoint);
    if (conf->options.accept)
        fd_set_nonblock(fd, true); /* a client may be gone before it is accepted */
    /* Our predecessor may have left it so. */
    h->is_refusing =
        h->listens && conf->options.when_stopped == WHEN_STOPPED_REFUSE && listener_is_listening(fd) == 0;
    learn_backlog(h);
    e->hold.sockets = mem_resize_array(e->hold.sockets, e->hold.n_sockets + 1, sizeof *e->hold.sockets);
    e->hold.sockets[e->hold.n_sockets++] = h;
    socket_guard_add(&e->guard, h);
    return h;
}

static int open_part(struct engine *e, const struct sockset_want *w, const struct endpoint *ep, unsigned part,
                     unsigned parts, struct berr *err)
{
    struct held_name name = {.kind = HELD_SOCKET, .slot = w->slot, .part = part, .parts = parts};
    char held[LIMIT_HELD_NAME + 1];
    snprintf(name.name, sizeof name.name, "%s", w->socket->name);
    address_format(name.address, sizeof name.address, w->address);
    if (held_name_format(held, &name) < 0)
        return berr_set(err, BERR_CONFIG, ENAMETOOLONG, "the address %s is too long to be held by name",
                        name.address);
    cleanup_fd int fd = listener_open(ep, &w->socket->options, err);
    if (fd < 0)
        return fd;
    crash_point(CRASH_AT_socket_opened);
    keeper_link_put(&e->keeper, held, fd);
    crash_point(CRASH_AT_socket_held);
    struct held_socket *h = add(e, w->socket, w->address, held, take_fd(&fd));
    if (!h)
        return berr_set(err, BERR_SYSTEM, EBADF, "the socket for %s could not be read back", name.address);
    char who[LIMIT_NAME + 16];
    subject(h, who);
    event_log_say(&e->log, LOG_INFO, who, NULL, "listening on %s", h->bound);
    return 0;
}

/* Opens every endpoint of one declared address. */
static int open_want(struct engine *e, const struct sockset_want *w, struct berr *err)
{
    cleanup_free struct endpoint *endpoints = NULL;
    size_t n = 0;
    int r = resolve_address(w->address, &endpoints, &n, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = open_part(e, w, &endpoints[i], (unsigned)i + 1, (unsigned)n, err);
    if (r < 0) {
        berr_prefix(err, "socket %s", w->socket->name);
        e->hold.failed = w->socket;
    }
    return r;
}

static bool is_adopted(const struct engine *e, const char *held)
{
    for (size_t i = 0; i < e->hold.n_sockets; i++)
        if (strcmp(e->hold.sockets[i]->held, held) == 0)
            return true;
    return false;
}

/* The names of all sockets that are held: in the keeper's entries from before, and opened by us since. */
static struct held_name *list_held(struct engine *e, size_t *ret_n)
{
    struct keeper_link *k = &e->keeper;
    struct held_name *names = mem_new_array(k->n_entries + e->hold.n_sockets + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < k->n_entries; i++)
        held_name_parse(k->entries[i].name, &names[n++]);
    for (size_t i = 0; i < e->hold.n_sockets; i++)
        held_name_parse(e->hold.sockets[i]->held, &names[n++]);
    *ret_n = n;
    return names;
}

static void adopt(struct engine *e, const struct sockset_want *w)
{
    for (size_t i = 0; i < w->n_held; i++) {
        size_t index = w->held[i];
        if (index >= e->keeper.n_entries)
            continue; /* ours already */
        struct keeper_entry *entry = &e->keeper.entries[index];
        if (entry->fd >= 0 && !is_adopted(e, entry->name))
            add(e, w->socket, w->address, entry->name, take_fd(&entry->fd));
    }
}

int hold_reconcile(struct engine *e, struct berr *err)
{
    size_t n_names;
    cleanup_free struct held_name *names = list_held(e, &n_names);
    struct sockset_plan plan;
    cleanup_free unsigned *workers = mem_new_array(e->n_services + 1, sizeof *workers);
    for (size_t i = 0; i < e->n_services; i++)
        workers[i] = (unsigned)e->services[i]->n_workers; /* as scaled, and those that are still ending */
    sockset_compare(e->conf, workers, names, n_names, &plan);
    int r = 0;
    for (size_t i = 0; i < plan.n_wants; i++)
        if (plan.wants[i].complete)
            adopt(e, &plan.wants[i]);
    for (size_t i = 0; i < plan.n_drops; i++)
        if (plan.drops[i] < e->keeper.n_entries) {
            keeper_link_drop(&e->keeper, e->keeper.entries[plan.drops[i]].name);
            fd_close(&e->keeper.entries[plan.drops[i]].fd);
        }
    for (size_t i = 0; r == 0 && i < plan.n_wants && !e->is_shutting_down; i++)
        if (!plan.wants[i].complete)
            r = open_want(e, &plan.wants[i], err);
    sockset_plan_fini(&plan);
    return r;
}

bool hold_is_used_by(const struct held_socket *h, const struct service_conf *s)
{
    for (size_t i = 0; i < s->sockets.n; i++)
        if (strcmp(s->sockets.v[i], h->socket->name) == 0)
            return true;
    return false;
}

int hold_ensure_slot(struct engine *e, const struct service *s, unsigned slot, struct berr *err)
{
    for (size_t i = 0; i < s->conf->sockets.n; i++) {
        const struct socket_conf *c = conf_find_socket(e->conf, s->conf->sockets.v[i]);
        bool there = c->options.reuse_port != REUSE_PORT_PER_WORKER;
        for (size_t j = 0; j < e->hold.n_sockets && !there; j++)
            there = e->hold.sockets[j]->socket == c && e->hold.sockets[j]->slot == slot;
        for (size_t j = 0; j < c->n_addresses && !there; j++) {
            struct sockset_want w = {.socket = c, .address = &c->addresses[j], .slot = slot};
            int r = open_want(e, &w, err);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static void held_socket_free(struct held_socket *h)
{
    demand_forget(h);
    idle_forget(h);
    fd_close(&h->fd);
    free(h);
}

static bool has_slot(const struct engine *e, const struct held_socket *h)
{
    for (size_t i = 0; i < e->n_services; i++)
        if (e->services[i]->n_workers >= h->slot && hold_is_used_by(h, e->services[i]->conf))
            return true;
    return h->slot <= 1; /* the first stays, so that the address is ours with no worker at all */
}

void hold_trim_slots(struct engine *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < e->hold.n_sockets; i++) {
        struct held_socket *h = e->hold.sockets[i];
        if (has_slot(e, h)) {
            e->hold.sockets[kept++] = h;
            continue;
        }
        socket_guard_remove(&e->guard, h);
        keeper_link_drop(&e->keeper, h->held);
        held_socket_free(h);
    }
    e->hold.n_sockets = kept;
}

void hold_release_all(struct engine *e)
{
    for (size_t i = 0; i < e->hold.n_sockets; i++) {
        struct held_socket *h = e->hold.sockets[i];
        socket_guard_remove(&e->guard, h);
        if (hold_unix_path(h))
            unix_path_give_up(hold_unix_path(h), h->socket->options.unlink);
        keeper_link_drop(&e->keeper, h->held);
        held_socket_free(h);
        crash_point(CRASH_AT_shutdown_socket_closed);
    }
    e->hold.n_sockets = 0;
}

void hold_fini(struct hold *h)
{
    for (size_t i = 0; i < h->n_sockets; i++)
        held_socket_free(h->sockets[i]);
    free(h->sockets);
    *h = (struct hold){0};
}

size_t hold_collect(const struct engine *e, const struct service_conf *s, unsigned slot,
                    struct held_socket **ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < s->sockets.n; i++)
        for (size_t j = 0; j < e->hold.n_sockets; j++) {
            struct held_socket *h = e->hold.sockets[j];
            if (strcmp(h->socket->name, s->sockets.v[i]) != 0 || (h->slot != 0 && h->slot != slot))
                continue;
            if (n < max)
                ret[n] = h;
            n++;
        }
    return n;
}

/* Does any process of a worker have H? */
static bool is_in_use(const struct engine *e, const struct held_socket *h)
{
    for (size_t i = 0; i < e->n_services; i++)
        for (size_t j = 0; j < e->services[i]->n_workers; j++)
            if (e->services[i]->workers[j]->pid != 0 && hold_is_used_by(h, e->services[i]->conf))
                return true;
    return false;
}

/* O_NONBLOCK is one flag for all who have the socket: `auto` leaves it as running workers have set it. */
void hold_prepare_for_spawn(struct engine *e, struct held_socket *h)
{
    enum non_blocking how = h->socket->options.non_blocking;
    if (how == NON_BLOCKING_AUTO && is_in_use(e, h))
        return;
    int r = fd_set_nonblock(h->fd, how == NON_BLOCKING_YES);
    if (r < 0) {
        char who[LIMIT_NAME + 16];
        subject(h, who);
        event_log_say(&e->log, LOG_ERROR, who, NULL, "O_NONBLOCK could not be set on %s: %s", h->bound,
                      strerror(-r));
    }
}

/* Is a service that uses H wanted up, or still running? */
static bool is_served(const struct engine *e, const struct held_socket *h)
{
    for (size_t i = 0; i < e->n_services; i++)
        if (hold_is_used_by(h, e->services[i]->conf) && service_state(e->services[i]) != SERVICE_STOPPED)
            return true;
    return false;
}

void hold_follow_services(struct engine *e)
{
    for (size_t i = 0; i < e->hold.n_sockets; i++) {
        struct held_socket *h = e->hold.sockets[i];
        if (h->socket->options.when_stopped != WHEN_STOPPED_REFUSE || !h->listens)
            continue;
        bool refuse = !is_served(e, h);
        if (refuse == h->is_refusing)
            continue;
        int r = refuse ? listener_refuse(h->fd) : listener_listen(h->fd, h->socket->options.backlog);
        char who[LIMIT_NAME + 16];
        subject(h, who);
        if (r < 0) {
            event_log_say(&e->log, LOG_ERROR, who, NULL, "%s could not be made to %s connections: %s",
                          h->bound, refuse ? "refuse" : "take", strerror(-r));
            continue;
        }
        h->is_refusing = refuse;
        event_log_say(&e->log, LOG_INFO, who, NULL, "%s %s", h->bound,
                      refuse ? "refuses connections" : "takes connections again");
    }
}

int hold_replace(struct engine *e, struct held_socket *h, struct berr *err)
{
    /* Our own dead one would be taken for a live owner's. */
    if (hold_unix_path(h))
        unix_path_give_up(hold_unix_path(h), true);
    int fd = listener_open(&h->endpoint, &h->socket->options, err);
    if (fd < 0)
        return fd;
    socket_guard_remove(&e->guard, h);
    demand_forget(h);
    idle_forget(h);
    keeper_link_put(&e->keeper, h->held, fd);
    fd_close(&h->fd);
    h->fd = fd;
    demand_init(h);
    learn_backlog(h);
    socket_guard_add(&e->guard, h);
    demand_follow(e);
    return 0;
}
