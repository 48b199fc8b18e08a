/* spawner: see the header. What fails here fails before or in the child; nothing held is touched. */
#include "config.h"

#include "engine/spawner.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/conf_schema.h"
#include "engine/cgroups.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/inetd.h"
#include "engine/spawn_kit.h"
#include "sys/clock.h"
#include "sys/fd.h"

/* accept = yes: a connection in the places of standard input and output, and with listen-fds as descriptor 3
 * too. */
static void prepare_connection(struct worker *w, struct spawn_kit *k)
{
    const struct held_socket *h = w->connection->listener;
    k->n_sockets = handoff_has_word(&w->service->conf->with->handoff, "listen-fds");
    k->sockets = mem_new_array(1, sizeof *k->sockets);
    k->sockets[0] = (struct handoff_socket){.name = h->socket->name,
                                            .fd = SPAWN_ACCEPTED,
                                            .endpoint = hold_endpoint(h),
                                            .declared = h->declared,
                                            .parts = h->parts};
    k->fds = mem_new_array(4, sizeof *k->fds);
    k->fds[0] = k->fds[1] = k->fds[3] = SPAWN_ACCEPTED;
    k->fds[2] = 2;
    inetd_prepare(w, &k->accept, &k->admission);
    k->plan.accept = &k->accept;
}

static int prepare(struct worker *w, struct spawn_kit *k, struct berr *err)
{
    struct engine *e = w->service->engine;
    const struct service_conf *c = w->service->conf;
    int r = 0;
    if (worker_listener(w))
        prepare_connection(w, k);
    else
        r = spawn_kit_take_sockets(k, w->service, w->slot, err);
    if (r < 0 || (r = spawn_kit_take_user(k, c, err)) < 0 || (r = cgroups_prepare(w, &k->cgroup_fd, err)) < 0)
        return r;
    char notify_name[NOTIFY_SOCKET_NAME];
    if ((r = notify_open(w, notify_name, err)) < 0)
        return r;
    struct handoff_input in = {
        .service = c->name,
        .worker = w->slot,
        .generation = w->generation,
        .listen_pid = c->with->listen_pid,
        .sockets = k->sockets,
        .n_sockets = k->n_sockets,
        .n_stored = k->n_stored,
        .store_max = fd_store_room(w->service, w->slot),
        .knows_pidfdid = spawn_knows_pidfdid(),
        .is_connection = worker_listener(w) != NULL,
        .einhorn_path = share_einhorn_path(e),
        .notify_socket = notify_name,
        .watchdog_us = conf_watchdog_us(c),
        .parent_pid = e->is_protected ? e->keeper.keeper_pid : getpid(),
    };
    r = worker_invocation_make(c, &in, spawn_kit_environment(), (const char *const *)k->extra.v,
                               &k->invocation, err);
    if (r < 0)
        return r;
    if ((r = output_prepare_spawn(w, k->plan.has_user ? k->plan.user : (uid_t)-1, k->fds, err)) < 0)
        return r;
    if (k->invocation.on_stdin)
        k->fds[0] = k->sockets[0].fd;
    if (k->invocation.by_channel &&
        (r = channel_open(w, k->sockets, k->n_sockets + k->n_stored, &k->channel_fd, err)) < 0)
        return r;
    if (k->channel_fd >= 0)
        k->fds[3] = k->channel_fd;
    k->accept.remote = k->invocation.remote;
    k->accept.remote_room = WORKER_REMOTE_ROOM;
    size_t n_fds = 3 + (k->channel_fd >= 0 ? 1 : k->n_sockets + k->n_stored);
    if (c->with->ready == READY_FD &&
        ((r = ready_fd_open(w, &k->ready_fd, err)) < 0 ||
         (r = spawn_kit_place(k, &n_fds, (size_t)c->with->ready_fd, k->ready_fd, err)) < 0))
        return r;
    return spawn_kit_finish(k, e, c, n_fds, err);
}

/* Ran out of something that may come back: never a reason to give up. */
static bool is_shortage(int err)
{
    return err == EAGAIN || err == ENOMEM || err == EMFILE || err == ENFILE || err == ENOBUFS ||
           err == ENOSPC || err == ETOOMANYREFS;
}

/* A service of `berth run` whose command could not be executed even once ends berth: nothing there would
 * change by waiting. */
static void report_failure(struct worker *w, int err, bool at_exec)
{
    struct engine *e = w->service->engine;
    if (w->role != WORKER_CURRENT) {
        engine_step(w, WORKER_EV_END_DONE);
        return;
    }
    if (!w->has_ever_run && !is_shortage(err) && e->conf->is_run) {
        int status = !at_exec ? 125 : err == ENOENT || err == ENOTDIR ? 127 : 126;
        w->last_status = status << 8;
        w->has_last_status = true;
        engine_step(w, WORKER_EV_END_FAILED);
        return;
    }
    struct restart_conf c = w->service->conf->with->restart;
    if (w->service->conf->with->start == START_ON_DEMAND)
        c.policy = RESTART_ALWAYS; /* whoever waits at the socket asks for it again */
    struct restart_decision d = restart_decide_failed_start(&c, &w->history, clock_mono(), clock_random());
    if (d.verdict == RESTART_FAILED && !is_shortage(err)) {
        engine_step(w, WORKER_EV_END_FAILED);
        return;
    }
    w->due = mono_add(clock_mono(), d.delay_ns);
    engine_step(w, WORKER_EV_END_LATER);
}

/* The value that a step has failed with, or the file to be run. */
static void print_culprit(const struct worker *w, const struct spawn_kit *k, enum spawn_step step,
                          struct buf *out)
{
    const struct service_conf *c = w->service->conf;
    if (step == SPAWN_STEP_DIRECTORY)
        buf_add_str(out, c->with->directory);
    else if (step == SPAWN_STEP_USER || step == SPAWN_STEP_GROUPS)
        buf_add_str(out, c->with->user ? c->with->user : "groups");
    else if (step == SPAWN_STEP_GROUP)
        buf_add_str(out, c->with->group ? c->with->group : c->with->user);
    else if (step == SPAWN_STEP_CGROUP)
        buf_add_str(out, conf_cgroup(c));
    else if (step == SPAWN_STEP_CHROOT || step == SPAWN_STEP_CPUS || step == SPAWN_STEP_OOM_SCORE ||
             step == SPAWN_STEP_CAPABILITIES)
        conf_print_service(c, spawn_step_name(step), out);
    else
        buf_add_str(out, k->plan.file);
}

static void tell_failure(struct worker *w, const struct spawn_kit *k, const struct spawn_failure *f)
{
    char quoted[160];
    struct buf culprit;
    buf_init(&culprit, PATH_MAX);
    print_culprit(w, k, f->step, &culprit);
    str_escape(quoted, sizeof quoted, buf_str(&culprit), culprit.len);
    buf_fini(&culprit);
    worker_set_note(w, "could not be started: %s \"%s\": %s", spawn_step_name(f->step), quoted,
                    strerror(f->err));
    worker_say(w, LOG_ERROR, "%s%s", w->note,
               is_shortage(f->err) ? "; it is tried again until there is room" : "");
}

static void on_connection_failure(struct worker *w, struct spawn_kit *k, const char *held,
                                  const struct spawn_failure *failure)
{
    if (failure->step != SPAWN_STEP_ACCEPT && failure->step != SPAWN_STEP_ADMIT)
        tell_failure(w, k, failure);
    cgroups_leave(w);
    notify_close(w);
    keeper_link_drop(&w->service->engine->keeper, held);
    inetd_on_failure(w, &k->accept, failure);
    spawn_kit_free(k);
}

void spawner_start(struct worker *w)
{
    struct engine *e = w->service->engine;
    struct spawn_kit *k = spawn_kit_new();
    struct berr err;
    int r = prepare(w, k, &err);
    if (r < 0) {
        worker_set_note(w, "could not be started: %s", err.text);
        worker_say(w, LOG_ERROR, "%s", w->note);
        spawn_kit_free(k);
        cgroups_leave(w);
        channel_close(w);
        notify_close(w);
        ready_fd_close(w);
        if (worker_listener(w))
            inetd_on_failure(w, NULL, &(struct spawn_failure){SPAWN_STEP_NONE, -r});
        else
            report_failure(w, -r, false);
        return;
    }
    char held[LIMIT_HELD_NAME + 1];
    worker_held_name(w, held);
    keeper_link_prepare_announce(&e->keeper, held, &k->announcement, &k->plan.announce);
    struct spawn_failure failure;
    int pidfd = -1;
    crash_point(CRASH_AT_spawn_before);
    pid_t pid = spawn_process(&k->plan, &pidfd, &failure);
    crash_point(CRASH_AT_spawn_after);
    if (pid < 0 && worker_listener(w)) {
        on_connection_failure(w, k, held, &failure);
        return;
    }
    if (pid < 0) {
        tell_failure(w, k, &failure);
        cgroups_leave(w);
        spawn_kit_free(k);
        keeper_link_drop(&e->keeper,
                         held); /* the child had announced itself, unless it could not even be made */
        channel_close(w);
        notify_close(w);
        ready_fd_close(w);
        report_failure(w, failure.err, failure.step == SPAWN_STEP_EXEC);
        return;
    }
    if (worker_listener(w))
        inetd_note(w, &k->accept, &k->admission);
    spawn_kit_free(k);
    worker_set_process(w, pid, pidfd);
    w->started = clock_mono();
    w->has_ever_run = true;
    engine_step(w, WORKER_EV_SPAWNED);
}
