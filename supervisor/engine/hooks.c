/* hooks: see the header. */
#include "config.h"

#include "engine/hooks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/units.h"
#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/sequence.h"
#include "engine/update.h"
#include "sys/clock.h"

static const struct strv *command_in(const struct service_conf *c, enum hook hook)
{
    static const struct strv none;
    return c->with->hooks ? &c->with->hooks->commands[hook] : &none;
}

static const struct strv *command_of(const struct service *s, enum hook hook)
{
    return command_in(s->conf, hook);
}

static bool has(const struct service *s, enum hook hook)
{
    return s->hooks && command_of(s, hook)->n > 0;
}

/* Its phase is written before what it brings about. */
static void enter(struct service *s, enum hook_phase phase)
{
    s->hooks->phase = phase;
    service_save(s);
}

static void run(struct service *s, enum hook_phase phase, enum hook hook, enum task_kind kind,
                int64_t timeout_ns)
{
    enter(s, phase);
    event_log_say(&s->engine->log, LOG_DEBUG, s->conf->name, s->conf->name, "runs %s", task_kind_name(kind));
    task_start(s, kind, 0, command_of(s, hook), timeout_ns);
}

/* PHASE is over, and what it was for may begin. */
static void begin_workers(struct service *s, enum hook_phase phase)
{
    s->hooks->history = (struct restart_history){0};
    enter(s, phase == HOOKS_BEFORE_RELOAD ? HOOKS_IDLE : HOOKS_STARTED);
    if (phase == HOOKS_BEFORE_RELOAD)
        rolling_begin(s);
    else if (phase == HOOKS_BEFORE_RESTART)
        engine_renew(s);
    else {
        engine_bring_up(s);
        sequence_tell(s);
    }
}

/* An update may have taken the command away since it first ran. */
static void run_before_start(struct service *s, enum hook_phase phase)
{
    if (!has(s, HOOK_BEFORE_START))
        begin_workers(s, phase);
    else
        run(s, phase, HOOK_BEFORE_START, TASK_BEFORE_START, s->conf->with->start_timeout_ns);
}

static bool is_before_replacement(const struct service *s)
{
    return s->hooks->phase == HOOKS_BEFORE_RESTART || s->hooks->phase == HOOKS_BEFORE_RELOAD;
}

/* --- what is put off ----------------------------------------------------------------------------------- */

bool hooks_put_off_start(struct service *s)
{
    if (!s->hooks)
        return false;
    if (hooks_are_busy(s) || s->hooks->phase == HOOKS_BEFORE_START || s->hooks->phase == HOOKS_RETRY ||
        s->hooks->phase == HOOKS_FAILED)
        return true;
    if (has(s, HOOK_BEFORE_START))
        run_before_start(s, HOOKS_BEFORE_START);
    else
        enter(s, HOOKS_STARTED);
    return has(s, HOOK_BEFORE_START);
}

/* In PHASE its workers are to be replaced, once before_start has ended well. */
static bool put_off_replacement(struct service *s, enum hook_phase phase)
{
    if (!has(s, HOOK_BEFORE_START) || is_before_replacement(s))
        return s->hooks && is_before_replacement(s);
    task_cancel(s, TASK_AFTER_START, 0);
    run_before_start(s, phase);
    return true;
}

bool hooks_put_off_restart(struct service *s)
{
    if (put_off_replacement(s, HOOKS_BEFORE_RESTART))
        return true;
    if (has(s, HOOK_AFTER_START)) {
        task_cancel(s, TASK_AFTER_START, 0);
        enter(s, HOOKS_STARTED);
    }
    return false;
}

bool hooks_put_off_reload(struct service *s)
{
    return put_off_replacement(s, HOOKS_BEFORE_RELOAD);
}

bool hooks_put_off_stop(struct service *s)
{
    if (!s->hooks)
        return false;
    if (s->hooks->phase == HOOKS_BEFORE_STOP)
        return true;
    task_cancel(s, TASK_BEFORE_START, 0);
    task_cancel(s, TASK_AFTER_START, 0);
    if (!has(s, HOOK_BEFORE_STOP)) {
        enter(s, HOOKS_STOPPED);
        return false;
    }
    run(s, HOOKS_BEFORE_STOP, HOOK_BEFORE_STOP, TASK_BEFORE_STOP, s->conf->with->stop_timeout_ns);
    return true;
}

void hooks_abandon_start(struct service *s)
{
    if (!s->hooks || hooks_are_busy(s))
        return;
    task_cancel(s, TASK_BEFORE_START, 0);
    ev_timer_stop(s->engine->loop, &s->hooks->retry);
    enter(s, HOOKS_IDLE);
}

static bool is_same(const struct strv *a, const struct strv *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++)
        if (!str_eq(a->v[i], b->v[i]))
            return false;
    return a->n == b->n;
}

void hooks_follow_conf(struct service *s, const struct service_conf *after)
{
    const struct strv *before = command_of(s, HOOK_BEFORE_START), *now = command_in(after, HOOK_BEFORE_START);
    bool waits = s->hooks && (s->hooks->phase == HOOKS_BEFORE_START || s->hooks->phase == HOOKS_RETRY ||
                              s->hooks->phase == HOOKS_FAILED);
    if (!waits || is_same(before, now))
        return;
    s->hooks->history = (struct restart_history){0};
    hooks_abandon_start(s);
}

static void start_reload(struct service *s)
{
    task_start(s, TASK_RELOAD, 0, &s->conf->with->reload_command, s->conf->with->start_timeout_ns);
}

void hooks_run_reload(struct service *s)
{
    if (task_find(s, TASK_RELOAD, 0)) {
        told_again(s);
        return;
    }
    told_begin(s);
    start_reload(s);
}

/* --- what follows -------------------------------------------------------------------------------------- */

void hooks_follow(struct service *s)
{
    if (!s->hooks)
        return;
    enum service_state state = service_state(s);
    bool is_up = state == SERVICE_RUNNING || state == SERVICE_WAITING || state == SERVICE_DONE;
    if (s->hooks->phase == HOOKS_STARTED && s->has_begun && is_up) {
        if (has(s, HOOK_AFTER_START))
            run(s, HOOKS_AFTER_START, HOOK_AFTER_START, TASK_AFTER_START, s->conf->with->start_timeout_ns);
        else
            enter(s, HOOKS_IDLE);
    } else if (s->hooks->phase == HOOKS_STOPPED && !s->has_begun && !service_has_process(s)) {
        if (has(s, HOOK_AFTER_STOP))
            run(s, HOOKS_AFTER_STOP, HOOK_AFTER_STOP, TASK_AFTER_STOP, s->conf->with->stop_timeout_ns);
        else
            enter(s, HOOKS_IDLE);
    }
}

void hooks_on_reloaded(struct service *s)
{
    if (has(s, HOOK_AFTER_START) && s->hooks->phase == HOOKS_IDLE)
        enter(s, HOOKS_STARTED);
    hooks_follow(s);
}

static void on_retry(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct service *s = t->data;
    if (s->hooks->phase == HOOKS_RETRY)
        run_before_start(s, HOOKS_BEFORE_START);
    sequence_follow(s);
}

static void tell(const struct service *s, const char *how, const char *what_next)
{
    event_log_say(&s->engine->log, LOG_ERROR, s->conf->name, s->conf->name, "%s %s%s",
                  task_kind_name(s->task_kind), how, what_next);
}

/* As a worker that could not be started. */
static void fail_start(struct service *s, const char *how)
{
    char delay[32], next[64];
    struct restart_decision d = restart_decide_failed_start(&s->conf->with->restart, &s->hooks->history,
                                                            clock_mono(), clock_random());
    if (d.verdict == RESTART_FAILED) {
        tell(s, how, "; the service is not started");
        enter(s, HOOKS_FAILED);
        return;
    }
    units_format_duration(delay, sizeof delay, d.delay_ns / NSEC_PER_MSEC * NSEC_PER_MSEC);
    snprintf(next, sizeof next, "; it is tried again in %s", delay);
    tell(s, how, next);
    enter(s, HOOKS_RETRY);
    ev_now_update(s->engine->loop);
    ev_timer_set(&s->hooks->retry, (double)d.delay_ns / NSEC_PER_SEC, 0);
    ev_timer_start(s->engine->loop, &s->hooks->retry);
}

static void on_before_start(struct service *s, bool is_good, const char *how)
{
    bool is_replacement = is_before_replacement(s);
    if (!is_good && is_replacement) {
        tell(s, how, "; its workers go on as they are");
        s->is_kept_back = true;
        enter(s, HOOKS_IDLE);
        operation_on_hook_failed(s, how);
    } else if (!is_good) {
        fail_start(s, how);
        operation_on_hook_failed(s, how);
    } else {
        begin_workers(s, s->hooks->phase);
    }
}

static void end_workers(struct service *s)
{
    enter(s, HOOKS_STOPPED);
    engine_bring_down(s);
    sequence_tell(s);
}

void hooks_on_task_ended(struct service *s, unsigned place, bool is_good, const char *how)
{
    (void)place;
    if (s->task_kind == TASK_RELOAD) {
        unsigned number = s->told.number;
        cleanup_free char *why = mem_printf("its reload command %s", how);
        bool is_again = told_end(s, is_good ? NULL : why);
        operation_on_reloaded(s, number, is_good, how);
        if (is_again)
            start_reload(s);
        return;
    }
    if (s->task_kind == TASK_BEFORE_START) {
        on_before_start(s, is_good, how);
    } else {
        if (!is_good)
            tell(s, how, "");
        if (s->hooks->phase == HOOKS_BEFORE_STOP)
            end_workers(s);
        else
            enter(s, HOOKS_IDLE);
    }
    hooks_follow(s);
    sequence_follow(s);
    sequence_retry(s);
    engine_check_over(s);
    update_let_go(s);
}

/* --- its life ------------------------------------------------------------------------------------------ */

bool hooks_are_busy(const struct service *s)
{
    return s->hooks && (s->hooks->phase == HOOKS_BEFORE_STOP || s->hooks->phase == HOOKS_STOPPED ||
                        s->hooks->phase == HOOKS_AFTER_STOP);
}

enum service_state hooks_state(const struct service *s, enum service_state state)
{
    if (!s->hooks)
        return state;
    switch (s->hooks->phase) {
    case HOOKS_RETRY:
        return s->is_wanted ? SERVICE_BACKOFF : state;
    case HOOKS_FAILED:
        return s->is_wanted ? SERVICE_FAILED : state;
    case HOOKS_BEFORE_RESTART:
        return s->is_wanted ? SERVICE_STARTING : state;
    case HOOKS_BEFORE_STOP:
    case HOOKS_AFTER_STOP:
        return s->is_wanted ? SERVICE_STARTING : SERVICE_STOPPING;
    case HOOKS_BEFORE_RELOAD:
    case HOOKS_IDLE:
    case HOOKS_BEFORE_START:
    case HOOKS_STARTED:
    case HOOKS_AFTER_START:
    case HOOKS_STOPPED:
        break;
    }
    return state;
}

bool hooks_waits_for(const struct service *s, enum task_kind kind)
{
    enum hook_phase phase = s->hooks ? s->hooks->phase : HOOKS_IDLE;
    switch (kind) {
    case TASK_BEFORE_START:
        return phase == HOOKS_BEFORE_START || is_before_replacement(s);
    case TASK_AFTER_START:
        return phase == HOOKS_AFTER_START;
    case TASK_BEFORE_STOP:
        return phase == HOOKS_BEFORE_STOP;
    case TASK_AFTER_STOP:
        return phase == HOOKS_AFTER_STOP;
    case TASK_RELOAD:
        return told_is_under_way(s);
    case TASK_HEALTH:
    case TASK_CHECK:
    case TASK_KIND_COUNT:
        break;
    }
    return false;
}

/* The command that was told of is not there: it had not been started yet. */
static void resume_reload(struct service *s)
{
    if (!told_is_under_way(s) || s->conf->with->reload == RELOAD_SIGNAL || task_find(s, TASK_RELOAD, 0))
        return;
    if (s->conf->with->reload == RELOAD_COMMAND && s->is_wanted && !s->engine->is_shutting_down)
        start_reload(s);
    else
        told_end(s, "it was stopped, or is reloaded in another way by now");
}

void hooks_resume(struct service *s)
{
    resume_reload(s);
    if (!s->hooks)
        return;
    enum hook_phase phase = s->hooks->phase;
    if ((phase == HOOKS_BEFORE_START || is_before_replacement(s)) && !task_find(s, TASK_BEFORE_START, 0))
        run_before_start(s, phase);
    else if (phase == HOOKS_RETRY)
        ev_timer_start(s->engine->loop, &s->hooks->retry); /* its delay is not kept: soon */
    else if (phase == HOOKS_BEFORE_STOP && !has(s, HOOK_BEFORE_STOP))
        end_workers(s); /* as in run_before_start() */
    else if (phase == HOOKS_BEFORE_STOP && !task_find(s, TASK_BEFORE_STOP, 0))
        run(s, phase, HOOK_BEFORE_STOP, TASK_BEFORE_STOP, s->conf->with->stop_timeout_ns);
    else if (phase == HOOKS_AFTER_START && !task_find(s, TASK_AFTER_START, 0))
        enter(s, HOOKS_STARTED);
    else if (phase == HOOKS_AFTER_STOP && !task_find(s, TASK_AFTER_STOP, 0))
        enter(s, HOOKS_STOPPED);
    hooks_follow(s);
}

struct hooks *hooks_new(struct service *s)
{
    if (!s->conf->with->hooks)
        return NULL;
    struct hooks *h = mem_new(sizeof *h);
    ev_timer_init(&h->retry, on_retry, 0.1, 0);
    h->retry.data = s;
    return h;
}

void hooks_free(struct service *s)
{
    if (s->hooks)
        ev_timer_stop(s->engine->loop, &s->hooks->retry);
    free(s->hooks);
    s->hooks = NULL;
}
