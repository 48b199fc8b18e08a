/* told: see the header. */
#include "config.h"

#include "engine/told.h"

#include <stdlib.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/said.h"
#include "sys/clock.h"
#include "sys/pidfd.h"

static void set(struct service *s, enum told_state state, const char *why)
{
    struct told *t = &s->told;
    free(t->reason);
    t->reason = why ? mem_strdup(why) : NULL;
    t->state = state;
    service_save(s);
}

unsigned told_next(const struct service *s)
{
    return s->told.number + 1;
}

void told_begin(struct service *s)
{
    s->told.number++;
    s->told.since = clock_mono();
    set(s, TOLD_BEGUN, NULL);
}

void told_again(struct service *s)
{
    if (s->told.state == TOLD_BEGUN)
        set(s, TOLD_AGAIN, NULL);
}

bool told_end(struct service *s, const char *why)
{
    bool is_again = s->told.state == TOLD_AGAIN;
    if (is_again)
        told_begin(s);
    else
        set(s, why ? TOLD_FAILED : TOLD_DONE, why);
    return is_again;
}

bool told_is_under_way(const struct service *s)
{
    return s->told.state == TOLD_BEGUN || s->told.state == TOLD_SENT || s->told.state == TOLD_AGAIN;
}

/* --- the signal ---------------------------------------------------------------------------------------- */

void told_send_late(struct worker *w)
{
    if (!w->is_untold || (w->state != WORKER_READY && w->state != WORKER_STANDBY))
        return;
    if (w->service->conf->with->reload == RELOAD_SIGNAL)
        pidfd_signal(w->pidfd, w->service->conf->with->reload_signal);
    w->is_untold = false;
    worker_save(w);
}

/* One that is not ready yet may not know the signal, and may have read what is old. */
bool told_send(struct service *s)
{
    struct worker *w;
    bool is_ready = s->states[WORKER_READY] > 0;
    if (is_ready) {
        service_each_worker (w, s) {
            w->is_untold = w->role == WORKER_CURRENT && worker_state_has_process(w->state);
            worker_save(w);
        }
        service_each_worker (w, s)
            told_send_late(w);
    }
    set(s, TOLD_SENT, NULL);
    return is_ready;
}

bool told_says_reloading(const struct service *s)
{
    const struct worker *w;
    service_each_worker (w, s)
        if (w->role == WORKER_CURRENT && w->said && w->said->is_reloading)
            return true;
    return false;
}

bool told_is_taken(const struct service *s, struct mono since)
{
    const struct worker *w;
    bool all_tell = true;
    service_each_worker (w, s)
        if (w->role == WORKER_CURRENT && w->pid != 0 && !w->is_spare && mono_is_before(w->started, since))
            all_tell = all_tell && w->said && !mono_is_before(w->said->reloading_since, since);
    if (told_says_reloading(s))
        return false;
    return all_tell || mono_between(since, clock_mono()) >= s->conf->with->settle_ns;
}

/* --- telling of it, and its columns -------------------------------------------------------------------- */

json_t *told_describe(const struct service *s)
{
    const struct told *t = &s->told;
    if (t->number == 0)
        return NULL;
    const char *state = told_is_under_way(s) ? "under-way" : t->state == TOLD_FAILED ? "failed" : "done";
    json_t *o = json_pack("{s:i, s:s}", "number", (int)t->number + (t->state == TOLD_AGAIN), "state", state);
    if (t->reason)
        json_object_set_new(o, "reason", json_string(t->reason));
    return o;
}

void told_load(struct service *s, const struct soft_state_row *row)
{
    s->told.number = (unsigned)row->column[SERVICE_COL_TOLD];
    s->told.state = (enum told_state)row->column[SERVICE_COL_TOLD_STATE];
    s->told.since.ns = row->column[SERVICE_COL_TOLD_SINCE];
}

void told_store(const struct service *s, struct soft_state_row *row)
{
    row->column[SERVICE_COL_TOLD] = s->told.number;
    row->column[SERVICE_COL_TOLD_STATE] = s->told.state;
    row->column[SERVICE_COL_TOLD_SINCE] = s->told.since.ns;
}

void told_free(struct service *s)
{
    free(s->told.reason);
}
