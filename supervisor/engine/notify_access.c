/* notify_access: see the header. The socket says already which worker is meant; this is about strangers.
 *
 * Remember: a sender may have ended before we read what it sent (systemd-notify in a script always has), and
 * then only its user is known, for which the kernel vouches. */
#include "config.h"

#include "engine/notify_access.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/said.h"
#include "sys/procfs.h"
#include "sys/user.h"

#define ANCESTORS_MOST 64

bool notify_is_of(const struct worker *w, pid_t pid)
{
    struct procfs_process p;
    for (int i = 0; i < ANCESTORS_MOST && pid > 1; i++) {
        if (pid == w->pid)
            return true;
        if (procfs_process(pid, &p) < 0)
            return false;
        if (p.sid == w->pid || p.pgid == w->pid)
            return true;
        pid = p.ppid;
    }
    return false;
}

static bool is_of_its_user(const struct worker *w, uid_t uid)
{
    const char *name = w->service->conf->with->user;
    struct user user = {.groups = NULL};
    struct berr err;
    bool is_same = name && user_find(name, &user, &err) == 0 && user.uid == uid;
    free(user.groups);
    return is_same;
}

/* The commands of a service are given no NOTIFY_SOCKET, so there is nobody whom `exec` lets speak and `main`
 * does not. */
static bool is_main(const struct worker *w, pid_t pid)
{
    return pid > 0 && (pid == w->pid || pid == w->said->main_pid);
}

bool notify_may_speak(const struct worker *w, pid_t pid, uid_t uid)
{
    enum notify_access access = w->said ? w->said->access : NOTIFY_ACCESS_UNSAID;
    if (access == NOTIFY_ACCESS_NONE)
        return false;
    if (access == NOTIFY_ACCESS_MAIN || access == NOTIFY_ACCESS_EXEC)
        return is_main(w, pid);
    if (uid == 0 || uid == geteuid())
        return true;
    return (w->pid > 0 && pid > 0 && notify_is_of(w, pid)) || is_of_its_user(w, uid);
}
