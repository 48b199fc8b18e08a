/* service: its workers, and what is wanted of it, as the engine sees it. It decides nothing. */
#ifndef BERTH_ENGINE_SERVICE_H
#define BERTH_ENGINE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/conf.h"
#include "core/service.h"
#include "engine/hooks.h"
#include "engine/rolling.h"
#include "engine/told.h"
#include "engine/upkeep.h"
#include "engine/worker.h"

struct engine;

/* A service that the configuration has no more. */
struct leaving {
    struct list link; /* engine.leaving, then engine.gone */
    struct service *service;
    struct service_conf conf; /* owned */
};

struct service {
    struct engine *engine;
    const struct service_conf *conf;
    struct leaving *leaving;                  /* owned; NULL: it stays */
    struct socket_group **groups, *one_group; /* of its sockets, as its descriptors are; base/pointers */
    struct worker **workers, *one_worker;     /* by slot - 1; base/pointers, owned. May be more than n_wanted
                                               * while the surplus ends */
    unsigned n_groups, n_workers;
    unsigned n_processes;                /* of all its workers */
    unsigned n_wanted;                   /* workers that serve; slots there are more with spares */
    unsigned index;                      /* its place in the configuration */
    int row;                             /* in the soft state */
    unsigned generation;                 /* of the workers that are started now */
    unsigned conf_workers;               /* `workers` as it was when n_wanted was taken from it */
    uint64_t fingerprint;                /* of the configuration that its workers were started with */
    uint64_t next_fingerprint;           /* … that the next ones are */
    uint16_t states[WORKER_STATE_COUNT]; /* how many of its current workers are in each */
    uint16_t n_spares;                   /* … which are not counted there */
    bool is_wanted : 1;
    bool accepts : 1;             /* accept = yes: a worker for each connection, none without */
    bool has_begun : 1;           /* its workers have been told to start: those that it waits for are up */
    bool has_had_its_try : 1;     /* it came up, or could not: engine/announce */
    bool is_blocked : 1;          /* one that it requires has failed */
    bool is_queued : 1;           /* engine/sequence is to look at its neighbours */
    bool is_watched : 1;          /* an update waits for its outcome */
    bool was_touched : 1;         /* an update changes its workers */
    bool has_died : 1;            /* … and one of them has failed since, whoever serves for it */
    bool is_kept_back : 1;        /* before_start failed when they were to be: its workers stay */
    bool comes_by_demand : 1;     /* when it begins, its workers wait for somebody */
    bool is_standby_due : 1;      /* engine/standby is to look at it */
    enum service_state seen : 8;  /* as engine/sequence saw it last */
    enum task_kind task_kind : 8; /* of the one whose end is being told */
    struct accept_pause *accept_pause; /* owned; NULL where nothing went wrong: engine/inetd */
    struct output *output;             /* owned; NULL: its output is inherited */
    struct idle *idle;                 /* owned; NULL: it does not stop by itself */
    struct hooks *hooks;               /* owned; NULL: it has none */
    struct upkeep *upkeep;             /* owned; NULL: nothing is looked at */
    struct fd_store *store;            /* owned; NULL: nothing was ever left in it */
    struct rolling *rolling;           /* owned; NULL: no worker was ever replaced */
    struct told told;                  /* the latest reload by a signal or a command */
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

#endif
