/* spawn: a new process, as fast as the kernel makes one and with nothing inherited but what the plan names.
 *
 * The child shares our memory until it execs (CLONE_VM | CLONE_VFORK), so its failure's step and errno come
 * back without a pipe, and it is made a child of our parent (CLONE_PARENT) when the plan says so: then the
 * keeper is parent of every worker, and our own death changes nothing for them. Before its exec, the child
 * tells the keeper of itself (announce), so that no instant exists at which a worker runs that the keeper
 * does not know. */
#ifndef BERTH_SYS_SPAWN_H
#define BERTH_SYS_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

enum spawn_step {
    SPAWN_STEP_NONE,
    SPAWN_STEP_CLONE,
    SPAWN_STEP_ACCEPT,
    SPAWN_STEP_ADMIT,
    SPAWN_STEP_ANNOUNCE,
    SPAWN_STEP_CGROUP,
    SPAWN_STEP_SESSION,
    SPAWN_STEP_DESCRIPTORS,
    SPAWN_STEP_OOM_SCORE,
    SPAWN_STEP_CPUS,
    SPAWN_STEP_LIMITS,
    SPAWN_STEP_NICE,
    SPAWN_STEP_UMASK,
    SPAWN_STEP_CHROOT,
    SPAWN_STEP_GROUPS,
    SPAWN_STEP_GROUP,
    SPAWN_STEP_USER,
    SPAWN_STEP_DIRECTORY,
    SPAWN_STEP_CAPABILITIES,
    SPAWN_STEP_NO_NEW_PRIVILEGES,
    SPAWN_STEP_SIGNALS,
    SPAWN_STEP_EXEC,
    SPAWN_STEP_COUNT,
};

/* A message that the child sends to the keeper with its own pid put in place. */
struct spawn_announce {
    int fd;      /* -1: none */
    void *bytes; /* changed by the child: see pid_offset */
    size_t len;
    size_t pid_offset; /* an int32_t there receives the child's pid */
};

/* What runs in the child while it shares our memory: free of sanitizers, and async-signal-safe. */
#define SPAWN_IN_CHILD __attribute__((no_sanitize("address", "undefined", "thread")))
#define SPAWN_ACCEPTED (-2) /* among spawn_plan.fds: the connection that was accepted */
#define SPAWN_CLOSED (-3)   /* … : nothing, not even /dev/null */

/* A connection that the child itself takes off the queue, so that there is no moment at which only we have
 * it. */
struct spawn_accept {
    int fd;        /* the listener, non-blocking; -1: nothing is accepted. EAGAIN when nobody is there */
    char **remote; /* the last two entries of `environment`, "REMOTE_ADDR=" and "REMOTE_PORT=" with
                    * REMOTE_ROOM bytes each: completed, or made NULL where there is nothing to say */
    size_t remote_room;
    /* May it be served? Runs in the child (SPAWN_IN_CHILD); SPAWN_STEP_ADMIT if not. NULL: everybody may. */
    bool (*admits)(int connection, const struct sockaddr_storage *peer, void *arg);
    void *arg;
    struct sockaddr_storage peer; /* out: who it is */
    socklen_t peer_len;
};

#define SPAWN_CPUS_SIZE 1024 /* bytes: 8192 processors, the most that Linux is built for on x86 */

struct spawn_limit {
    int resource; /* RLIMIT_… */
    struct rlimit value;
};

/* Everything is borrowed for the call. */
struct spawn_plan {
    const char *file; /* looked up in the PATH of `environment` when it has no slash */
    const char *const *argv;
    const char *const *environment;
    struct spawn_accept *accept; /* NULL: nothing is accepted */
    const int *fds;      /* become descriptors 0, 1, 2, 3, … in this order; -1 leaves /dev/null there */
    size_t n_fds;        /* at least 3 */
    bool as_sibling;     /* CLONE_PARENT */
    bool new_session;    /* setsid(); else the caller's session is kept (a terminal's) */
    pid_t process_group; /* without a new session: the group of it to join; 0: the caller's */
    struct spawn_announce announce;
    const struct spawn_limit *limits;
    size_t n_limits;
    bool has_umask, has_nice, has_user, has_group, has_groups, no_new_privileges;
    mode_t umask;
    int nice;
    uid_t user;
    gid_t group;
    const gid_t *groups;
    size_t n_groups;
    const char *chroot;    /* NULL: ours; FILE and the directory are looked up inside it */
    const char *directory; /* NULL: unchanged, or the new root; resolved in the child, as the user */
    bool has_cgroup, has_oom_score_adjust, has_capabilities;
    int cgroup_fd; /* its cgroup.procs, open for writing */
    int oom_score_adjust;
    uint64_t capabilities;     /* by number as bits: exactly those that it keeps (sys/capability) */
    const unsigned long *cpus; /* SPAWN_CPUS_SIZE bytes as sched_setaffinity(2) has it; NULL: ours.
                                * SPAWN_STEP_CPUS with ENODEV where one of them is not to be had */
    /* Where the child writes decimal text that only it knows, into environment strings with room for it
     * ("LISTEN_PID=" and 10 free bytes): NULL or such places. */
    char *listen_pid;     /* receives its pid, NUL-terminated */
    char *watchdog_pid;   /* likewise */
    char *listen_pidfdid; /* receives its pidfd's inode number (spawn_knows_pidfdid): 20 digits and a NUL */
};

struct spawn_failure {
    enum spawn_step step;
    int err;
};

/* Sets a few descriptors aside, to be called before thousands are open: from then on a process that is handed
 * few does not cost the more, the more there are. Negative errno; then each costs what it costs. */
int spawn_set_window(void);
/* Is the inode of a pidfd unique on this kernel (pidfs, 6.9), so that LISTEN_PIDFDID makes sense? */
bool spawn_knows_pidfdid(void);
/* The pid, with its pidfd (CLOEXEC, the caller's) in *RET_PIDFD; or negative errno with *FAILURE filled: then
 * no process is left, but for a dead sibling, which its parent reaps. Blocks until the exec. For one thread
 * at a time. */
pid_t spawn_process(const struct spawn_plan *plan, int *ret_pidfd, struct spawn_failure *failure);
/* "chdir", "exec", …: the step as a log line names it. */
const char *spawn_step_name(enum spawn_step step);

#endif
