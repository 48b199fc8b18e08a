/* leftover: what remains of a worker's process group, or of its cgroup, when its leader is gone: an nginx
 * whose master was killed, say. It would go on accepting connections with nobody in charge, so it gets the
 * stop signal, its time, and then KILL.
 *
 * The leader's entry stays in the keeper until the group is gone; a successor that finds an ended process
 * nobody has takes this up. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/held_name.h"
#include "engine/cgroups.h"
#include "engine/engine.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/pidfd.h"
#include "sys/procfs.h"

/* Neither has a descriptor that tells its end, so it is looked at, first soon and then more seldom. */
#define FIRST_LOOK 0.01
#define LAST_PACE 0.5

static void leftover_free(struct leftover *l)
{
    ev_timer_stop(l->engine->loop, &l->timer);
    list_remove(&l->link);
    fd_close(&l->pidfd);
    if (l->cgroup)
        cgroup_remove(l->cgroup);
    free(l->cgroup);
    free(l);
}

/* With kill = cgroup, the folder of the cgroup of the process that is held as HELD. To be freed; else NULL.
 */
static char *find_cgroup(struct engine *e, const struct service_conf *c, const char *held)
{
    struct held_name name;
    held_name_parse(held, &name);
    return name.kind == HELD_WORKER && c->with->kill == KILL_CGROUP
               ? cgroups_worker_folder(e, c, name.slot, name.serial)
               : NULL;
}

int leftover_signal(const struct leftover *l, int signo)
{
    return l->cgroup ? cgroup_signal(l->cgroup, signo) : pidfd_signal_group(l->pidfd, l->pgid, signo);
}

/* A leader that nobody reaps keeps its group's number, and can be signalled; but that is nobody to wait for.
 */
static bool group_is_there(int pidfd, pid_t pgid)
{
    int status;
    if (pidfd < 0 || pidfd_signal_group(pidfd, pgid, 0) < 0)
        return false;
    return procfs_zombie_status(pgid, &status) < 0 || procfs_group_lives_on(pgid);
}

bool leftover_is_there(struct engine *e, const struct service_conf *c, const char *held, int pidfd,
                       pid_t pgid)
{
    cleanup_free char *cgroup = find_cgroup(e, c, held);
    return cgroup ? cgroup_signal(cgroup, 0) == 0 : group_is_there(pidfd, pgid);
}

static void on_look(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)revents;
    struct leftover *l = t->data;
    struct engine *e = l->engine;
    if (l->cgroup ? cgroup_signal(l->cgroup, 0) < 0 : !group_is_there(l->pidfd, l->pgid)) {
        keeper_link_drop(&e->keeper, l->held);
        leftover_free(l);
        engine_proceed_shutdown(e);
        return;
    }
    if (!mono_is_before(clock_mono(), l->kill_at)) {
        if (!mono_is_never(l->kill_at))
            event_log_say(&e->log, LOG_WARNING, l->subject, NULL,
                          "processes of its %s would not end within stop_timeout: killed (group=%d)",
                          l->cgroup ? "cgroup" : "group", l->pgid);
        l->kill_at = mono_add(clock_mono(), NSEC_PER_SEC);
        leftover_signal(l, SIGKILL);
    }
    t->repeat = t->repeat * 2 < LAST_PACE ? t->repeat * 2 : LAST_PACE;
    ev_timer_again(loop, t);
}

void leftover_add(struct engine *e, const struct service_conf *c, const char *subject, const char *held,
                  int pidfd, pid_t pgid)
{
    struct leftover *l = mem_new(sizeof *l);
    l->engine = e;
    l->pidfd = pidfd;
    l->pgid = pgid;
    l->cgroup = find_cgroup(e, c, held);
    snprintf(l->held, sizeof l->held, "%s", held);
    snprintf(l->subject, sizeof l->subject, "%s", subject);
    l->kill_at = mono_add(clock_mono(), c->with->stop_timeout_ns);
    list_append(&e->leftovers, &l->link);
    event_log_say(&e->log, LOG_INFO, subject, c->name,
                  "processes that it left behind in its %s are asked to end (group=%d)",
                  l->cgroup ? "cgroup" : "group", pgid);
    leftover_signal(l, c->with->stop_signal);
    leftover_signal(l, SIGCONT);
    ev_timer_init(&l->timer, on_look, FIRST_LOOK, FIRST_LOOK);
    l->timer.data = l;
    ev_timer_start(e->loop, &l->timer);
}
