/* respawn: see the header. A restart is at once the first time; a supervisor that keeps crashing is started
 * ever more slowly, and from the fourth crash on without its soft state, which may be what it dies of. */
#include "config.h"

#include "keeper/respawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/signame.h"
#include "keeper/keeper.h"
#include "keeper/link.h"
#include "keeper/say.h"
#include "keeper/signals.h"
#include "keeper/stop.h"
#include "keeper/store.h"
#include "wire/keeper_msg.h"

#define QUICK (10 * NSEC_PER_SEC) /* a shorter life, and never stable, is a quick crash */
#define SAFE_AFTER 4
#define FIRST_DELAY (50 * NSEC_PER_MSEC)
#define MOST_DELAY (5 * NSEC_PER_SEC)
#define LINK_LINGERS NSEC_PER_SEC
#define TRIAL (10 * NSEC_PER_SEC)

static struct respawn sv;

void respawn_init(const struct respawn *begin)
{
    sv = *begin;
    sv.give_up_at = MONO_NEVER;
    sv.started_at = now();
}

const struct respawn *respawn_self(void)
{
    return &sv;
}

pid_t respawn_pid(void)
{
    return sv.pid;
}

void respawn_kill(void)
{
    if (sv.pid > 0)
        kill(sv.pid, SIGKILL);
}

void respawn_stable(int version)
{
    sv.is_stable = true;
    sv.crashes = 0;
    sv.version = version;
    sv.is_back = false;
    if (!sv.is_on_trial)
        return;
    close(sv.binary);
    sv.binary = sv.candidate;
    sv.candidate = -1;
    sv.is_on_trial = false;
}

void respawn_upgrade(int binary)
{
    int high = fcntl(binary, F_DUPFD_CLOEXEC, 10); /* the low numbers are for the child to arrange */
    close(binary);
    if (sv.candidate >= 0)
        close(sv.candidate);
    sv.candidate = high;
}

void respawn_finish(int exit_status)
{
    sv.has_finished = true;
    sv.exit_status = exit_status & 0xff;
}

int respawn_result(void)
{
    return sv.has_finished && sv.pid == 0 ? sv.exit_status : -1;
}

/* In the child: LINK becomes 3, the binary 4, nothing else stays. It leaves the terminal's foreground: ^C is
 * for the workers there, and for the keeper, which tells it. */
static _Noreturn void become_supervisor(int link)
{
    setpgid(0, 0);
    signals_reset();
    struct rlimit nofile;
    getrlimit(RLIMIT_NOFILE, &nofile);
    nofile.rlim_cur = sv.soft_nofile;
    setrlimit(RLIMIT_NOFILE, &nofile);
    if (link == KEEPER_SUPERVISOR_FD)
        fcntl(link, F_SETFD, 0);
    else
        dup2(link, KEEPER_SUPERVISOR_FD);
    dup3(sv.is_on_trial ? sv.candidate : sv.binary, KEEPER_SUPERVISOR_FD + 1, O_CLOEXEC);
    close_range(KEEPER_SUPERVISOR_FD + 2, ~0U, 0);
    sv.argv[0] = (char[]){KEEPER_SUPERVISOR_NAME};
    execveat(KEEPER_SUPERVISOR_FD + 1, "", sv.argv, environ, AT_EMPTY_PATH);
    say("cannot execute the supervisor: %s", strerror(errno));
    _exit(EXIT_CANNOT_BEGIN);
}

static int64_t delay_before_restart(void)
{
    if (sv.crashes <= 1)
        return 0;
    int64_t delay = FIRST_DELAY << (sv.crashes < 12 ? sv.crashes - 2 : 10);
    return delay < MOST_DELAY ? delay : MOST_DELAY;
}

static void start(void)
{
    sv.is_on_trial = sv.candidate >= 0;
    sv.is_late = false;
    uint32_t flags = (sv.starts == 0 ? KEEPER_FLAG_FIRST : 0) | (getpid() == 1 ? KEEPER_FLAG_PID1 : 0) |
                     (sv.crashes >= SAFE_AFTER ? KEEPER_FLAG_SAFE : 0) |
                     (sv.is_on_trial ? KEEPER_FLAG_TRIAL : 0) | (sv.is_back ? KEEPER_FLAG_BACK : 0);
    int link = link_open(flags, sv.starts, sv.failure);
    pid_t pid = link < 0 ? -1 : fork();
    if (pid == 0)
        become_supervisor(link);
    if (pid < 0) {
        say("cannot start the supervisor: %s; trying again", strerror(errno));
        sv.crashes++;
        sv.start_at = mono_add(now(), FIRST_DELAY + delay_before_restart());
        link_close();
    } else {
        sv.pid = pid;
        sv.starts++;
        sv.is_stable = false;
        sv.version = 0;
        sv.started_at = now();
        sv.give_up_at = MONO_NEVER;
        stop_ask_again();
    }
    if (link >= 0)
        close(link);
}

static void say_why(pid_t pid, int status, int64_t delay)
{
    char room[16], when[32] = "";
    if (delay > 0)
        snprintf(when, sizeof when, " in %d ms", (int)(delay / NSEC_PER_MSEC));
    bool was_killed = WIFSIGNALED(status);
    snprintf(room, sizeof room, "%d", WEXITSTATUS(status));
    say("the supervisor (pid %d) %s %s; starting it again%s (restart %u, all %zu descriptors kept)", pid,
        was_killed ? "was killed by" : "ended with status",
        was_killed ? signame_format(WTERMSIG(status), room) : room, when, sv.starts, store_count_fds());
}

/* A FINISH of one on trial is not believed: that it could not begin ends nothing. */
static void go_back(pid_t pid, int wait_status)
{
    close(sv.candidate);
    sv.candidate = -1;
    sv.has_finished = false;
    sv.is_back = true;
    sv.failure = sv.is_late ? KEEPER_TIMED_OUT : wait_status;
    say("the new binary's supervisor (pid %d) did not come up; going back to the old one", pid);
}

void respawn_ended(int wait_status)
{
    pid_t pid = sv.pid;
    bool is_made_way = sv.candidate >= 0;
    sv.pid = 0;
    if (sv.is_on_trial)
        go_back(pid, wait_status);
    if (sv.starts == 1 && !sv.is_stable && !sv.has_finished && wait_status == EXIT_CANNOT_BEGIN << 8)
        respawn_finish(EXIT_CANNOT_BEGIN); /* it has said why */
    if (sv.has_finished)
        return;
    bool is_quick = !sv.is_stable && !is_made_way && mono_between(sv.started_at, now()) < QUICK;
    sv.crashes = is_quick ? sv.crashes + 1 : 0;
    sv.start_at = mono_add(now(), delay_before_restart());
    sv.give_up_at = mono_add(now(), LINK_LINGERS);
    if (!is_made_way)
        say_why(pid, wait_status, delay_before_restart());
    stop_count_crash();
}

/* One from another binary has only so much time to become stable; one that has closed its end, and lives, can
 * do nothing for us any more. */
static struct mono step_running(void)
{
    struct mono late_at = sv.is_on_trial && !sv.is_late ? mono_add(sv.started_at, TRIAL) : MONO_NEVER;
    if (!mono_is_before(now(), late_at)) {
        sv.is_late = true;
        respawn_kill();
    }
    if (link_is_open())
        return late_at;
    if (mono_is_never(sv.give_up_at))
        sv.give_up_at = mono_add(now(), LINK_LINGERS);
    if (mono_is_before(now(), sv.give_up_at))
        return sv.give_up_at;
    respawn_kill();
    return MONO_NEVER;
}

struct mono respawn_step(void)
{
    if (sv.pid > 0)
        return step_running();
    if (sv.has_finished)
        return MONO_NEVER;
    /* A worker that was being started still has the other end until it execs, and may have yet to announce
     * itself. */
    if (link_is_open() && mono_is_before(now(), sv.give_up_at))
        return sv.give_up_at;
    link_close();
    if (mono_is_before(now(), sv.start_at))
        return sv.start_at;
    start();
    return sv.pid > 0 ? step_running() : sv.start_at;
}
