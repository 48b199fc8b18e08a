/* engine: see the header. */
#include "config.h"

#include "engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/signame.h"
#include "base/units.h"
#include "core/diagnose.h"
#include "engine/cgroups.h"
#include "engine/crash_point.h"
#include "engine/demand.h"
#include "engine/inetd.h"
#include "engine/main_pid.h"
#include "engine/operation.h"
#include "engine/said.h"
#include "engine/sequence.h"
#include "engine/spawner.h"
#include "engine/standby.h"
#include "engine/update.h"
#include "engine/watchdog.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/pidfd.h"
#include "sys/procfs.h"

/* --- effects ------------------------------------------------------------------------------------------- */

static void tell_unsent(const struct worker *w, int signo, int err)
{
    char name[16];
    if (err != ESRCH) /* else it has just ended: the keeper is about to say so */
        worker_say(w, LOG_ERROR, "could not be sent %s: %s", signame_format(signo, name), strerror(err));
}

/* To the process alone: a server tells its own children in its own way, and drains. Where it is a wrapper
 * that dies of it, the rest of its group is asked as a leftover. */
static void send_stop_signal(struct worker *w)
{
    if (w->pidfd < 0)
        return; /* it has ended, and that is being dealt with just now */
    channel_drain(w);
    crash_point(CRASH_AT_signal_before);
    int r = pidfd_signal(w->pidfd, worker_stop_signal(w));
    if (r < 0)
        tell_unsent(w, worker_stop_signal(w), -r);
    else
        pidfd_signal(w->pidfd, SIGCONT); /* a stopped process would not see it */
    crash_point(CRASH_AT_signal_after);
}

/* To the whole group where the worker leads one; in a terminal it is in ours, so only the process itself. A
 * cgroup is its own anywhere. */
static void send_kill(struct worker *w)
{
    bool group = w->service->conf->with->kill == KILL_GROUP && w->service->engine->terminal_group == 0;
    crash_point(CRASH_AT_kill_before);
    if (w->service->conf->with->kill == KILL_CGROUP)
        cgroups_kill(w);
    int r = group ? pidfd_signal_group(w->pidfd, w->pid, SIGKILL) : pidfd_signal(w->pidfd, SIGKILL);
    if (group && r == -ESRCH) /* it leads none: MAINPID */
        r = pidfd_signal(w->pidfd, SIGKILL);
    if (r < 0)
        tell_unsent(w, SIGKILL, -r);
    crash_point(CRASH_AT_kill_after);
}

/* A new process gets a serial and, after the first, counts as a restart; recorded before it is made. */
static void prepare_spawn(struct worker *w)
{
    struct engine *e = w->service->engine;
    if (w->serial > 0 && !w->service->accepts)
        w->restarts++;
    w->serial = ++e->serial;
    /* In a reload only those that are still to be replaced are old. One that took over and ended, or that
     * comes by scaling, is of the generation that is to be: a successor would take it for left over. */
    w->generation = w->is_due ? w->service->generation : rolling_generation(w->service);
    w->has_failed_start = false;
    w->is_idle_stop = false;
    w->is_late = w->is_untold = false;
    w->failed_checks = 0;
    standby_prepare(w);
    engine_save(e);
}

/* --- the step ------------------------------------------------------------------------------------------ */

static void log_step(const struct worker *w, enum worker_state from, enum worker_event event)
{
    char text[32];
    const struct service_conf *c = w->service->conf;
    switch (w->state) {
    case WORKER_STARTING:
        if (event == WORKER_EV_ACTIVATE)
            worker_say(w, LOG_INFO, "activated (pid=%d)", w->pid);
        else if (w->connection && w->connection->peer)
            worker_say(w, LOG_INFO, "started for %s (pid=%d)", w->connection->peer, w->pid);
        else
            worker_say(w, LOG_INFO, "started (pid=%d)", w->pid);
        break;
    case WORKER_READY:
        if (c->with->ready != READY_EXEC)
            worker_say(w, LOG_INFO, "ready");
        break;
    case WORKER_STANDBY:
        worker_say(w, LOG_INFO, "waits as a spare (pid=%d)", w->pid);
        break;
    case WORKER_STOPPING:
        if (event == WORKER_EV_TIMEOUT)
            worker_say(w, LOG_ERROR, "%s within start_timeout (%s): it is stopped",
                       w->is_spare ? "a spare, it did not say WAITING=1" : "not ready",
                       units_format_duration(text, sizeof text, c->with->start_timeout_ns));
        else
            worker_say(w, LOG_INFO, "stopping: sent %s (pid=%d)", signame_format(worker_stop_signal(w), text),
                       w->pid);
        break;
    case WORKER_KILLING:
        if (event == WORKER_EV_TIMEOUT && from == WORKER_STOPPING)
            worker_say(w, LOG_WARNING, "did not end within stop_timeout (%s): killed",
                       units_format_duration(text, sizeof text, c->with->stop_timeout_ns));
        else if (event == WORKER_EV_TIMEOUT)
            worker_say(w, LOG_WARNING, "is still there after KILL: it waits in the kernel (pid=%d)", w->pid);
        else
            worker_say(w, LOG_INFO, "killed at once (pid=%d)", w->pid);
        break;
    case WORKER_DOWN:
    case WORKER_SPAWNING:
    case WORKER_BACKOFF:
    case WORKER_DONE:
    case WORKER_FAILED:
    case WORKER_WAITING:
    case WORKER_STATE_COUNT:
        worker_say(w, LOG_DEBUG, "%s, was %s (event %s)", worker_state_name(w->state),
                   worker_state_name(from), worker_event_name(event));
        break;
    }
}

static void perform(struct worker *w, unsigned effects)
{
    if (effects & WORKER_DO_SIGNAL)
        send_stop_signal(w);
    if (effects & WORKER_DO_KILL)
        send_kill(w);
    if (effects & (WORKER_DO_SIGNAL | WORKER_DO_KILL)) {
        w->is_signalled = true;
        worker_save(w);
    }
    if (effects & WORKER_DO_SPAWN)
        spawner_start(w);
    if (effects & WORKER_DO_ACTIVATE)
        standby_send(w);
}

/* What follows from being in the new state, whatever the way there. */
static void settle(struct worker *w)
{
    if (w->state == WORKER_STARTING) {
        socket_guard_expect(&w->service->engine->guard);
        engine_watch_process(w);
    }
    if (worker_is_ready_at_once(w))
        engine_step(w, WORKER_EV_READY);
    else if (worker_is_starting(w) && w->service->conf->with->ready == READY_CHECK)
        upkeep_begin_check(w);
    else if (worker_is_starting(w))
        ready_fd_follow(w);
    if (w->state == WORKER_READY || w->state == WORKER_STANDBY) {
        worker_clear_note(w);
        told_send_late(w);
    }
    watchdog_follow(w);
    fd_store_follow(w);
}

void engine_step(struct worker *w, enum worker_event event)
{
    struct worker_step step = worker_fsm_step(w->state, event);
    must(step.cell == WORKER_CELL_GO || step.cell == WORKER_CELL_STAY);
    if (step.cell == WORKER_CELL_STAY)
        return;
    enum worker_state from = w->state;
    if (event == WORKER_EV_TIMEOUT && from == WORKER_STARTING) {
        w->has_failed_start = true;
        worker_set_note(w, w->is_spare ? "a spare, did not say WAITING=1 within start_timeout"
                                       : "did not become ready within start_timeout");
    }
    if (event == WORKER_EV_ACTIVATE)
        standby_activate(w);
    worker_set_state(w, step.next);
    w->since = clock_mono();
    w->is_signalled = false;
    if (step.effects & WORKER_DO_SPAWN)
        prepare_spawn(w);
    worker_save(w);
    crash_point(CRASH_AT_step_recorded);
    log_step(w, from, event);
    worker_arm_timer(w);
    perform(w, step.effects);
    if (w->state != step.next)
        return; /* an effect has already led further, and told it */
    settle(w);
    if (w->state != step.next)
        return;
    operation_on_change(w->service->engine, w);
    hold_follow_service(w->service);
    demand_follow(w->service);
    idle_follow(w->service);
    upkeep_follow(w->service);
    sequence_follow(w->service);
    rolling_follow(w->service);
    standby_follow(w->service);
}

/* --- the end of a process ------------------------------------------------------------------------------ */

/* The exit statuses that mean nothing else than that it was asked to end are told quietly. */
static void tell_end(const struct worker *w, bool was_asked, int64_t lifetime, const char *what_next)
{
    char how[96], life[32], said[512];
    diagnose_wait_status(how, sizeof how, w->last_status);
    bool fine =
        (was_asked && !w->is_late) || restart_is_success(&w->service->conf->with->restart, w->last_status);
    worker_say(w, fine ? LOG_INFO : LOG_WARNING, "%s after %s%s%s (pid=%d)", how,
               units_format_duration(life, sizeof life, (lifetime / NSEC_PER_MSEC + 1) * NSEC_PER_MSEC),
               what_next, fine ? "" : said_last_words(w, said, sizeof said), w->pid);
}

static void tell_likely_cause(const struct worker *w, int64_t lifetime)
{
    struct held_socket *first = NULL;
    size_t n = hold_collect(w->service, w->slot, &first, 1);
    struct diagnose_end end = {
        .service = w->service->conf,
        .wait_status = w->last_status,
        .lifetime_ns = lifetime,
        .n_sockets = n,
        .first_address = first ? first->bound : NULL,
    };
    char text[512];
    if (diagnose_ignored_handoff(&end, text, sizeof text))
        worker_say(w, LOG_WARNING, "%s", text);
}

/* Decides what follows and writes the delay into W. */
static enum worker_event event_of_end(struct worker *w, bool was_asked, int wait_status, char *what_next,
                                      size_t size)
{
    const struct restart_conf *c = &w->service->conf->with->restart;
    struct restart_conf strict = *c;
    struct mono now = clock_mono();
    struct restart_decision d = {RESTART_DONE, 0};
    char delay[32];
    *what_next = '\0';
    bool on_demand = w->service->conf->with->start == START_ON_DEMAND;
    if (!w->is_wanted || w->role != WORKER_CURRENT || !w->service->is_wanted || w->service->accepts)
        return WORKER_EV_END_DONE;
    if (w->is_late) { /* a failure, however it has ended, and whatever success_status says */
        strict.success_signal[SIGABRT] = false;
        c = &strict;
        wait_status = SIGABRT;
    }
    if (was_asked && !w->has_failed_start && !w->is_late)
        return w->is_idle_stop ? WORKER_EV_END_WAIT : WORKER_EV_END_AGAIN;
    if (w->has_failed_start || w->is_spare) /* which has served nobody, however it has ended */
        d = restart_decide_failed_start(c, &w->history, now, clock_random());
    else if (on_demand)
        d = restart_decide_on_demand(c, &w->history, wait_status, w->started, now, clock_random());
    else
        d = restart_decide(c, &w->history, wait_status, w->started, now, clock_random());
    switch (d.verdict) {
    case RESTART_AGAIN:
        snprintf(what_next, size, "; %s", on_demand ? "the next connection starts it" : "starting it again");
        return on_demand ? WORKER_EV_END_WAIT : WORKER_EV_END_AGAIN;
    case RESTART_LATER:
        w->due = mono_add(now, d.delay_ns);
        snprintf(what_next, size, "; %s in %s", on_demand ? "a connection may start it" : "starting it again",
                 units_format_duration(delay, sizeof delay, d.delay_ns / NSEC_PER_MSEC * NSEC_PER_MSEC));
        return WORKER_EV_END_LATER;
    case RESTART_DONE:
        return WORKER_EV_END_DONE;
    case RESTART_FAILED:
        snprintf(what_next, size, "; it is not started again (%s)",
                 c->policy == RESTART_NO ? "restart = no" : "more restarts than restart_limit allows");
        return WORKER_EV_END_FAILED;
    }
    return WORKER_EV_END_DONE;
}

/* Do others live on where the dead process led? */
static bool has_leftover(const struct worker *w, const char *held)
{
    struct engine *e = w->service->engine;
    const struct service_conf *c = w->service->conf;
    return (c->with->kill == KILL_CGROUP || (c->with->kill == KILL_GROUP && e->terminal_group == 0)) &&
           leftover_is_there(e, c, held, w->pidfd, w->pid);
}

void engine_worker_ended(struct worker *w, int wait_status)
{
    struct service *s = w->service; /* W itself may be gone at the end of this */
    struct engine *e = s->engine;
    notify_read_rest(w);
    if (main_pid_follow(w, wait_status))
        return;
    output_on_worker_ended(w);
    bool was_asked = w->state == WORKER_STOPPING || w->state == WORKER_KILLING;
    int64_t lifetime = mono_between(w->started, clock_mono());
    char held[LIMIT_HELD_NAME + 1], what_next[96];
    worker_held_name(w, held);
    w->last_status = wait_status;
    w->has_last_status = true;
    enum worker_event event = event_of_end(w, was_asked, wait_status, what_next, sizeof what_next);
    crash_point(CRASH_AT_end_decided);
    tell_end(w, was_asked, lifetime, what_next);
    if (!was_asked && !restart_is_success(&w->service->conf->with->restart, wait_status)) {
        char how[96], said[512];
        worker_set_note(w, "%s%s", diagnose_wait_status(how, sizeof how, wait_status),
                        said_last_words(w, said, sizeof said));
        if (!w->service->accepts)
            tell_likely_cause(w, lifetime);
    }
    operation_on_end(w, event);
    standby_cover(w, event);
    bool leftover = has_leftover(w, held);
    if (leftover) {
        char subject[LIMIT_NAME + 32];
        leftover_add(e, w->service->conf, worker_subject(subject, sizeof subject, w), held,
                     take_fd(&w->pidfd), w->pid);
    } else {
        cgroups_leave(w);
    }
    worker_forget_process(w);
    task_cancel(s, TASK_HEALTH, worker_place(w));
    task_cancel(s, TASK_CHECK, worker_place(w));
    socket_guard_check(&e->guard, w);
    engine_step(w, event);
    crash_point(CRASH_AT_end_recorded);
    if (!leftover)
        keeper_link_drop(&e->keeper, held);
    if (s->accepts)
        inetd_release(w);
    service_trim_slots(s);
    hold_trim_slots(s);
    sequence_follow(s); /* a surplus worker that is gone may have been the last to wait for */
    if (!service_has_process(s))
        sequence_look(s); /* … also a retired one, which is none of its state */
    engine_check_over(s);
    update_let_go(s);
}

void engine_process_ended(struct engine *e, const char *held, int wait_status)
{
    struct held_name name;
    held_name_parse(held, &name);
    if (name.kind == HELD_TASK)
        task_on_ended(e, held, &name, wait_status);
    if (name.kind != HELD_WORKER)
        return;
    struct worker *w = engine_find_process(e, name.name, name.serial);
    if (w) {
        engine_worker_ended(w, wait_status);
        return;
    }
    list_each (l, &e->leftovers, struct leftover, link)
        if (strcmp(l->held, held) == 0)
            return; /* its group is still being ended; the entry goes with it */
    keeper_link_drop(&e->keeper, held);
}

/* --- what a user asks for ------------------------------------------------------------------------------ */

static void unwant(struct worker *w)
{
    w->is_wanted = false;
    worker_save(w);
    engine_step(w, WORKER_EV_STOP);
}

static void bring_up(struct service *s, enum worker_event event)
{
    if (!s->has_begun || !service_has_process(s))
        s->fingerprint = s->next_fingerprint;
    s->is_wanted = s->has_begun = true;
    service_save(s);
    service_ensure_slots(s, standby_slots(s));
    hold_follow_service(s);
    for (unsigned i = 0; i < standby_slots(s); i++) {
        struct berr err;
        if (hold_ensure_slot(s->engine, s, i + 1, &err) < 0)
            event_log_say(&s->engine->log, LOG_ERROR, s->conf->name, s->conf->name, "%s", err.text);
        s->workers[i]->is_wanted = true;
        worker_save(s->workers[i]);
        engine_step(s->workers[i], event);
    }
    demand_follow(s);
}

void engine_bring_up(struct service *s)
{
    bring_up(s, s->comes_by_demand ? WORKER_EV_WAIT : WORKER_EV_START);
    s->comes_by_demand = false;
}

void engine_bring_down(struct service *s)
{
    s->has_begun = false;
    service_save(s);
    rolling_cancel(s, "it was stopped meanwhile");
    for (size_t i = 0; i < s->n_workers; i++)
        unwant(s->workers[i]);
    hold_follow_service(s);
    demand_follow(s);
}

void engine_restart(struct service *s)
{
    if (!s->is_wanted || !s->has_begun) {
        sequence_start(s);
        return;
    }
    s->is_kept_back = false;
    if (!hooks_put_off_restart(s))
        engine_renew(s);
}

void engine_reload(struct service *s)
{
    s->is_kept_back = false;
    if (s->accepts || s->conf->with->type == TYPE_ONESHOT)
        engine_restart(s);
    else if (!hooks_put_off_reload(s))
        rolling_begin(s);
}

void engine_replace(struct service *s)
{
    if (s->conf->with->reload == RELOAD_RESTART || !s->is_wanted || !s->has_begun)
        engine_restart(s);
    else
        engine_reload(s);
}

void engine_renew(struct service *s)
{
    rolling_cancel(s, "it was restarted meanwhile");
    s->generation = rolling_next_generation(s);
    s->fingerprint = s->next_fingerprint;
    s->has_died = false;
    service_save(s);
    service_ensure_slots(s, standby_slots(s));
    hold_follow_service(s);
    for (unsigned i = 0; i < standby_slots(s); i++) {
        struct worker *w = s->workers[i];
        w->is_wanted = true;
        w->history = (struct restart_history){0};
        worker_save(w);
        engine_step(w, worker_state_has_process(w->state) ? WORKER_EV_STOP : WORKER_EV_START);
    }
    update_follow_count(s);
}

void engine_scale(struct service *s, unsigned n)
{
    bool waits = service_state(s) == SERVICE_WAITING;
    s->n_wanted = n;
    service_save(s);
    standby_look(s); /* before anybody is told to go */
    standby_stop_surplus(s);
    if (s->is_wanted && s->has_begun)
        bring_up(s, waits ? WORKER_EV_WAIT : WORKER_EV_START);
    sequence_follow(s);
}

unsigned engine_signal(struct service *s, int signo)
{
    unsigned n = 0;
    struct worker *w;
    service_each_worker (w, s)
        if (w->pid != 0) {
            pidfd_signal(w->pidfd, signo);
            n++;
        }
    return n;
}
