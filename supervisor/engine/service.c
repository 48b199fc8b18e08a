/* service: see the header. */
#include "config.h"

#include "engine/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pointers.h"
#include "core/conf_diff.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/inetd.h"
#include "engine/standby.h"

/* --- the slots of a service ---------------------------------------------------------------------------- */

static bool has_row(const struct service *s, unsigned slot, unsigned lane)
{
    char key[SOFT_STATE_KEY];
    struct soft_state_row row;
    worker_row_key(key, s, slot, lane);
    return state_store_load(&s->engine->store, key, &row);
}

/* LIMIT_LANES where all are taken. */
static unsigned free_lane(const struct service *s, unsigned slot)
{
    unsigned lane = 0;
    while (lane < LIMIT_LANES && service_find_place(s, slot + lane * LIMIT_WORKERS))
        lane++;
    return lane;
}

static void add_other(struct service *s, struct worker *w)
{
    if (!s->rolling)
        s->rolling = mem_new(sizeof *s->rolling);
    pointers_add(s->rolling->others, s->rolling->n_others, s->rolling->one_other, w);
}

static void remove_other(struct service *s, const struct worker *w)
{
    struct rolling *r = s->rolling;
    for (unsigned i = 0; i < r->n_others; i++)
        if (r->others[i] == w)
            r->others[i] = r->others[--r->n_others];
}

static bool has_other(const struct service *s, unsigned slot)
{
    for (unsigned i = 0; s->rolling && i < s->rolling->n_others; i++)
        if (s->rolling->others[i]->slot == slot)
            return true;
    return false;
}

/* The workers of SLOT as their rows say. A supervisor that died while one took the other's place has left no
 * current one, but the candidate. */
static struct worker *restore_slot(struct service *s, unsigned slot)
{
    struct worker *current = NULL, *candidate = NULL;
    for (unsigned lane = 0; lane < LIMIT_LANES; lane++) {
        if (!has_row(s, slot, lane))
            continue;
        struct worker *w = worker_new(s, slot, lane);
        if (w->role == WORKER_CURRENT && !current) {
            current = w;
            continue;
        }
        add_other(s, w);
        if (w->role == WORKER_CANDIDATE)
            candidate = w;
    }
    if (current || !candidate)
        return current;
    remove_other(s, candidate);
    worker_set_role(candidate, WORKER_CURRENT);
    worker_save(candidate);
    return candidate;
}

/* Slots beyond those that are wanted: of connections, and of workers that are ending. Their rows have no
 * gaps. */
static void restore_slots(struct service *s)
{
    struct worker *w;
    while (s->n_workers < LIMIT_WORKERS && (w = restore_slot(s, s->n_workers + 1)))
        pointers_add(s->workers, s->n_workers, s->one_worker, w);
}

struct worker *service_find_place(const struct service *s, unsigned place)
{
    struct worker *w;
    if (place >= 1 && place <= s->n_workers && s->workers[place - 1]->lane == 0)
        return s->workers[place - 1];
    service_each_worker (w, s)
        if (worker_place(w) == place)
            return w;
    return NULL;
}

struct worker *service_find_serial(const struct service *s, unsigned long long serial)
{
    struct worker *w;
    service_each_worker (w, s)
        if (w->serial == serial)
            return w;
    return NULL;
}

struct worker *service_add_candidate(struct service *s, unsigned slot)
{
    unsigned lane = free_lane(s, slot);
    if (lane == LIMIT_LANES)
        return NULL;
    struct worker *w = worker_new(s, slot, lane);
    worker_set_role(w, WORKER_CANDIDATE);
    w->is_wanted = true;
    add_other(s, w);
    return w;
}

void service_promote(struct worker *candidate)
{
    struct service *s = candidate->service;
    struct worker *old = s->workers[candidate->slot - 1];
    worker_set_role(old, WORKER_RETIRED);
    old->is_wanted = old->is_due = false;
    worker_save(old);
    crash_point(CRASH_AT_rolling_retired);
    worker_set_role(candidate, WORKER_CURRENT);
    candidate->restarts = old->restarts + 1;
    worker_save(candidate);
    remove_other(s, candidate);
    add_other(s, old);
    s->workers[candidate->slot - 1] = candidate;
}

void service_set_conf(struct service *s, const struct conf *c, const struct service_conf *conf)
{
    hooks_follow_conf(s, conf);
    s->conf = conf;
    s->accepts = conf_accepts(c, conf);
    s->is_kept_back = false;
    if (!s->hooks)
        s->hooks = hooks_new(s);
    idle_set_pace(s);
    upkeep_follow_conf(s);
}

struct service *service_new(struct engine *e, const struct conf *c, const struct service_conf *conf)
{
    struct service *s = mem_new(sizeof *s);
    s->engine = e;
    s->conf = conf;
    s->row = -1;
    s->is_wanted = conf->with->start != START_MANUAL;
    s->accepts = conf_accepts(c, conf);
    s->n_wanted = s->accepts ? 0 : conf->with->workers;
    s->conf_workers = conf->with->workers;
    s->next_fingerprint = conf_fingerprint(c, conf);
    s->comes_by_demand = conf->with->start == START_ON_DEMAND;
    s->hooks = hooks_new(s);
    s->generation = 1;
    char key[SOFT_STATE_KEY];
    struct soft_state_row row;
    snprintf(key, sizeof key, "service/%s", conf->name);
    if (state_store_load(&e->store, key, &row)) {
        s->is_wanted = row.column[SERVICE_COL_WANTED];
        s->n_wanted = (unsigned)row.column[SERVICE_COL_WORKERS];
        s->generation = (unsigned)row.column[SERVICE_COL_GENERATION];
        s->has_begun = row.column[SERVICE_COL_BEGUN];
        s->fingerprint = (uint64_t)row.column[SERVICE_COL_FINGERPRINT];
        s->conf_workers = (unsigned)row.column[SERVICE_COL_CONF_WORKERS];
        rolling_load(s, &row);
        told_load(s, &row);
        if (s->hooks)
            s->hooks->phase = (enum hook_phase)row.column[SERVICE_COL_PHASE];
    } else {
        service_save(s);
    }
    s->output = output_new(s);
    restore_slots(s);
    service_ensure_slots(s, standby_slots(s));
    idle_set_pace(s);
    return s;
}

void service_free(struct service *s)
{
    idle_end(s);
    inetd_end_pause(s);
    for (size_t i = 0; i < s->n_workers; i++)
        worker_free(s->workers[i]);
    pointers_free(s->workers, s->n_workers, s->one_worker);
    for (unsigned i = 0; s->rolling && i < s->rolling->n_others; i++)
        worker_free(s->rolling->others[i]);
    rolling_free(s);
    fd_store_free(s);
    output_free(s->output);
    hooks_free(s);
    told_free(s);
    upkeep_free(s);
    pointers_free(s->groups, s->n_groups, s->one_group);
    if (s->leaving) {
        list_remove(&s->leaving->link);
        conf_service_fini(&s->leaving->conf);
        free(s->leaving);
    }
    free(s);
}

void service_forget(struct service *s)
{
    task_cancel_all(s);
    output_forget(s->output);
    fd_store_forget_all(s);
    char key[SOFT_STATE_KEY];
    struct worker *w;
    service_each_worker (w, s) {
        worker_row_key(key, s, w->slot, w->lane);
        state_store_remove(&s->engine->store, key);
    }
    snprintf(key, sizeof key, "service/%s", s->conf->name);
    state_store_remove(&s->engine->store, key);
}

void service_save(struct service *s)
{
    char key[SOFT_STATE_KEY];
    snprintf(key, sizeof key, "service/%s", s->conf->name);
    struct soft_state_row row = {SERVICE_COL_COUNT,
                                 {
                                     [SERVICE_COL_WANTED] = s->is_wanted,
                                     [SERVICE_COL_WORKERS] = s->n_wanted,
                                     [SERVICE_COL_GENERATION] = s->generation,
                                     [SERVICE_COL_BEGUN] = s->has_begun,
                                     [SERVICE_COL_FINGERPRINT] = (int64_t)s->fingerprint,
                                     [SERVICE_COL_CONF_WORKERS] = s->conf_workers,
                                     [SERVICE_COL_PHASE] = s->hooks ? s->hooks->phase : HOOKS_IDLE,
                                 }};
    rolling_store(s, &row);
    told_store(s, &row);
    state_store_save(&s->engine->store, key, &s->row, &row);
}

void service_ensure_slots(struct service *s, unsigned n)
{
    if (n <= s->n_workers)
        return;
    while (s->n_workers < n) {
        struct worker *w = worker_new(s, s->n_workers + 1, free_lane(s, s->n_workers + 1));
        pointers_add(s->workers, s->n_workers, s->one_worker, w);
    }
}

void service_trim_slots(struct service *s)
{
    for (unsigned i = s->rolling ? s->rolling->n_others : 0; i-- > 0;) {
        struct worker *w = s->rolling->others[i];
        if (w->role != WORKER_RETIRED || w->state != WORKER_DOWN)
            continue;
        remove_other(s, w);
        worker_forget(w);
    }
    while (s->n_workers > standby_slots(s)) {
        struct worker *w = s->workers[s->n_workers - 1];
        if (w->state != WORKER_DOWN || has_other(s, w->slot)) /* rows have no gaps */
            break;
        s->n_workers--;
        worker_forget(w);
    }
}

bool service_has_process(const struct service *s)
{
    return s->n_processes > 0;
}

static enum service_state plain_state(const struct service *s)
{
    bool serves = s->n_processes > 0 || s->states[WORKER_SPAWNING] > 0;
    if (s->is_wanted && s->is_blocked)
        return SERVICE_FAILED;
    if (s->accepts && !s->is_wanted)
        return serves ? SERVICE_STOPPING : SERVICE_STOPPED;
    if (!s->is_wanted && s->n_processes > 0)
        return SERVICE_STOPPING; /* perhaps only of a generation that drains */
    if (s->is_wanted && !s->has_begun)
        return SERVICE_STARTING;
    if (s->accepts)
        return serves ? SERVICE_RUNNING : SERVICE_WAITING;
    return service_state_of(s->is_wanted, s->states);
}

enum service_state service_state(const struct service *s)
{
    return hooks_state(s, plain_state(s));
}

struct service *engine_find_service(const struct engine *e, const char *name)
{
    const struct service_conf *c = conf_find_service(e->conf, name);
    if (c)
        return e->services[c - e->conf->services];
    list_each (l, &e->leaving, struct leaving, link)
        if (strcmp(l->conf.name, name) == 0)
            return l->service;
    return NULL;
}
