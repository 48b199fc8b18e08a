/* keeper: see the header. Everything that the loop needs is got before the border below; whatever can fail
 * fails there.
 *
 * reap() has the order that every report of an end rests on. */
#include "config.h"

#include "keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/link.h"
#include "keeper/respawn.h"
#include "keeper/say.h"
#include "keeper/signals.h"
#include "keeper/stop.h"
#include "keeper/store.h"

#define REAP_AT_ONCE 256 /* then the other work has a turn */

/* Closed ones of 0, 1 and 2 would be taken by descriptors of ours. */
static int fill_standard_fds(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    return fd < 0 ? -errno : close(fd);
}

/* Our own binary, which may be replaced or deleted while we run. At least 10: the low numbers are for the
 * child to arrange. */
static int open_binary(void)
{
    int low = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    if (low < 0)
        low = open((const char *)getauxval(AT_EXECFN), O_PATH | O_CLOEXEC);
    if (low < 0)
        return -errno;
    int high = fcntl(low, F_DUPFD_CLOEXEC, 10);
    close(low);
    return high < 0 ? -EMFILE : high;
}

/* As many descriptors as we may have; returns the limits that the supervisor gets. */
static struct rlimit raise_nofile(void)
{
    struct rlimit before = {.rlim_cur = 1024, .rlim_max = 1024};
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit most = {.rlim_cur = before.rlim_max, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &most); /* refused, it stays as it was, and less can be held */
    return before;
}

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

static int run(int signal_fd)
{
    bool is_reaping = true; /* children that we had before we were the keeper */
    for (;;) {
        struct mono next = earlier(respawn_step(), stop_step());
        if (respawn_result() >= 0)
            return respawn_result();
        if (stop_is_due())
            return stop_everything();
        next = earlier(next, link_send());
        struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN}, link_poll()};
        poll(fds, 2, is_reaping ? 0 : timeout_ms(next)); /* failed, it is a turn with nothing to do */
        link_receive();
        if (signals_receive() || is_reaping)
            is_reaping = reap();
    }
}

static int fail(const char *what, int r)
{
    say("cannot %s: %s", what, strerror(-r));
    return EXIT_CANNOT_BEGIN;
}

int keeper_main(char *argv[], const struct keeper_gift *gifts, unsigned n_gifts)
{
    int r = fill_standard_fds();
    if (r < 0)
        return fail("open /dev/null", r);
    int binary = open_binary();
    if (binary < 0)
        return fail("open the program's own file", binary);
    if (getpid() != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return fail("become the parent of orphans", -errno);
    int signal_fd = signals_init();
    if (signal_fd < 0)
        return fail("receive signals", signal_fd);
    respawn_init(binary, argv, raise_nofile());
    for (unsigned i = 0; i < n_gifts; i++)
        if ((r = store_put(gifts[i].name, gifts[i].fd, 0)) < 0)
            return fail("hold what it was given", r);
    /* ---- the border: from here on nothing exits, allocates or blocks ---- */
    return run(signal_fd);
}
