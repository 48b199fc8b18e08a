/* A new process, from clone(2) to the word that it runs: the parent's part. What the child does until its
 * exec is in sys/spawn_child.
 *
 * Remember: meanwhile the child runs in our memory, on a stack of its own, and we stand still. */
#include "config.h"

#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/str.h"
#include "sys/fd.h"
#include "sys/pidfd.h"
#include "sys/spawn_child.h"

#define STACK_SIZE ((size_t)256 * 1024)
#define WINDOW 16      /* descriptors that most are handed at most */
#define WINDOW_FROM 10 /* … and where they may stand */
#define WINDOW_TO 100
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* Made once, and with a page below it that nobody may touch. The top of it, or NULL. */
static char *child_stack(void)
{
    static char *stack;
    if (stack)
        return stack + STACK_SIZE;
    char *memory =
        mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    if (mprotect(memory, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE) < 0) {
        munmap(memory, STACK_SIZE);
        return NULL;
    }
    stack = memory;
    return stack + STACK_SIZE;
}

static const char *find_path(const char *const *environment)
{
    for (; *environment; environment++) {
        if (str_starts_with(*environment, "PATH="))
            return *environment + strlen("PATH=");
    }
    return DEFAULT_PATH;
}

static const char **make_script_argv(const char *const *argv)
{
    size_t n = 0;
    while (argv[n])
        n++;
    /* The shell and the file come in place of argv[0], and a NULL ends it. */
    const char **script = mem_new_array(n + 2, sizeof *script);
    for (size_t i = 1; i < n; i++)
        script[i + 1] = argv[i];
    return script;
}

/* Else the kernel copies our whole table for every child, and closes all of it again at its exec. */
static struct {
    int first; /* of WINDOW descriptors that are /dev/null but in a spawn; 0: there are none */
    int null;
} window;

/* N descriptors from FIRST on; 0, -EBUSY where one of them is taken, or another negative errno. */
static int set_aside(int null, int first, int n)
{
    for (int i = 0; i < n; i++) {
        int fd = fcntl(null, F_DUPFD_CLOEXEC, first + i), err = errno;
        if (fd == first + i)
            continue;
        for (int k = 0; k < i; k++)
            close(first + k);
        if (fd >= 0)
            close(fd);
        return fd < 0 ? -err : -EBUSY;
    }
    return 0;
}

int spawn_set_window(void)
{
    cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int r = -EBUSY, first = WINDOW_FROM;
    while (r == -EBUSY && first < WINDOW_TO)
        r = set_aside(null, first++, 1 + WINDOW);
    if (r == 0) {
        window.null = first - 1;
        window.first = first;
    }
    return r;
}

static void clear_window(size_t n)
{
    for (size_t i = 0; i < n; i++)
        dup3(window.null, window.first + (int)i, O_CLOEXEC);
}

static pid_t clone_child(struct spawn_child *c, bool as_sibling, int *ret_pidfd)
{
    char *stack = child_stack();
    if (!stack)
        return -ENOMEM;
    /* With CLONE_PARENT the signal of its end is that of our own, and must not be given. */
    int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | (as_sibling ? CLONE_PARENT : SIGCHLD) |
                (c->window >= 0 ? CLONE_FILES : 0);
    sigset_t all, before;
    sigfillset(&all);
    /* A handler that ran in the child would run in our memory. */
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = clone(spawn_child_run, stack, flags, c, ret_pidfd);
    int err = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid < 0 ? -err : pid;
}

pid_t spawn_process(const struct spawn_plan *plan, int *ret_pidfd, struct spawn_failure *failure)
{
    must(plan->n_fds >= 3);
    cleanup_free const char **script_argv = make_script_argv(plan->argv);
    cleanup_free int *moved = mem_new_array(plan->n_fds, sizeof *moved);
    struct spawn_failure failed = {SPAWN_STEP_NONE, 0};
    int accepted = -1;
    char *remote[2] = {plan->accept && plan->accept->remote ? plan->accept->remote[0] : NULL,
                       plan->accept && plan->accept->remote ? plan->accept->remote[1] : NULL};
    struct spawn_child child = {
        .plan = plan,
        .path = strchr(plan->file, '/') || !*plan->file ? NULL : find_path(plan->environment),
        .script_argv = script_argv,
        .moved = moved,
        .accepted = &accepted,
        .window = window.first > 0 && plan->n_fds <= WINDOW ? window.first : -1,
        .failure = &failed,
    };

    cleanup_fd int pidfd = -1;
    pid_t pid = clone_child(&child, plan->as_sibling, &pidfd);
    if (child.window >= 0) {
        clear_window(plan->n_fds);
        fd_close(&accepted); /* the child's is another one by now */
    }
    if (remote[0]) /* what the child left out is still ours to free */
        memcpy(plan->accept->remote, remote, sizeof remote);
    if (pid < 0)
        failed = (struct spawn_failure){SPAWN_STEP_CLONE, -pid};
    if (failed.step == SPAWN_STEP_NONE) {
        *ret_pidfd = take_fd(&pidfd);
        return pid;
    }
    /* What became of a sibling, our parent learns. A child of our own ends here. */
    if (pid > 0 && !plan->as_sibling)
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    *failure = failed;
    return -failed.err;
}

bool spawn_knows_pidfdid(void)
{
    static int known = -1;
    if (known < 0) {
        uint64_t number;
        cleanup_fd int pidfd = pidfd_open_process(getpid());
        known = pidfd >= 0 && pidfd_number(pidfd, &number) == 0;
    }
    return known;
}

const char *spawn_step_name(enum spawn_step step)
{
    static const char *const names[SPAWN_STEP_COUNT] = {
        [SPAWN_STEP_NONE] = "none",
        [SPAWN_STEP_CLONE] = "clone",
        [SPAWN_STEP_ACCEPT] = "accept",
        [SPAWN_STEP_ADMIT] = "admit",
        [SPAWN_STEP_ANNOUNCE] = "announce",
        [SPAWN_STEP_CGROUP] = "cgroup",
        [SPAWN_STEP_SESSION] = "session",
        [SPAWN_STEP_DESCRIPTORS] = "descriptors",
        [SPAWN_STEP_OOM_SCORE] = "oom_score_adjust",
        [SPAWN_STEP_CPUS] = "cpus",
        [SPAWN_STEP_LIMITS] = "limits",
        [SPAWN_STEP_NICE] = "nice",
        [SPAWN_STEP_UMASK] = "umask",
        [SPAWN_STEP_CHROOT] = "chroot",
        [SPAWN_STEP_GROUPS] = "groups",
        [SPAWN_STEP_GROUP] = "group",
        [SPAWN_STEP_USER] = "user",
        [SPAWN_STEP_DIRECTORY] = "chdir",
        [SPAWN_STEP_CAPABILITIES] = "capabilities",
        [SPAWN_STEP_NO_NEW_PRIVILEGES] = "no_new_privileges",
        [SPAWN_STEP_SIGNALS] = "signals",
        [SPAWN_STEP_EXEC] = "exec",
    };
    must(step >= 0 && step < SPAWN_STEP_COUNT);
    return names[step];
}
