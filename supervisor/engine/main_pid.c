/* main_pid: see the header. The keeper reports the ends of its own children only, so a process can be
 * followed once it is one: when all that were between have ended (PR_SET_CHILD_SUBREAPER). One that forks
 * twice may still have its middle process when the first one ends; that is waited for.
 *
 * Remember: a pid alone is no process; what we were told of is known by the time of its start as well. */
#include "config.h"

#include "engine/main_pid.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "core/diagnose.h"
#include "core/held_name.h"
#include "engine/alarm.h"
#include "engine/engine.h"
#include "engine/notify_access.h"
#include "engine/said.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/pidfd.h"
#include "sys/procfs.h"

#define LOOK_AGAIN 0.01 /* seconds */
#define MIDDLE_PROCESS_MOST NSEC_PER_SEC

static pid_t parent_of_workers(const struct engine *e)
{
    return e->is_protected ? e->keeper.keeper_pid : getpid();
}

static bool is_another_workers(const struct engine *e, pid_t pid)
{
    const struct worker *w;
    for (size_t i = 0; i < e->n_services; i++)
        service_each_worker (w, e->services[i])
            if (w->pid == pid)
                return true;
    return false;
}

/* Is PID, which runs, the process that has NUMBER, and not one that was given its pid since? */
static bool has_number(pid_t pid, uint64_t number)
{
    uint64_t its;
    cleanup_fd int pidfd = pidfd_open_process(pid);
    int r = pidfd < 0 ? pidfd : pidfd_number(pidfd, &its);
    return r == -EOPNOTSUPP || (r == 0 && its == number);
}

const char *main_pid_take(struct worker *w, const struct notify_msg *m, const int *fds, size_t n_fds)
{
    const struct engine *e = w->service->engine;
    struct procfs_process p;
    if (m->has_main_fd && n_fds != 1)
        return "has MAINPIDFD=1 and not one descriptor";
    pid_t pid = m->has_main_fd ? pidfd_pid(fds[0]) : m->main_pid;
    if (pid < 0)
        return pid == -ESRCH ? "names a main process that is not there"
                             : "has MAINPIDFD=1 and a descriptor that is no pidfd";
    if (m->has_main && m->main_pid != pid)
        return "names two processes as its main one";
    if (pid == 1 || pid == getpid() || pid == e->keeper.keeper_pid)
        return "names berth or process 1 as its main process";
    if (procfs_process(pid, &p) < 0 || p.state == 'Z')
        return "names a main process that is not there";
    if (m->has_main_number && !has_number(pid, m->main_number))
        return "names a main process that has ended, and whose pid is another one's by now";
    bool is_orphan = p.ppid == parent_of_workers(e) && !is_another_workers(e, pid);
    if (!is_orphan && !notify_is_of(w, pid))
        return "names a main process that is none of its own";
    struct said *s = said_get(w);
    s->main_pid = pid == w->pid ? 0 : pid;
    s->main_start = p.start_ticks;
    said_save(w);
    worker_say(w, LOG_INFO, "says that process %d is its main one", (int)pid);
    return NULL;
}

/* Opens it if it is the one that we were told of. -EAGAIN: somebody stands between it and us. */
static int open_main(const struct worker *w)
{
    const struct said *s = w->said;
    struct procfs_process p;
    cleanup_fd int pidfd = pidfd_open_process(s->main_pid);
    if (pidfd < 0 || procfs_process(s->main_pid, &p) < 0 || p.start_ticks != s->main_start || p.state == 'Z')
        return -ESRCH;
    return p.ppid == parent_of_workers(w->service->engine) ? take_fd(&pidfd) : -EAGAIN;
}

static void on_follow(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct worker *w = t->data;
    engine_worker_ended(w, w->said->wait_status);
}

/* Looks again in a moment; false: it has done so for too long. */
static bool look_again(struct worker *w, int wait_status)
{
    struct said *s = w->said;
    struct ev_loop *loop = w->service->engine->loop;
    if (s->ended.ns == 0) {
        s->ended = clock_mono();
        s->wait_status = wait_status;
    } else if (mono_between(s->ended, clock_mono()) > MIDDLE_PROCESS_MOST) {
        return false;
    }
    if (w->lifeline)
        ev_io_stop(loop, w->lifeline);
    alarm_start(loop, &s->follow, LOOK_AGAIN, on_follow, w);
    return true;
}

/* Who was asked to end has handed the order over as well. */
static void pass_on_signal(const struct worker *w)
{
    if (w->state == WORKER_STOPPING)
        pidfd_signal(w->pidfd, worker_stop_signal(w));
    else if (w->state == WORKER_KILLING)
        pidfd_signal(w->pidfd, SIGKILL);
}

bool main_pid_follow(struct worker *w, int wait_status)
{
    char held[LIMIT_HELD_NAME + 1], how[96];
    if (!w->said || w->said->main_pid == 0 || w->said->main_pid == w->pid || w->pid == 0)
        return false;
    int pidfd = open_main(w);
    if (pidfd == -EAGAIN)
        return look_again(w, wait_status);
    if (pidfd < 0)
        return false;
    alarm_stop(w->service->engine->loop, &w->said->follow);
    w->said->ended.ns = 0;
    worker_held_name(w, held);
    keeper_link_process(&w->service->engine->keeper, held, w->said->main_pid);
    fd_close(&w->pidfd);
    w->pidfd = pidfd;
    w->pid = w->said->main_pid;
    w->said->main_pid = 0;
    said_save(w);
    worker_say(w, LOG_INFO, "%s, and process %d, which it named, goes on in its place",
               diagnose_wait_status(how, sizeof how, wait_status), (int)w->pid);
    engine_watch_process(w);
    pass_on_signal(w);
    return true;
}

void engine_process_lost(struct engine *e, const char *held)
{
    struct held_name name;
    int status = SIGKILL;
    held_name_parse(held, &name);
    struct worker *w = name.kind == HELD_WORKER ? engine_find_process(e, name.name, name.serial) : NULL;
    if (!w)
        return;
    pidfd_exit_status(w->pidfd, &status); /* kernels before 6.15 do not tell: then it counts as a failure */
    engine_worker_ended(w, status);
}
