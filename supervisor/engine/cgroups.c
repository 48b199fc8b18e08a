/* cgroups: see the header. */
#include "config.h"

#include "engine/cgroups.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "sys/cgroup.h"

/* The keeper's pid tells two berths in one cgroup apart, and stays the same for a successor. */
static void own_name(const struct engine *e, char ret[32])
{
    snprintf(ret, 32, "berth-%d", (int)e->keeper.keeper_pid);
}

/* Below which the services have theirs: our own, or the one above it where we have stepped aside. */
static int find_base(struct engine *e, struct berr *err)
{
    char path[PATH_MAX], name[32];
    if (e->cgroup_base)
        return 0;
    int r = cgroup_find_own(path, err);
    if (r < 0)
        return r;
    char *last = strrchr(path, '/');
    own_name(e, name);
    if (last && strcmp(last + 1, name) == 0)
        *last = '\0';
    e->cgroup_base = mem_strdup(path);
    return 0;
}

/* Relative to the base, to be freed; NULL for a service without. */
static char *service_path(const struct engine *e, const struct service_conf *c)
{
    const char *path = conf_cgroup(c);
    char name[32];
    own_name(e, name);
    if (!path)
        return NULL;
    return strcmp(path, "auto") == 0 ? mem_printf("%s-%s", name, c->name) : mem_strdup(path);
}

static char *service_folder(struct engine *e, const struct service_conf *c)
{
    struct berr err;
    cleanup_free char *path = service_path(e, c);
    return path && find_base(e, &err) == 0 ? mem_printf("%s/%s", e->cgroup_base, path) : NULL;
}

/* The serial is never given twice, so no process is ever put where another one was. */
char *cgroups_worker_folder(struct engine *e, const struct service_conf *c, unsigned slot,
                            unsigned long long serial)
{
    cleanup_free char *folder = c->with->kill == KILL_CGROUP ? service_folder(e, c) : NULL;
    return folder ? mem_printf("%s/%u.%llu", folder, slot, serial) : NULL;
}

/* berth itself may be what forbids its cgroup to pass a controller on: then it goes into one of its own. */
static int step_aside(struct engine *e)
{
    char name[32];
    pid_t pids[] = {getpid(), e->keeper.keeper_pid};
    own_name(e, name);
    cleanup_free char *folder = mem_printf("%s/%s", e->cgroup_base, name);
    return cgroup_move(folder, pids, e->is_protected ? 2 : 1);
}

/* We or our predecessor did. Where others have come to be in the same cgroup meanwhile, we stay. */
static void step_back(struct engine *e)
{
    char path[PATH_MAX], name[32];
    struct berr err;
    pid_t pids[] = {getpid(), e->keeper.keeper_pid};
    own_name(e, name);
    if (e->cgroup_base && cgroup_find_own(path, &err) == 0 && strcmp(path, e->cgroup_base) != 0)
        cgroup_move_back(e->cgroup_base, name, pids, e->is_protected ? 2 : 1);
}

static int make(struct engine *e, const char *path, const char *controller, struct berr *err)
{
    int r = cgroup_make(e->cgroup_base, path, controller, err);
    if (r == -EBUSY && step_aside(e) == 0)
        r = cgroup_make(e->cgroup_base, path, controller, err);
    return r;
}

struct limit {
    const char *key, *controller, *file;
    char text[64]; /* "": none */
};

#define N_LIMITS 3

static void fill_limits(const struct surroundings *s, struct limit limits[N_LIMITS])
{
    static const struct limit none[N_LIMITS] = {{"memory_max", "memory", "memory.max", ""},
                                                {"cpu_max", "cpu", "cpu.max", ""},
                                                {"pids_max", "pids", "pids.max", ""}};
    memcpy(limits, none, sizeof none);
    if (s && s->memory_max)
        snprintf(limits[0].text, sizeof limits[0].text, "%" PRIu64, s->memory_max);
    if (s && s->cpu_quota_us)
        snprintf(limits[1].text, sizeof limits[1].text, "%" PRId64 " %" PRId64, s->cpu_quota_us,
                 s->cpu_period_us);
    if (s && s->pids_max)
        snprintf(limits[2].text, sizeof limits[2].text, "%" PRIu64, s->pids_max);
}

/* What is not limited now may have been, when the cgroup is one from before. */
static int make_limited(struct engine *e, const struct service_conf *c, const char *path, const char *folder,
                        struct berr *err)
{
    struct limit limits[N_LIMITS];
    fill_limits(c->with->surroundings, limits);
    int r = make(e, path, NULL, err);
    if (r < 0)
        berr_prefix(err, "cgroup");
    for (size_t i = 0; r == 0 && i < N_LIMITS; i++) {
        const struct limit *l = &limits[i];
        if (*l->text)
            r = make(e, path, l->controller, err);
        if (r == 0)
            r = cgroup_limit(folder, l->file, *l->text ? l->text : NULL, err);
        if (r < 0)
            berr_prefix(err, "%s", l->key);
    }
    return r;
}

/* The one inside, for this process alone. */
static int make_own(const char *folder, const char *own, struct berr *err)
{
    int r = cgroup_make(folder, strrchr(own, '/') + 1, NULL, err);
    if (r == 0 && !cgroup_has_kill(own))
        r = berr_set(err, BERR_SYSTEM, ENOTSUP, "%s has no cgroup.kill, which is of Linux 5.14", own);
    if (r < 0)
        berr_prefix(err, "kill = cgroup");
    return r;
}

int cgroups_prepare(struct worker *w, int *ret_fd, struct berr *err)
{
    struct engine *e = w->service->engine;
    const struct service_conf *c = w->service->conf;
    cleanup_free char *path = service_path(e, c);
    if (!path)
        return 0;
    int r = find_base(e, err);
    if (r < 0) {
        berr_prefix(err, "cgroup");
        return r;
    }
    cleanup_free char *folder = mem_printf("%s/%s", e->cgroup_base, path);
    cleanup_free char *own = cgroups_worker_folder(e, c, w->slot, w->serial);
    if ((r = make_limited(e, c, path, folder, err)) < 0 || (own && (r = make_own(folder, own, err)) < 0))
        return r;
    if ((r = cgroup_open(own ? own : folder)) < 0)
        return berr_set(err, BERR_SYSTEM, -r, "cgroup: %s cannot be entered: %s", own ? own : folder,
                        strerror(-r));
    *ret_fd = r;
    return 0;
}

void cgroups_kill(struct worker *w)
{
    cleanup_free char *own = cgroups_worker_folder(w->service->engine, w->service->conf, w->slot, w->serial);
    int r = own ? cgroup_signal(own, SIGKILL) : -ENOENT;
    if (r < 0 && r != -ESRCH)
        worker_say(w, LOG_ERROR, "its cgroup could not be killed: %s", strerror(-r));
}

void cgroups_leave(struct worker *w)
{
    cleanup_free char *own = cgroups_worker_folder(w->service->engine, w->service->conf, w->slot, w->serial);
    if (own)
        cgroup_remove(own);
}

void cgroups_remove(struct engine *e)
{
    for (size_t i = 0; i < e->n_services; i++) {
        const struct service_conf *c = e->services[i]->conf;
        cleanup_free char *path = service_path(e, c);
        struct berr err;
        int r = path && find_base(e, &err) == 0 ? cgroup_remove_path(e->cgroup_base, path) : 0;
        if (r < 0)
            event_log_say(&e->log, LOG_WARNING, c->name, c->name, "its cgroup %s/%s could not be removed: %s",
                          e->cgroup_base, path, strerror(-r));
    }
    step_back(e);
}
