/* hold: the sockets that berth holds: found in the keeper, or opened and given to it; and what is known of
 * each.
 *
 * A held socket is closed only when nobody wants it any more or at the end of everything. */
#ifndef BERTH_ENGINE_HOLD_H
#define BERTH_ENGINE_HOLD_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "core/conf.h"
#include "core/held_name.h"
#include "sys/listener.h"
#include "sys/unix_queues.h"

struct engine;
struct worker;
struct service;

struct held_socket {
    const struct socket_conf *socket;
    struct engine *engine;
    struct socket_group *group; /* NULL once it is retired */
    char *bound;                /* as the kernel says; `declared`, or owned */
    ev_io *demand;        /* engine/demand: owned, while it looks whether somebody is there; else NULL */
    unsigned slot;        /* 0: shared; else of one worker */
    unsigned part, parts; /* which of how many sockets its address came to */
    int fd;               /* owned */
    int guard_watch;      /* of its Unix path; -1: none */
    unsigned backlog;     /* in force after our own listen(2); 0: not known */
    uint16_t family, type;
    bool listens;     /* its type listens */
    bool is_refusing; /* when_stopped = refuse, and its services are stopped */
    bool is_lent;    /* another berth held it, and may still, until it is said to be ours: engine/take_over */
    bool is_foreign; /* of another network namespace than ours */
    char declared[]; /* the address as asked for */
};

/* One [socket:NAME]: what is held of it, and who uses it. */
struct socket_group {
    const struct socket_conf *conf;
    struct held_socket **held, *one_held; /* by address and slot; owned, base/pointers */
    struct service **users, *one_user;    /* base/pointers */
    unsigned n_held, n_users;
};

struct hold {
    struct socket_group **groups; /* by place in the configuration; owned */
    size_t n_groups;
    struct list retired;              /* of struct retired_socket: engine/retire */
    const struct socket_conf *failed; /* the one that hold_reconcile() could not open */
    unsigned n_opened;                /* that it could, so far */
};

/* H goes through all held sockets, group by group in the configuration's order. */
#define hold_each(h, hold)                                                                                   \
    for (size_t g_ = 0, i_; g_ < (hold)->n_groups; g_++)                                                     \
        for (i_ = 0; i_ < (hold)->groups[g_]->n_held && ((h) = (hold)->groups[g_]->held[i_], true); i_++)

/* Groups and their users from the configuration and the services that are there; what a group of the same
 * name held stays in it, and what is of no group any more is retired. */
void hold_link(struct engine *e);
struct socket_group *hold_find_group(const struct engine *e, const char *socket);
size_t hold_count(const struct engine *e);

/* Takes over what the keeper's entries hold, retires what nobody wants, and opens what is missing unless
 * everything is to end. -EADDRINUSE, or another negative errno, and a sentence, for the first that cannot be
 * opened (one that is not waited for before one that is); the others are tried all the same, and each
 * failure's sentence is added to FAILURES, where that is not NULL. May be called again. */
int hold_reconcile(struct engine *e, struct strv *failures, struct berr *err);
/* Closes what berth was started with and nobody wants; what was wanted has its own name by now. */
void hold_forget_inherited(struct engine *e);
/* Opens the per-worker sockets of slot SLOT of S, if it uses such. */
int hold_ensure_slot(struct engine *e, const struct service *s, unsigned slot, struct berr *err);
/* Closes the per-worker sockets of slots that no service has any more: nobody would take what the kernel
 * queues there. */
void hold_trim_slots(struct service *s);
/* Puts the options of G's configuration on what it holds, as far as they can change; sentences to FAILURES.
 * hold_learn_backlogs() is to be called next. */
void hold_apply_options(struct socket_group *g, struct strv *failures);
/* Is there a socket for every address that S uses? */
bool hold_is_complete(const struct service *s);
/* Lets go of everything, here and in the keeper; Unix paths are removed. */
void hold_release_all(struct engine *e);
void hold_fini(struct hold *h);
/* Closes and forgets H, which is in no group any more, here and in the keeper. */
void hold_close(struct held_socket *h);

/* Every socket that a worker of S in SLOT is handed, in the order of its descriptors, into RET. */
size_t hold_collect(const struct service *s, unsigned slot, struct held_socket **ret, size_t max);
bool hold_is_used_by(const struct held_socket *h, const struct service_conf *s);
/* Before a spawn: O_NONBLOCK as `non_blocking` says. */
void hold_prepare_for_spawn(struct engine *e, struct held_socket *h);
/* After a service's state has changed: refuse or take connections (when_stopped). */
void hold_follow_service(const struct service *s);
/* H's name in the keeper. */
void hold_held_name(const struct held_socket *h, char dst[LIMIT_HELD_NAME + 1]);
/* Those that are to refuse connections do so again, whatever somebody else has made of them. */
void hold_follow_refusals(struct engine *e);
/* What was another berth's is ours. */
void hold_own_all(struct engine *e);
/* What H is bound to. */
struct endpoint hold_endpoint(const struct held_socket *h);
/* H's queue; negative errno. UNIX_QUEUES, where it is not NULL, answers for Unix listeners. */
int hold_queue(const struct held_socket *h, const struct unix_queues *unix_queues,
               struct listener_queue *ret);
/* The path of a Unix socket that has one, borrowed; else NULL. */
const char *hold_unix_path(const struct held_socket *h);
/* Puts a new socket in the place of a dead one (a Unix listener that was shut down). Negative errno and a
 * sentence. */
int hold_replace(struct engine *e, struct held_socket *h, struct berr *err);

/* The limits that our own listen(2) brought about, as far as they are not known: the guard compares with
 * them. */
void hold_learn_backlogs(struct engine *e);
/* H is not one of its group's any more. */
void hold_remove(struct held_socket *h);
/* The order of descriptors: as the addresses are declared, by part, then by slot. */
void hold_sort(struct socket_group *g);
/* For engine/hold_open only: H, opened or found, becomes one of its group's. NULL when it is no socket any
 * more; takes FD. */
struct held_socket *hold_add(struct engine *e, const struct socket_conf *conf, const char *held, int fd);

#endif
