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

static void on_lifeline(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)revents;
    struct worker *w = io->data;
    int status;
    int r = pidfd_wait(w->pidfd, &status);
    if (r == -EAGAIN)
        return;
    if (r == -ECHILD)
        r = pidfd_exit_status(w->pidfd, &status);
    if (r == -ENODATA)
        return; /* not reaped yet: the level-triggered watcher comes back */
    engine_worker_ended(w, r == 0 ? status : SIGKILL);
}

void engine_watch_process(struct worker *w)
{
    if (w->service->engine->is_protected || w->pidfd < 0)
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
                  "restart berth when it suits you",
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
}
