/* hold: the sockets that berth holds: found in the keeper, or opened and given to it; and what is known of
 * each.
 *
 * A held socket is closed only when nobody wants it any more or at the end of everything. */
#ifndef BERTH_ENGINE_HOLD_H
#define BERTH_ENGINE_HOLD_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/conf.h"
#include "core/held_name.h"
#include "sys/listener.h"

struct engine;
struct worker;
struct service;

struct held_socket {
    const struct socket_conf *socket;
    char held[LIMIT_HELD_NAME + 1]; /* its name in the keeper */
    char declared[256];             /* the address as asked for */
    char bound[256];                /* as the kernel says */
    struct endpoint endpoint;
    unsigned slot;        /* 0: shared; else of one worker */
    unsigned part, parts; /* which of how many sockets its address came to */
    int fd;               /* owned */
    bool listens;         /* its type listens */
    bool is_refusing;     /* when_stopped = refuse, and its services are stopped */
    unsigned backlog;     /* in force after our own listen(2); 0: not known */
    int guard_watch;      /* of its Unix path; -1: none */
    struct engine *engine;
    ev_io demand; /* engine/demand: is somebody there? */
};

struct hold {
    struct held_socket **sockets; /* in the configuration's order, slot by slot; owned */
    size_t n_sockets;
    const struct socket_conf *failed; /* the one that hold_reconcile() could not open */
};

/* Takes over what the keeper's entries hold, drops what nobody wants, and opens what is missing unless
 * everything is to end. -EADDRINUSE, or another negative errno, and a sentence; what was opened until then is
 * held. May be called again. */
int hold_reconcile(struct engine *e, struct berr *err);
/* Opens the per-worker sockets of slot SLOT of S, if it uses such. */
int hold_ensure_slot(struct engine *e, const struct service *s, unsigned slot, struct berr *err);
/* Closes the per-worker sockets of slots that no service has any more: nobody would take what the kernel
 * queues there. */
void hold_trim_slots(struct engine *e);
/* Lets go of everything, here and in the keeper; Unix paths are removed. */
void hold_release_all(struct engine *e);
void hold_fini(struct hold *h);

/* Calls EACH for every socket that a worker of S in SLOT is handed, in the order of its descriptors. */
size_t hold_collect(const struct engine *e, const struct service_conf *s, unsigned slot,
                    struct held_socket **ret, size_t max);
bool hold_is_used_by(const struct held_socket *h, const struct service_conf *s);
/* Before a spawn: O_NONBLOCK as `non_blocking` says. */
void hold_prepare_for_spawn(struct engine *e, struct held_socket *h);
/* After a service's state has changed: refuse or take connections (when_stopped). */
void hold_follow_services(struct engine *e);
/* The path of a Unix socket that has one, borrowed; else NULL. */
const char *hold_unix_path(const struct held_socket *h);
/* Puts a new socket in the place of a dead one (a Unix listener that was shut down). Negative errno and a
 * sentence. */
int hold_replace(struct engine *e, struct held_socket *h, struct berr *err);

#endif
