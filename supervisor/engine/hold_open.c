/* hold_open: how sockets come to be held: taken over from a predecessor, from whoever started berth, or
 * opened. What is to be opened and dropped is core/sockset's decision; this carries it out. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "core/sockset.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/hold.h"
#include "engine/retire.h"
#include "sys/fd.h"
#include "sys/resolve.h"
#include "sys/unix_path.h"

/* --- what berth was started with ----------------------------------------------------------------------- */

/* … or what another berth passed on and nobody had its name for. */
static bool is_given(const struct keeper_entry *entry, struct held_name *ret)
{
    if (entry->fd < 0 ||
        (!str_starts_with(entry->name, "inherited/") && !str_starts_with(entry->name, "passed/")))
        return false;
    held_name_parse(entry->name, ret);
    return ret->kind == HELD_INHERITED || ret->kind == HELD_PASSED;
}

/* How many sockets of W's name there are. Only a socket with one address can be meant by its name. */
static unsigned count_inherited(const struct engine *e, const struct sockset_want *w)
{
    struct held_name name;
    unsigned n = 0;
    for (size_t i = 0;
         e->has_inherited && w->slot == 0 && w->socket->listen.n == 1 && i < e->keeper.n_entries; i++)
        n += is_given(&e->keeper.entries[i], &name) && name.kind == HELD_INHERITED &&
             str_eq(name.name, w->socket->name);
    return n;
}

/* Nothing is changed in what another berth still has. */
static void set_up_inherited(struct engine *e, int fd, const struct endpoint *found,
                             const struct sockset_want *w)
{
    struct berr err;
    if (listener_set_options(fd, found, w->socket->options, &err) < 0)
        event_log_say(&e->log, LOG_WARNING, "berth", NULL, "socket %s, which berth was started with: %s",
                      w->socket->name, err.text);
    if (listener_type_listens(found))
        listener_listen(fd, w->socket->options->backlog);
}

/* The one that is called W, for an endpoint that is not known, or the one that has the address EP; -1.
 * *RET_LENT: another berth has it too. */
static int take_given(struct engine *e, const struct sockset_want *w, const struct endpoint *ep,
                      bool *ret_lent)
{
    for (size_t i = 0; e->has_inherited && i < e->keeper.n_entries; i++) {
        struct keeper_entry *entry = &e->keeper.entries[i];
        struct held_name name;
        struct endpoint found;
        if (!is_given(entry, &name))
            continue;
        *ret_lent = name.kind == HELD_PASSED;
        if (w->slot > 1 && !*ret_lent)
            continue;
        bool is_it = ep->family == AF_UNSPEC ? !*ret_lent && str_eq(name.name, w->socket->name)
                                             : listener_matches(entry->fd, ep);
        if (!is_it || listener_endpoint(entry->fd, &found) < 0)
            continue;
        if (!*ret_lent)
            set_up_inherited(e, entry->fd, &found, w);
        return take_fd(&entry->fd);
    }
    return -1;
}

/* Is it held under its own name too? Our predecessor may have died between the two. */
static bool is_held(const struct engine *e, const char *bound)
{
    struct held_socket *h;
    hold_each(h, &e->hold) if (str_eq(h->bound, bound)) return true;
    return false;
}

static void tell_unwanted(struct engine *e, const struct held_name *name, int fd)
{
    struct endpoint ep;
    char text[ADDRESS_TEXT];
    if (fd < 0 || listener_endpoint(fd, &ep) < 0 || is_held(e, endpoint_format(text, sizeof text, &ep)))
        return;
    if (name->kind == HELD_INHERITED)
        event_log_say(&e->log, LOG_WARNING, "berth", NULL,
                      "was started with a socket at %s (name %s) that no [socket:NAME] has; it is closed",
                      text, name->name);
    else
        event_log_say(&e->log, LOG_WARNING, "take-over", NULL,
                      "lets go of %s (name %s): no [socket:NAME] here has that address", text, name->name);
}

void hold_forget_inherited(struct engine *e)
{
    struct held_name name;
    for (size_t i = 0; i < e->keeper.n_entries; i++) {
        struct keeper_entry *entry = &e->keeper.entries[i];
        held_name_parse(entry->name, &name);
        if (name.kind != HELD_INHERITED && name.kind != HELD_PASSED)
            continue;
        tell_unwanted(e, &name, entry->fd);
        keeper_link_drop(&e->keeper, entry->name);
        fd_close(&entry->fd);
    }
    e->has_inherited = false;
}

/* --- opening ------------------------------------------------------------------------------------------- */

static int open_part(struct engine *e, const struct sockset_want *w, const struct endpoint *ep, unsigned part,
                     unsigned parts, struct berr *err)
{
    struct held_name name = {.kind = HELD_SOCKET, .slot = w->slot, .part = part, .parts = parts};
    char held[LIMIT_HELD_NAME + 1];
    snprintf(name.name, sizeof name.name, "%s", w->socket->name);
    snprintf(name.address, sizeof name.address, "%s", w->address);
    int r = held_name_format(held, &name);
    must(r == 0); /* LIMIT_HELD_NAME sees to it */
    bool is_lent = false;
    cleanup_fd int fd = take_given(e, w, ep, &is_lent);
    is_lent = is_lent && fd >= 0;
    if (fd < 0)
        fd = listener_open(ep, w->socket->options, err);
    if (fd < 0)
        return fd;
    crash_point(CRASH_AT_socket_opened);
    keeper_link_put(&e->keeper, held, fd);
    crash_point(CRASH_AT_socket_held);
    struct held_socket *h = hold_add(e, w->socket, held, take_fd(&fd));
    if (!h)
        return berr_set(err, BERR_SYSTEM, EBADF, "the socket for %s could not be read back", name.address);
    h->is_lent = is_lent;
    char who[LIMIT_NAME + 16];
    snprintf(who, sizeof who, "socket %s", h->socket->name);
    event_log_say(&e->log, LOG_INFO, who, NULL, "listening on %s", h->bound);
    return 0;
}

/* By its name berth was given all the sockets of one declared address: they are what it comes to. */
static int open_named(struct engine *e, const struct sockset_want *w, unsigned n, struct berr *err)
{
    struct endpoint none = {.family = AF_UNSPEC};
    int r = 0;
    for (unsigned i = 0; r == 0 && i < n; i++)
        r = open_part(e, w, &none, i + 1, n, err);
    return r;
}

/* Opens every endpoint of one declared address. */
static int open_want(struct engine *e, const struct sockset_want *w, struct berr *err)
{
    cleanup_free struct endpoint *endpoints = NULL;
    struct address address;
    size_t n = 0;
    unsigned named = count_inherited(e, w);
    int r = named > 0 ? open_named(e, w, named, err) : address_parse(w->address, &address, err);
    if (r == 0 && named == 0)
        r = resolve_address(&address, &endpoints, &n, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = open_part(e, w, &endpoints[i], (unsigned)i + 1, (unsigned)n, err);
    if (r < 0)
        berr_prefix(err, "socket %s", w->socket->name);
    return r;
}

/* --- what is held already ------------------------------------------------------------------------------ */

/* The names of all sockets that are held: in the keeper's entries from before, and of groups; OWNERS tells
 * whose the latter are, from the first of them on. */
static struct held_name *list_held(struct engine *e, struct held_socket ***ret_owners, size_t *ret_n)
{
    struct keeper_link *k = &e->keeper;
    size_t n = 0, n_owned = 0, most = k->n_entries + hold_count(e) + 1;
    struct held_name *names = mem_new_array(most, sizeof *names);
    struct held_socket **owners = mem_new_array(most, sizeof(struct held_socket *)), *h;
    for (size_t i = 0; i < k->n_entries; i++) {
        if (k->entries[i].fd >= 0)
            held_name_parse(k->entries[i].name, &names[n]);
        n++;
    }
    hold_each(h, &e->hold)
    {
        char held[LIMIT_HELD_NAME + 1];
        hold_held_name(h, held);
        held_name_parse(held, &names[n++]);
        owners[n_owned++] = h;
    }
    *ret_owners = owners;
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
        struct held_socket *h =
            entry->fd >= 0 ? hold_add(e, w->socket, entry->name, take_fd(&entry->fd)) : NULL;
        if (h)
            h->is_lent = take_over_is_pending(e);
    }
}

/* Nobody wants it: what a predecessor held is dropped, what we hold is retired. */
static void drop(struct engine *e, size_t index, struct held_socket *const *owners)
{
    if (index >= e->keeper.n_entries) {
        struct held_socket *h = owners[index - e->keeper.n_entries];
        hold_remove(h);
        retire_socket(h);
        return;
    }
    struct keeper_entry *entry = &e->keeper.entries[index];
    struct held_name name;
    held_name_parse(entry->name, &name);
    if (str_starts_with(name.address, "unix:/") && !hand_over_is_shared(e))
        unix_path_give_up(name.address + strlen("unix:"), true);
    keeper_link_drop(&e->keeper, entry->name);
    fd_close(&entry->fd);
}

/* Which of two failures is told: the one that nobody waits out. */
static bool is_worse(const struct engine *e, const struct sockset_want *w, int r)
{
    const struct socket_conf *before = e->hold.failed;
    bool waits = r == -EADDRINUSE && w->socket->options->on_conflict == ON_CONFLICT_WAIT;
    return !before || (before->options->on_conflict == ON_CONFLICT_WAIT && !waits);
}

static int open_missing(struct engine *e, const struct sockset_plan *plan, struct strv *failures,
                        struct berr *err)
{
    int worst = 0;
    e->hold.failed = NULL;
    for (size_t i = 0; i < plan->n_wants && !e->is_shutting_down; i++) {
        struct berr one;
        if (plan->wants[i].complete)
            continue;
        int r = open_want(e, &plan->wants[i], &one);
        e->hold.n_opened += r == 0;
        if (r == 0)
            continue;
        if (failures)
            strv_add(failures, one.text);
        if (is_worse(e, &plan->wants[i], r)) {
            e->hold.failed = plan->wants[i].socket;
            *err = one;
            worst = r;
        }
    }
    return worst;
}

int hold_reconcile(struct engine *e, struct strv *failures, struct berr *err)
{
    size_t n_names;
    cleanup_free struct held_socket **owners = NULL;
    cleanup_free struct held_name *names = list_held(e, &owners, &n_names);
    struct sockset_plan plan;
    cleanup_free unsigned *workers = mem_new_array(e->n_services + 1, sizeof *workers);
    for (size_t i = 0; i < e->n_services; i++)
        workers[i] = e->services[i]->n_workers; /* as scaled, and those that are still ending */
    sockset_compare(e->conf, workers, names, n_names, &plan);
    for (size_t i = 0; i < plan.n_wants; i++)
        if (plan.wants[i].complete)
            adopt(e, &plan.wants[i]);
    for (size_t i = 0; i < plan.n_drops; i++)
        drop(e, plan.drops[i], owners);
    int r = open_missing(e, &plan, failures, err);
    sockset_plan_fini(&plan);
    for (size_t i = 0; i < e->hold.n_groups; i++)
        hold_sort(e->hold.groups[i]);
    hold_learn_backlogs(e);
    return r;
}

int hold_ensure_slot(struct engine *e, const struct service *s, unsigned slot, struct berr *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->n_groups; i++) {
        const struct socket_group *g = s->groups[i];
        bool there = g->conf->options->reuse_port != REUSE_PORT_PER_WORKER;
        for (size_t j = 0; j < g->n_held && !there; j++)
            there = g->held[j]->slot == slot;
        for (size_t j = 0; r == 0 && j < g->conf->listen.n && !there; j++) {
            struct sockset_want w = {.socket = g->conf, .address = g->conf->listen.v[j], .slot = slot};
            r = open_want(e, &w, err);
        }
    }
    return r;
}

bool hold_is_complete(const struct service *s)
{
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct socket_group *g = s->groups[i];
        for (size_t a = 0; a < g->conf->listen.n; a++) {
            bool found = false;
            for (size_t k = 0; k < g->n_held && !found; k++)
                found = str_eq(g->held[k]->declared, g->conf->listen.v[a]);
            if (!found)
                return false;
        }
    }
    return true;
}

static int apply_options(struct held_socket *h, struct berr *err)
{
    const struct socket_options *o = h->socket->options;
    struct endpoint ep = hold_endpoint(h);
    int r = listener_set_options(h->fd, &ep, o, err);
    if (r == 0 && h->listens && !h->is_refusing && (r = listener_listen(h->fd, o->backlog)) < 0)
        berr_set(err, BERR_SYSTEM, -r, "backlog: %s", strerror(-r));
    if (r == 0 && hold_unix_path(h))
        r = unix_path_set_access(hold_unix_path(h), o, err);
    if (r == 0 && o->accept)
        fd_set_nonblock(h->fd, true);
    return r;
}

void hold_apply_options(struct socket_group *g, struct strv *failures)
{
    struct berr err;
    for (size_t i = 0; i < g->n_held; i++) {
        if (apply_options(g->held[i], &err) < 0)
            strv_put(failures, mem_printf("socket %s: %s", g->conf->name, err.text));
        g->held[i]->backlog = 0;
    }
}
