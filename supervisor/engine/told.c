/* told: see the header. */
#include "config.h"

#include "engine/told.h"

#include <stdlib.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "sys/clock.h"

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

void told_sent(struct service *s)
{
    set(s, TOLD_SENT, NULL);
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
