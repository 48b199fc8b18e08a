/* pidfd: processes by descriptor. pidfd_open(2), pidfd_send_signal(2). */
#ifndef BERTH_SYS_PIDFD_H
#define BERTH_SYS_PIDFD_H

#include <stdint.h>
#include <sys/types.h>

/* CLOEXEC, the caller's; or negative errno. */
int pidfd_open_process(pid_t pid);
/* Whose it is; -ESRCH when that process was reaped, or is in another pid namespace; -EBADF: it is no pidfd.
 */
pid_t pidfd_pid(int pidfd);
/* The number of its inode, which no other process ever has until the next boot; -EOPNOTSUPP before Linux 6.9.
 */
int pidfd_number(int pidfd, uint64_t *ret);
/* Negative errno; -ESRCH once it was reaped. */
int pidfd_signal(int pidfd, int signo);
/* To the process group that the process behind PIDFD leads or led; PGID is its number. Also after the leader
 * has ended, while members live; -ESRCH when there are none. */
int pidfd_signal_group(int pidfd, pid_t pgid, int signo);
/* Reaps our own child behind PIDFD: 0 and *RET_STATUS (a wait status); -EAGAIN while it lives; -ECHILD when
 * it is not ours. */
int pidfd_wait(int pidfd, int *ret_status);
/* The wait status of a reaped process from its pidfd (PIDFD_GET_INFO, 6.15): 0 and *RET_STATUS; -ENODATA
 * while it is not reaped; -ENOTTY or -EINVAL where the kernel lacks it. */
int pidfd_exit_status(int pidfd, int *ret_status);

#endif
