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
#include "core/service.h"
#include "core/worker_fsm.h"
#include "engine/alarm.h"
#include "engine/channel.h"
#include "engine/hooks.h"
#include "engine/rolling.h"
#include "engine/upkeep.h"

struct engine;

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
    bool has_ever_run : 1;
    bool has_last_status : 1;
    int last_status;           /* wait status of its last process */
    unsigned long long serial; /* of its process; 0: it never had one */
    pid_t pid;                 /* 0: none */
    int pidfd;                 /* owned; -1: none */
    struct mono since;         /* when it entered its state */
    struct mono started;       /* when its process did */
    struct mono due;           /* in backoff: when it is started again */
    struct restart_history history;
    unsigned restarts;             /* starts after the first */
    char *note;                    /* what went wrong last; owned, may be NULL */
    char *status;                  /* what its process said last of itself; owned, may be NULL */
    struct channel *channel;       /* owned; NULL: none */
    struct connection *connection; /* accept = yes: the one that it serves; owned */
    ev_timer *timer;               /* of the state: engine/alarm */
    ev_timer *check_timer;         /* ready = check: when it is tried again; engine/alarm */
    ev_io *lifeline;               /* its pidfd; owned, and there only when no keeper reports its end */
};

/* A service that the configuration has no more, until it is down. */
struct leaving {
    struct list link; /* engine.leaving */
    struct service *service;
    struct service_conf conf; /* owned */
};

struct service {
    struct engine *engine;
    const struct service_conf *conf;
    struct leaving *leaving;                  /* owned; NULL: it stays */
    struct socket_group **groups, *one_group; /* of its sockets, as its descriptors are; base/pointers */
    struct worker **workers, *one_worker;     /* by slot - 1; base/pointers, owned. May be more than n_wanted
                                               * while the     surplus ends */
    unsigned n_groups, n_workers;
    unsigned n_processes;                /* of all its workers */
    unsigned n_wanted;                   /* workers */
    unsigned index;                      /* its place in the configuration */
    int row;                             /* in the soft state */
    unsigned generation;                 /* of the workers that are started now */
    unsigned conf_workers;               /* `workers` as it was when n_wanted was taken from it */
    uint64_t fingerprint;                /* of the configuration that its workers were started with */
    uint64_t next_fingerprint;           /* … that the next ones are */
    uint16_t states[WORKER_STATE_COUNT]; /* how many of its current workers are in each */
    bool is_wanted : 1;
    bool accepts : 1;             /* accept = yes: a worker for each connection, none without */
    bool has_begun : 1;           /* its workers have been told to start: those that it waits for are up */
    bool has_had_its_try : 1;     /* it came up, or could not: engine/announce */
    bool is_blocked : 1;          /* one that it requires has failed */
    bool is_queued : 1;           /* engine/sequence is to look at its neighbours */
    bool is_watched : 1;          /* an update waits for its outcome */
    bool was_touched : 1;         /* an update changes its workers */
    bool is_kept_back : 1;        /* before_start failed when they were to be: its workers stay */
    bool comes_by_demand : 1;     /* when it begins, its workers wait for somebody */
    enum service_state seen : 8;  /* as engine/sequence saw it last */
    enum task_kind task_kind : 8; /* of the one whose end is being told */
    struct accept_pause *accept_pause; /* owned; NULL where nothing went wrong: engine/inetd */
    struct output *output;             /* owned; NULL: its output is inherited */
    struct idle *idle;                 /* owned; NULL: it does not stop by itself */
    struct hooks *hooks;               /* owned; NULL: it has none */
    struct upkeep *upkeep;             /* owned; NULL: nothing is looked at */
    struct rolling *rolling;           /* owned; NULL: no worker was ever replaced */
};

/* Worker number I of S: the current ones in the order of their slots, then the others; NULL behind the last.
 */
static inline struct worker *service_worker(const struct service *s, size_t i)
{
    if (i < s->n_workers)
        return s->workers[i];
    i -= s->n_workers;
    return s->rolling && i < s->rolling->n_others ? s->rolling->others[i] : NULL;
}
#define service_each_worker(w, s) for (size_t i_ = 0; ((w) = service_worker((s), i_)); i_++)

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

/* "web/1#2" into DST. */
char *worker_subject(char *dst, size_t size, const struct worker *w);
/* Logs about it. */
void worker_say(const struct worker *w, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void worker_held_name(const struct worker *w, char dst[LIMIT_HELD_NAME + 1]);
void worker_set_note(struct worker *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void worker_clear_note(struct worker *w);
/* Its own words, STATUS=. NULL forgets them. */
void worker_set_status(struct worker *w, const char *text);
/* Its row of the soft state. */
void worker_save(struct worker *w);
/* Is it ready as soon as its program runs? */
bool worker_is_ready_at_once(const struct worker *w);
/* Reads the row back; false if there is none. */
bool worker_load(struct worker *w);
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

/* A new service with its rows read back or made; its workers are all DOWN unless the rows say otherwise. */
struct service *service_new(struct engine *e, const struct conf *c, const struct service_conf *conf);
/* S, which lives on, is configured by CONF of C from now on. */
void service_set_conf(struct service *s, const struct conf *c, const struct service_conf *conf);
/* Takes the rows of S, which has no process any more, out of the soft state. */
void service_forget(struct service *s);
void service_free(struct service *s);
void service_save(struct service *s);
/* Makes slots up to N. */
void service_ensure_slots(struct service *s, unsigned n);
/* Forgets the last slots that are neither wanted nor running, and retired workers that have ended. */
void service_trim_slots(struct service *s);
/* A worker that is to take the place of SLOT's; NULL where all its lanes are taken. */
struct worker *service_add_candidate(struct service *s, unsigned slot);
/* CANDIDATE becomes the current worker of its slot, and the one that was is retired. */
void service_promote(struct worker *candidate);
/* The worker whose process has that SERIAL, or that PLACE; NULL where there is none. */
struct worker *service_find_serial(const struct service *s, unsigned long long serial);
struct worker *service_find_place(const struct service *s, unsigned place);
enum service_state service_state(const struct service *s);
bool service_has_process(const struct service *s);
void worker_set_role(struct worker *w, enum worker_role role);
/* W enters STATE: the only way to change it. */
void worker_set_state(struct worker *w, enum worker_state state);
/* W has the process PID from now on; PIDFD is taken. */
void worker_set_process(struct worker *w, pid_t pid, int pidfd);

#endif
