/* worker: see the header. */
#include "config.h"

#include "engine/worker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/pointers.h"
#include "core/conf_diff.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/inetd.h"
#include "sys/clock.h"
#include "sys/fd.h"

/* A process that KILL does not end at once is in an uninterruptible wait: it is tried again at this pace. */
#define KILL_AGAIN_NS (2 * NSEC_PER_SEC)

char *worker_subject(char *dst, size_t size, const struct worker *w)
{
    snprintf(dst, size, "%s/%u#%u", w->service->conf->name, w->slot, w->generation);
    return dst;
}

void worker_say(const struct worker *w, enum log_level level, const char *fmt, ...)
{
    char subject[LIMIT_NAME + 32];
    va_list ap;
    va_start(ap, fmt);
    event_log_vsay(&w->service->engine->log, level, worker_subject(subject, sizeof subject, w),
                   w->service->conf->name, fmt, ap);
    va_end(ap);
}

void worker_held_name(const struct worker *w, char dst[LIMIT_HELD_NAME + 1])
{
    struct held_name h = {
        .kind = HELD_WORKER, .slot = w->slot, .generation = w->generation, .serial = w->serial};
    snprintf(h.name, sizeof h.name, "%s", w->service->conf->name);
    int r = held_name_format(dst, &h);
    must(r == 0);
}

void worker_set_note(struct worker *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    free(w->note);
    w->note = mem_vprintf(fmt, ap);
    va_end(ap);
}

void worker_clear_note(struct worker *w)
{
    free(w->note);
    w->note = NULL;
}

void worker_set_status(struct worker *w, const char *text)
{
    free(w->status);
    char escaped[4 * LIMIT_NOTIFY_STATUS + 1];
    w->status = text ? mem_strdup(str_escape(escaped, sizeof escaped, text, strlen(text))) : NULL;
}

static void row_key(char dst[SOFT_STATE_KEY], const struct service *s, unsigned slot, unsigned lane)
{
    if (lane == 0)
        snprintf(dst, SOFT_STATE_KEY, "worker/%s/%u", s->conf->name, slot);
    else
        snprintf(dst, SOFT_STATE_KEY, "worker/%s/%u.%u", s->conf->name, slot, lane);
}

static int64_t flags_of(const struct worker *w)
{
    return (w->is_wanted ? WORKER_FLAG_WANTED : 0) | (w->has_last_status ? WORKER_FLAG_HAS_LAST : 0) |
           (w->is_signalled ? WORKER_FLAG_SIGNALLED : 0) |
           (w->has_failed_start ? WORKER_FLAG_START_FAILED : 0) |
           (w->has_ever_run ? WORKER_FLAG_EVER_RAN : 0) | (w->is_idle_stop ? WORKER_FLAG_IDLE_STOP : 0) |
           (w->is_due ? WORKER_FLAG_DUE : 0);
}

void worker_save(struct worker *w)
{
    char key[SOFT_STATE_KEY];
    row_key(key, w->service, w->slot, w->lane);
    struct soft_state_row row = {WORKER_COL_COUNT,
                                 {
                                     [WORKER_COL_STATE] = w->state,
                                     [WORKER_COL_FLAGS] = flags_of(w),
                                     [WORKER_COL_GENERATION] = w->generation,
                                     [WORKER_COL_SERIAL] = (int64_t)w->serial,
                                     [WORKER_COL_SINCE] = w->since.ns,
                                     [WORKER_COL_STARTED] = w->started.ns,
                                     [WORKER_COL_DUE] = w->due.ns,
                                     [WORKER_COL_UNSTABLE] = w->history.unstable,
                                     [WORKER_COL_IN_PERIOD] = w->history.in_period,
                                     [WORKER_COL_PERIOD_START] = w->history.period_start.ns,
                                     [WORKER_COL_RESTARTS] = w->restarts,
                                     [WORKER_COL_LAST_STATUS] = w->last_status,
                                     [WORKER_COL_SOCKET] = w->connection ? w->connection->socket_index : 0,
                                     [WORKER_COL_SOURCE] = w->connection ? (int64_t)w->connection->source : 0,
                                     [WORKER_COL_ROLE] = w->role,
                                 }};
    state_store_save(&w->service->engine->store, key, &w->row, &row);
}

void worker_set_state(struct worker *w, enum worker_state state)
{
    if (w->role == WORKER_CURRENT) {
        w->service->states[w->state]--;
        w->service->states[state]++;
    }
    w->state = state;
}

void worker_set_role(struct worker *w, enum worker_role role)
{
    w->service->states[w->state] -= w->role == WORKER_CURRENT;
    w->role = role;
    w->service->states[w->state] += w->role == WORKER_CURRENT;
}

void worker_set_process(struct worker *w, pid_t pid, int pidfd)
{
    must(w->pid == 0);
    w->pid = pid;
    w->pidfd = pidfd;
    w->service->n_processes++;
    w->service->engine->n_processes++;
}

void worker_begin_connection(struct worker *w, struct held_socket *listener, unsigned socket_index)
{
    worker_end_connection(w);
    w->connection = mem_new(sizeof *w->connection);
    w->connection->listener = listener;
    w->connection->socket_index = socket_index;
}

void worker_end_connection(struct worker *w)
{
    if (w->connection)
        free(w->connection->peer);
    free(w->connection);
    w->connection = NULL;
}

bool worker_load(struct worker *w)
{
    char key[SOFT_STATE_KEY];
    struct soft_state_row row;
    row_key(key, w->service, w->slot, w->lane);
    if (!state_store_load(&w->service->engine->store, key, &row))
        return false;
    const int64_t *c = row.column;
    if (c[WORKER_COL_STATE] < 0 || c[WORKER_COL_STATE] >= WORKER_STATE_COUNT)
        return false; /* a newer berth's state */
    worker_set_role(w, (enum worker_role)c[WORKER_COL_ROLE]);
    worker_set_state(w, (enum worker_state)c[WORKER_COL_STATE]);
    w->is_wanted = c[WORKER_COL_FLAGS] & WORKER_FLAG_WANTED;
    w->has_last_status = c[WORKER_COL_FLAGS] & WORKER_FLAG_HAS_LAST;
    w->is_signalled = c[WORKER_COL_FLAGS] & WORKER_FLAG_SIGNALLED;
    w->has_failed_start = c[WORKER_COL_FLAGS] & WORKER_FLAG_START_FAILED;
    w->has_ever_run = c[WORKER_COL_FLAGS] & WORKER_FLAG_EVER_RAN;
    w->is_idle_stop = c[WORKER_COL_FLAGS] & WORKER_FLAG_IDLE_STOP;
    w->is_due = c[WORKER_COL_FLAGS] & WORKER_FLAG_DUE;
    w->generation = (unsigned)c[WORKER_COL_GENERATION];
    w->serial = (unsigned long long)c[WORKER_COL_SERIAL];
    w->since.ns = c[WORKER_COL_SINCE];
    w->started.ns = c[WORKER_COL_STARTED];
    w->due.ns = c[WORKER_COL_DUE];
    w->history.unstable = (unsigned)c[WORKER_COL_UNSTABLE];
    w->history.in_period = (unsigned)c[WORKER_COL_IN_PERIOD];
    w->history.period_start.ns = c[WORKER_COL_PERIOD_START];
    w->restarts = (unsigned)c[WORKER_COL_RESTARTS];
    w->last_status = (int)c[WORKER_COL_LAST_STATUS];
    if (c[WORKER_COL_SOCKET] != 0) {
        worker_begin_connection(w, NULL, (unsigned)c[WORKER_COL_SOCKET]);
        w->connection->source = (uint64_t)c[WORKER_COL_SOURCE];
    }
    return true;
}

bool worker_is_ready_at_once(const struct worker *w)
{
    return w->service->conf->with->ready == READY_EXEC && w->service->conf->with->type != TYPE_ONESHOT;
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct worker *w = t->data;
    bool is_delay = w->state == WORKER_STARTING && w->service->conf->with->ready == READY_DELAY;
    bool waits = w->state == WORKER_BACKOFF && w->service->conf->with->start == START_ON_DEMAND;
    engine_step(w, is_delay ? WORKER_EV_READY : waits ? WORKER_EV_WAIT : WORKER_EV_TIMEOUT);
}

/* When the state's time is up; NEVER for a state without a timer. */
static struct mono deadline(const struct worker *w)
{
    const struct service_conf *c = w->service->conf;
    switch (w->state) {
    case WORKER_STARTING:
        if (c->with->type == TYPE_ONESHOT && !c->with->has_start_timeout)
            return MONO_NEVER;
        return mono_add(w->since,
                        c->with->ready == READY_DELAY ? c->with->ready_delay_ns : c->with->start_timeout_ns);
    case WORKER_STOPPING:
        return mono_add(w->since, c->with->stop_timeout_ns);
    case WORKER_KILLING:
        return mono_add(clock_mono(), KILL_AGAIN_NS);
    case WORKER_BACKOFF:
        return w->due;
    case WORKER_DOWN:
    case WORKER_SPAWNING:
    case WORKER_READY:
    case WORKER_DONE:
    case WORKER_FAILED:
    case WORKER_WAITING:
    case WORKER_STATE_COUNT:
        break;
    }
    return MONO_NEVER;
}

void worker_arm_timer(struct worker *w)
{
    struct ev_loop *loop = w->service->engine->loop;
    struct mono at = deadline(w);
    if (mono_is_never(at)) {
        alarm_stop(loop, &w->timer);
        return;
    }
    /* libev counts from its own "now", which may be older than ours. */
    ev_now_update(loop);
    alarm_start(loop, &w->timer, (double)mono_between(clock_mono(), at) / NSEC_PER_SEC, on_timer, w);
}

void worker_forget_process(struct worker *w)
{
    if (w->lifeline)
        ev_io_stop(w->service->engine->loop, w->lifeline);
    free(w->lifeline);
    w->lifeline = NULL;
    fd_close(&w->pidfd);
    channel_close(w);
    worker_set_status(w, NULL);
    worker_end_connection(w);
    if (w->pid != 0) {
        w->service->n_processes--;
        w->service->engine->n_processes--;
    }
    w->pid = 0;
}

static struct worker *worker_new(struct service *s, unsigned slot, unsigned lane)
{
    struct worker *w = mem_new(sizeof *w);
    w->service = s;
    w->slot = slot;
    w->lane = lane;
    s->states[w->state]++;
    w->pidfd = -1;
    w->row = -1;
    w->due = MONO_NEVER;
    w->since = clock_mono();
    worker_load(w);
    return w;
}

static void worker_free(struct worker *w)
{
    worker_forget_process(w);
    alarm_stop(w->service->engine->loop, &w->timer);
    alarm_stop(w->service->engine->loop, &w->check_timer);
    worker_clear_note(w);
    w->service->states[w->state] -= w->role == WORKER_CURRENT;
    free(w);
}

/* … and with it its row. */
static void worker_forget(struct worker *w)
{
    char key[SOFT_STATE_KEY];
    output_on_place_gone(w->service, worker_place(w));
    row_key(key, w->service, w->slot, w->lane);
    state_store_remove(&w->service->engine->store, key);
    worker_free(w);
}

/* --- the slots of a service ---------------------------------------------------------------------------- */

static bool has_row(const struct service *s, unsigned slot, unsigned lane)
{
    char key[SOFT_STATE_KEY];
    struct soft_state_row row;
    row_key(key, s, slot, lane);
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
    service_each_worker(w, s) if (worker_place(w) == place) return w;
    return NULL;
}

struct worker *service_find_serial(const struct service *s, unsigned long long serial)
{
    struct worker *w;
    service_each_worker(w, s) if (w->serial == serial) return w;
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
    upkeep_follow(s);
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
        if (s->hooks)
            s->hooks->phase = (enum hook_phase)row.column[SERVICE_COL_PHASE];
    } else {
        service_save(s);
    }
    s->output = output_new(s);
    restore_slots(s);
    service_ensure_slots(s, s->n_wanted);
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
    output_free(s->output);
    hooks_free(s);
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
    char key[SOFT_STATE_KEY];
    struct worker *w;
    service_each_worker(w, s)
    {
        row_key(key, s, w->slot, w->lane);
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
    while (s->n_workers > s->n_wanted) {
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
