/* What /proc tells of processes. It decides nothing, and it may be wrong a moment later.
 *
 * Remember: hidepid, another pid namespace or no /proc at all make every answer here "not visible", not "not
 * there". */
#include "config.h"

#include "sys/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/fd.h"

/* Reads the beginning of a file below /proc/PID, NUL-terminated. Its length or negative errno. */
static ssize_t read_file(pid_t pid, const char *name, char *dst, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT)
            return -errno;
        return access("/proc/self", F_OK) == 0 ? -ESRCH : -ENOENT;
    }
    size_t len = 0;
    while (len < size - 1) {
        ssize_t n = read(fd, dst + len, size - 1 - len);
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    dst[len] = '\0';
    return (ssize_t)len;
}

/* "PID (COMM) STATE PPID PGRP SESSION …"; COMM may hold anything, so the last ')' ends it. */
static int parse_stat(char *text, struct procfs_process *p, char **ret_comm)
{
    char *comm = strchr(text, '('), *end = strrchr(text, ')');
    if (!comm || !end || end < comm)
        return -EBADMSG;
    *end = '\0';
    int ppid, pgid, sid;
    int n =
        sscanf(end + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
               &p->state, &ppid, &pgid, &sid, &p->start_ticks);
    if (n != 5)
        return -EBADMSG;
    p->ppid = ppid;
    p->pgid = pgid;
    p->sid = sid;
    *ret_comm = comm + 1;
    return 0;
}

int procfs_zombie_status(pid_t pid, int *ret_status)
{
    char text[1024];
    ssize_t n = read_file(pid, "stat", text, sizeof text);
    if (n < 0)
        return (int)n;
    const char *comm_end = strrchr(text, ')'), *last = strrchr(text, ' ');
    if (!comm_end || !last || last < comm_end)
        return -EBADMSG;
    if (strncmp(comm_end, ") Z", 3) != 0)
        return -EAGAIN;
    *ret_status = (int)strtol(last, NULL, 10); /* the last field is the status */
    return 0;
}

static int read_uid(pid_t pid, uid_t *ret)
{
    char text[4096];
    ssize_t n = read_file(pid, "status", text, sizeof text);
    if (n < 0)
        return (int)n;
    const char *line = strstr(text, "\nUid:");
    unsigned uid;
    /* The real one, then the effective one, which is what it may do. */
    if (!line || sscanf(line, "\nUid: %*u %u", &uid) != 1)
        return -EBADMSG;
    *ret = uid;
    return 0;
}

static void read_command(pid_t pid, const char *comm, char *dst, size_t size)
{
    char text[1024];
    ssize_t n = read_file(pid, "cmdline", text, sizeof text);
    while (n > 0 && text[n - 1] == '\0')
        n--;
    if (n <= 0) {
        int len = snprintf(text, sizeof text, "[%s]", comm);
        str_escape(dst, size, text, (size_t)len);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (text[i] == '\0')
            text[i] = ' ';
    }
    str_escape(dst, size, text, (size_t)n);
}

int procfs_process(pid_t pid, struct procfs_process *ret)
{
    char text[1024], *comm;
    ssize_t n = read_file(pid, "stat", text, sizeof text);
    if (n < 0)
        return (int)n;
    struct procfs_process p = {.pid = pid};
    int r = parse_stat(text, &p, &comm);
    if (r == 0)
        r = read_uid(pid, &p.uid);
    if (r < 0)
        return r;
    read_command(pid, comm, p.command, sizeof p.command);
    *ret = p;
    return 0;
}

int64_t procfs_age_seconds(const struct procfs_process *p)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    int64_t started = (int64_t)(p->start_ticks / (uint64_t)sysconf(_SC_CLK_TCK));
    return now.tv_sec > started ? now.tv_sec - started : 0;
}

/* The next process in an open /proc; 0 at the end. */
static pid_t next_process(DIR *proc)
{
    for (struct dirent *entry; (entry = readdir(proc));) {
        if (isdigit((unsigned char)entry->d_name[0]))
            return atoi(entry->d_name);
    }
    return 0;
}

static void close_directory(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* /proc/PID/task/TID/children would be shorter, but leaves some out while others end. */
ssize_t procfs_children(pid_t pid, pid_t *pids, size_t max)
{
    __attribute__((cleanup(close_directory))) DIR *proc = opendir("/proc");
    if (!proc)
        return -errno;
    size_t n = 0;
    for (pid_t other; (other = next_process(proc)) > 0;) {
        char text[1024], *comm;
        struct procfs_process p;
        if (read_file(other, "stat", text, sizeof text) < 0 || parse_stat(text, &p, &comm) < 0 ||
            p.ppid != pid)
            continue;
        if (n < max)
            pids[n] = other;
        n++;
    }
    return (ssize_t)n;
}

bool procfs_group_lives_on(pid_t pgid)
{
    __attribute__((cleanup(close_directory))) DIR *proc = opendir("/proc");
    if (!proc)
        return true; /* not visible is not "not there" */
    for (pid_t pid; (pid = next_process(proc)) > 0;) {
        char text[1024], *comm;
        struct procfs_process p;
        if (read_file(pid, "stat", text, sizeof text) >= 0 && parse_stat(text, &p, &comm) == 0 &&
            p.pgid == pgid && p.state != 'Z')
            return true;
    }
    return false;
}

/* Does PID have the file that /proc calls TARGET open? */
static bool has_open(pid_t pid, const char *target)
{
    char path[64], link[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    __attribute__((cleanup(close_directory))) DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (struct dirent *entry; (entry = readdir(dir));) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);
        if (n <= 0)
            continue;
        link[n] = '\0';
        if (str_eq(link, target))
            return true;
    }
    return false;
}

ssize_t procfs_socket_holders(uint64_t inode, pid_t *pids, size_t max)
{
    __attribute__((cleanup(close_directory))) DIR *proc = opendir("/proc");
    if (!proc)
        return -errno;
    char target[64];
    snprintf(target, sizeof target, "socket:[%" PRIu64 "]", inode);
    size_t n = 0;
    for (pid_t pid; (pid = next_process(proc)) > 0;) {
        if (!has_open(pid, target))
            continue;
        if (n < max)
            pids[n] = pid;
        n++;
    }
    return (ssize_t)n;
}

int procfs_memory(pid_t pid, uint64_t *ret_rss_kib, uint64_t *ret_pss_kib)
{
    char text[2048];
    ssize_t n = read_file(pid, "smaps_rollup", text, sizeof text);
    if (n < 0)
        return (int)n;
    uint64_t rss, pss;
    const char *rss_line = strstr(text, "\nRss:"), *pss_line = strstr(text, "\nPss:");
    if (!rss_line || !pss_line || sscanf(rss_line, "\nRss: %" SCNu64, &rss) != 1 ||
        sscanf(pss_line, "\nPss: %" SCNu64, &pss) != 1)
        return -EBADMSG;
    *ret_rss_kib = rss;
    *ret_pss_kib = pss;
    return 0;
}
