/* cgroups: which cgroup a worker runs in. A service has one below berth's own, with its limits; with kill =
 * cgroup each of its processes has one more inside that, so that one can be killed without the others.
 *
 * Everything follows from the configuration and from what the keeper holds, so a successor finds them all. */
#ifndef BERTH_ENGINE_CGROUPS_H
#define BERTH_ENGINE_CGROUPS_H

#include "base/berr.h"

struct engine;
struct service_conf;
struct worker;

/* Makes, and limits, what the next process of W needs; *RET_FD is where it enters, CLOEXEC and the caller's,
 * and untouched where it needs none. A negative errno and a sentence that names the key. */
int cgroups_prepare(struct worker *w, int *ret_fd, struct berr *err);
/* With kill = cgroup: KILL for all that is in the cgroup of W's process. */
void cgroups_kill(struct worker *w);
/* W's process is gone, or did not come to be, and nothing is left of it. */
void cgroups_leave(struct worker *w);
/* The folder of the cgroup that a process of C has alone, to be freed; NULL where it has none. */
char *cgroups_worker_folder(struct engine *e, const struct service_conf *c, unsigned slot,
                            unsigned long long serial);
/* At the end of everything: removes them, as far as nobody is there. */
void cgroups_remove(struct engine *e);

#endif
