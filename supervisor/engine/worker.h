/* worker: a service's slot and the process that fills it, as the engine sees it. It carries the machine's
 * state, its timer and its row of the soft state; it decides nothing.
 *
 * While a service is reloaded a slot has several of them, each in a lane of its own: the current one, one
 * that is to take its place, and those that have been told to go. */
#ifndef BERTH_ENGINE_WORKER_H
#define BERTH_ENGINE_WORKER_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/mono.h"
#include "core/conf.h"
#include "core/held_name.h"
#include "core/restart.h"
#include "core/worker_fsm.h"
#include "engine/alarm.h"
#include "engine/channel.h"
#include "engine/ready_fd.h"
#include "wire/soft_state.h"

struct service;

/* What a worker of accept = yes is there for. */
struct connection {
    struct held_socket *listener; /* while it is spawned: where it is accepted */
    unsigned socket_index;        /* which of the service's sockets it came to, from 1 */
    uint64_t source;              /* who it is, as a number: see engine/inetd.c */
    char *peer;                   /* who it is, for people; owned, may be NULL */
};

/* The numbers are kept in the soft state. */
enum worker_role {
    WORKER_CURRENT = 0,
    WORKER_CANDIDATE = 1, /* to become the current one of its slot, once it has proved itself */
    WORKER_RETIRED = 2,   /* is to end; another one has its place, or none */
};

struct worker {
    struct service *service;
    unsigned slot; /* from 1 */
    int row;       /* in the soft state */
    enum worker_role role : 8;
    unsigned lane : 8; /* below LIMIT_LANES; different for those of one slot */
    unsigned generation;
    unsigned failed_checks; /* of its health, in a row */
    enum worker_state state : 8;
    bool is_wanted : 1;        /* up, as opposed to down */
    bool is_signalled : 1;     /* the signal of its state was sent */
    bool has_failed_start : 1; /* is being stopped because it did not become ready in time */
    bool is_idle_stop : 1;     /* is being stopped because nobody needs it */
    bool is_due : 1;           /* is to be replaced: engine/rolling */
    bool is_late : 1;          /* is being stopped because it gave no sign of life */
    bool is_spare : 1;         /* does not serve: engine/standby */
    bool is_unsent : 1;        /* it was activated, and its sockets are still to be sent */
    bool is_untold : 1;        /* it is to be sent its reload's signal, once it has booted */
    bool has_ever_run : 1;
    bool has_last_status : 1;
    int last_status;           /* wait status of its last process */
    unsigned long long serial; /* of its process; 0: it never had one */
    pid_t pid;                 /* 0: none */
    int pidfd;                 /* owned; -1: none */
    int notify_fd;             /* owned; -1: none: engine/notify */
    struct mono since;         /* when it entered its state */
    struct mono started;       /* when its process did, or began to serve */
    struct mono due;           /* in backoff: when it is started again */
    struct restart_history history;
    unsigned restarts;             /* starts after the first */
    char *note;                    /* what went wrong last; owned, may be NULL */
    char *status;                  /* what its process said last of itself; owned, may be NULL */
    struct channel *channel;       /* owned; NULL: none */
    struct ready_fd *ready_fd;     /* ready = fd: owned; NULL: none */
    struct said *said;             /* what its process has said; owned, NULL: nothing: engine/said */
    struct connection *connection; /* accept = yes: the one that it serves; owned */
    ev_timer *timer;               /* of the state: engine/alarm */
    ev_timer *check_timer;         /* ready = check: when it is tried again; engine/alarm */
    ev_io *lifeline;               /* its pidfd; owned, and there only when no keeper reports its end */
};

/* A number that no two workers of a service share: that of the slot, or a higher one. */
static inline unsigned worker_place(const struct worker *w)
{
    return w->slot + w->lane * LIMIT_WORKERS;
}
/* The slot that PLACE belongs to. */
static inline unsigned worker_slot_of_place(unsigned place)
{
    return (place - 1) % LIMIT_WORKERS + 1;
}

/* The worker of SLOT and LANE, as its row says, or without one as current and DOWN. The caller's. */
struct worker *worker_new(struct service *s, unsigned slot, unsigned lane);
void worker_free(struct worker *w);
/* … and with it its row and its output's stream. */
void worker_forget(struct worker *w);
/* "web/1#2" into DST. */
char *worker_subject(char *dst, size_t size, const struct worker *w);
/* Logs about it. */
void worker_say(const struct worker *w, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void worker_held_name(const struct worker *w, char dst[LIMIT_HELD_NAME + 1]);
void worker_set_note(struct worker *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void worker_clear_note(struct worker *w);
/* "worker web/1#2 exited with status 1; it wrote last: …": what became of W, which has failed. The caller's.
 */
char *worker_describe_failure(const struct worker *w);
/* Its own words, STATUS=. NULL forgets them. */
void worker_set_status(struct worker *w, const char *text);
/* The key of its row of the soft state. */
void worker_row_key(char dst[SOFT_STATE_KEY], const struct service *s, unsigned slot, unsigned lane);
void worker_save(struct worker *w);
/* It runs, and is to become ready; a spare is not. */
bool worker_is_starting(const struct worker *w);
/* … as soon as its program runs? */
bool worker_is_ready_at_once(const struct worker *w);
/* Reads the row back; false if there is none. */
bool worker_load(struct worker *w);
/* What asks its process to end. */
int worker_stop_signal(const struct worker *w);
/* Sets the timer that its state calls for, or none. */
void worker_arm_timer(struct worker *w);
/* It is to serve a connection at LISTENER, which is the service's socket number SOCKET_INDEX. */
void worker_begin_connection(struct worker *w, struct held_socket *listener, unsigned socket_index);
void worker_end_connection(struct worker *w);
/* While W is being spawned for a connection: where that is accepted; else NULL. */
static inline struct held_socket *worker_listener(const struct worker *w)
{
    return w->connection ? w->connection->listener : NULL;
}
/* The process is gone: closes what belonged to it and forgets the pid. */
void worker_forget_process(struct worker *w);

void worker_set_role(struct worker *w, enum worker_role role);
/* "candidate" */
const char *worker_role_name(enum worker_role role);
/* W is a spare, or is none: the only way to change it. */
void worker_set_spare(struct worker *w, bool is_spare);
/* W enters STATE: the only way to change it. */
void worker_set_state(struct worker *w, enum worker_state state);
/* W has the process PID from now on; PIDFD is taken. */
void worker_set_process(struct worker *w, pid_t pid, int pidfd);

#endif
