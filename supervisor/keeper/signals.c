/* signals: see the header. There is no queue: a signal is kept or it is not, as with the kernel itself. */
#include "config.h"

#include "keeper/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/signame.h"
#include "keeper/say.h"
#include "keeper/stop.h"
#include "keeper/store.h"

static int fd = -1;
static uint64_t kept; /* bit SIGNO - 1 */
static pid_t senders[65];

int signals_init(void)
{
    /* Faults end us where they happen, a terminal may stop and continue us, and what is ignored must not be
     * blocked: it would pile up all the same. */
    static const int unblocked[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGSYS,
                                    SIGTSTP, SIGCONT, SIGPIPE, SIGTTOU, SIGTTIN};
    sigset_t set;
    sigfillset(&set);
    for (size_t i = 0; i < sizeof unblocked / sizeof unblocked[0]; i++)
        sigdelset(&set, unblocked[i]);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    signal(SIGTTIN, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* if whoever started us ignored it, there would be no ends to report */
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        return -errno;
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

void signals_reset(void)
{
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL);
    signal(SIGTTOU, SIG_IGN); /* the supervisor is in the background of a terminal and may write to it */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Some servers signal their parent to say that they have taken over from it (facebookgo/grace: TERM, goagain:
 * QUIT). That must not stop us. Workers are session leaders: what they start has their session. */
static bool is_from_worker(const struct signalfd_siginfo *si)
{
    if (si->ssi_code != SI_USER && si->ssi_code != SI_QUEUE && si->ssi_code != SI_TKILL)
        return false;
    pid_t sender = (pid_t)si->ssi_pid;
    const struct entry *worker = store_find_process(sender) ?: store_find_process(getsid(sender));
    if (!worker)
        return false;
    char room[16];
    const char *name = signame_format((int)si->ssi_signo, room);
    say("ignored %s from worker process %d (%s)", name, sender, worker->name);
    return true;
}

bool signals_receive(void)
{
    bool has_child_ended = false;
    struct signalfd_siginfo si;
    while (read(fd, &si, sizeof si) == sizeof si) {
        int signo = (int)si.ssi_signo;
        if (signo == SIGCHLD)
            has_child_ended = true;
        else if ((signo == SIGTERM || signo == SIGQUIT) && is_from_worker(&si))
            continue;
        else if (signo == SIGTERM || signo == SIGINT)
            stop_ask(signo, (pid_t)si.ssi_pid);
        else
            signals_keep(signo, (pid_t)si.ssi_pid);
    }
    return has_child_ended;
}

void signals_keep(int signo, pid_t sender)
{
    kept |= UINT64_C(1) << (signo - 1);
    senders[signo] = sender;
}

int signals_first_kept(pid_t *ret_sender)
{
    int signo = kept ? __builtin_ctzll(kept) + 1 : 0;
    if (signo)
        *ret_sender = senders[signo];
    return signo;
}

void signals_forget(int signo)
{
    kept &= ~(UINT64_C(1) << (signo - 1));
}
