/* hooks: before_start, after_start, before_stop and after_stop, and the command that reloads. They are the
 * service's, not a worker's: a worker that is started again by itself runs none of them.
 *
 * Which of them runs is in the service's row, so a successor waits for the same end; one that it cannot find
 * is run again. */
#ifndef BERTH_ENGINE_HOOKS_H
#define BERTH_ENGINE_HOOKS_H

#include <ev.h>
#include <stdbool.h>

#include "core/restart.h"
#include "core/service.h"
#include "engine/task.h"

struct service;
struct service_conf;

enum hook_phase {
    HOOKS_IDLE,
    HOOKS_BEFORE_START,   /* before_start runs; then the workers are started */
    HOOKS_RETRY,          /* before_start has failed, and is tried again after a while */
    HOOKS_FAILED,         /* … and is not */
    HOOKS_BEFORE_RESTART, /* before_start runs; then the workers are started anew */
    HOOKS_STARTED,        /* once they are ready, after_start is to be run */
    HOOKS_AFTER_START,    /* after_start runs */
    HOOKS_BEFORE_STOP,    /* before_stop runs; then the workers are stopped */
    HOOKS_STOPPED,        /* once they have ended, after_stop is to be run */
    HOOKS_AFTER_STOP,     /* after_stop runs */
    HOOKS_BEFORE_RELOAD,  /* before_start runs; then the workers are replaced by new ones */
};

/* Of a service that has hooks. */
struct hooks {
    enum hook_phase phase;
    struct restart_history history;
    ev_timer retry;
};

/* NULL where CONF has none. */
struct hooks *hooks_new(struct service *s);
void hooks_free(struct service *s);
/* Is what S is about to do put off by a hook? It is done when that has ended. */
bool hooks_put_off_start(struct service *s);
bool hooks_put_off_restart(struct service *s);
bool hooks_put_off_reload(struct service *s);
/* All workers of S are of a new generation. */
void hooks_on_reloaded(struct service *s);
bool hooks_put_off_stop(struct service *s);
/* reload = command: runs it, or once more when it runs already; that is number told_next(). */
void hooks_run_reload(struct service *s);
/* The state of S has changed. */
void hooks_follow(struct service *s);
/* S is not wanted any more, and has not begun. */
void hooks_abandon_start(struct service *s);
/* S is about to have the configuration AFTER. A start that another before_start holds up begins anew. */
void hooks_follow_conf(struct service *s, const struct service_conf *after);
/* Does a hook run that S is not down before? */
bool hooks_are_busy(const struct service *s);
/* What S is because of its hooks, or STATE. */
enum service_state hooks_state(const struct service *s, enum service_state state);
/* Does S, by its row, wait for the end of such a task? */
bool hooks_waits_for(const struct service *s, enum task_kind kind);
/* A successor: what was under way and is not found is begun again. */
void hooks_resume(struct service *s);

#endif
