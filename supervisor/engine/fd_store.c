/* fd_store: see the header. A descriptor is put into the keeper before its message is taken off the queue; a
 * successor that reads the message again finds that it has that one already. */
#include "config.h"

#include "engine/fd_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "core/environment.h"
#include "core/held_name.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "sys/fd.h"
#include "sys/socket_events.h"

#define DEAD_AT_ONCE 64

struct stored {
    struct list link; /* fd_store.all */
    struct service *service;
    unsigned slot, number;
    bool is_polled;
    int fd; /* owned */
    char name[];
};

static void held_name(const struct stored *x, char dst[LIMIT_HELD_NAME + 1])
{
    struct held_name h = {
        .kind = HELD_STORED, .slot = x->slot, .part = x->number, .parts = x->is_polled ? 1 : 0};
    snprintf(h.name, sizeof h.name, "%s", x->service->conf->name);
    snprintf(h.address, sizeof h.address, "%s", x->name);
    int r = held_name_format(dst, &h);
    must(r == 0); /* LIMIT_FD_NAME sees to it */
}

void fd_store_each(const struct service *s, void (*f)(void *data, const char *held, int fd), void *data)
{
    char held[LIMIT_HELD_NAME + 1];
    if (s->store)
        list_each (x, &s->store->all, struct stored, link) {
            held_name(x, held);
            f(data, held, x->fd);
        }
}

/* --- its life ------------------------------------------------------------------------------------------ */

/* Takes FD. Its place is by its number. */
static struct stored *add(struct service *s, const struct held_name *h, int fd)
{
    if (!s->store) {
        s->store = mem_new(sizeof *s->store);
        list_init(&s->store->all);
    }
    struct stored *x = mem_new(sizeof *x + strlen(h->address) + 1);
    x->service = s;
    x->slot = h->slot;
    x->number = h->part;
    x->is_polled = h->parts != 0;
    x->fd = fd;
    memcpy(x->name, h->address, strlen(h->address) + 1);
    struct list *before = &s->store->all;
    list_each (other, &s->store->all, struct stored, link)
        if (other->number < x->number)
            before = &other->link;
    list_append(before->next, &x->link);
    if (x->number > s->store->last)
        s->store->last = x->number;
    if (x->is_polled) /* what cannot be polled, such as a file, does not die either */
        socket_events_watch_hangup(s->engine->stored.hangup_fd, fd, x);
    return x;
}

static void release(struct stored *x)
{
    if (x->is_polled)
        socket_events_remove(x->service->engine->stored.hangup_fd, x->fd);
    fd_close(&x->fd);
    list_remove(&x->link);
    free(x);
}

static void drop(struct stored *x)
{
    char held[LIMIT_HELD_NAME + 1];
    struct engine *e = x->service->engine;
    held_name(x, held);
    release(x);
    keeper_link_drop(&e->keeper, held);
}

/* One at a time, for there are no others in hand that could be gone by then. */
static void on_hangup(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)revents;
    struct engine *e = io->data;
    void *tag;
    for (int i = 0; i < DEAD_AT_ONCE && socket_events_next(e->stored.hangup_fd, &tag, 1) == 1; i++) {
        struct stored *x = tag;
        event_log_say(&e->log, LOG_DEBUG, x->service->conf->name, x->service->conf->name,
                      "what worker %u stored as \"%s\" has hung up: it is let go", x->slot, x->name);
        drop(x);
    }
}

int fd_store_start(struct engine *e)
{
    e->stored.hangup_fd = socket_events_new();
    if (e->stored.hangup_fd < 0)
        return e->stored.hangup_fd;
    ev_io_init(&e->stored.hangup, on_hangup, e->stored.hangup_fd, EV_READ);
    e->stored.hangup.data = e;
    ev_io_start(e->loop, &e->stored.hangup);
    return 0;
}

void fd_store_stop(struct engine *e)
{
    if (e->stored.hangup_fd >= 0)
        ev_io_stop(e->loop, &e->stored.hangup);
    fd_close(&e->stored.hangup_fd);
}

/* --- what workers say ---------------------------------------------------------------------------------- */

static bool has_it(const struct service *s, unsigned slot, int fd)
{
    if (s->store)
        list_each (x, &s->store->all, struct stored, link)
            if (x->slot == slot && fd_is_same(x->fd, fd))
                return true;
    return false;
}

/* Bytes of the names of what SLOT has, as they are joined for the next process. */
static size_t names_size(const struct service *s, unsigned slot)
{
    size_t n = 0;
    if (s->store)
        list_each (x, &s->store->all, struct stored, link)
            if (x->slot == slot)
                n += strlen(x->name) + 1;
    return n;
}

/* What SLOT does if it is let store one more, called NAME; NULL: it may. */
static const char *why_full(const struct service *s, unsigned slot, const char *name)
{
    size_t room = fd_store_room(s, slot);
    if (room == 0)
        return "stores a descriptor, and no later worker could be told of it";
    if (fd_store_count(s, slot) >= room)
        return "stores more descriptors than store_max allows";
    if (names_size(s, slot) + strlen(name) + 1 > LIMIT_STORE_NAMES)
        return "stores descriptors with more than 64000 characters of names: take shorter ones";
    return NULL;
}

static void store(struct worker *w, const char *name, const struct notify_msg *m, int *fd)
{
    struct service *s = w->service;
    char held[LIMIT_HELD_NAME + 1];
    struct held_name h = {.kind = HELD_STORED,
                          .slot = w->slot,
                          .part = s->store ? s->store->last + 1 : 1,
                          .parts = m->is_unpolled ? 0 : 1};
    snprintf(h.address, sizeof h.address, "%s", name);
    struct stored *x = add(s, &h, take_fd(fd));
    held_name(x, held);
    keeper_link_put(&s->engine->keeper, held, x->fd);
    crash_point(CRASH_AT_stored);
}

static void unstore(struct worker *w, const char *name)
{
    if (w->service->store)
        list_each (x, &w->service->store->all, struct stored, link)
            if (x->slot == w->slot && strcmp(x->name, name) == 0)
                drop(x);
}

const char *fd_store_take(struct worker *w, const struct notify_msg *m, int *fds, size_t n)
{
    const struct service *s = w->service;
    const char *name = *m->fd_name ? m->fd_name : "stored";
    if (m->has_bad_name && (m->stores || m->unstores))
        return "has a FDNAME that is none: 1 to 255 printable ASCII characters without ':' are one";
    if (m->unstores && !*m->fd_name)
        return "has FDSTOREREMOVE=1 without a FDNAME: nothing is let go";
    if (m->unstores)
        unstore(w, name);
    for (size_t i = 0; m->stores && i < n; i++) {
        if (has_it(s, w->slot, fds[i]))
            continue;
        const char *problem = why_full(s, w->slot, name);
        if (problem)
            return problem;
        store(w, name, m, &fds[i]);
    }
    return NULL;
}

/* --- handing it on ------------------------------------------------------------------------------------- */

size_t fd_store_room(const struct service *s, unsigned slot)
{
    return s->accepts ? 0 : worker_store_room(s->conf, hold_collect(s, slot, NULL, 0));
}

size_t fd_store_collect(const struct service *s, unsigned slot, struct handoff_socket *ret, size_t max)
{
    size_t n = 0, names = 0;
    if (s->store)
        list_each (x, &s->store->all, struct stored, link)
            if (x->slot == slot && n < max && (names += strlen(x->name) + 1) <= LIMIT_STORE_NAMES)
                ret[n++] = (struct handoff_socket){.name = x->name, .fd = x->fd, .declared = ""};
    return n;
}

size_t fd_store_count(const struct service *s, unsigned slot)
{
    size_t n = 0;
    if (s->store)
        list_each (x, &s->store->all, struct stored, link)
            n += x->slot == slot;
    return n;
}

/* Held under both names for a moment: who finds it there twice lets one go. */
static void pass(struct stored *x, unsigned to)
{
    char before[LIMIT_HELD_NAME + 1], after[LIMIT_HELD_NAME + 1];
    struct keeper_link *k = &x->service->engine->keeper;
    if (has_it(x->service, to, x->fd)) {
        drop(x);
        return;
    }
    const char *problem = why_full(x->service, to, x->name);
    if (problem) { /* it would not be told of it */
        event_log_say(&x->service->engine->log, LOG_WARNING, x->service->conf->name, x->service->conf->name,
                      "what worker %u stored as \"%s\" is let go: with it worker %u %s", x->slot, x->name, to,
                      problem);
        drop(x);
        return;
    }
    held_name(x, before);
    x->slot = to;
    held_name(x, after);
    keeper_link_put(k, after, x->fd);
    crash_point(CRASH_AT_store_passed);
    keeper_link_drop(k, before);
}

void fd_store_pass(struct service *s, unsigned from, unsigned to)
{
    if (s->store)
        list_each (x, &s->store->all, struct stored, link)
            if (x->slot == from)
                pass(x, to);
}

/* --- letting it go ------------------------------------------------------------------------------------- */

static bool is_over(enum worker_state state)
{
    return state == WORKER_DOWN || state == WORKER_DONE || state == WORKER_FAILED;
}

/* Is there a process of SLOT, or is one to come? */
static bool slot_lives(const struct service *s, unsigned slot)
{
    const struct worker *w;
    if (s->is_wanted && !s->has_begun && slot <= s->n_wanted)
        return true; /* what another berth passed on is there before its worker */
    service_each_worker (w, s)
        if (w->slot == slot && !is_over(w->state))
            return true;
    return false;
}

void fd_store_follow(const struct worker *w)
{
    const struct service *s = w->service;
    if (!s->store || !is_over(w->state) || slot_lives(s, w->slot))
        return;
    list_each (x, &s->store->all, struct stored, link)
        if (x->slot == w->slot)
            drop(x);
}

static void forget_unused(struct service *s)
{
    if (s->store)
        list_each (x, &s->store->all, struct stored, link)
            if (!slot_lives(s, x->slot))
                drop(x);
}

void fd_store_forget_unused(struct engine *e)
{
    for (size_t i = 0; i < e->n_services; i++)
        forget_unused(e->services[i]);
    list_each (l, &e->leaving, struct leaving, link)
        forget_unused(l->service);
}

void fd_store_take_held(struct engine *e)
{
    struct keeper_link *k = &e->keeper;
    for (size_t i = 0; i < k->n_entries; i++) {
        struct held_name name;
        held_name_parse(k->entries[i].name, &name);
        if (name.kind != HELD_STORED)
            continue;
        struct service *s = engine_find_service(e, name.name);
        if (s && k->entries[i].fd >= 0)
            add(s, &name, take_fd(&k->entries[i].fd));
        else
            keeper_link_drop(k, k->entries[i].name);
    }
}

void fd_store_forget_all(struct service *s)
{
    if (s->store)
        list_each (x, &s->store->all, struct stored, link)
            drop(x);
}

void fd_store_free(struct service *s)
{
    if (!s->store)
        return;
    list_each (x, &s->store->all, struct stored, link)
        release(x);
    free(s->store);
    s->store = NULL;
}
