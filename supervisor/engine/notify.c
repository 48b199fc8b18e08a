/* notify: see the header. A message is looked at first and taken off the queue when what follows from it is
 * recorded: a supervisor that dies between the two leaves it to its successor. */
#include "config.h"

#include "engine/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "core/held_name.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/main_pid.h"
#include "engine/notify_access.h"
#include "engine/said.h"
#include "engine/watchdog.h"
#include "sys/fd.h"
#include "sys/socket_events.h"

#define TURNS_AT_ONCE 16  /* sockets that are read, then others have their turn */
#define PACKETS_AT_ONCE 4 /* of one of them */
#define PACKETS_AT_END 4096

void notify_held_name(const struct worker *w, char dst[LIMIT_HELD_NAME + 1])
{
    struct held_name h = {.kind = HELD_NOTIFY, .slot = w->slot, .serial = w->serial};
    snprintf(h.name, sizeof h.name, "%s", w->service->conf->name);
    int r = held_name_format(dst, &h);
    must(r == 0);
}

/* --- what it says -------------------------------------------------------------------------------------- */

static void complain(struct worker *w, const char *what)
{
    if (said_may_complain(w))
        worker_say(w, LOG_WARNING, "sent a message that %s: that is dropped", what);
}

void notify_apply(struct worker *w, const struct notify_msg *m, const int *fds, size_t n_fds)
{
    const char *trouble = m->has_main || m->has_main_fd ? main_pid_take(w, m, fds, n_fds) : NULL;
    if (trouble)
        complain(w, trouble);
    said_take(w, m);
}

static void on_message(struct worker *w, const struct notify_msg *m, struct notify_packet *p)
{
    if (m->stores || m->unstores) {
        const char *trouble = fd_store_take(w, m, p->fds, p->n_fds);
        if (trouble)
            complain(w, trouble);
    }
    notify_apply(w, m, p->fds, p->n_fds);
}

static void on_packet(struct worker *w, struct notify_packet *p)
{
    struct notify_msg m;
    if (!notify_may_speak(w, p->pid, p->uid)) {
        if (said_may_complain(w))
            worker_say(w, LOG_WARNING, "process %d of uid %u speaks for it and %s; that is dropped",
                       (int)p->pid, (unsigned)p->uid,
                       w->said->access == NOTIFY_ACCESS_UNSAID || w->said->access == NOTIFY_ACCESS_ALL
                           ? "is not of this worker"
                           : "may not, by NOTIFYACCESS");
        return;
    }
    if (notify_msg_parse(p->text, p->n, &m) < 0)
        complain(w, "has a NUL byte in it");
    else if (m.has_barrier && (!m.is_barrier || p->n_fds != 1))
        complain(w, "has BARRIER=1 beside something else, or not one descriptor");
    else
        on_message(w, &m, p);
}

/* False when there is nothing more to read just now. */
static bool read_one(struct worker *w)
{
    static struct notify_packet p; /* only here, and not while it is in use */
    int r = notify_socket_peek(w->notify_fd, &p);
    if (r == -EMSGSIZE)
        complain(w, "is longer than 4096 bytes");
    else if (r == -EMFILE)
        complain(w, "has descriptors for which there is no room");
    else if (r < 0)
        return false;
    crash_point(CRASH_AT_notify_message_read);
    if (r == 0) {
        on_packet(w, &p);
        notify_packet_close(&p);
    }
    if (w->notify_fd < 0)
        return false;
    notify_socket_discard(w->notify_fd);
    return true;
}

void notify_read_rest(struct worker *w)
{
    for (int i = 0; i < PACKETS_AT_END && w->notify_fd >= 0 && read_one(w); i++)
        continue;
}

/* One at a time: what one says may be the end of another. */
static void on_input(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)revents;
    struct engine *e = io->data;
    void *tag;
    for (int i = 0; i < TURNS_AT_ONCE && socket_events_next(e->notify.input_fd, &tag, 1) == 1; i++) {
        struct worker *w = tag;
        for (int k = 0; k < PACKETS_AT_ONCE && w->notify_fd >= 0 && read_one(w); k++)
            continue;
    }
}

/* --- its life ------------------------------------------------------------------------------------------ */

int notify_start(struct engine *e)
{
    e->notify.input_fd = socket_events_new();
    if (e->notify.input_fd < 0)
        return e->notify.input_fd;
    ev_io_init(&e->notify.input, on_input, e->notify.input_fd, EV_READ);
    e->notify.input.data = e;
    ev_io_start(e->loop, &e->notify.input);
    return 0;
}

void notify_stop(struct engine *e)
{
    if (e->notify.input_fd >= 0)
        ev_io_stop(e->loop, &e->notify.input);
    fd_close(&e->notify.input_fd);
}

/* Takes FD. */
static int watch(struct worker *w, int fd)
{
    int r = socket_events_watch_input(w->service->engine->notify.input_fd, fd, w);
    if (r < 0)
        fd_close(&fd);
    else
        w->notify_fd = fd;
    return r;
}

int notify_open(struct worker *w, char name[NOTIFY_SOCKET_NAME], struct berr *err)
{
    char held[LIMIT_HELD_NAME + 1];
    int fd = notify_socket_open(name);
    int r = fd < 0 ? fd : watch(w, fd);
    if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r, "the socket at which it says how it is could not be made: %s",
                        strerror(-r));
    notify_held_name(w, held);
    keeper_link_put(&w->service->engine->keeper, held, w->notify_fd);
    crash_point(CRASH_AT_notify_held);
    return 0;
}

/* What our predecessor knew of it. Its time to give a sign of life begins anew: it may have given one that
 * nobody has read yet. */
static void take_over(struct worker *w)
{
    said_load(w);
    watchdog_follow(w);
}

void notify_take_held(struct engine *e)
{
    struct keeper_link *k = &e->keeper;
    for (size_t i = 0; i < k->n_entries; i++) {
        struct held_name name;
        held_name_parse(k->entries[i].name, &name);
        if (name.kind != HELD_NOTIFY)
            continue;
        struct worker *w = engine_find_process(e, name.name, name.serial);
        if (!w || k->entries[i].fd < 0 || watch(w, take_fd(&k->entries[i].fd)) < 0)
            keeper_link_drop(k, k->entries[i].name);
        else
            take_over(w);
    }
    said_forget_gone(e);
}

void notify_close(struct worker *w)
{
    char held[LIMIT_HELD_NAME + 1];
    if (w->notify_fd < 0)
        return;
    notify_held_name(w, held);
    socket_events_remove(w->service->engine->notify.input_fd, w->notify_fd);
    fd_close(&w->notify_fd);
    said_forget(w);
    keeper_link_drop(&w->service->engine->keeper, held);
}
