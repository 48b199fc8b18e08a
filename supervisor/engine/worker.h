/* worker: a service's slot and the process that fills it, as the engine sees it. It carries the machine's
 * state, its timer and its row of the soft state; it decides nothing. */
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
#include "engine/channel.h"
#include "engine/hooks.h"
#include "engine/upkeep.h"

struct engine;

struct worker {
    struct service *service;
    unsigned slot; /* from 1 */
    enum worker_state state;
    bool is_wanted;        /* up, as opposed to down */
    bool is_signalled;     /* the signal of its state was sent */
    bool has_failed_start; /* is being stopped because it did not become ready in time */
    bool is_idle_stop;     /* is being stopped because nobody needs it */
    bool has_ever_run;
    unsigned failed_checks; /* of its health, in a row */
    bool has_last_status;
    unsigned generation;
    unsigned long long serial; /* of its process; 0: it never had one */
    pid_t pid;                 /* 0: none */
    int pidfd;                 /* owned; -1: none */
    struct mono since;         /* when it entered its state */
    struct mono started;       /* when its process did */
    struct mono due;           /* in backoff: when it is started again */
    struct restart_history history;
    unsigned restarts; /* starts after the first */
    int last_status;   /* wait status of its last process */
    char *note;        /* what went wrong last; owned, may be NULL */
    char *status;      /* what its process said last of itself; owned, may be NULL */
    struct channel channel;
    /* of a connection (accept = yes): */
    struct held_socket *listener; /* while it is spawned: where it is accepted */
    unsigned socket_index;        /* which of the service's sockets it came to, from 1; 0: none */
    uint64_t source;              /* who it is, as a number: see engine/inetd.c */
    char *peer;                   /* who it is, for people; owned, may be NULL */
    int row;                      /* in the soft state */
    ev_timer timer;               /* of the state */
    ev_timer check_timer;         /* ready = check: when it is tried again */
    ev_io lifeline;               /* its pidfd; watched only when there is no keeper to report its end */
};

struct service {
    struct list link; /* engine.leaving; else alone */
    struct engine *engine;
    const struct service_conf *conf;
    struct service_conf *own_conf; /* owned: of one that is leaving; else NULL */
    size_t index;                  /* its place in the configuration */
    struct socket_group **groups;  /* of its sockets, in the order of their descriptors; the array is owned */
    size_t n_groups;
    bool is_wanted;
    bool has_begun;            /* its workers have been told to start: those that it waits for are up */
    bool is_blocked;           /* one that it requires has failed */
    bool is_queued;            /* engine/sequence is to look at its neighbours */
    enum service_state seen;   /* as engine/sequence saw it last */
    bool is_watched;           /* an update waits for its outcome */
    bool was_touched;          /* an update changes its workers */
    bool has_had_its_try;      /* it came up, or could not: engine/announce */
    bool comes_by_demand;      /* when it begins, its workers wait for somebody */
    uint64_t fingerprint;      /* of the configuration that its workers were started with */
    uint64_t next_fingerprint; /* … that the next ones are */
    unsigned conf_workers;     /* `workers` as it was when n_wanted was taken from it */
    uint16_t states[WORKER_STATE_COUNT]; /* how many of its workers are in each */
    unsigned n_wanted;                   /* workers */
    unsigned generation;                 /* of the workers that are started now */
    struct worker **workers; /* by slot - 1; owned. May be more than n_wanted while the surplus ends */
    size_t n_workers;
    size_t n_processes; /* of its workers */
    int row;
    bool accepts;          /* accept = yes: a worker for each connection, none without */
    ev_timer accept_timer; /* no connection is accepted while it runs: engine/inetd */
    struct restart_history accept_history;
    struct output *output;   /* owned; NULL: its output is inherited */
    ev_timer idle_timer;     /* engine/idle */
    struct mono last_needed; /* likewise */
    struct hooks *hooks;     /* owned; NULL: it has none */
    struct upkeep *upkeep;   /* owned; NULL: nothing is looked at */
    enum task_kind task_kind; /* of the one whose end is being told */
};

/* "web/1#2" into DST. */
char *worker_subject(char *dst, size_t size, const struct worker *w);
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
/* Forgets the last slots that are neither wanted nor running. */
void service_trim_slots(struct service *s);
enum service_state service_state(const struct service *s);
bool service_has_process(const struct service *s);
/* W enters STATE: the only way to change it. */
void worker_set_state(struct worker *w, enum worker_state state);
/* W has the process PID from now on; PIDFD is taken. */
void worker_set_process(struct worker *w, pid_t pid, int pidfd);

#endif
