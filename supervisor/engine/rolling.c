/* rolling: see the header. What is due is looked at from the loop, never from inside of a worker's step: so a
 * worker may be forgotten here, and nobody still holds it. */
#include "config.h"

#include "engine/rolling.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/pointers.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/rolling_facts.h"
#include "engine/sequence.h"
#include "engine/standby.h"
#include "engine/update.h"
#include "sys/clock.h"

#define END_DRAIN_AGAIN 1.0 /* seconds until it is looked whether a killed generation is gone */

static void say(const struct service *s, enum log_level level, const char *text)
{
    event_log_say(&s->engine->log, level, s->conf->name, s->conf->name, "%s", text);
}

static struct rolling *rolling_of(struct service *s)
{
    if (!s->rolling)
        s->rolling = mem_new(sizeof *s->rolling);
    return s->rolling;
}

bool rolling_is_active(const struct service *s)
{
    return s->rolling && s->rolling->target != 0;
}

unsigned rolling_generation(const struct service *s)
{
    return rolling_is_active(s) ? s->rolling->target : s->generation;
}

unsigned rolling_next_generation(const struct service *s)
{
    unsigned highest = s->generation;
    const struct worker *w;
    service_each_worker (w, s)
        highest = w->generation > highest ? w->generation : highest;
    if (s->rolling && s->rolling->last_target > highest)
        highest = s->rolling->last_target;
    if (rolling_is_active(s) && s->rolling->target > highest)
        highest = s->rolling->target;
    return highest + 1;
}

/* --- in the soft state --------------------------------------------------------------------------------- */

void rolling_load(struct service *s, const struct soft_state_row *row)
{
    const int64_t *c = row->column;
    if (c[SERVICE_COL_TARGET] == 0 && c[SERVICE_COL_LAST_TARGET] == 0)
        return;
    struct rolling *r = rolling_of(s);
    r->target = (unsigned)c[SERVICE_COL_TARGET];
    r->fingerprint = (uint64_t)c[SERVICE_COL_TARGET_FINGERPRINT];
    r->last_target = (unsigned)c[SERVICE_COL_LAST_TARGET];
    r->has_failed = c[SERVICE_COL_ROLLING] & ROLLING_FLAG_FAILED;
    r->is_again = c[SERVICE_COL_ROLLING] & ROLLING_FLAG_AGAIN;
}

void rolling_store(const struct service *s, struct soft_state_row *row)
{
    const struct rolling *r = s->rolling;
    if (!r)
        return;
    row->column[SERVICE_COL_TARGET] = r->target;
    row->column[SERVICE_COL_TARGET_FINGERPRINT] = (int64_t)r->fingerprint;
    row->column[SERVICE_COL_LAST_TARGET] = r->last_target;
    row->column[SERVICE_COL_ROLLING] =
        (r->has_failed ? ROLLING_FLAG_FAILED : 0) | (r->is_again ? ROLLING_FLAG_AGAIN : 0);
}

/* --- what is done about them --------------------------------------------------------------------------- */

static void look(struct service *s);

static void on_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    look(t->data);
}

static void look_in(struct service *s, double seconds)
{
    ev_now_update(s->engine->loop);
    alarm_start(s->engine->loop, &s->rolling->timer, seconds, on_timer, s);
}

void rolling_follow(struct service *s)
{
    if (rolling_is_active(s))
        look_in(s, 0);
}

static void retire(struct worker *candidate)
{
    worker_set_role(candidate, WORKER_RETIRED);
    candidate->is_wanted = false;
    worker_save(candidate);
    engine_step(candidate, WORKER_EV_STOP);
}

/* Candidates for slots that are not wanted any more, or, with ALL, every one. */
static void retire_candidates(struct service *s, bool all)
{
    for (unsigned i = 0; i < s->rolling->n_others; i++) {
        struct worker *w = s->rolling->others[i];
        if (w->role == WORKER_CANDIDATE && (all || w->slot > standby_slots(s)))
            retire(w);
    }
}

static void start_candidates(struct service *s, const struct rolling_facts *f, struct rolling_plan plan)
{
    for (size_t i = plan.first; i < f->n_slots && plan.n > 0; i++) {
        if (!rolling_starts(&f->slots[i]))
            continue;
        struct worker *w = service_add_candidate(s, (unsigned)i + 1);
        must(w);
        engine_step(w, WORKER_EV_START);
        plan.n--;
    }
}

static void promote(struct worker *candidate)
{
    struct service *s = candidate->service;
    struct worker *old = s->workers[candidate->slot - 1];
    crash_point(CRASH_AT_rolling_before);
    service_promote(candidate);
    crash_point(CRASH_AT_rolling_promoted);
    worker_say(candidate, LOG_INFO, "takes over (pid=%d)", candidate->pid);
    task_cancel(s, TASK_HEALTH, worker_place(old));
    engine_step(old, WORKER_EV_STOP);
}

/* A worker has died since a candidate for its spare was started, and that spare serves. The candidate that is
 * to serve in its place; NULL: enough will. */
static struct worker *missed_candidate(const struct service *s)
{
    struct worker *waits = NULL;
    unsigned n = 0;
    for (unsigned slot = 1; slot <= standby_slots_there(s); slot++) {
        struct worker *candidate = rolling_candidate(s, slot);
        n += !(candidate ? candidate : s->workers[slot - 1])->is_spare;
        if (candidate && candidate->is_spare && !s->workers[slot - 1]->is_spare)
            waits = candidate;
    }
    return n < s->n_wanted ? waits : NULL;
}

static void promote_candidates(struct service *s)
{
    struct worker *missed = missed_candidate(s);
    if (missed) {
        engine_step(missed, WORKER_EV_ACTIVATE);
        return;
    }
    for (unsigned slot = 1; slot <= standby_slots(s); slot++) {
        struct worker *candidate = rolling_candidate(s, slot);
        if (candidate)
            promote(candidate);
    }
    upkeep_follow(s);
}

static void end_drain(struct service *s)
{
    unsigned generation = rolling_oldest_drain(s);
    for (unsigned i = 0; i < s->rolling->n_others; i++) {
        struct worker *w = s->rolling->others[i];
        if (w->generation == generation && worker_state_has_process(w->state)) {
            worker_say(w, LOG_WARNING, "is still draining, and there may be no more than %u generations",
                       s->conf->with->max_generations);
            engine_step(w, WORKER_EV_KILL);
        }
    }
}

/* --- the end of it ------------------------------------------------------------------------------------- */

/* Nothing is under way any more. */
static void conclude(struct service *s, bool is_good, char *take_reason)
{
    struct rolling *r = s->rolling;
    bool was_generation = r->target > s->generation;
    if (was_generation) {
        r->last_target = r->target;
        r->has_failed = !is_good;
    }
    if (was_generation && is_good) {
        s->generation = r->target;
        s->fingerprint = r->fingerprint;
    }
    free(r->reason);
    r->reason = take_reason;
    r->target = 0;
    service_save(s);
    alarm_stop(s->engine->loop, &r->timer);
    for (size_t i = 0; i < s->n_workers; i++)
        if (s->workers[i]->is_due) {
            s->workers[i]->is_due = false;
            worker_save(s->workers[i]);
        }
    crash_point(CRASH_AT_rolling_concluded);
    retire_candidates(s, true);
    standby_follow(s); /* no more are to serve than are wanted, from now on */
}

/* … and whoever waits for it is told. */
static void tell(struct service *s)
{
    struct rolling *r = s->rolling;
    if (r->is_again) {
        r->is_again = false;
        operation_on_service_change(s);
        rolling_begin(s);
        return;
    }
    service_trim_slots(s);
    operation_on_service_change(s);
    sequence_look(s);
}

static void give_up(struct service *s, char *take_reason)
{
    struct rolling *r = s->rolling;
    cleanup_free char *sentence = mem_printf("%s; the workers that serve go on", take_reason);
    say(s, LOG_ERROR, sentence);
    r->not_before = mono_add(clock_mono(), s->conf->with->restart.delay_max_ns);
    s->is_kept_back = s->fingerprint != s->next_fingerprint;
    conclude(s, false, take_reason);
    tell(s);
}

static void finish(struct service *s)
{
    bool was_generation = s->rolling->target > s->generation;
    conclude(s, true, NULL);
    if (was_generation) {
        event_log_say(&s->engine->log, LOG_INFO, s->conf->name, s->conf->name,
                      "has been reloaded (generation %u)", s->generation);
        hooks_on_reloaded(s);
    }
    update_follow_count(s);
    tell(s);
}

/* --- looking ------------------------------------------------------------------------------------------- */

static void act(struct service *s, const struct rolling_facts *f)
{
    struct rolling_plan plan = rolling_decide(f);
    switch (plan.verdict) {
    case ROLLING_DONE:
        finish(s);
        return;
    case ROLLING_GIVE_UP:
        give_up(s, rolling_reason(s));
        return;
    case ROLLING_WAIT:
        if (!mono_is_never(plan.due))
            look_in(s, (double)mono_between(f->now, plan.due) / NSEC_PER_SEC);
        return;
    case ROLLING_START:
        start_candidates(s, f, plan);
        break;
    case ROLLING_PROMOTE:
        promote_candidates(s);
        break;
    case ROLLING_END_DRAIN:
        end_drain(s);
        look_in(s, END_DRAIN_AGAIN);
        return;
    }
    look_in(s, 0);
}

static void look(struct service *s)
{
    if (!rolling_is_active(s))
        return;
    retire_candidates(s, false);
    struct rolling_facts f = rolling_gather(s);
    act(s, &f);
    free((struct rolling_slot *)f.slots);
    service_trim_slots(s);
}

/* --- what is asked for --------------------------------------------------------------------------------- */

/* One that waits for somebody, or is down, has nothing to be replaced. */
static void make_due(struct worker *w)
{
    if (w->state == WORKER_WAITING || w->state == WORKER_DOWN)
        return;
    w->is_due = true;
    worker_save(w);
}

static void begin(struct service *s, unsigned target)
{
    struct rolling *r = s->rolling;
    r->target = target;
    r->fingerprint = s->next_fingerprint;
    free(r->reason);
    r->reason = NULL;
    service_save(s);
    crash_point(CRASH_AT_rolling_begun);
    look_in(s, 0);
}

void rolling_begin(struct service *s)
{
    struct rolling *r = rolling_of(s);
    if (rolling_is_active(s) && r->target > s->generation) {
        r->is_again = true;
        service_save(s);
        return;
    }
    if (rolling_is_active(s)) /* of a single worker: it is replaced with the others */
        conclude(s, false, NULL);
    unsigned target = rolling_next_generation(s);
    service_ensure_slots(s, standby_slots(s));
    for (unsigned i = 0; i < standby_slots(s); i++)
        make_due(s->workers[i]);
    begin(s, target);
}

bool rolling_replace(struct worker *w)
{
    struct service *s = w->service;
    struct rolling *r = rolling_of(s);
    if (rolling_is_active(s) || mono_is_before(clock_mono(), r->not_before))
        return false;
    make_due(w);
    begin(s, s->generation);
    return true;
}

void rolling_cancel(struct service *s, const char *why)
{
    if (!rolling_is_active(s))
        return;
    s->rolling->is_again = false;
    conclude(s, false, mem_strdup(why));
}

void rolling_resume(struct service *s)
{
    if (!s->rolling)
        return;
    if (!rolling_is_active(s))
        retire_candidates(s, true);
    for (unsigned i = 0; i < s->rolling->n_others; i++)
        if (s->rolling->others[i]->role == WORKER_RETIRED)
            engine_step(s->rolling->others[i], WORKER_EV_STOP); /* nothing, where it was told already */
    service_trim_slots(s);
    rolling_follow(s);
}

void rolling_free(struct service *s)
{
    if (!s->rolling)
        return;
    alarm_stop(s->engine->loop, &s->rolling->timer);
    pointers_free(s->rolling->others, s->rolling->n_others, s->rolling->one_other);
    free(s->rolling->reason);
    free(s->rolling);
    s->rolling = NULL;
}
