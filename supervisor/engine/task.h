/* task: a command that is run for a service, or for one of its workers, and whose end is what counts: hooks,
 * health checks, checks of readiness, a command that reloads.
 *
 * It has the surroundings of the service, its output, and no sockets, though placeholders tell of them. The
 * keeper knows its process as task/SERVICE/KIND/SLOT/SERIAL, so that its end is not lost with the supervisor.
 */
#ifndef BERTH_ENGINE_TASK_H
#define BERTH_ENGINE_TASK_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/str.h"
#include "core/held_name.h"

struct engine;
struct keeper_entry;
struct service;

enum task_kind {
    TASK_BEFORE_START,
    TASK_AFTER_START,
    TASK_BEFORE_STOP,
    TASK_AFTER_STOP,
    TASK_HEALTH,
    TASK_CHECK,
    TASK_RELOAD,
    TASK_KIND_COUNT
};

struct task {
    struct list link; /* engine.tasks */
    struct service *service;
    enum task_kind kind;
    unsigned place; /* of the worker that it is about; 0: the service */
    unsigned long long serial;
    pid_t pid;
    int pidfd; /* owned */
    bool is_timed_out;
    ev_timer timer; /* its time is up: its group is killed */
    ev_io lifeline; /* its pidfd; watched only when there is no keeper to report its end */
};

/* Runs COMMAND; its end comes to task_ended_handlers, also where it could not even be started. INT64_MAX: it
 * may take as long as it likes. */
void task_start(struct service *s, enum task_kind kind, unsigned place, const struct strv *command,
                int64_t timeout_ns);
/* The one that runs; NULL: none does. */
struct task *task_find(const struct service *s, enum task_kind kind, unsigned place);
/* Kills those of S, of KIND (TASK_KIND_COUNT: of all), and forgets them: nobody is told. */
void task_cancel(struct service *s, enum task_kind kind, unsigned place);
void task_cancel_all(struct service *s);
/* Before a shutdown: health and readiness are nobody's concern any more. */
void task_cancel_checks(struct engine *e);
/* At the end of this supervisor; their processes go on. */
void task_forget_all(struct engine *e);
/* The process that the keeper held as HELD has ended. */
void task_on_ended(struct engine *e, const char *held, const struct held_name *name, int wait_status);
/* A successor finds ENTRY: it is taken up again, or killed where nobody waits for its end. */
void task_adopt(struct engine *e, struct keeper_entry *entry, const struct held_name *name);
/* The keeper does not report its end: watches it. */
void task_watch(struct task *t);
void task_held_name(const struct task *t, char dst[LIMIT_HELD_NAME + 1]);
/* "before_start", "health", …. */
const char *task_kind_name(enum task_kind kind);

/* How it ended: "exited with status 1", "did not end within 5s"; "" where that was well. Into DST, which is
 * returned. */
typedef void task_ended_handler(struct service *s, unsigned place, bool is_good, const char *how);
/* By kind: engine/hooks and engine/upkeep have them. */
task_ended_handler hooks_on_task_ended, upkeep_on_health_ended, upkeep_on_check_ended;

#endif
