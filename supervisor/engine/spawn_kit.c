/* spawn_kit: see the header. */
#include "config.h"

#include "engine/spawn_kit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/env_files.h"
#include "sys/capability.h"
#include "sys/fd.h"

_Static_assert(sizeof(struct cpus) == SPAWN_CPUS_SIZE, "a set of processors is handed on as it is");

extern char **environ;

const char *const *spawn_kit_environment(void)
{
    return (const char *const *)environ;
}

struct spawn_kit *spawn_kit_new(void)
{
    struct spawn_kit *k = mem_new(sizeof *k);
    k->channel_fd = k->cgroup_fd = k->ready_fd = -1;
    return k;
}

void spawn_kit_free(struct spawn_kit *k)
{
    worker_invocation_fini(&k->invocation);
    strv_fini(&k->extra);
    free(k->sockets);
    free(k->fds);
    fd_close(&k->channel_fd);
    fd_close(&k->cgroup_fd);
    fd_close(&k->ready_fd);
    free(k->user.groups);
    free(k->groups);
    free(k->limits);
    free(k);
}

int spawn_kit_take_sockets(struct spawn_kit *k, const struct service *s, unsigned slot, struct berr *err)
{
    struct engine *e = s->engine;
    struct held_socket *held[LIMIT_HANDOFF_FDS];
    k->n_sockets = hold_collect(s, slot, held, LIMIT_HANDOFF_FDS);
    if (k->n_sockets > LIMIT_HANDOFF_FDS)
        return berr_set(err, BERR_CONFIG, E2BIG,
                        "it would be handed %zu sockets; %d are the most that one worker can get",
                        k->n_sockets, LIMIT_HANDOFF_FDS);
    size_t room = fd_store_room(s, slot);
    k->sockets = mem_new_array(k->n_sockets + room + 1, sizeof *k->sockets);
    k->fds = mem_new_array(4 + k->n_sockets + room, sizeof *k->fds);
    for (int i = 0; i < 3; i++)
        k->fds[i] = i;
    for (size_t i = 0; i < k->n_sockets; i++) {
        struct held_socket *h = held[i];
        hold_prepare_for_spawn(e, h);
        k->sockets[i] = (struct handoff_socket){.name = h->socket->name,
                                                .fd = h->fd,
                                                .endpoint = hold_endpoint(h),
                                                .declared = h->declared,
                                                .parts = h->parts};
        k->fds[3 + i] = h->fd;
    }
    k->n_stored = fd_store_collect(s, slot, k->sockets + k->n_sockets, room);
    if (k->n_stored < fd_store_count(s, slot))
        event_log_say(&e->log, LOG_WARNING, s->conf->name, s->conf->name,
                      "worker %u is handed %zu of the %zu descriptors that are stored for it: store_max, or "
                      "the length of their names, allows no more",
                      slot, k->n_stored, fd_store_count(s, slot));
    for (size_t i = k->n_sockets; i < k->n_sockets + k->n_stored; i++)
        k->fds[3 + i] = k->sockets[i].fd;
    return 0;
}

static int take_user(struct spawn_kit *k, const struct service_conf *c, struct berr *err)
{
    struct spawn_plan *p = &k->plan;
    int r;
    if (c->with->user) {
        if ((r = user_find(c->with->user, &k->user, err)) < 0)
            return r;
        p->has_user = true;
        p->user = k->user.uid;
        if (k->user.gid != (gid_t)-1) {
            p->has_group = true;
            p->group = k->user.gid;
        }
        p->has_groups = true;
        p->groups = k->user.groups;
        p->n_groups = k->user.n_groups;
        user_variables(&k->user, &k->extra);
    }
    if (c->with->group) {
        if ((r = user_find_group(c->with->group, &p->group, err)) < 0)
            return r;
        p->has_group = true;
    }
    if (c->with->has_groups) {
        k->groups = mem_new_array(c->with->groups.n + 1, sizeof *k->groups);
        for (size_t i = 0; i < c->with->groups.n; i++)
            if ((r = user_find_group(c->with->groups.v[i], &k->groups[i], err)) < 0)
                return r;
        p->has_groups = true;
        p->groups = k->groups;
        p->n_groups = c->with->groups.n;
    }
    return 0;
}

/* The configured limits, and berth's own raised soft limit of descriptors put back to what it was. */
static void take_limits(struct spawn_kit *k, const struct engine *e, const struct service_conf *c)
{
    k->limits = mem_new_array(c->with->n_limits + 1, sizeof *k->limits);
    k->limits[k->plan.n_limits++] = (struct spawn_limit){RLIMIT_NOFILE, e->nofile};
    for (size_t i = 0; i < c->with->n_limits; i++)
        k->limits[k->plan.n_limits++] =
            (struct spawn_limit){c->with->limits[i].resource, c->with->limits[i].value};
    k->plan.limits = k->limits;
}

int spawn_kit_take_user(struct spawn_kit *k, const struct service_conf *c, struct berr *err)
{
    int r = take_user(k, c, err);
    return r < 0 ? r : env_files_read(c, &k->extra, err);
}

static int take_surroundings(struct spawn_kit *k, const struct service_conf *c, struct berr *err)
{
    struct spawn_plan *p = &k->plan;
    const struct surroundings *s = c->with->surroundings;
    if (!s)
        return 0;
    p->chroot = s->chroot;
    p->cpus = s->cpus ? s->cpus->word : NULL;
    p->has_oom_score_adjust = s->has_oom_score_adjust;
    p->oom_score_adjust = s->oom_score_adjust;
    p->has_capabilities = s->has_capabilities;
    int r = capability_parse(&s->capabilities, &p->capabilities, err);
    if (r < 0)
        berr_prefix(err, "capabilities");
    return r;
}

int spawn_kit_place(struct spawn_kit *k, size_t *n_fds, size_t at, int fd, struct berr *err)
{
    if (at < *n_fds)
        return berr_set(
            err, BERR_CONFIG, EBUSY,
            "ready = fd:%zu is the descriptor of one of its sockets; the first that is free is %zu", at,
            *n_fds);
    k->fds = mem_resize_array(k->fds, at + 1, sizeof *k->fds);
    while (*n_fds < at)
        k->fds[(*n_fds)++] = SPAWN_CLOSED;
    k->fds[(*n_fds)++] = fd;
    return 0;
}

int spawn_kit_finish(struct spawn_kit *k, const struct engine *e, const struct service_conf *c, size_t n_fds,
                     struct berr *err)
{
    struct spawn_plan *p = &k->plan;
    int r = take_surroundings(k, c, err);
    if (r < 0)
        return r;
    take_limits(k, e, c);
    p->file = k->invocation.argv.v[0];
    p->argv = (const char *const *)k->invocation.argv.v;
    p->environment = (const char *const *)k->invocation.environment.v;
    p->fds = k->fds;
    p->n_fds = n_fds;
    p->has_cgroup = k->cgroup_fd >= 0;
    p->cgroup_fd = k->cgroup_fd;
    p->as_sibling = e->is_protected;
    p->new_session = e->terminal_group == 0;
    p->process_group = e->terminal_group;
    p->has_umask = c->with->has_umask;
    p->umask = c->with->umask;
    p->has_nice = c->with->has_nice;
    p->nice = c->with->nice;
    p->directory = c->with->directory;
    p->no_new_privileges = c->with->no_new_privileges;
    p->watchdog_pid = k->invocation.watchdog_pid;
    p->listen_pid = k->invocation.listen_pid;
    p->listen_pidfdid = k->invocation.listen_pidfdid;
    return 0;
}
