/* keeper: see the header. This is the loop; everything that it needs was got before (once/begin.c), where
 * whatever can fail has failed. Nothing in this folder exits, allocates or blocks.
 *
 * reap() has the order that every report of an end rests on. */
#include "config.h"

#include "keeper/keeper.h"

#include <poll.h>
#include <sys/wait.h>

#include "keeper/link.h"
#include "keeper/once/bequeath.h"
#include "keeper/respawn.h"
#include "keeper/say.h"
#include "keeper/signals.h"
#include "keeper/stop.h"
#include "keeper/store.h"

#define REAP_AT_ONCE 256 /* then the other work has a turn */

/* True if there may be more. */
static bool reap(void)
{
    for (unsigned budget = REAP_AT_ONCE; budget > 0; budget--) {
        /* 1. See that a process has ended, and leave it a zombie, so that its pid stays its own. */
        siginfo_t si = {0};
        if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid == 0)
            return false;
        pid_t pid = si.si_pid;
        /* 2. Hear out what was sent before that end: a worker's own announcement, the supervisor's last
         * messages (it may have finished), a signal whose sender is to be judged. All of it was in our queues
         * when the zombie was. */
        link_receive();
        signals_receive(); /* another child's end is seen on the next turn */
        /* 3. Only now ask who it was, and give the pid back. */
        int status;
        if (waitpid(pid, &status, WNOHANG) != pid)
            return false; /* a debugger's for now; another SIGCHLD will come */
        for (struct entry *e; (e = store_find_process(pid)) != NULL;)
            store_end(e, status);
        if (pid == respawn_pid())
            respawn_ended(status);
    }
    return true;
}

static int timeout_ms(struct mono until)
{
    int64_t ms = (mono_between(now(), until) + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
    return mono_is_never(until) ? -1 : ms < 0 ? 0 : ms > 60000 ? 60000 : (int)ms;
}

int keeper_run(int signal_fd)
{
    bool is_reaping = true; /* children that we had before we were the keeper */
    for (;;) {
        struct mono next = earlier(respawn_step(), stop_step());
        if (respawn_result() >= 0)
            return respawn_result();
        if (stop_is_due())
            return stop_everything();
        next = earlier(next, link_send());
        bequeath_if_due();
        struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN}, link_poll()};
        poll(fds, 2, is_reaping ? 0 : timeout_ms(next)); /* failed, it is a turn with nothing to do */
        link_receive();
        if (signals_receive() || is_reaping)
            is_reaping = reap();
    }
}
