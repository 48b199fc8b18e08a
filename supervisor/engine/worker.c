/* worker: see the header. */
#include "config.h"

#include "engine/worker.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "core/diagnose.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/inetd.h"
#include "engine/output_logs.h"
#include "engine/said.h"
#include "sys/clock.h"
#include "sys/fd.h"

/* A process that KILL does not end at once is in an uninterruptible wait: it is tried again at this pace. */
#define KILL_AGAIN_NS (2 * NSEC_PER_SEC)
#define LAST_LINES 5 /* of a worker that has failed: what is shown of them */

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

char *worker_describe_failure(const struct worker *w)
{
    char subject[LIMIT_NAME + 32], how[96];
    int64_t ran_ms = mono_between(w->started, clock_mono()) / NSEC_PER_MSEC;
    cleanup_free char *lines =
        output_last_lines(w->service->output, worker_place(w), clock_wall_ms() - ran_ms - 1, LAST_LINES);
    const char *what = w->note              ? w->note
                       : w->has_last_status ? diagnose_wait_status(how, sizeof how, w->last_status)
                                            : "did not come up";
    return mem_printf("worker %s %s%s%s", worker_subject(subject, sizeof subject, w), what,
                      *lines ? "; it wrote last: " : "", lines);
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

void worker_row_key(char dst[SOFT_STATE_KEY], const struct service *s, unsigned slot, unsigned lane)
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
           (w->is_due ? WORKER_FLAG_DUE : 0) | (w->is_late ? WORKER_FLAG_LATE : 0) |
           (w->is_spare ? WORKER_FLAG_SPARE : 0) | (w->is_unsent ? WORKER_FLAG_UNSENT : 0) |
           (w->is_untold ? WORKER_FLAG_UNTOLD : 0);
}

void worker_save(struct worker *w)
{
    char key[SOFT_STATE_KEY];
    worker_row_key(key, w->service, w->slot, w->lane);
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

/* A service's state is that of the workers that are to serve. */
static void count(struct worker *w, int n)
{
    struct service *s = w->service;
    if (w->role != WORKER_CURRENT)
        return;
    if (w->is_spare)
        s->n_spares = (uint16_t)(s->n_spares + n);
    else
        s->states[w->state] = (uint16_t)(s->states[w->state] + n);
}

void worker_set_state(struct worker *w, enum worker_state state)
{
    count(w, -1);
    w->state = state;
    count(w, 1);
}

void worker_set_role(struct worker *w, enum worker_role role)
{
    count(w, -1);
    w->role = role;
    count(w, 1);
}

void worker_set_spare(struct worker *w, bool is_spare)
{
    count(w, -1);
    w->is_spare = is_spare;
    count(w, 1);
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

const char *worker_role_name(enum worker_role role)
{
    static const char *const names[] = {
        [WORKER_CURRENT] = "current", [WORKER_CANDIDATE] = "candidate", [WORKER_RETIRED] = "retired"};
    return names[role];
}

bool worker_load(struct worker *w)
{
    char key[SOFT_STATE_KEY];
    struct soft_state_row row;
    worker_row_key(key, w->service, w->slot, w->lane);
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
    w->is_late = c[WORKER_COL_FLAGS] & WORKER_FLAG_LATE;
    worker_set_spare(w, c[WORKER_COL_FLAGS] & WORKER_FLAG_SPARE);
    w->is_unsent = c[WORKER_COL_FLAGS] & WORKER_FLAG_UNSENT;
    w->is_untold = c[WORKER_COL_FLAGS] & WORKER_FLAG_UNTOLD;
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

int worker_stop_signal(const struct worker *w)
{
    return w->is_late ? SIGABRT : w->service->conf->with->stop_signal;
}

bool worker_is_starting(const struct worker *w)
{
    return w->state == WORKER_STARTING && !w->is_spare;
}

bool worker_is_ready_at_once(const struct worker *w)
{
    return worker_is_starting(w) && w->service->conf->with->ready == READY_EXEC &&
           w->service->conf->with->type != TYPE_ONESHOT;
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct worker *w = t->data;
    bool is_delay = worker_is_starting(w) && w->service->conf->with->ready == READY_DELAY;
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
        if (c->with->ready == READY_DELAY && !w->is_spare)
            return mono_add(w->since, c->with->ready_delay_ns);
        return said_extend(w, mono_add(w->since, c->with->start_timeout_ns));
    case WORKER_STOPPING:
        return said_extend(w, mono_add(w->since, c->with->stop_timeout_ns));
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
    case WORKER_STANDBY:
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
    notify_close(w);
    ready_fd_close(w);
    worker_set_status(w, NULL);
    worker_end_connection(w);
    if (w->pid != 0) {
        w->service->n_processes--;
        w->service->engine->n_processes--;
    }
    w->pid = 0;
}

struct worker *worker_new(struct service *s, unsigned slot, unsigned lane)
{
    struct worker *w = mem_new(sizeof *w);
    w->service = s;
    w->slot = slot;
    w->lane = lane;
    count(w, 1);
    w->pidfd = w->notify_fd = -1;
    w->row = -1;
    w->due = MONO_NEVER;
    w->since = clock_mono();
    worker_load(w);
    return w;
}

void worker_free(struct worker *w)
{
    worker_forget_process(w);
    alarm_stop(w->service->engine->loop, &w->timer);
    alarm_stop(w->service->engine->loop, &w->check_timer);
    worker_clear_note(w);
    count(w, -1);
    free(w);
}

void worker_forget(struct worker *w)
{
    char key[SOFT_STATE_KEY];
    output_on_place_gone(w->service, worker_place(w));
    worker_row_key(key, w->service, w->slot, w->lane);
    state_store_remove(&w->service->engine->store, key);
    worker_free(w);
}

struct worker *engine_find_process(const struct engine *e, const char *name, unsigned long long serial)
{
    const struct service *s = engine_find_service(e, name);
    struct worker *w = s ? service_find_serial(s, serial) : NULL;
    return w && w->pid != 0 ? w : NULL;
}
