/* fd_store: descriptors that workers leave behind for the next process of their slot (FDSTORE=1). The keeper
 * holds them too, so they outlive every process but itself. They are let go when the worker says so, when
 * they are dead, and when the slot is stopped for good. */
#ifndef BERTH_ENGINE_FD_STORE_H
#define BERTH_ENGINE_FD_STORE_H

#include <ev.h>
#include <stddef.h>

#include "base/list.h"
#include "core/handoff/handoff.h"
#include "wire/notify_msg.h"

struct engine;
struct service;
struct worker;

/* Of a service; NULL there while nothing was ever left behind. */
struct fd_store {
    struct list all; /* of struct stored, in the order of their numbers */
    unsigned last;   /* the last number given */
};

struct store_watch {
    int hangup_fd; /* sys/socket_events; owned, -1: none */
    ev_io hangup;
};

int fd_store_start(struct engine *e);
void fd_store_stop(struct engine *e);

/* What M, which W has sent with the N descriptors FDS, says of the store. Those that are kept are taken out
 * of FDS (-1). A sentence why some were not, or NULL; static. */
const char *fd_store_take(struct worker *w, const struct notify_msg *m, int *fds, size_t n);
/* How many descriptors a worker of SLOT may leave; 0: none, or the next one would not be told of them. */
size_t fd_store_room(const struct service *s, unsigned slot);
/* Those that the next process of SLOT is handed, at most MAX of them, into RET; how many. They are borrowed.
 */
size_t fd_store_collect(const struct service *s, unsigned slot, struct handoff_socket *ret, size_t max);
/* What was left in the slot FROM is the slot TO's from now on. */
void fd_store_pass(struct service *s, unsigned from, unsigned to);
/* How many there are for SLOT. */
size_t fd_store_count(const struct service *s, unsigned slot);
/* Calls F for each descriptor that the keeper holds for it, with its name. */
void fd_store_each(const struct service *s, void (*f)(void *data, const char *held, int fd), void *data);
/* W's state has changed: where its slot is stopped for good, what it left is let go. */
void fd_store_follow(const struct worker *w);
/* What the keeper holds; and lets go of what is nobody's, once it is known who is to run. */
void fd_store_take_held(struct engine *e);
void fd_store_forget_unused(struct engine *e);
/* The service goes: lets go of everything. */
void fd_store_forget_all(struct service *s);
/* … or berth does: only our own copies are closed. */
void fd_store_free(struct service *s);

#endif
