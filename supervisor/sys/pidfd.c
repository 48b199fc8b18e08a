/* Processes by descriptor: signals that cannot hit a stranger, and the end of a process that somebody else
 * reaps.
 *
 * Remember: a pidfd polls readable when its process is a zombie, but PIDFD_GET_INFO has the status only once
 * it was reaped. The constants are spelt out here since the headers of older systems lack them. */
#include "config.h"

#include "sys/pidfd.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNAL_PROCESS_GROUP (1u << 2) /* PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9 */
#define P_PIDFD_NUMBER 3               /* P_PIDFD */
#define PIDFS_MAGIC 0x50494446         /* PID_FS_MAGIC, Linux 6.9 */
#define INFO_EXIT (UINT64_C(1) << 3)   /* PIDFD_INFO_EXIT, Linux 6.15 */

/* struct pidfd_info as of its first version. */
struct info {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid;
    uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_status;
};
_Static_assert(sizeof(struct info) == 64, "PIDFD_GET_INFO carries this size in its number");
#define GET_INFO _IOWR(0xFF, 11, struct info)

int pidfd_open_process(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
}

static int send_signal(int pidfd, int signo, unsigned flags)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, flags) < 0 ? -errno : 0;
}

pid_t pidfd_pid(int pidfd)
{
    char path[64], line[128];
    long pid = -EBADF;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    FILE *f = fopen(path, "re");
    while (f && pid == -EBADF && fgets(line, sizeof line, f))
        if (strncmp(line, "Pid:", 4) == 0)
            pid = strtol(line + 4, NULL, 10);
    if (f)
        fclose(f);
    return pid == 0 || pid == -1 ? -ESRCH : (pid_t)pid;
}

int pidfd_number(int pidfd, uint64_t *ret)
{
    struct statfs fs;
    struct stat st;
    if (fstatfs(pidfd, &fs) < 0 || fstat(pidfd, &st) < 0)
        return -errno;
    if (fs.f_type != PIDFS_MAGIC)
        return -EOPNOTSUPP;
    *ret = st.st_ino;
    return 0;
}

int pidfd_signal(int pidfd, int signo)
{
    return send_signal(pidfd, signo, 0);
}

int pidfd_signal_group(int pidfd, pid_t pgid, int signo)
{
    int r = send_signal(pidfd, signo, SIGNAL_PROCESS_GROUP);
    if (r != -EINVAL)
        return r;

    /* An older kernel. A group keeps its number from being given away; so when the leader was reaped and yet
     * there is a process of that number, then the group is gone and the number is a stranger's. */
    bool is_reaped = send_signal(pidfd, 0, 0) == -ESRCH;
    if (is_reaped && (kill(pgid, 0) == 0 || errno != ESRCH))
        return -ESRCH;
    return kill(-pgid, signo) < 0 ? -errno : 0;
}

int pidfd_wait(int pidfd, int *ret_status)
{
    siginfo_t info = {0};
    if (waitid((idtype_t)P_PIDFD_NUMBER, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0)
        return -errno;
    if (info.si_pid == 0)
        return -EAGAIN;
    *ret_status = info.si_code == CLD_EXITED ? info.si_status << 8
                                             : info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
    return 0;
}

int pidfd_exit_status(int pidfd, int *ret_status)
{
    struct info info = {.mask = INFO_EXIT};
    if (ioctl(pidfd, GET_INFO, &info) < 0)
        /* 6.13 and 6.14 know the call but not the status: of a reaped process they know nothing. */
        return errno == ESRCH ? -ENOTTY : -errno;
    if (!(info.mask & INFO_EXIT))
        return -ENODATA;
    *ret_status = info.exit_status;
    return 0;
}
