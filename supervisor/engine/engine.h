/* engine: events in, a decision of the core, effects out. engine_step() is the one place that moves a worker
 * from a state to another: the row is written first, then a log line, then the effects in a fixed order, so
 * that a successor can carry on from any point. */
#ifndef BERTH_ENGINE_ENGINE_H
#define BERTH_ENGINE_ENGINE_H

#include <ev.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "core/conf.h"
#include "core/order.h"
#include "engine/announce.h"
#include "engine/control_server.h"
#include "engine/event_log.h"
#include "engine/fd_store.h"
#include "engine/hand_over.h"
#include "engine/hold.h"
#include "engine/idle.h"
#include "engine/keeper_link.h"
#include "engine/notify.h"
#include "engine/output.h"
#include "engine/share.h"
#include "engine/socket_guard.h"
#include "engine/state_store.h"
#include "engine/service.h"
#include "engine/take_over.h"
#include "engine/upgrade.h"

/* The process group, or the cgroup, of a worker whose leader has ended while members of it live on; it is
 * asked to end, then killed. */
struct leftover {
    struct list link; /* engine.leftovers */
    struct engine *engine;
    char held[LIMIT_HELD_NAME + 1]; /* dropped when the group is gone */
    char subject[LIMIT_NAME + 32];
    int pidfd;    /* owned */
    char *cgroup; /* with kill = cgroup the folder of its cgroup, which then stands for the group; owned */
    pid_t pgid;
    struct mono kill_at;
    ev_timer timer;
};

struct engine {
    struct ev_loop *loop;
    struct conf *conf;         /* owned */
    struct strv from_env_file; /* names of variables that are ours by [supervisor]'s env_file */
    const char *config;        /* `up`: where it was read from; NULL: `run` */
    struct event_log log;
    struct keeper_link keeper;
    struct state_store store;
    struct hold hold;
    struct socket_guard guard;
    struct idle_watch idle;
    struct notify_watch notify;
    struct store_watch stored;
    struct announce announce;
    ev_timer retire_timer; /* engine/retire */
    struct order order;    /* of the services: engine/sequence */
    struct sequence_queue {
        size_t *waiting; /* services whose neighbours are to be looked at; owned, with room for all */
        size_t n;
        bool is_working;
    } queue;
    struct update *update; /* the one that is under way, or NULL: engine/update */
    struct list updates;   /* of struct update: those that wait for it to end */
    ev_timer update_timer; /* is due at once: engine/update has something to end */
    struct upgrades upgrades;
    struct take_over take_over;     /* from another berth */
    struct hand_over hand_over;     /* to another berth */
    bool has_inherited;             /* the keeper may have sockets that berth was started with */
    struct control_server *control; /* owned; NULL: none */
    int control_fd;                 /* owned; -1: none */
    char control_path[256];         /* "" when there is none */
    struct list operations;         /* of struct operation: calls that wait for their outcome */
    struct list leftovers;
    struct list tasks;                   /* of struct task */
    struct list shares;                  /* of struct share */
    struct list log_followers;           /* of engine/output_logs: who follows the output of services */
    struct output_stdout *output_stdout; /* owned; NULL until a line goes there */
    bool has_sinks;                      /* there are services that read what others write */
    bool has_colors;                     /* standard output is a terminal that may have them */
    struct service **services;           /* by place in the configuration; owned */
    size_t n_services;
    struct list leaving, gone; /* of struct leaving: services that the configuration does not have
                                * any more, until they are down, and then until they are freed */
    size_t n_processes;        /* of all workers */
    unsigned long long serial; /* the last given */
    int row;                   /* "berth" in the soft state */
    struct rlimit nofile;      /* as it was before berth raised it: the workers' */
    char *cgroup_base;         /* the folder of the cgroup below which services have theirs; owned, NULL: not
                                * asked for yet */
    pid_t terminal_group;      /* workers join it to have the terminal; 0: they get sessions of their own */
    bool is_shutting_down;
    bool is_protected; /* there is a keeper */
    bool is_hurried;   /* … and at once */
    bool is_over;      /* finish has been sent */
    int over_status;   /* of the essential service that ended everything */
    ev_timer shutdown_timer;
    int exit_status;
    ev_timer sweep_timer; /* ends orphans at the very end */
    struct mono sweep_started;
    ev_timer standby_timer; /* is due at once: engine/standby has services to look at */
    ev_timer socket_timer;  /* tries again to open sockets that could not be */
    struct mono began;
    bool has_begun;                      /* the services have been brought up */
    ev_signal term_watcher, int_watcher; /* without a keeper nobody passes signals on */
};

/* Gives EVENT to the machine of W. */
void engine_step(struct worker *w, enum worker_event event);
/* The process of W ended, or could not be made to live. */
void engine_worker_ended(struct worker *w, int wait_status);
/* The end of a process by the name under which the keeper held it; also of one that no worker has any more.
 */
void engine_process_ended(struct engine *e, const char *held, int wait_status);

/* The process that is held as HELD has ended, and nobody knows how. */
void engine_process_lost(struct engine *e, const char *held);

/* What a user can ask for; each only begins it. Starting and stopping are engine/sequence's. */
void engine_restart(struct service *s);
/* Gives it new workers without a gap: engine/rolling. S runs. */
void engine_reload(struct service *s);
/* … in the way that its configuration says. */
void engine_replace(struct service *s);
void engine_scale(struct service *s, unsigned n);
/* Returns how many were signalled. */
unsigned engine_signal(struct service *s, int signo);
/* Ends everything; AT_ONCE with KILL. */
void engine_shutdown(struct engine *e, bool at_once);
/* All of its steps again, which is harmless for those that were done: for the successor of a supervisor that
 * died in it. */
void engine_resume_shutdown(struct engine *e);
/* At the start in safe mode: what the keeper tells of a shutdown that is to be resumed, if any. */
void engine_recover_shutdown(struct engine *e);
/* Carries a shutdown on: to the orphans when no worker runs any more, and then to the end. Call it whenever
 * something has ended. */
void engine_proceed_shutdown(struct engine *e);
/* Everything ends when an essential service is over. Call it after the state of one of its workers has
 * changed. */
void engine_check_over(struct service *s);
/* New workers in place of all that S has. */
void engine_renew(struct service *s);
/* For engine/sequence: everything that S waits for is there: its workers are told to start, or to stop. */
void engine_bring_up(struct service *s);
void engine_bring_down(struct service *s);

/* Our environment, which every worker inherits, gets the variables of [supervisor]'s env_file, and loses
 * those that it had by an earlier one. */
void engine_apply_env_file(struct engine *e);

/* A signal that berth was sent. */
void engine_on_signal(struct engine *e, int signo, pid_t sender, unsigned count);
void engine_save(struct engine *e);

/* The keeper is gone: from now on nobody would start us again, and we see to ends and signals ourselves. */
void engine_lose_keeper(struct engine *e);
/* How the process behind PIDFD ended, which need not be our child; false while it has not, or while nobody
 * has reaped it. A status that cannot be had any more is that of KILL. */
bool engine_read_end(int pidfd, int *ret_status);
/* W has a process: without a keeper, watch it. */
void engine_watch_process(struct worker *w);
/* The process of W is not the keeper's child: watch it. */
void engine_watch_foreign(struct worker *w);
/* Without a keeper: becomes one, in this process, whose first supervisor is to come from BINARY. Negative
 * errno if it cannot; then all is as before. */
int engine_become_keeper(struct engine *e, int binary);

/* Opens the sockets, and brings the services up; for engine/take_over, which puts it off. */
void engine_open_sockets(struct engine *e);
/* What berth ends with where it has failed itself: run's commands have all lower numbers for their own. */
int engine_failure_status(const struct engine *e);
/* The start has failed: says so, and ends berth with STATUS. */
void engine_fail_start(struct engine *e, const struct berr *err, int status);

struct service *engine_find_service(const struct engine *e, const char *name);
/* The worker of service NAME whose process has that serial, or NULL. */
struct worker *engine_find_process(const struct engine *e, const char *name, unsigned long long serial);
/* Did the process of a service of C that is held as HELD leave something behind, in its group or, with
 * kill = cgroup, in its cgroup? */
bool leftover_is_there(struct engine *e, const struct service_conf *c, const char *held, int pidfd,
                       pid_t pgid);
/* Ends that; takes PIDFD. SUBJECT is for the log; HELD is the entry to drop when nothing is left. */
void leftover_add(struct engine *e, const struct service_conf *c, const char *subject, const char *held,
                  int pidfd, pid_t pgid);
/* 0 asks whether anybody is left: -ESRCH. */
int leftover_signal(const struct leftover *l, int signo);

#endif
