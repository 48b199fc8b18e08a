/* notify_access: whose messages at a worker's socket are its own. */
#ifndef BERTH_ENGINE_NOTIFY_ACCESS_H
#define BERTH_ENGINE_NOTIFY_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct worker;

/* May the process PID of user UID, which may have ended by now, speak for W? Who belongs to it, and who could
 * end it anyway. */
bool notify_may_speak(const struct worker *w, pid_t pid, uid_t uid);
/* Is PID, which runs, W's process, in its session or its group, or below it? */
bool notify_is_of(const struct worker *w, pid_t pid);

#endif
