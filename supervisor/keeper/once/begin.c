/* begin: the keeper's start, as a new one or as the heir of one. All that the loop needs is got here, and
 * whatever can fail fails here: a new one then ends with a sentence, an heir goes on with what it has. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "keeper/keeper.h"
#include "keeper/link.h"
#include "keeper/respawn.h"
#include "keeper/say.h"
#include "keeper/signals.h"
#include "keeper/store.h"
#include "sys/will.h"

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

/* As many descriptors as we may have; returns the soft limit that the supervisor gets. */
static rlim_t raise_nofile(void)
{
    struct rlimit before = {.rlim_cur = 1024, .rlim_max = 1024};
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit most = {.rlim_cur = before.rlim_max, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &most); /* refused, it stays as it was, and less can be held */
    return before.rlim_cur;
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
    struct respawn respawn = {.binary = binary, .candidate = -1, .argv = argv, .soft_nofile = raise_nofile()};
    respawn_init(&respawn);
    for (unsigned i = 0; i < n_gifts; i++)
        if ((r = store_put(gifts[i].name, gifts[i].fd, 0)) < 0)
            return fail("hold what it was given", r);
    /* ---- the border: from here on nothing exits, allocates or blocks ---- */
    return keeper_run(signal_fd);
}

/* A process whose end was reported already is not reported again. */
static int inherit_entry(const struct keeper_msg *m, int fd)
{
    int r = store_put(m->name, fd, m->pid);
    struct entry *e = r == 0 && (m->flags & KEEPER_FLAG_ENDED) ? store_find_process(m->pid) : NULL;
    if (e) {
        store_end(e, m->value);
        store_tell(e);
    }
    return r;
}

static void inherit_all(int will, struct respawn *respawn)
{
    struct keeper_msg m = {0};
    int fd, r;
    while ((r = will_read(will, &m, &fd)) > 0 && m.type != KEEPER_SYNC) {
        will_pass(fd, false);
        if (m.type == KEEPER_WILL_LINK) {
            respawn->pid = m.pid;
            respawn->is_stable = m.pid > 0;
            link_resume(fd);
        } else if (m.type == KEEPER_WILL_BINARY) {
            respawn->binary = fd;
            respawn->starts = (unsigned)m.value;
            respawn->soft_nofile = m.flags == UINT32_MAX ? RLIM_INFINITY : m.flags;
        } else if (m.type == KEEPER_UPGRADE) {
            respawn->candidate = fd;
        } else if (m.type == KEEPER_HELD && inherit_entry(&m, fd) < 0) {
            say("cannot go on holding \"%s\"", m.name);
        }
    }
    if (r <= 0)
        say("the other keeper's will ends too early: %s", strerror(-r));
    close(will);
}

int keeper_inherit(char *argv[], int will)
{
    struct respawn respawn = {.binary = -1, .candidate = -1, .argv = argv, .soft_nofile = raise_nofile()};
    inherit_all(will, &respawn);
    int signal_fd = signals_init();
    if (signal_fd < 0)
        fail("receive signals", signal_fd);
    if (respawn.binary < 0)
        respawn.binary = open_binary();
    respawn_init(&respawn);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* it is one already, or is process 1 */
    prctl(PR_SET_NAME, "berth");      /* older kernels call it by the descriptor's number */
    say("this is another keeper from now on (version %d, all %zu descriptors kept)", KEEPER_VERSION,
        store_count_fds());
    return keeper_run(signal_fd);
}
