/* upkeep: see the header. */
#include "config.h"

#include "engine/upkeep.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/units.h"
#include "engine/engine.h"
#include "engine/task.h"
#include "sys/clock.h"
#include "sys/procfs.h"

#define CHECK_AGAIN_NS (250 * NSEC_PER_MSEC) /* from a check of readiness that failed to the next */
#define MEMORY_PACE 5.0                      /* seconds from one look at memory to the next */
#define AGE_PACE_MOST 3600.0
#define FAMILY_MOST 256 /* processes of one worker that are looked at */

/* --- health -------------------------------------------------------------------------------------------- */

static void on_health(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct service *s = t->data;
    const struct upkeep_conf *c = s->conf->with->upkeep;
    for (size_t i = 0; i < s->n_workers; i++) {
        const struct worker *w = s->workers[i];
        if (w->state == WORKER_READY && !task_find(s, TASK_HEALTH, worker_place(w)))
            task_start(s, TASK_HEALTH, worker_place(w), &c->health, c->health_timeout_ns);
    }
}

void upkeep_on_health_ended(struct service *s, unsigned place, bool is_good, const char *how)
{
    struct worker *w = service_find_place(s, place);
    if (!w || w->role != WORKER_CURRENT || w->state != WORKER_READY || !s->conf->with->upkeep)
        return;
    w->failed_checks = is_good ? 0 : w->failed_checks + 1;
    if (is_good)
        return;
    worker_say(w, LOG_WARNING, "its health command %s (%u of %d)", how, w->failed_checks,
               s->conf->with->upkeep->health_retries);
    if (w->failed_checks < (unsigned)s->conf->with->upkeep->health_retries)
        return;
    worker_set_note(w, "was not healthy: its health command %s", how);
    worker_say(w, LOG_ERROR, "is not healthy: it is replaced");
    engine_step(w, WORKER_EV_STOP);
}

/* --- readiness ----------------------------------------------------------------------------------------- */

void upkeep_begin_check(struct worker *w)
{
    struct service *s = w->service;
    if (!task_find(s, TASK_CHECK, worker_place(w)))
        task_start(s, TASK_CHECK, worker_place(w), &s->conf->with->ready_check,
                   s->conf->with->start_timeout_ns);
}

static void on_check_again(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct worker *w = t->data;
    if (worker_is_starting(w) && w->service->conf->with->ready == READY_CHECK)
        upkeep_begin_check(w);
}

void upkeep_follow_ready(struct service *s)
{
    struct worker *w;
    service_each_worker (w, s) {
        if (w->state != WORKER_STARTING && w->state != WORKER_STOPPING)
            continue;
        worker_arm_timer(w);
        if (worker_is_ready_at_once(w))
            engine_step(w, WORKER_EV_READY);
        else if (worker_is_starting(w) && s->conf->with->ready == READY_CHECK)
            upkeep_begin_check(w);
    }
}

void upkeep_on_check_ended(struct service *s, unsigned place, bool is_good, const char *how)
{
    struct worker *w = service_find_place(s, place);
    if (!w || !worker_is_starting(w) || s->conf->with->ready != READY_CHECK)
        return;
    if (is_good) {
        engine_step(w, WORKER_EV_READY);
        return;
    }
    worker_set_note(w, "is not ready: its check %s", how);
    alarm_start(s->engine->loop, &w->check_timer, (double)CHECK_AGAIN_NS / NSEC_PER_SEC, on_check_again, w);
}

/* --- age and memory ------------------------------------------------------------------------------------ */

static void on_age(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)revents;
    struct service *s = t->data;
    struct worker *oldest = NULL;
    char text[32];
    for (size_t i = 0; i < s->n_workers; i++)
        if (s->workers[i]->state == WORKER_READY &&
            (!oldest || mono_is_before(s->workers[i]->started, oldest->started)))
            oldest = s->workers[i];
    int64_t left =
        oldest ? s->conf->with->upkeep->max_age_ns - mono_between(oldest->started, clock_mono()) : 0;
    if (oldest && left <= 0 && rolling_replace(oldest))
        worker_say(oldest, LOG_INFO, "has run for max_age (%s): it is replaced",
                   units_format_duration(text, sizeof text, s->conf->with->upkeep->max_age_ns));
    double next = left <= 0 ? 0.1 : (double)left / NSEC_PER_SEC;
    ev_timer_stop(loop, t);
    ev_timer_set(t, next < AGE_PACE_MOST ? next : AGE_PACE_MOST, 0);
    if (oldest)
        ev_timer_start(loop, t);
}

/* Of PID and all that descend from it; *BUDGET processes are looked at. */
static uint64_t memory_of(pid_t pid, unsigned *budget)
{
    pid_t children[64];
    uint64_t rss = 0, pss = 0, sum = 0;
    if (*budget == 0)
        return 0;
    --*budget;
    if (procfs_memory(pid, &rss, &pss) == 0)
        sum = (pss > 0 ? pss : rss) * 1024;
    ssize_t n = procfs_children(pid, children, 64);
    for (ssize_t i = 0; i < n && i < 64; i++)
        sum += memory_of(children[i], budget);
    return sum;
}

static void on_memory(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct service *s = t->data;
    for (size_t i = 0; i < s->n_workers && !rolling_is_active(s); i++) {
        struct worker *w = s->workers[i];
        unsigned budget = FAMILY_MOST;
        uint64_t n = memory_of(w->pid, &budget);
        if (n > s->conf->with->upkeep->max_memory && rolling_replace(w))
            worker_say(w, LOG_WARNING,
                       "has %llu bytes of memory, more than max_memory (%llu): it is replaced",
                       (unsigned long long)n, (unsigned long long)s->conf->with->upkeep->max_memory);
    }
}

/* --- its life ------------------------------------------------------------------------------------------ */

static void set(struct service *s, ev_timer *t, bool runs, double first, double again)
{
    if (!runs) {
        ev_timer_stop(s->engine->loop, t);
    } else if (!ev_is_active(t) || t->repeat != again) {
        ev_timer_stop(s->engine->loop, t);
        ev_timer_set(t, first, again);
        ev_timer_start(s->engine->loop, t);
    }
}

static struct upkeep *upkeep_new(struct service *s)
{
    struct upkeep *u = mem_new(sizeof *u);
    ev_init(&u->health, on_health);
    ev_init(&u->age, on_age);
    ev_init(&u->memory, on_memory);
    u->health.data = u->age.data = u->memory.data = s;
    return u;
}

void upkeep_follow(struct service *s)
{
    const struct upkeep_conf *c = s->conf->with->upkeep;
    bool runs = s->states[WORKER_READY] > 0;
    if (!c) {
        upkeep_free(s);
        return;
    }
    if (!s->upkeep)
        s->upkeep = upkeep_new(s);
    double health = (double)c->health_interval_ns / NSEC_PER_SEC, age = (double)c->max_age_ns / NSEC_PER_SEC;
    set(s, &s->upkeep->health, runs && c->health.n > 0, health, health);
    set(s, &s->upkeep->age, runs && c->max_age_ns != INT64_MAX, age < AGE_PACE_MOST ? age : AGE_PACE_MOST, 0);
    set(s, &s->upkeep->memory, runs && c->max_memory > 0, MEMORY_PACE, MEMORY_PACE);
}

void upkeep_follow_conf(struct service *s)
{
    upkeep_follow(s);
    if (!s->upkeep || !ev_is_active(&s->upkeep->age))
        return;
    ev_timer_stop(s->engine->loop, &s->upkeep->age); /* it finds out itself when to look again */
    ev_timer_set(&s->upkeep->age, 0, 0);
    ev_timer_start(s->engine->loop, &s->upkeep->age);
}

void upkeep_free(struct service *s)
{
    if (!s->upkeep)
        return;
    ev_timer_stop(s->engine->loop, &s->upkeep->health);
    ev_timer_stop(s->engine->loop, &s->upkeep->age);
    ev_timer_stop(s->engine->loop, &s->upkeep->memory);
    free(s->upkeep);
    s->upkeep = NULL;
}
