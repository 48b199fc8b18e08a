/* rig_process: starting programs, waiting for them, and what /proc says of processes. To remember: a child
 * that is forked here only execs or _exits, or Criterion's runner would hang. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rig_private.h"

#define PROCESSES_MAX 4096
#define PF_EXITING 4 /* of the flags in /proc/PID/stat */

struct process {
    pid_t pid, parent;
    char state;
};

long rig_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

long rig_deadline(void)
{
    return rig_now_ms() + RIG_PATIENCE_SECONDS * 1000L;
}

int rig_exit_status(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

static int output_open(const char *path)
{
    return path[0] == '\0' ? open("/dev/null", O_WRONLY) : open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
}

/* The child's part. Criterion's worker leaks descriptors, so everything from 3 on is closed. */
static _Noreturn void child_exec(struct rig *r, const char *const *argv, const char *out_path,
                                 const char *err_path)
{
    int in = open("/dev/null", O_RDONLY), out = output_open(out_path), err = output_open(err_path);
    sigset_t none;

    if (in < 0 || out < 0 || err < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(124);
    syscall(SYS_close_range, 3U, ~0U, 0U);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    execvpe(argv[0], (char *const *)argv, r->private->environment);
    _exit(errno == ENOENT ? 127 : 126);
}

pid_t rig_fork_exec(struct rig *r, const char *const *argv, const char *out_path, const char *err_path)
{
    pid_t pid = fork();

    cr_assert(pid >= 0, "fork: %s", strerror(errno));
    if (pid == 0)
        child_exec(r, argv, out_path, err_path);
    return pid;
}

static size_t argv_length(const char *const *argv)
{
    size_t n = 0;

    while (argv[n] != NULL)
        n++;
    return n;
}

/* HEAD, then ARGS, as one array that the rig keeps. */
static const char *const *argv_join(struct rig *r, const char *const *head, const char *const *args)
{
    size_t h = argv_length(head), n = argv_length(args);
    const char **argv = (const char **)(void *)rig_keep(r, calloc(h + n + 1, sizeof(*argv)));

    memcpy(argv, head, h * sizeof(*argv));
    memcpy(argv + h, args, n * sizeof(*argv));
    return argv;
}

const char *const *rig_run_argv(struct rig *r, const char *const *args)
{
    return argv_join(r, RIG_ARGV(r->berth, "--control", r->control, "run"), args);
}

const char *const *rig_cmd_argv(struct rig *r, const char *const *args)
{
    return argv_join(r, RIG_ARGV(r->berth, "--control", r->control), args);
}

void rig_configure(struct rig *r, const char *text)
{
    rig_write_file(rig_path(r, "berth.ini"), text);
}

void rig_up(struct rig *r, const char *text)
{
    rig_configure(r, text);
    rig_start(r, rig_cmd_argv(r, RIG_ARGV("up", "-c", rig_path(r, "berth.ini"))));
}

void rig_start(struct rig *r, const char *const *argv)
{
    cr_assert(r->pid == 0, "the rig runs one berth at a time");
    r->pid = r->keeper = rig_fork_exec(r, argv, r->out_path, r->err_path);
}

int rig_start_on_terminal(struct rig *r, const char *const *argv)
{
    int terminal = -1;
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

    cr_assert(pid >= 0, "forkpty: %s", strerror(errno));
    if (pid == 0) {
        syscall(SYS_close_range, 3U, ~0U, 0U);
        execvpe(argv[0], (char *const *)argv, r->private->environment);
        _exit(127);
    }
    cr_assert(fcntl(terminal, F_SETFD, FD_CLOEXEC) == 0);
    r->pid = r->keeper = pid;
    return terminal;
}

pid_t rig_spawn(struct rig *r, const char *file, const char *const *argv)
{
    const char *path = file[0] == '\0' ? "" : rig_path(r, file);

    return rig_fork_exec(r, argv, path, path);
}

static int wait_for(struct rig *r, pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), status;
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    int n;

    cr_assert(pidfd >= 0, "pid %d: %s", (int)pid, strerror(errno));
    do
        n = poll(&ended, 1, RIG_PATIENCE_SECONDS * 1000);
    while (n < 0 && errno == EINTR);
    close(pidfd);
    cr_assert(n == 1, "pid %d did not end in time", (int)pid);
    cr_assert(waitpid(pid, &status, 0) == pid);
    (void)r;
    return rig_exit_status(status);
}

int rig_wait_exit(struct rig *r)
{
    cr_assert(r->pid > 0);
    r->exit_status = wait_for(r, r->pid);
    r->pid = 0;
    return r->exit_status;
}

int rig_stop(struct rig *r)
{
    cr_assert(r->pid > 0 && kill(r->keeper, SIGTERM) == 0);
    return rig_wait_exit(r);
}

int rig_wait_child(struct rig *r, pid_t pid)
{
    return wait_for(r, pid);
}

const struct rig_result *rig_exec(struct rig *r, const char *const *argv)
{
    struct rig_result *result = (void *)rig_keep(r, calloc(1, sizeof(*result)));
    const char *out = rig_path(r, "cmd-out"), *err = rig_path(r, "cmd-err");

    result->status = wait_for(r, rig_fork_exec(r, argv, out, err));
    result->out = rig_read_file(r, out);
    result->err = rig_read_file(r, err);
    unlink(out);
    unlink(err);
    return result;
}

const struct rig_result *rig_expect(struct rig *r, int status, const char *const *argv)
{
    const struct rig_result *result = rig_exec(r, argv);
    const char *words = "";

    for (size_t i = 0; argv[i] != NULL; i++)
        words = rig_format(r, "%s %s", words, argv[i]);
    cr_assert(result->status == status, "%s: ended with %d, not %d\nstdout: %s\nstderr: %s", words,
              result->status, status, result->out, result->err);
    return result;
}

/* Pid, parent and state out of /proc/PID/stat; the command there may hold anything, so it is skipped from
 * behind. */
static bool process_read(pid_t pid, struct process *ret)
{
    char path[64], text[1024], *end;
    int fd;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    end = strrchr(text, ')');
    if (end == NULL)
        return false;
    ret->pid = pid;
    return sscanf(end + 1, " %c %d", &ret->state, &ret->parent) == 2;
}

static size_t processes_read(struct process *dst, size_t max)
{
    DIR *dir = opendir("/proc");
    size_t n = 0;

    cr_assert_not_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL && n < max; e = readdir(dir))
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
            n += process_read(atoi(e->d_name), &dst[n]);
    closedir(dir);
    return n;
}

bool rig_process_is_alive(pid_t pid)
{
    struct process p;

    return process_read(pid, &p) && p.state != 'Z' && p.state != 'X';
}

pid_t rig_parent_of(pid_t pid)
{
    struct process p;

    return process_read(pid, &p) ? p.parent : 0;
}

unsigned rig_count_zombies(pid_t parent)
{
    static struct process all[PROCESSES_MAX];
    size_t n = processes_read(all, PROCESSES_MAX);
    unsigned zombies = 0;

    for (size_t i = 0; i < n; i++)
        zombies += all[i].parent == parent && all[i].state == 'Z';
    return zombies;
}

/* Grows the set by whoever's parent is in it, until it grows no more. */
size_t rig_descendants(pid_t *dst, size_t max)
{
    static struct process all[PROCESSES_MAX];
    size_t n_all = processes_read(all, PROCESSES_MAX), n = 0;
    bool grew = true;

    while (grew) {
        grew = false;
        for (size_t i = 0; i < n_all && n < max; i++) {
            bool below = all[i].parent == getpid();
            for (size_t k = 0; k < n && !below; k++)
                below = dst[k] == all[i].parent;
            if (!below || all[i].pid == 0)
                continue;
            dst[n++] = all[i].pid;
            all[i].pid = 0;
            grew = true;
        }
    }
    return n;
}

/* A mask out of /proc/PID/status; 0: it is not there. */
static unsigned long signals_of(const char *status, const char *name)
{
    const char *line = strstr(status, name);

    return line != NULL ? strtoul(line + strlen(name), NULL, 16) : 0;
}

bool rig_is_ending(struct rig *r, pid_t pid)
{
    static const unsigned long deadly = 1UL << (SIGHUP - 1) | 1UL << (SIGINT - 1) | 1UL << (SIGQUIT - 1) |
                                        1UL << (SIGABRT - 1) | 1UL << (SIGKILL - 1) | 1UL << (SIGTERM - 1);
    const char *status = rig_read_file(r, rig_format(r, "/proc/%d/status", (int)pid));
    const char *stat = strrchr(rig_read_file(r, rig_format(r, "/proc/%d/stat", (int)pid)), ')');
    unsigned flags = 0;

    if (stat == NULL || !rig_process_is_alive(pid))
        return true;
    if (sscanf(stat + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && (flags & PF_EXITING) != 0)
        return true;
    return ((signals_of(status, "\nSigPnd:\t") | signals_of(status, "\nShdPnd:\t")) & deadly &
            ~signals_of(status, "\nSigBlk:\t") & ~signals_of(status, "\nSigIgn:\t") &
            ~signals_of(status, "\nSigCgt:\t")) != 0;
}

void rig_kill_descendants(void)
{
    pid_t pids[256];
    long deadline = rig_deadline();

    for (;;) {
        size_t n = rig_descendants(pids, 256);
        for (size_t i = 0; i < n; i++)
            kill(pids[i], SIGKILL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (n == 0 || rig_now_ms() > deadline)
            return;
        poll(NULL, 0, 1);
    }
}

void rig_reap_strays(struct rig *r)
{
    static struct process all[PROCESSES_MAX];
    size_t n = processes_read(all, PROCESSES_MAX);

    for (size_t i = 0; i < n; i++)
        if (all[i].parent == getpid() && all[i].state == 'Z' && all[i].pid != r->pid)
            waitpid(all[i].pid, NULL, WNOHANG);
}

static const char *command_line(struct rig *r, pid_t pid)
{
    char text[512];
    int fd = open(rig_format(r, "/proc/%d/cmdline", (int)pid), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

    if (fd >= 0)
        close(fd);
    for (ssize_t i = 0; i + 1 < n; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    text[n > 0 ? n : 0] = '\0';
    return rig_format(r, "%s", text);
}

pid_t rig_supervisor_pid(struct rig *r)
{
    static struct process all[PROCESSES_MAX];
    static const char name[] = "berth: supervisor";
    size_t n = processes_read(all, PROCESSES_MAX);

    for (size_t i = 0; i < n; i++)
        /* A child of its that has not exec'd yet looks the same, but is in its group or has a session. */
        if (all[i].parent == r->keeper && all[i].state != 'Z' && getpgid(all[i].pid) == all[i].pid &&
            getsid(all[i].pid) != all[i].pid &&
            strncmp(command_line(r, all[i].pid), name, sizeof(name) - 1) == 0)
            return all[i].pid;
    return 0;
}

pid_t rig_kill_supervisor(struct rig *r)
{
    pid_t pid = 0;

    rig_until(r, (pid = rig_supervisor_pid(r)) > 0);
    rig_kill(r, pid, SIGKILL);
    return pid;
}

void rig_kill(struct rig *r, pid_t pid, int signo)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};

    cr_assert(pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) == 0, "kill %d: %s",
              (int)pid, strerror(errno));
    cr_assert(poll(&ended, 1, RIG_PATIENCE_SECONDS * 1000) == 1, "pid %d survived signal %d", (int)pid,
              signo);
    close(pidfd);
    (void)r;
}

static int compare_names(const void *a, const void *b)
{
    return atoi(*(const char *const *)a) - atoi(*(const char *const *)b);
}

const char *rig_fds(struct rig *r, pid_t pid)
{
    const char *folder = rig_format(r, "/proc/%d/fd", (int)pid), *names[1024], *text = "";
    DIR *dir = opendir(folder);
    char target[PATH_MAX];
    size_t n = 0;

    if (dir == NULL)
        return "";
    for (struct dirent *e = readdir(dir); e != NULL && n < 1024; e = readdir(dir))
        if (e->d_name[0] != '.')
            names[n++] = rig_format(r, "%s", e->d_name);
    closedir(dir);
    qsort(names, n, sizeof(*names), compare_names);
    for (size_t i = 0; i < n; i++) {
        ssize_t len = readlink(rig_format(r, "%s/%s", folder, names[i]), target, sizeof(target) - 1);
        target[len > 0 ? len : 0] = '\0';
        text = rig_format(r, "%s%s %s\n", text, names[i], target);
    }
    return text;
}

unsigned long rig_socket_inode(pid_t pid, int fd)
{
    char path[64], target[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
    n = readlink(path, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = '\0';
    return strncmp(target, "socket:[", 8) == 0 ? strtoul(target + 8, NULL, 10) : 0;
}

size_t rig_count_fds(pid_t pid)
{
    char path[64];
    DIR *dir;
    size_t n = 0;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    if (dir == NULL)
        return 0;
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

void rig_dump_processes(void)
{
    pid_t pids[64];
    size_t n = rig_descendants(pids, 64);

    for (size_t i = 0; i < n; i++) {
        struct process p = {0};
        process_read(pids[i], &p);
        fprintf(stderr, "%d parent %d state %c: %s\n%s", (int)pids[i], (int)p.parent, p.state,
                command_line(rig_current, pids[i]), rig_fds(rig_current, pids[i]));
    }
}
