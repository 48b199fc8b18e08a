/* unprotected: supervising on without a keeper, which somebody has killed. The workers go on; their ends are
 * read from their pidfds, new ones are our own children, and signals come to us. What is lost until a new
 * start of berth is the protection against our own end. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "sys/pidfd.h"
#include "sys/procfs.h"

/* Whose child it is by now may be slow to reap it, or never do. */
bool engine_read_end(int pidfd, int *ret_status)
{
    int r = pidfd_wait(pidfd, ret_status);
    if (r == -ECHILD)
        r = pidfd_exit_status(pidfd, ret_status);
    if (r < 0 && r != -EAGAIN && procfs_zombie_status(pidfd_pid(pidfd), ret_status) == 0)
        r = 0;
    if (r == -EAGAIN || r == -ENODATA)
        return false; /* alive, or not reaped yet: the level-triggered watcher comes back */
    if (r < 0)
        *ret_status = SIGKILL;
    return true;
}

static void on_lifeline(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)revents;
    struct worker *w = io->data;
    int status;
    if (engine_read_end(w->pidfd, &status))
        engine_worker_ended(w, status);
}

void engine_watch_process(struct worker *w)
{
    if (!w->service->engine->is_protected)
        engine_watch_foreign(w);
}

void engine_watch_foreign(struct worker *w)
{
    if (w->pidfd < 0)
        return;
    if (w->lifeline)
        ev_io_stop(w->service->engine->loop, w->lifeline);
    else
        w->lifeline = mem_new(sizeof *w->lifeline);
    ev_io_init(w->lifeline, on_lifeline, w->pidfd, EV_READ);
    w->lifeline->data = w;
    ev_io_start(w->service->engine->loop, w->lifeline);
}

static void on_own_signal(struct ev_loop *loop, ev_signal *s, int revents)
{
    (void)loop, (void)revents;
    struct engine *e = s->data;
    engine_on_signal(e, s->signum, 0, e->is_shutting_down ? 2 : 1);
}

void engine_lose_keeper(struct engine *e)
{
    e->is_protected = false;
    event_log_say(&e->log, LOG_ERROR, "berth", NULL,
                  "the keeper (pid=%d) is gone: supervision goes on unprotected, a crash of the supervisor "
                  "would now close every socket; "
                  "'berth upgrade' protects it again",
                  e->keeper.keeper_pid);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    ev_signal_init(&e->term_watcher, on_own_signal, SIGTERM);
    ev_signal_init(&e->int_watcher, on_own_signal, SIGINT);
    e->term_watcher.data = e->int_watcher.data = e;
    ev_signal_start(e->loop, &e->term_watcher);
    ev_signal_start(e->loop, &e->int_watcher);
    struct worker *w;
    for (size_t i = 0; i < e->n_services; i++)
        service_each_worker (w, e->services[i])
            engine_watch_process(w);
    list_each (t, &e->tasks, struct task, link)
        task_watch(t);
}
