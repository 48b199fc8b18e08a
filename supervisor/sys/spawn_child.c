/* The child of a spawn: the order of its steps, and nothing about what is run.
 *
 * Remember: until it execs, it runs in its parent's memory, on a stack of its own, while the parent stands
 * still. It must not allocate, lock, or call anything that is not async-signal-safe, and what it writes is
 * what the parent reads afterwards: its failure, its pid in the announcement and in LISTEN_PID, and nothing
 * else. Its functions carry CHILD: they are kept free of sanitizers, whose bookkeeping belongs to the thread
 * that stands still. */
#include "config.h"

#include "sys/spawn_child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define CHILD static SPAWN_IN_CHILD

#define SHELL "/bin/sh"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* The calls themselves, since glibc's wrappers would change the ids of the threads of a process that is not
 * ours to change. On 32-bit machines the plain numbers take 16-bit ids. */
#ifdef SYS_setresuid32
#define SYS_SETRESUID SYS_setresuid32
#define SYS_SETRESGID SYS_setresgid32
#define SYS_SETGROUPS SYS_setgroups32
#else
#define SYS_SETRESUID SYS_setresuid
#define SYS_SETRESGID SYS_setresgid
#define SYS_SETGROUPS SYS_setgroups
#endif

CHILD void fail(const struct spawn_child *c, enum spawn_step step, int err)
{
    c->failure->step = step;
    c->failure->err = err;
    _exit(127);
}

CHILD void write_decimal(char *dst, uint64_t value)
{
    char digits[24];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
    } while (value /= 10);
    while (n > 0)
        *dst++ = digits[--n];
    *dst = '\0';
}

/* "REMOTE_PORT=" and a number behind it. */
CHILD void write_remote_port(char *entry, unsigned port)
{
    write_decimal(strchr(entry, '=') + 1, port);
}

/* An IPv4 client of a dual-stack socket is told as one. */
CHILD void write_remote_inet(const struct sockaddr_storage *peer, char **remote, size_t room)
{
    char *text = strchr(remote[0], '=') + 1;
    socklen_t size = (socklen_t)(room - (size_t)(text - remote[0]));
    const struct sockaddr_in *in = (const struct sockaddr_in *)peer;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;
    if (peer->ss_family == AF_INET)
        inet_ntop(AF_INET, &in->sin_addr, text, size);
    else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, text, size);
    else
        inet_ntop(AF_INET6, &in6->sin6_addr, text, size);
    write_remote_port(remote[1], ntohs(peer->ss_family == AF_INET ? in->sin_port : in6->sin6_port));
}

/* A Unix client that has bound itself has a path or an abstract name, and no port. */
CHILD void write_remote_unix(const struct sockaddr_storage *peer, socklen_t len, char **remote)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)peer;
    size_t n =
        len > offsetof(struct sockaddr_un, sun_path) ? len - offsetof(struct sockaddr_un, sun_path) : 0;
    char *text = strchr(remote[0], '=') + 1;
    remote[1] = NULL;
    if (n == 0) {
        remote[0] = NULL;
        return;
    }
    memcpy(text, un->sun_path, n);
    text[n] = '\0';
    if (text[0] == '\0')
        text[0] = '@';
}

CHILD void write_remote(struct spawn_accept *a)
{
    if (!a->remote)
        return;
    if (a->peer.ss_family == AF_INET || a->peer.ss_family == AF_INET6)
        write_remote_inet(&a->peer, a->remote, a->remote_room);
    else if (a->peer.ss_family == AF_UNIX)
        write_remote_unix(&a->peer, a->peer_len, a->remote);
    else
        a->remote[0] = NULL;
}

/* First of all: before it is known that somebody is there, there is nothing to announce. */
CHILD void accept_connection(const struct spawn_child *c)
{
    struct spawn_accept *a = c->plan->accept;
    if (!a)
        return;
    a->peer_len = sizeof a->peer;
    int fd = accept4(a->fd, (struct sockaddr *)&a->peer, &a->peer_len, SOCK_CLOEXEC);
    if (fd < 0)
        fail(c, SPAWN_STEP_ACCEPT, errno);
    *c->accepted = fd; /* the parent's too, if the table is: it closes what we turn away */
    if (a->admits && !a->admits(fd, &a->peer, a->arg))
        fail(c, SPAWN_STEP_ADMIT, EUSERS);
    write_remote(a);
}

/* Before all else, so that the keeper knows the process before it can do anything. */
CHILD void announce(const struct spawn_child *c)
{
    const struct spawn_announce *a = &c->plan->announce;
    if (a->fd < 0)
        return;
    int32_t pid = (int32_t)getpid();
    memcpy((char *)a->bytes + a->pid_offset, &pid, sizeof pid);
    ssize_t n = send(a->fd, a->bytes, a->len, MSG_NOSIGNAL);
    if (n != (ssize_t)a->len)
        fail(c, SPAWN_STEP_ANNOUNCE, n < 0 ? errno : EIO);
}

/* Opened by the parent, so that what follows may not be able to. The kernel takes "0" for whoever writes it.
 */
CHILD void join_cgroup(const struct spawn_child *c)
{
    if (c->plan->has_cgroup && write(c->plan->cgroup_fd, "0", 1) < 0)
        fail(c, SPAWN_STEP_CGROUP, errno);
}

CHILD void join_session(const struct spawn_child *c)
{
    if (c->plan->new_session && setsid() < 0)
        fail(c, SPAWN_STEP_SESSION, errno);
    if (!c->plan->new_session && c->plan->process_group > 0 && setpgid(0, c->plan->process_group) < 0)
        fail(c, SPAWN_STEP_SESSION, errno);
}

CHILD void write_identity(const struct spawn_child *c)
{
    if (c->plan->listen_pid)
        write_decimal(c->plan->listen_pid, (uint64_t)getpid());
    if (c->plan->watchdog_pid)
        write_decimal(c->plan->watchdog_pid, (uint64_t)getpid());
    if (!c->plan->listen_pidfdid)
        return;
    struct stat st;
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0 || fstat(fd, &st) < 0)
        fail(c, SPAWN_STEP_DESCRIPTORS, errno);
    close(fd);
    write_decimal(c->plan->listen_pidfdid, (uint64_t)st.st_ino);
}

CHILD void set_cloexec(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && !(flags & FD_CLOEXEC))
        fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

/* Every number that could be open; the way without /proc. */
CHILD void set_cloexec_by_number(int first)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max > INT_MAX)
        limit.rlim_max = INT_MAX;
    /* The hard limit: descriptors may be older than the soft one. */
    for (int fd = first; fd < (int)limit.rlim_max; fd++)
        set_cloexec(fd);
}

struct directory_entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

/* opendir(3) would allocate. Nothing is opened or closed meanwhile, so the listing holds still. */
CHILD void set_cloexec_by_proc(int first)
{
    int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        set_cloexec_by_number(first);
        return;
    }
    char bytes[2048] __attribute__((aligned(8)));
    long n;
    while ((n = syscall(SYS_getdents64, dir, bytes, sizeof bytes)) > 0) {
        for (long at = 0; at < n;) {
            const struct directory_entry *entry = (const void *)(bytes + at);
            at += entry->length;
            int fd = 0;
            for (const char *p = entry->name; *p >= '0' && *p <= '9'; p++)
                fd = fd * 10 + (*p - '0');
            if (entry->name[0] != '.' && fd >= first)
                set_cloexec(fd);
        }
    }
    close(dir);
}

CHILD int source_of(const struct spawn_child *c, int i)
{
    return c->plan->fds[i] == SPAWN_ACCEPTED ? *c->accepted : c->plan->fds[i];
}

/* Until here the table of descriptors is the parent's own. What is to be handed over is put into the window,
 * where /dev/null stands otherwise; then we get a table that ends with it. */
CHILD void leave_table(const struct spawn_child *c)
{
    int n = (int)c->plan->n_fds;
    for (int i = 0; i < n; i++) {
        if (source_of(c, i) >= 0 && dup3(source_of(c, i), c->window + i, O_CLOEXEC) < 0)
            fail(c, SPAWN_STEP_DESCRIPTORS, errno);
        c->moved[i] = c->window + i;
    }
    if (syscall(SYS_close_range, c->window + n, ~0U, CLOSE_RANGE_UNSHARE) < 0 &&
        syscall(SYS_unshare, CLONE_FILES) < 0)
        fail(c, SPAWN_STEP_DESCRIPTORS, errno);
}

/* A source may not stand where another one is to go. */
CHILD void move_out_of_the_way(const struct spawn_child *c)
{
    int n = (int)c->plan->n_fds;
    for (int i = 0; i < n; i++) {
        int source = source_of(c, i);
        c->moved[i] = source < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : source;
        if (c->moved[i] >= 0 && c->moved[i] < n)
            c->moved[i] = fcntl(c->moved[i], F_DUPFD_CLOEXEC, n);
        if (c->moved[i] < 0)
            fail(c, SPAWN_STEP_DESCRIPTORS, errno);
    }
}

CHILD void place_descriptors(const struct spawn_child *c)
{
    int n = (int)c->plan->n_fds;
    if (c->window >= 0) /* it is behind all places, or those within it are taken before they are needed */
        leave_table(c);
    else
        move_out_of_the_way(c);
    for (int i = 0; i < n; i++) {
        if (dup2(c->moved[i], i) < 0)
            fail(c, SPAWN_STEP_DESCRIPTORS, errno);
    }
    for (int i = 0; i < n; i++) {
        if (c->plan->fds[i] == SPAWN_CLOSED)
            close(i);
    }
    /* Whatever we inherited without knowing. Not in 5.10: the flag is of 5.11, and containers may refuse the
     * call. */
    if (syscall(SYS_close_range, n, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        set_cloexec_by_proc(n);
}

/* Before the limits: a descriptor is needed for it. */
CHILD void set_oom_score(const struct spawn_child *c)
{
    int adjust = c->plan->oom_score_adjust;
    char text[24] = "-";
    if (!c->plan->has_oom_score_adjust)
        return;
    write_decimal(text + (adjust < 0), (uint64_t)(adjust < 0 ? -adjust : adjust));
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        fail(c, SPAWN_STEP_OOM_SCORE, errno);
    close(fd);
}

/* The kernel takes those that it has and may give, and says nothing of the others: so it is asked what came
 * of it. */
CHILD void set_cpus(const struct spawn_child *c)
{
    char got[SPAWN_CPUS_SIZE] __attribute__((aligned(8)));
    if (!c->plan->cpus)
        return;
    memset(got, 0, sizeof got);
    if (syscall(SYS_sched_setaffinity, 0, sizeof got, c->plan->cpus) < 0 ||
        syscall(SYS_sched_getaffinity, 0, sizeof got, got) < 0)
        fail(c, SPAWN_STEP_CPUS, errno);
    if (memcmp(got, c->plan->cpus, sizeof got) != 0)
        fail(c, SPAWN_STEP_CPUS, ENODEV);
}

CHILD void set_surroundings(const struct spawn_child *c)
{
    const struct spawn_plan *p = c->plan;
    set_oom_score(c);
    set_cpus(c);
    for (size_t i = 0; i < p->n_limits; i++) {
        if (setrlimit((__rlimit_resource_t)p->limits[i].resource, &p->limits[i].value) < 0)
            fail(c, SPAWN_STEP_LIMITS, errno);
    }
    if (p->has_nice && setpriority(PRIO_PROCESS, 0, p->nice) < 0)
        fail(c, SPAWN_STEP_NICE, errno);
    if (p->has_umask)
        umask(p->umask);
}

/* After all that needs /proc, and while we still may. */
CHILD void enter_chroot(const struct spawn_child *c)
{
    if (c->plan->chroot && (chroot(c->plan->chroot) < 0 || chdir("/") < 0))
        fail(c, SPAWN_STEP_CHROOT, errno);
}

/* What is outside the bounding set can never come back, by no exec. One that is not in it already needs no
 * right to be dropped. Those that remain are to survive the change of user. */
CHILD void bound_capabilities(const struct spawn_child *c)
{
    if (!c->plan->has_capabilities)
        return;
    for (unsigned long n = 0;; n++) {
        int is_bound = prctl(PR_CAPBSET_READ, n, 0, 0, 0);
        if (is_bound < 0 && (errno != EINVAL || n == 0))
            fail(c, SPAWN_STEP_CAPABILITIES, errno);
        if (is_bound < 0)
            break; /* past the last that this kernel knows */
        bool is_kept = n < 64 && (c->plan->capabilities >> n & 1);
        if (is_bound > 0 && !is_kept && prctl(PR_CAPBSET_DROP, n, 0, 0, 0) < 0)
            fail(c, SPAWN_STEP_CAPABILITIES, errno);
        if (is_bound == 0 && is_kept)
            fail(c, SPAWN_STEP_CAPABILITIES, EPERM);
    }
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        fail(c, SPAWN_STEP_CAPABILITIES, errno);
}

/* Ambient ones are what an ordinary program run by an ordinary user still has after its exec; they must be
 * permitted and inheritable first. */
CHILD void set_capabilities(const struct spawn_child *c)
{
    uint64_t kept = c->plan->capabilities;
    uint32_t low = (uint32_t)kept, high = (uint32_t)(kept >> 32);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{low, low, low}, {high, high, high}};
    if (!c->plan->has_capabilities)
        return;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
        syscall(SYS_capset, &header, data) < 0)
        fail(c, SPAWN_STEP_CAPABILITIES, errno);
    for (unsigned long n = 0; n < 64; n++) {
        if ((kept >> n & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n, 0, 0) < 0)
            fail(c, SPAWN_STEP_CAPABILITIES, errno);
    }
}

/* Groups while we still may, the user last; then the directory, with that user's rights. */
CHILD void set_identity(const struct spawn_child *c)
{
    const struct spawn_plan *p = c->plan;
    bound_capabilities(c);
    if (p->has_groups && syscall(SYS_SETGROUPS, p->n_groups, p->groups) < 0)
        fail(c, SPAWN_STEP_GROUPS, errno);
    if (p->has_group && syscall(SYS_SETRESGID, p->group, p->group, p->group) < 0)
        fail(c, SPAWN_STEP_GROUP, errno);
    if (p->has_user && syscall(SYS_SETRESUID, p->user, p->user, p->user) < 0)
        fail(c, SPAWN_STEP_USER, errno);
    if (p->directory && chdir(p->directory) < 0)
        fail(c, SPAWN_STEP_DIRECTORY, errno);
    set_capabilities(c);
    if (p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail(c, SPAWN_STEP_NO_NEW_PRIVILEGES, errno);
}

/* Ignored signals would stay ignored over the exec, and so would the mask. The table of handlers is our own
 * copy (no CLONE_SIGHAND). Not by sigaction(3): that refuses the two signals which the C library uses itself,
 * and whoever was started by its posix_spawn(3), by make for one, has one of them ignored. */
CHILD void reset_signals(const struct spawn_child *c)
{
    static const unsigned long initial[8]; /* the kernel's struct sigaction, all zero: SIG_DFL */
    for (int signo = 1; signo < _NSIG; signo++)
        syscall(SYS_rt_sigaction, signo, initial, NULL, (_NSIG - 1) / 8); /* KILL and STOP refuse */
    sigset_t none;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
        fail(c, SPAWN_STEP_SIGNALS, errno);
}

/* Returns only if FILE cannot be run, with the errno. A text without "#!" is a script for the shell, as
 * execvp has it. */
CHILD int exec_file(const struct spawn_child *c, const char *file)
{
    char *const *environment = (char *const *)(uintptr_t)c->plan->environment;
    execve(file, (char *const *)(uintptr_t)c->plan->argv, environment);
    if (errno != ENOEXEC)
        return errno;
    c->script_argv[0] = SHELL;
    c->script_argv[1] = file;
    execve(SHELL, (char *const *)(uintptr_t)c->script_argv, environment);
    return errno;
}

CHILD bool says_look_further(int err)
{
    return err == ENOENT || err == ENOTDIR || err == EACCES || err == ESTALE || err == ENODEV ||
           err == ETIMEDOUT;
}

/* One that is there but may not be run says more than one that is not there. */
CHILD int exec_in_path(const struct spawn_child *c)
{
    char candidate[PATH_MAX];
    size_t name_len = strlen(c->plan->file);
    int err = ENOENT;
    for (const char *dir = c->path, *end; dir; dir = *end ? end + 1 : NULL) {
        end = strchrnul(dir, ':');
        size_t dir_len = (size_t)(end - dir);
        if (dir_len + 1 + name_len + 1 > sizeof candidate)
            continue;
        memcpy(candidate, dir, dir_len);
        /* An empty entry is the current directory. */
        if (dir_len > 0)
            candidate[dir_len++] = '/';
        memcpy(candidate + dir_len, c->plan->file, name_len + 1);
        int r = exec_file(c, candidate);
        if (!says_look_further(r))
            return r;
        if (r == EACCES)
            err = EACCES;
    }
    return err;
}

SPAWN_IN_CHILD int spawn_child_run(void *arg)
{
    const struct spawn_child *c = arg;
    accept_connection(c);
    announce(c);
    join_cgroup(c);
    join_session(c);
    write_identity(c);
    place_descriptors(c);
    set_surroundings(c);
    enter_chroot(c);
    set_identity(c);
    reset_signals(c);
    fail(c, SPAWN_STEP_EXEC, c->path ? exec_in_path(c) : exec_file(c, c->plan->file));
    return 127;
}
