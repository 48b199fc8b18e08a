/* take_over: see the header. What is said between the two berths is engine/take_over_call's part. */
#include "config.h"

#include "engine/take_over.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/crash_point.h"
#include "engine/demand.h"
#include "engine/engine.h"
#include "engine/take_over_call.h"
#include "sys/clock.h"
#include "sys/control_socket.h"
#include "sys/unix_path.h"

#define SUBJECT "take-over"
#define TEMPORARY ".take-over-"
#define MARK "taking-over/"

static void record(struct engine *e, enum take_over_state state)
{
    e->take_over.state = state;
    engine_save(e);
}

bool take_over_is_pending(const struct engine *e)
{
    enum take_over_state state = e->take_over.state;
    return state == TAKE_OVER_ASKING || state == TAKE_OVER_HAS_ALL || state == TAKE_OVER_READY;
}

bool take_over_shares(const struct engine *e)
{
    return take_over_is_pending(e) || e->take_over.is_connected;
}

/* --- our control socket -------------------------------------------------------------------------------- */

static bool make_temporary(char *dst, size_t size, const char *beside, int64_t id)
{
    const char *slash = strrchr(beside, '/');
    int n = snprintf(dst, size, "%.*s" TEMPORARY "%016" PRIx64, slash ? (int)(slash - beside) + 1 : 0, beside,
                     (uint64_t)id);
    return n > 0 && (size_t)n < size;
}

static bool is_same_place(const char *a, const char *b)
{
    struct stat x, y;
    return str_eq(a, b) ||
           (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev);
}

/* --- without the soft state ---------------------------------------------------------------------------- */

/* Our keeper has an entry of that name for as long as it is not known that everything is ours. */
static void format_mark(char dst[LIMIT_HELD_NAME + 1], int64_t id)
{
    snprintf(dst, LIMIT_HELD_NAME + 1, MARK "%016" PRIx64, (uint64_t)id);
}

static void set_mark(struct engine *e, bool is_set)
{
    char name[LIMIT_HELD_NAME + 1];
    format_mark(name, e->take_over.id);
    if (is_set)
        keeper_link_put(&e->keeper, name, e->control_fd); /* any one would do */
    else
        keeper_link_drop(&e->keeper, name);
}

/* Our control socket has been renamed already. */
static bool is_in_place(const struct engine *e)
{
    const struct keeper_entry *control = keeper_link_find(&e->keeper, "control");
    struct endpoint ep;
    char bound[ADDRESS_TEXT];
    if (!control || control->fd < 0 || listener_endpoint(control->fd, &ep) < 0)
        return false;
    endpoint_format(bound, sizeof bound, &ep);
    return strstr(bound, TEMPORARY) && access(bound + strlen("unix:"), F_OK) < 0;
}

/* The soft state is not to be believed. There are workers when we have everything, and not before. */
static void recover(struct engine *e)
{
    struct take_over *t = &e->take_over;
    const struct keeper_entry *mark = NULL;
    bool has_workers = false;
    for (size_t i = 0; i < e->keeper.n_entries; i++) {
        const struct keeper_entry *entry = &e->keeper.entries[i];
        if (str_starts_with(entry->name, MARK))
            mark = entry;
        has_workers = has_workers || str_starts_with(entry->name, "worker/");
    }
    if (mark)
        t->id = (int64_t)strtoull(mark->name + strlen(MARK), NULL, 16);
    t->state = !mark || is_in_place(e) ? TAKE_OVER_DONE : has_workers ? TAKE_OVER_HAS_ALL : TAKE_OVER_ASKING;
}

void take_over_prepare(struct engine *e, const char *path)
{
    struct take_over *t = &e->take_over;
    t->path = path;
    t->fd = -1;
    if (!path || t->state != TAKE_OVER_NONE)
        return;
    t->state = TAKE_OVER_ASKING;
    if (e->keeper.is_safe_mode)
        recover(e);
    if (t->state != TAKE_OVER_ASKING)
        return;
    if (t->id == 0)
        t->id = (int64_t)((uint64_t)clock_random() << 31 | clock_random() >> 1) | 1;
    e->serial = (unsigned long long)clock_random() << 16; /* cgroups of both may be beside each other */
    record(e, TAKE_OVER_ASKING);
}

int take_over_place(struct engine *e, bool is_chosen, struct berr *err)
{
    struct take_over *t = &e->take_over;
    if (!t->path)
        return 0;
    t->replaces = !is_chosen || is_same_place(e->control_path, t->path);
    if (!t->replaces)
        return 0;
    if (t->path[0] == '@')
        return berr_set(err, BERR_USAGE, EINVAL,
                        "the control socket %s is an abstract one, which cannot be replaced; give this berth "
                        "another one with --control",
                        t->path);
    if (!control_socket_resolve(e->control_path, sizeof e->control_path, t->path) ||
        !make_temporary(t->temporary, sizeof t->temporary, e->control_path, t->id))
        return berr_set(
            err, BERR_USAGE, ENAMETOOLONG,
            "the control socket's directory is too long a path for a second socket in it; give this "
            "berth another control socket with --control");
    return 0;
}

const char *take_over_own_control(const struct engine *e)
{
    return e->take_over.replaces && take_over_is_pending(e) ? e->take_over.temporary : e->control_path;
}

const char *take_over_own_place(const struct engine *e)
{
    return e->take_over.replaces ? e->take_over.temporary : e->control_path;
}

/* Done before by a predecessor, it is not there any more. */
static void replace_control(struct engine *e)
{
    const struct take_over *t = &e->take_over;
    int r = t->replaces && e->control_fd >= 0 ? control_socket_move(t->temporary, e->control_path) : 0;
    if (r < 0 && r != -ENOENT)
        event_log_say(&e->log, LOG_ERROR, SUBJECT, NULL,
                      "the control socket cannot be put in the place of %s: %s; it is at %s", e->control_path,
                      strerror(-r), t->temporary);
    crash_point(CRASH_AT_take_over_renamed);
}

void take_over_clear_up(const struct engine *e, int64_t id)
{
    char path[108];
    if (*e->control_path && e->control_path[0] != '@' &&
        make_temporary(path, sizeof path, e->control_path, id))
        unix_path_remove_dead(path);
}

/* --- the outcome --------------------------------------------------------------------------------------- */

/* Now our own options are put on what was the other one's. */
static void apply_options(struct engine *e)
{
    struct strv failures = {NULL, 0};
    for (size_t i = 0; i < e->hold.n_groups; i++)
        hold_apply_options(e->hold.groups[i], &failures);
    for (size_t i = 0; i < failures.n; i++)
        event_log_say(&e->log, LOG_WARNING, SUBJECT, NULL, "%s", failures.v[i]);
    strv_fini(&failures);
    hold_learn_backlogs(e);
}

/* What a predecessor may have left half done; everything of it can be done again. */
static void make_ours(struct engine *e)
{
    replace_control(e);
    set_mark(e, false);
    hold_own_all(e);
    share_own_all(e);
    socket_guard_resume(&e->guard);
    if (e->is_shutting_down)
        return;
    apply_options(e);
    record(e, TAKE_OVER_DONE);
    for (size_t i = 0; i < e->n_services; i++) {
        hold_follow_service(e->services[i]);
        demand_follow(e->services[i]);
    }
    if (e->has_begun)
        socket_guard_check(&e->guard, NULL);
    announce_follow(e);
}

void take_over_conclude(struct engine *e)
{
    record(e, TAKE_OVER_OURS);
    crash_point(CRASH_AT_take_over_committed);
    make_ours(e);
}

static void give_up(struct engine *e, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void give_up(struct engine *e, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cleanup_free char *why = mem_vprintf(fmt, ap);
    va_end(ap);
    event_log_say(&e->log, LOG_ERROR, SUBJECT, NULL, "%s", why);
    if (e->over_status == 0)
        e->over_status = status;
    engine_shutdown(e, false);
}

/* The other one says no, or what is no answer. */
void take_over_refused(struct engine *e, enum berr_class class, const char *why)
{
    struct berr err;
    if (e->take_over.state == TAKE_OVER_ASKING) {
        if (e->take_over.is_connected)
            take_over_tell_end(e, false); /* else it would wait for us for a while */
        take_over_hang_up(e);
        berr_set(&err, class, EPERM, "the berth at %s cannot be taken over: %s", e->take_over.path, why);
        engine_fail_start(e, &err, engine_failure_status(e));
    } else if (!e->is_shutting_down) {
        give_up(e, engine_failure_status(e), "the berth at %s cannot be taken over any more: %s",
                e->take_over.path, why);
    }
}

/* --- the services -------------------------------------------------------------------------------------- */

static bool is_awaited(const struct service *s)
{
    return s->is_wanted && s->conf->with->start == START_AUTO;
}

static bool is_up(const struct service *s)
{
    enum service_state state = service_state(s);
    return state == SERVICE_RUNNING || state == SERVICE_WAITING ||
           (state == SERVICE_DONE && s->conf->with->type == TYPE_ONESHOT);
}

/* One that was started again at once has failed as well. */
static const struct worker *find_failed(const struct service *s)
{
    const struct worker *w;
    if (s->accepts)
        return NULL; /* the end of a connection is none of the service's */
    bool has_end = s->conf->with->type == TYPE_ONESHOT;
    service_each_worker (w, s)
        if (w->state == WORKER_BACKOFF || w->state == WORKER_FAILED || (w->has_last_status && !has_end))
            return w;
    return NULL;
}

/* How much longer the workers of S are to stay ready, as in a reload. */
static int64_t unsettled_ns(const struct service *s)
{
    const struct worker *w;
    int64_t left = 0;
    service_each_worker (w, s) {
        int64_t rest = s->conf->with->settle_ns - mono_between(w->since, clock_mono());
        if (w->state == WORKER_READY && rest > left)
            left = rest;
    }
    return left;
}

static void give_up_for(struct engine *e, const struct service *s)
{
    const struct worker *w = find_failed(s);
    cleanup_free char *failure = w ? worker_describe_failure(w) : NULL;
    int status = engine_failure_status(e);
    if (w && e->conf->is_run && w->has_last_status && !w->has_failed_start &&
        restart_exit_status(w->last_status) != 0)
        status = restart_exit_status(w->last_status);
    if (w)
        give_up(e, status, "%s", failure);
    else
        give_up(e, status, "service %s does not come up", s->conf->name);
}

/* From now on there is no giving up: the other one may have let go already. */
static void say_ready(struct engine *e)
{
    if (!e->take_over.is_connected || e->take_over.call != CALL_NONE)
        return;
    record(e, TAKE_OVER_READY);
    crash_point(CRASH_AT_take_over_ready);
    take_over_tell_end(e, true);
}

static void look_in(struct engine *e, int64_t ns)
{
    ev_timer *t = &e->take_over.look;
    ev_timer_stop(e->loop, t);
    ev_timer_set(t, (double)ns / NSEC_PER_SEC, 0);
    ev_timer_start(e->loop, t);
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    struct engine *e = timer->data;
    int64_t left = 0;
    bool all = true;
    if (e->take_over.state == TAKE_OVER_READY && !e->is_shutting_down)
        say_ready(e);
    if (e->take_over.state != TAKE_OVER_HAS_ALL || e->is_shutting_down || !e->has_begun)
        return;
    for (size_t i = 0; i < e->n_services; i++) {
        const struct service *s = e->services[i];
        bool is_coming = !s->is_blocked && service_state(s) == SERVICE_STARTING;
        if (is_awaited(s) && ((!is_up(s) && !is_coming) || find_failed(s))) {
            give_up_for(e, s);
            return;
        }
        all = all && (!is_awaited(s) || is_up(s));
        left = is_awaited(s) && unsettled_ns(s) > left ? unsettled_ns(s) : left;
    }
    if (all && left > 0)
        look_in(e, left);
    else if (all)
        say_ready(e);
}

/* Not at once: several services may change in one turn, and a step is not to end everything beneath itself.
 */
void take_over_follow(struct engine *e)
{
    if (e->take_over.state == TAKE_OVER_OURS && e->has_begun)
        make_ours(e);
    if (take_over_is_pending(e) && e->take_over.state != TAKE_OVER_ASKING)
        look_in(e, 0);
}

void take_over_on_hook_failed(struct service *s, const char *how)
{
    struct engine *e = s->engine;
    if (e->take_over.state == TAKE_OVER_HAS_ALL && is_awaited(s) && !e->is_shutting_down)
        give_up(e, engine_failure_status(e), "service %s does not come up: its before_start %s",
                s->conf->name, how);
}

void take_over_abandon(struct engine *e)
{
    struct take_over *t = &e->take_over;
    if (!take_over_is_pending(e) || t->is_given_up)
        return;
    t->is_given_up = true;
    if (t->state == TAKE_OVER_READY || (t->state == TAKE_OVER_ASKING && !t->has_been_answered))
        return; /* that is for the other one to know; or it knows nothing of us */
    event_log_say(&e->log, LOG_WARNING, SUBJECT, NULL, "given up; the berth at %s carries on", t->path);
    if (t->is_connected)
        take_over_tell_end(e, false);
}

/* --- the start ----------------------------------------------------------------------------------------- */

bool take_over_begin(struct engine *e)
{
    struct take_over *t = &e->take_over;
    take_over_call_init(e);
    ev_timer_init(&t->look, on_look, 0, 0);
    t->look.data = e;
    if (t->state == TAKE_OVER_OURS || t->state == TAKE_OVER_DONE)
        replace_control(e);
    if (!take_over_is_pending(e) || e->is_shutting_down) {
        t->is_given_up = e->is_shutting_down;
        return false;
    }
    bool waits = t->state == TAKE_OVER_ASKING;
    set_mark(e, true);
    event_log_say(&e->log, LOG_INFO, SUBJECT, NULL, "taking over from the berth at %s", t->path);
    crash_point(CRASH_AT_take_over_begun);
    if (waits)
        ev_timer_start(e->loop, &t->late);
    take_over_call_first(e);
    return waits;
}

void take_over_fini(struct engine *e)
{
    struct take_over *t = &e->take_over;
    if (!t->path || !t->again.data)
        return;
    take_over_hang_up(e);
    ev_timer_stop(e->loop, &t->look);
    buf_fini(&t->in);
    free(t->fds);
    passed_list_fini(&t->list);
}
