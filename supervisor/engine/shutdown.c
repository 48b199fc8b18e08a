/* shutdown: the orderly end: let go of the sockets, stop the workers, end the orphans, tell the keeper. Each
 * stage is recorded or follows from what is held, so a supervisor that dies in the middle is followed by one
 * that goes on with it. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/signame.h"
#include "base/units.h"
#include "engine/cgroups.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/output_logs.h"
#include "engine/sequence.h"
#include "engine/update.h"
#include "sys/clock.h"
#include "sys/control_socket.h"
#include "sys/fd.h"
#include "sys/pidfd.h"
#include "sys/procfs.h"

/* Orphans get TERM, then this long, then KILL. */
#define SWEEP_GRACE_NS (5 * NSEC_PER_SEC)
/* Longer than that nobody waits for processes that KILL does not end. */
#define SWEEP_LIMIT_NS (15 * NSEC_PER_SEC)
#define SWEEP_PACE 0.02
#define SWEEP_MAX 4096
#define MARK "ending/"

/* With which status berth ends: for `run` its command's; the first failure of several workers. */
static int exit_status_of(const struct engine *e)
{
    int status = e->over_status;
    if (hand_over_is_done(&e->hand_over))
        return 0; /* its workers were asked to end because others are there */
    for (size_t i = 0; e->conf->is_run && i < e->n_services; i++)
        for (size_t j = 0; j < e->services[i]->n_workers; j++) {
            const struct worker *w = e->services[i]->workers[j];
            if (status == 0 && w->has_last_status && !w->is_spare && !e->services[i]->accepts)
                status = restart_exit_status(w->last_status);
        }
    return status;
}

static bool has_process(const struct engine *e)
{
    return e->n_processes > 0 || !list_is_empty(&e->leftovers) || !list_is_empty(&e->tasks);
}

static void finish(struct engine *e)
{
    e->is_over = true;
    output_finish(e);
    output_logs_on_over(e);
    cgroups_remove(e);
    operation_on_over(e);
    hand_over_remove_files(e);
    if (e->control_fd >= 0)
        control_socket_retire(e->control_fd, take_over_own_control(e));
    event_log_say(&e->log, LOG_INFO, "berth", NULL, "ended (status=%d)", e->exit_status);
    keeper_link_finish(&e->keeper, e->exit_status);
    ev_break(e->loop, EVBREAK_ALL);
}

/* Children of the keeper that are neither us nor ours from before: what workers left behind. Fills PIDS. */
static size_t find_orphans(const struct engine *e, pid_t *pids, size_t max)
{
    ssize_t n = procfs_children(e->is_protected ? e->keeper.keeper_pid : getpid(), pids, max);
    size_t kept = 0;
    for (ssize_t i = 0; i < n && i < (ssize_t)max; i++) {
        char key[SOFT_STATE_KEY];
        struct soft_state_row row;
        struct procfs_process p;
        snprintf(key, sizeof key, "stranger/%d", pids[i]);
        if (pids[i] != getpid() && !state_store_load(&e->store, key, &row) &&
            procfs_process(pids[i], &p) == 0 && p.state != 'Z')
            pids[kept++] = pids[i];
    }
    return kept;
}

static void signal_all(const pid_t *pids, size_t n, int signo)
{
    for (size_t i = 0; i < n; i++) {
        cleanup_fd int pidfd = pidfd_open_process(pids[i]);
        if (pidfd >= 0)
            pidfd_signal(pidfd, signo);
    }
}

static void on_sweep(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)revents;
    struct engine *e = t->data;
    static pid_t pids[SWEEP_MAX];
    size_t n = find_orphans(e, pids, SWEEP_MAX);
    int64_t waited = mono_between(e->sweep_started, clock_mono());
    if (n > 0 && waited < SWEEP_LIMIT_NS) {
        if (waited >= SWEEP_GRACE_NS || e->is_hurried)
            signal_all(pids, n, SIGKILL);
        return;
    }
    if (n > 0)
        event_log_say(&e->log, LOG_WARNING, "berth", NULL,
                      "%zu processes that workers left behind would not end; the first is pid %d", n,
                      pids[0]);
    ev_timer_stop(loop, t);
    finish(e);
}

static void begin_sweep(struct engine *e)
{
    static pid_t pids[SWEEP_MAX];
    if (ev_is_active(&e->sweep_timer))
        return;
    e->exit_status = exit_status_of(e);
    size_t n = find_orphans(e, pids, SWEEP_MAX);
    if (n == 0) {
        finish(e);
        return;
    }
    event_log_say(&e->log, LOG_INFO, "berth", NULL,
                  "ending %zu process%s that workers left behind; the first is pid %d", n, n == 1 ? "" : "es",
                  pids[0]);
    signal_all(pids, n, SIGTERM);
    signal_all(pids, n, SIGCONT);
    e->sweep_started = clock_mono();
    ev_timer_init(&e->sweep_timer, on_sweep, SWEEP_PACE, SWEEP_PACE);
    e->sweep_timer.data = e;
    ev_timer_start(e->loop, &e->sweep_timer);
}

/* Those that were let alone to finish what they are at, and have, or have had their time. */
static void end_finished(struct engine *e)
{
    for (size_t i = 0; i < e->n_services; i++)
        if (e->services[i]->accepts && e->services[i]->is_wanted && !hand_over_lets_finish(e->services[i]))
            sequence_stop(e->services[i]);
}

void engine_proceed_shutdown(struct engine *e)
{
    if (e->is_shutting_down && !e->is_over && hand_over_is_done(&e->hand_over))
        end_finished(e);
    if (e->is_shutting_down && !e->is_over && output_end_inputs(e) && !has_process(e) &&
        !hand_over_is_awaited(e))
        begin_sweep(e);
}

static void end_hooks(struct service *s)
{
    task_cancel_all(s);
    if (s->hooks)
        s->hooks->phase = HOOKS_IDLE;
}

static void kill_workers(struct service *s)
{
    struct worker *w;
    service_each_worker (w, s)
        engine_step(w, WORKER_EV_KILL);
}

static void kill_everything(struct engine *e)
{
    e->is_hurried = true;
    for (size_t i = 0; i < e->n_services; i++)
        end_hooks(e->services[i]);
    output_end_inputs(e);
    for (size_t i = 0; i < e->n_services; i++)
        kill_workers(e->services[i]);
    list_each (l, &e->leaving, struct leaving, link) {
        end_hooks(l->service);
        kill_workers(l->service);
    }
    list_each (l, &e->leftovers, struct leftover, link)
        leftover_signal(l, SIGKILL);
}

static void on_shutdown_timeout(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct engine *e = t->data;
    char text[32];
    event_log_say(&e->log, LOG_WARNING, "berth", NULL,
                  "not everything has ended within shutdown_timeout (%s): the rest is killed",
                  units_format_duration(text, sizeof text, e->conf->shutdown_timeout_ns));
    kill_everything(e);
    engine_proceed_shutdown(e);
}

/* --- without the soft state ---------------------------------------------------------------------------- */

/* "ending/STATUS/ID": with which status, and of which take-over it is the end, or 0. Any descriptor would
 * do. */
static void set_mark(struct engine *e)
{
    char name[LIMIT_HELD_NAME + 1];
    int64_t id = hand_over_is_done(&e->hand_over) ? e->hand_over.id : 0;
    snprintf(name, sizeof name, MARK "%d/%016" PRIx64, e->over_status, (uint64_t)id);
    keeper_link_put(&e->keeper, name, e->store.memory.fd);
}

void engine_recover_shutdown(struct engine *e)
{
    for (size_t i = 0; i < e->keeper.n_entries; i++) {
        int status;
        uint64_t id;
        if (sscanf(e->keeper.entries[i].name, MARK "%d/%" SCNx64, &status, &id) != 2)
            continue;
        e->is_shutting_down = true;
        e->over_status = status;
        e->hand_over.id = (int64_t)id;
        e->hand_over.state = id != 0 ? HAND_OVER_DONE : HAND_OVER_NONE;
        engine_save(e);
    }
}

/* --- its stages ---------------------------------------------------------------------------------------- */

/* Ours first: then a port closes when its last worker closes it, and nobody is queued where nobody will look.
 * Who reads what others write ends after them. */
void engine_resume_shutdown(struct engine *e)
{
    set_mark(e);
    announce_stopping(e);
    hold_release_all(e);
    share_release_all(e);
    task_cancel_checks(e);
    hand_over_begin_end(e);
    for (size_t i = 0; i < e->n_services; i++) {
        if (output_is_fed(e->services[i]) || hand_over_lets_finish(e->services[i]))
            continue; /* it ends behind those that it reads from, or its connections */
        e->services[i]->is_wanted = false;
        e->services[i]->is_blocked = false;
        if (!e->services[i]->has_begun) { /* as far as it had come */
            hooks_abandon_start(e->services[i]);
            engine_bring_down(e->services[i]);
        }
    }
    list_each (l, &e->leaving, struct leaving, link)
        if (l->service->has_begun)
            sequence_stop(l->service);
    sequence_follow_all(e);
    if (e->conf->shutdown_timeout_ns != INT64_MAX) {
        ev_timer_init(&e->shutdown_timer, on_shutdown_timeout,
                      (double)e->conf->shutdown_timeout_ns / NSEC_PER_SEC, 0);
        e->shutdown_timer.data = e;
        ev_timer_start(e->loop, &e->shutdown_timer);
    }
    engine_proceed_shutdown(e);
}

void engine_shutdown(struct engine *e, bool at_once)
{
    if (!e->is_shutting_down) {
        e->is_shutting_down = true;
        engine_save(e);
        crash_point(CRASH_AT_shutdown_recorded);
        event_log_say(&e->log, LOG_INFO, "berth", NULL, "shutting down");
        take_over_abandon(e);
        update_abandon_all(e);
        engine_resume_shutdown(e);
    }
    if (at_once) {
        kill_everything(e);
        engine_proceed_shutdown(e);
    }
}

/* The status of the first of its workers that failed, or ended. */
static int status_of(const struct service *s)
{
    int status = s->is_blocked ? 1 : 0;
    for (size_t i = 0; i < s->n_workers && status == 0; i++)
        if (s->workers[i]->has_last_status && !s->workers[i]->is_spare)
            status = restart_exit_status(s->workers[i]->last_status);
    return status;
}

void engine_check_over(struct service *s)
{
    struct engine *e = s->engine;
    if (e->is_shutting_down) {
        engine_proceed_shutdown(e);
        return;
    }
    if (!s->conf->with->essential || !service_is_over(service_state(s)))
        return;
    event_log_say(&e->log, LOG_INFO, s->conf->name, s->conf->name, "has come to its end");
    e->over_status = status_of(s);
    engine_shutdown(e, false);
}
