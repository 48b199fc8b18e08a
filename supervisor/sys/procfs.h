/* procfs: what /proc tells. Everything here may be missing (hidepid, no /proc): callers say so and go on. */
#ifndef BERTH_SYS_PROCFS_H
#define BERTH_SYS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct procfs_process {
    pid_t pid, ppid, pgid, sid;
    char state; /* R S D Z T … */
    uid_t uid;
    uint64_t start_ticks; /* field 22 of /proc/PID/stat, clock ticks since boot */
    char command[256];    /* the command line, escaped and cut; "[comm]" when it has none */
};

/* Negative errno (-ESRCH: no such process). */
int procfs_process(pid_t pid, struct procfs_process *ret);
/* How PID, which has ended and which nobody has waited for, has ended: as wait(2) has it. -EAGAIN: it runs.
 */
int procfs_zombie_status(pid_t pid, int *ret_status);
/* Is there anybody in the group of PGID, which has ended and which nobody has waited for, that still runs? */
bool procfs_group_lives_on(pid_t pgid);
/* Seconds since PROCESS started. */
int64_t procfs_age_seconds(const struct procfs_process *p);
/* The children of PID, into at most MAX places of PIDS; how many there are, or negative errno. */
ssize_t procfs_children(pid_t pid, pid_t *pids, size_t max);
/* Processes that have a socket of inode INODE open, into PIDS; how many, or negative errno. */
ssize_t procfs_socket_holders(uint64_t inode, pid_t *pids, size_t max);
/* Resident and proportional memory in KiB from smaps_rollup. Negative errno. */
int procfs_memory(pid_t pid, uint64_t *ret_rss_kib, uint64_t *ret_pss_kib);

#endif
