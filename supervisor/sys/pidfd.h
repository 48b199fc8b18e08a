/* pidfd: processes by descriptor. pidfd_open(2), pidfd_send_signal(2). */
#ifndef BERTH_SYS_PIDFD_H
#define BERTH_SYS_PIDFD_H

#include <sys/types.h>

/* CLOEXEC, the caller's; or negative errno. */
int pidfd_open_process(pid_t pid);
/* Negative errno; -ESRCH once it was reaped. */
int pidfd_signal(int pidfd, int signo);
/* To the process group PGID, only while the leader behind PIDFD is not reaped (so the number cannot be another's). */
int pidfd_signal_group(int pidfd, pid_t pgid, int signo);
/* The wait status of a reaped process from its pidfd (PIDFD_GET_INFO, 6.15): 0 and *RET_STATUS; -ENODATA while it is not
 * reaped; -ENOTTY or -EINVAL where the kernel lacks it. */
int pidfd_exit_status(int pidfd, int *ret_status);

#endif
