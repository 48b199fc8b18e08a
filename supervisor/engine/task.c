/* task: see the header. */
#include "config.h"

#include "engine/task.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/units.h"
#include "core/diagnose.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "engine/output.h"
#include "engine/spawn_kit.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

static const char *const kind_names[TASK_KIND_COUNT] = {
    [TASK_BEFORE_START] = "before_start",
    [TASK_AFTER_START] = "after_start",
    [TASK_BEFORE_STOP] = "before_stop",
    [TASK_AFTER_STOP] = "after_stop",
    [TASK_HEALTH] = "health",
    [TASK_CHECK] = "check",
    [TASK_RELOAD] = "reload",
};

const char *task_kind_name(enum task_kind kind)
{
    return kind_names[kind];
}

static int find_kind(const char *word)
{
    for (int i = 0; i < TASK_KIND_COUNT; i++)
        if (str_eq(kind_names[i], word))
            return i;
    return -1;
}

void task_held_name(const struct task *t, char dst[LIMIT_HELD_NAME + 1])
{
    struct held_name h = {.kind = HELD_TASK, .slot = t->place, .serial = t->serial};
    snprintf(h.name, sizeof h.name, "%s", t->service->conf->name);
    snprintf(h.address, sizeof h.address, "%s", kind_names[t->kind]);
    int r = held_name_format(dst, &h);
    must(r == 0);
}

static void task_free(struct task *t)
{
    struct ev_loop *loop = t->service->engine->loop;
    ev_timer_stop(loop, &t->timer);
    ev_io_stop(loop, &t->lifeline);
    list_remove(&t->link);
    fd_close(&t->pidfd);
    free(t);
}

static void kill_group(const struct task *t)
{
    if (t->service->engine->terminal_group == 0)
        pidfd_signal_group(t->pidfd, t->pid, SIGKILL);
    pidfd_signal(t->pidfd, SIGKILL);
}

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    struct task *t = timer->data;
    t->is_timed_out = true;
    kill_group(t);
}

static void on_lifeline(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)revents;
    struct task *t = io->data;
    struct held_name name;
    char held[LIMIT_HELD_NAME + 1];
    int status;
    if (!engine_read_end(t->pidfd, &status))
        return;
    task_held_name(t, held);
    held_name_parse(held, &name);
    task_on_ended(t->service->engine, held, &name, status);
}

static int64_t timeout_of(const struct service *s, enum task_kind kind)
{
    if (kind == TASK_HEALTH)
        return s->conf->with->upkeep ? s->conf->with->upkeep->health_timeout_ns : 0;
    if (kind == TASK_BEFORE_STOP || kind == TASK_AFTER_STOP)
        return s->conf->with->stop_timeout_ns;
    return s->conf->with->start_timeout_ns;
}

static struct task *task_new(struct service *s, enum task_kind kind, unsigned place,
                             unsigned long long serial, int64_t timeout_ns)
{
    struct task *t = mem_new(sizeof *t);
    struct ev_loop *loop = s->engine->loop;
    *t = (struct task){.service = s, .kind = kind, .place = place, .serial = serial, .pidfd = -1};
    list_append(&s->engine->tasks, &t->link);
    ev_init(&t->timer, on_timeout);
    ev_init(&t->lifeline, on_lifeline);
    t->timer.data = t->lifeline.data = t;
    if (timeout_ns != INT64_MAX) {
        ev_now_update(loop);
        ev_timer_set(&t->timer, (double)timeout_ns / NSEC_PER_SEC, 0);
        ev_timer_start(loop, &t->timer);
    }
    return t;
}

/* --- starting ------------------------------------------------------------------------------------------ */

static int prepare(struct task *t, const struct strv *command, struct spawn_kit *k, struct berr *err)
{
    struct service *s = t->service;
    struct engine *e = s->engine;
    unsigned slot = t->place ? worker_slot_of_place(t->place) : 0;
    struct service_conf c = *s->conf;
    struct service_settings with = *s->conf->with;
    char word[] = "none", *none[] = {word, NULL};
    c.command = *command;
    c.with = &with;
    with.handoff = (struct strv){none, 1};
    int r = spawn_kit_take_sockets(k, s, slot > 0 ? slot : 1, err);
    if (r < 0 || (r = spawn_kit_take_user(k, &c, err)) < 0)
        return r;
    struct handoff_input in = {
        .service = c.name,
        .worker = slot,
        .generation = s->generation,
        .listen_pid = LISTEN_PID_OMIT,
        .sockets = k->sockets,
        .n_sockets = k->n_sockets,
        .parent_pid = e->is_protected ? e->keeper.keeper_pid : getpid(),
    };
    r = worker_invocation_make(&c, &in, spawn_kit_environment(), (const char *const *)k->extra.v,
                               &k->invocation, err);
    if (r == 0 && s->n_workers > 0) {
        struct worker *w = t->place ? service_find_place(s, t->place) : s->workers[0];
        r = output_prepare_spawn(w, k->plan.has_user ? k->plan.user : (uid_t)-1, k->fds, err);
    }
    if (r < 0)
        return r;
    k->fds[0] = -1;
    return spawn_kit_finish(k, e, &c, 3, err);
}

static task_ended_handler *handler_of(enum task_kind kind)
{
    if (kind == TASK_HEALTH)
        return upkeep_on_health_ended;
    return kind == TASK_CHECK ? upkeep_on_check_ended : hooks_on_task_ended;
}

/* It is over before it began. */
static void fail(struct task *t, const char *why)
{
    struct service *s = t->service;
    enum task_kind kind = t->kind;
    unsigned place = t->place;
    cleanup_free char *how = mem_printf("could not be started: %s", why);
    task_free(t);
    s->task_kind = kind;
    handler_of(kind)(s, place, false, how);
}

void task_watch(struct task *t)
{
    ev_io_set(&t->lifeline, t->pidfd, EV_READ);
    ev_io_start(t->service->engine->loop, &t->lifeline);
}

void task_start(struct service *s, enum task_kind kind, unsigned place, const struct strv *command,
                int64_t timeout_ns)
{
    struct engine *e = s->engine;
    struct spawn_kit *k = spawn_kit_new();
    struct task *t = task_new(s, kind, place, ++e->serial, timeout_ns);
    struct spawn_failure failure;
    struct berr err;
    char held[LIMIT_HELD_NAME + 1];
    engine_save(e);
    int r = prepare(t, command, k, &err);
    if (r < 0) {
        spawn_kit_free(k);
        fail(t, err.text);
        return;
    }
    task_held_name(t, held);
    keeper_link_prepare_announce(&e->keeper, held, &k->announcement, &k->plan.announce);
    crash_point(CRASH_AT_task_before);
    t->pid = spawn_process(&k->plan, &t->pidfd, &failure);
    crash_point(CRASH_AT_task_after);
    if (t->pid < 0) {
        berr_set(&err, BERR_SYSTEM, failure.err, "%s \"%s\": %s", spawn_step_name(failure.step),
                 command->v[0], strerror(failure.err));
        keeper_link_drop(&e->keeper, held);
        spawn_kit_free(k);
        fail(t, err.text);
        return;
    }
    spawn_kit_free(k);
    if (!e->is_protected)
        task_watch(t);
}

/* --- ending -------------------------------------------------------------------------------------------- */

struct task *task_find(const struct service *s, enum task_kind kind, unsigned place)
{
    list_each (t, &s->engine->tasks, struct task, link)
        if (t->service == s && t->kind == kind && t->place == place)
            return t;
    return NULL;
}

static void cancel(struct task *t)
{
    struct engine *e = t->service->engine;
    char held[LIMIT_HELD_NAME + 1];
    task_held_name(t, held);
    if (t->pid > 0)
        kill_group(t);
    keeper_link_drop(&e->keeper, held);
    task_free(t);
}

void task_cancel(struct service *s, enum task_kind kind, unsigned place)
{
    struct task *t = task_find(s, kind, place);
    if (t)
        cancel(t);
}

void task_cancel_all(struct service *s)
{
    list_each (t, &s->engine->tasks, struct task, link)
        if (t->service == s)
            cancel(t);
}

void task_cancel_checks(struct engine *e)
{
    list_each (t, &e->tasks, struct task, link)
        if (t->kind == TASK_HEALTH || t->kind == TASK_CHECK || t->kind == TASK_RELOAD)
            cancel(t);
}

void task_forget_all(struct engine *e)
{
    list_each (t, &e->tasks, struct task, link)
        task_free(t);
}

static struct task *find_held(const struct engine *e, const struct held_name *name)
{
    list_each (t, &e->tasks, struct task, link)
        if (t->serial == name->serial)
            return t;
    return NULL;
}

static char *describe_end(char *dst, size_t size, const struct task *t, int wait_status)
{
    char time[32];
    if (t->is_timed_out)
        snprintf(dst, size, "did not end within %s",
                 units_format_duration(time, sizeof time, timeout_of(t->service, t->kind)));
    else
        diagnose_wait_status(dst, size, wait_status);
    return dst;
}

void task_on_ended(struct engine *e, const char *held, const struct held_name *name, int wait_status)
{
    struct task *t = find_held(e, name);
    char how[128];
    if (!t) {
        keeper_link_drop(&e->keeper, held);
        return;
    }
    struct service *s = t->service;
    enum task_kind kind = t->kind;
    unsigned place = t->place;
    bool is_good = !t->is_timed_out && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
    describe_end(how, sizeof how, t, wait_status);
    task_free(t);
    s->task_kind = kind;
    handler_of(kind)(s, place, is_good, how);
    crash_point(CRASH_AT_task_end_recorded);
    keeper_link_drop(&e->keeper, held);
    engine_proceed_shutdown(e);
}

void task_adopt(struct engine *e, struct keeper_entry *entry, const struct held_name *name)
{
    struct service *s = engine_find_service(e, name->name);
    int kind = find_kind(name->address);
    bool is_waited_for = s && kind >= 0 && hooks_waits_for(s, (enum task_kind)kind);
    if (name->serial > e->serial)
        e->serial = name->serial;
    if (!is_waited_for || task_find(s, (enum task_kind)kind, name->slot)) {
        if (entry->fd >= 0 && !entry->ended)
            pidfd_signal_group(entry->fd, entry->pid, SIGKILL);
        keeper_link_drop(&e->keeper, entry->name);
        fd_close(&entry->fd);
        entry->ended = false; /* its end is nobody's business */
        return;
    }
    struct task *t =
        task_new(s, (enum task_kind)kind, name->slot, name->serial, timeout_of(s, (enum task_kind)kind));
    t->pid = entry->pid;
    t->pidfd = take_fd(&entry->fd);
    if (entry->is_foreign)
        task_watch(t);
}
