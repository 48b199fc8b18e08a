/* stop: see the header. An orderly shutdown is the supervisor's work and takes as long as its workers need.
 * The keeper steps in where that cannot come about: the supervisor hangs and does not even read the order (it
 * is killed, and the next one gets the order; once only), it crashes on and on, or somebody has asked twice
 * and the answer takes too long. */
#include "config.h"

#include "keeper/stop.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "keeper/link.h"
#include "keeper/respawn.h"
#include "keeper/say.h"
#include "keeper/signals.h"
#include "keeper/store.h"

#define HEAR_WITHIN (10 * NSEC_PER_SEC)
#define SECOND_WITHIN (5 * NSEC_PER_SEC)
#define LOOK_EVERY NSEC_PER_SEC
#define MOST_CRASHES 20
#define REAP_FOR (2 * NSEC_PER_SEC)

static struct {
    int signo; /* the latest; 0: none */
    pid_t sender;
    unsigned count, crashes;
    bool is_heard, has_hung, is_due;
    struct mono hear_by;
    struct mono due_at; /* after a second one */
} stop = {.due_at = {INT64_MAX}};

void stop_ask(int signo, pid_t sender)
{
    stop.signo = signo;
    stop.sender = sender;
    stop.count++;
    if (stop.count == 2)
        stop.due_at = mono_add(now(), SECOND_WITHIN);
    stop_ask_again();
}

void stop_ask_again(void)
{
    if (!stop.signo)
        return;
    signals_keep(stop.signo, stop.sender);
    stop.is_heard = false;
    stop.hear_by = mono_add(now(), HEAR_WITHIN);
}

unsigned stop_count(void)
{
    return stop.count;
}

void stop_count_crash(void)
{
    if (stop.signo && ++stop.crashes >= MOST_CRASHES)
        stop.is_due = true;
}

/* Sent and read counts as heard; what the supervisor then does is up to it. */
static void step_hearing(struct mono t)
{
    stop.is_heard = link_signals_are_read();
    if (stop.is_heard || mono_is_before(t, stop.hear_by))
        return;
    stop.is_due = stop.has_hung;
    stop.has_hung = true;
    stop.hear_by = mono_add(t, HEAR_WITHIN);
    say("the supervisor (pid %d) hangs and does not hear that it is to stop; killing it", respawn_pid());
    respawn_kill();
}

struct mono stop_step(void)
{
    if (!stop.signo)
        return MONO_NEVER;
    struct mono t = now();
    if (!stop.is_heard)
        step_hearing(t);
    if (!mono_is_before(t, stop.due_at))
        stop.is_due = true;
    return stop.is_heard ? stop.due_at : earlier(stop.due_at, mono_add(t, LOOK_EVERY));
}

bool stop_is_due(void)
{
    return stop.is_due;
}

int stop_everything(void)
{
    say("not waiting for the supervisor any longer: killing every worker");
    respawn_kill();
    for (struct entry *e = store_next(NULL); e; e = store_next(e)) {
        if (e->pid > 0 && !e->ended) { /* we have not reaped it, so the number is still its own */
            kill(-e->pid, SIGKILL);
            kill(e->pid, SIGKILL); /* in a terminal it has our group */
        }
    }
    struct mono until = mono_add(now(), REAP_FOR);
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0 && mono_is_before(now(), until)) {
        if (pid == 0) /* those that are left are dying, or not ours to kill */
            poll(NULL, 0, 10);
    }
    return 128 + stop.signo;
}
