/* said: see the header. */
#include "config.h"

#include "engine/said.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/operation.h"
#include "engine/watchdog.h"
#include "sys/clock.h"

#define COMPLAINT_PACE (10 * NSEC_PER_SEC)
#define LAST_WORDS 160 /* bytes of its last status that are repeated in the log */

struct said *said_get(struct worker *w)
{
    if (!w->said) {
        w->said = mem_new(sizeof *w->said);
        w->said->row = -1;
        w->said->complained.ns = INT64_MIN;
    }
    return w->said;
}

/* --- the row ------------------------------------------------------------------------------------------- */

static void row_key(char dst[SOFT_STATE_KEY], const struct worker *w)
{
    snprintf(dst, SOFT_STATE_KEY, "said/%s/%llu", w->service->conf->name, w->serial);
}

void said_save(struct worker *w)
{
    const struct said *s = w->said;
    char key[SOFT_STATE_KEY];
    struct soft_state_row row = {SAID_COL_COUNT,
                                 {
                                     [SAID_COL_FLAGS] = (s->is_reloading ? SAID_FLAG_RELOADING : 0) |
                                                        (s->is_stopping ? SAID_FLAG_STOPPING : 0),
                                     [SAID_COL_RELOADING_SINCE] = s->reloading_since.ns,
                                     [SAID_COL_UNTIL] = s->until.ns,
                                     [SAID_COL_UNTIL_SAID] = s->until_said.ns,
                                     [SAID_COL_INTERVAL] = s->interval_ns,
                                     [SAID_COL_MAIN] = s->main_pid,
                                     [SAID_COL_MAIN_START] = (int64_t)s->main_start,
                                     [SAID_COL_ACCESS] = s->access,
                                 }};
    row_key(key, w);
    state_store_save(&w->service->engine->store, key, &w->said->row, &row);
}

void said_load(struct worker *w)
{
    char key[SOFT_STATE_KEY];
    struct soft_state_row row;
    row_key(key, w);
    if (!state_store_load(&w->service->engine->store, key, &row))
        return;
    struct said *s = said_get(w);
    s->is_reloading = row.column[SAID_COL_FLAGS] & SAID_FLAG_RELOADING;
    s->is_stopping = row.column[SAID_COL_FLAGS] & SAID_FLAG_STOPPING;
    s->reloading_since.ns = row.column[SAID_COL_RELOADING_SINCE];
    s->until.ns = row.column[SAID_COL_UNTIL];
    s->until_said.ns = row.column[SAID_COL_UNTIL_SAID];
    s->interval_ns = row.column[SAID_COL_INTERVAL];
    s->main_pid = (pid_t)row.column[SAID_COL_MAIN];
    s->main_start = (uint64_t)row.column[SAID_COL_MAIN_START];
    s->access = (enum notify_access)row.column[SAID_COL_ACCESS];
}

void said_forget(struct worker *w)
{
    char key[SOFT_STATE_KEY];
    if (!w->said)
        return;
    row_key(key, w);
    state_store_remove(&w->service->engine->store, key);
    alarm_stop(w->service->engine->loop, &w->said->watchdog);
    alarm_stop(w->service->engine->loop, &w->said->follow);
    free(w->said->error);
    free(w->said);
    w->said = NULL;
}

void said_forget_gone(struct engine *e)
{
    struct soft_state *state = &e->store.state;
    for (int i = soft_state_next(state, 0), next; i > 0; i = next) {
        const char *key = soft_state_key(state, i);
        const char *name = str_starts_with(key, "said/") ? key + strlen("said/") : NULL;
        const char *slash = name ? strrchr(name, '/') : NULL;
        next = soft_state_next(state, i);
        if (!slash)
            continue;
        cleanup_free char *service = mem_strndup(name, (size_t)(slash - name));
        const struct worker *w = engine_find_process(e, service, strtoull(slash + 1, NULL, 10));
        if (!w || !w->said)
            state_store_remove(&e->store, key);
    }
}

/* --- what is said -------------------------------------------------------------------------------------- */

static int64_t ns_of(uint64_t us)
{
    return us > INT64_MAX / 1000 ? INT64_MAX : (int64_t)us * 1000;
}

static void take_reloading(struct worker *w, const struct notify_msg *m)
{
    struct said *s = said_get(w);
    struct mono now = clock_mono(), told = {m->has_since ? ns_of(m->since_us) : now.ns};
    s->is_reloading = true;
    s->reloading_since = mono_is_before(now, told) ? now : told;
    said_save(w);
    worker_say(w, LOG_INFO, "says that it is reloading");
}

static void take_ready(struct worker *w)
{
    if (w->said && w->said->is_reloading) {
        w->said->is_reloading = false;
        said_save(w);
        worker_say(w, LOG_INFO, "says that it has reloaded");
        operation_on_service_change(w->service);
    }
    if (!w->is_spare && w->service->conf->with->ready == READY_NOTIFY)
        engine_step(w, WORKER_EV_READY);
    else if (w->is_spare && said_may_complain(w))
        worker_say(w, LOG_WARNING,
                   "says that it is ready, and it is a spare: it is to say so when it has its sockets");
}

static void take_stopping(struct worker *w)
{
    struct said *s = said_get(w);
    if (s->is_stopping)
        return;
    s->is_stopping = true;
    s->is_reloading = false;
    said_save(w);
    bool was_asked = w->state == WORKER_STOPPING || w->state == WORKER_KILLING;
    worker_say(w, was_asked ? LOG_DEBUG : LOG_INFO, "says that it is stopping");
}

static void take_more_time(struct worker *w, uint64_t us)
{
    struct said *s = said_get(w);
    if (w->state != WORKER_STARTING && w->state != WORKER_STOPPING)
        return; /* nothing ends by time there */
    s->until_said = clock_mono();
    s->until = mono_add(s->until_said, ns_of(us));
    said_save(w);
    worker_arm_timer(w);
}

/* Nothing of this outlives us: it is for people, and the worker may say it again. */
static void take_trouble(struct worker *w, const struct notify_msg *m)
{
    struct said *s = said_get(w);
    if (m->has_errno) {
        s->has_errno = m->errno_value > 0;
        s->errno_value = m->errno_value;
    }
    if (m->has_exit_status) {
        s->has_exit_status = true;
        s->exit_status = m->exit_status;
    }
    if (m->has_error) {
        char escaped[4 * LIMIT_NOTIFY_ERROR + 1];
        free(s->error);
        s->error = mem_strdup(str_escape(escaped, sizeof escaped, m->error, strlen(m->error)));
    }
}

void said_take(struct worker *w, const struct notify_msg *m)
{
    if (m->access != NOTIFY_ACCESS_UNSAID) {
        said_get(w)->access = m->access;
        said_save(w);
    }
    if (m->has_status)
        worker_set_status(w, m->status);
    if (m->has_errno || m->has_exit_status || m->has_error)
        take_trouble(w, m);
    if (m->restarts_fresh) {
        w->history = (struct restart_history){0};
        worker_save(w);
    }
    if (m->has_more_time)
        take_more_time(w, m->more_time_us);
    if (m->is_alive || m->is_late || m->has_interval)
        watchdog_take(w, m);
    bool is_over = w->said && w->said->is_stopping;
    if (m->waits && w->is_spare && !is_over)
        engine_step(w, WORKER_EV_BOOTED);
    if (m->stopping)
        take_stopping(w);
    else if (m->ready && !is_over) /* with RELOADING in the same message: it has, already */
        take_ready(w);
    else if (m->reloading && !is_over)
        take_reloading(w, m);
}

struct mono said_extend(const struct worker *w, struct mono at)
{
    const struct said *s = w->said;
    bool holds = s && !mono_is_before(s->until_said, w->since) && mono_is_before(at, s->until);
    return holds ? s->until : at;
}

bool said_may_complain(struct worker *w)
{
    struct said *s = said_get(w);
    struct mono now = clock_mono();
    if (s->complained.ns != INT64_MIN && mono_between(s->complained, now) < COMPLAINT_PACE)
        return false;
    s->complained = now;
    return true;
}

/* --- telling it ---------------------------------------------------------------------------------------- */

void said_describe(const struct worker *w, json_t *o)
{
    const struct said *s = w->said;
    if (!s)
        return;
    if (s->is_reloading)
        json_object_set_new(o, "reloading_ms",
                            json_integer(mono_between(s->reloading_since, clock_mono()) / NSEC_PER_MSEC));
    if (s->main_pid != 0)
        json_object_set_new(o, "main_pid", json_integer(s->main_pid));
    if (s->is_stopping)
        json_object_set_new(o, "says_stopping", json_true());
    if (s->has_errno)
        json_object_set_new(o, "errno", json_integer(s->errno_value));
    if (s->has_exit_status)
        json_object_set_new(o, "exit_status", json_integer(s->exit_status));
    if (s->error)
        json_object_set_new(o, "error", json_string(s->error));
}

char *said_last_words(const struct worker *w, char *dst, size_t size)
{
    const struct said *s = w->said;
    const char *comma = "";
    struct buf text;
    buf_init(&text, 4096);
    if (w->status && *w->status) {
        char words[LAST_WORDS + 1]; /* cut at a character's border: half of one is no text for JSON */
        buf_printf(&text, "%s", str_escape_controls(words, sizeof words, w->status, strlen(w->status)));
        comma = ", ";
    }
    if (s && s->has_errno) {
        buf_printf(&text, "%serrno %d (%s)", comma, s->errno_value, strerror(s->errno_value));
        comma = ", ";
    }
    if (s && s->error)
        buf_printf(&text, "%s%s", comma, s->error);
    cleanup_free char *all = mem_printf("%s%s", text.len > 0 ? "; it had said: " : "", buf_str(&text));
    str_escape_controls(dst, size, all, strlen(all));
    buf_fini(&text);
    return dst;
}
