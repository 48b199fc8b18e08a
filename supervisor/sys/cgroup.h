/* cgroup: control groups of version 2, by the path of their folder. Nothing here decides who gets which; it
 * makes, limits, asks, signals and removes.
 *
 * Remember: a cgroup that passes a controller on to those below it may have no process of its own
 * (cgroups(7), "no internal processes"), unless it is the root of all. */
#ifndef BERTH_SYS_CGROUP_H
#define BERTH_SYS_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/berr.h"

/* From the texts of /proc/PID/mountinfo and /proc/PID/cgroup: the folder of that process's cgroup of
 * version 2. -ENOENT where none is mounted, or where it is outside of what is. */
int cgroup_find(const char *mountinfo, const char *membership, char ret[PATH_MAX]);
/* Our own. A negative errno and a sentence. */
int cgroup_find_own(char ret[PATH_MAX], struct berr *err);
/* Makes BASE/PATH, as far as it is not there, with CONTROLLER ("memory"; NULL: none) in it. -ENOTSUP: it is
 * not to be had; -EBUSY: processes in a cgroup on the way forbid it, and the way out may be cgroup_move(). A
 * sentence in any case. */
int cgroup_make(const char *base, const char *path, const char *controller, struct berr *err);
/* Writes TEXT into the file NAME of DIR. NULL takes a limit of before away, if such a file is there. */
int cgroup_limit(const char *dir, const char *name, const char *text, struct berr *err);
/* DIR's list of processes for writing, CLOEXEC, the caller's. Negative errno. */
int cgroup_open(const char *dir);
/* Moves processes into DIR, which is made if it is not there. Negative errno. */
int cgroup_move(const char *dir, const pid_t *pids, size_t n);
/* Undoes a move into DIR/NAME that was to let DIR pass controllers on: it passes none on any more, and PIDS,
 * the only ones there, are in DIR again. -EBUSY while there are other cgroups in DIR, or another negative
 * errno. */
int cgroup_move_back(const char *dir, const char *name, const pid_t *pids, size_t n);
/* Can all that is in DIR be killed at once (cgroup.kill, Linux 5.14)? */
bool cgroup_has_kill(const char *dir);
/* To each process in DIR itself; KILL also to those below it, at once; 0 only asks whether anybody is there.
 * -ESRCH when nobody is, or another negative errno. */
int cgroup_signal(const char *dir, int signo);
/* Removes DIR and what is below it, as far as no process is there. -EBUSY when one is, or another negative
 * errno; one that is not there is none. */
int cgroup_remove(const char *dir);
/* The same with BASE/PATH, and the folders on the way to it go as well, as far as nothing else is in them. */
int cgroup_remove_path(const char *base, const char *path);

#endif
