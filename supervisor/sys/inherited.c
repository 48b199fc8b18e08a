/* inherited: see the header. */
#include "config.h"

#include "sys/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/units.h"
#include "sys/fd.h"

#define FIRST_FD 3

/* Are they for us, and not for somebody who passed the variables on to us by mistake? */
static bool is_for_us(void)
{
    const char *pid = getenv("LISTEN_PID");
    uint64_t n;
    return pid && units_parse_uint(pid, 1, INT32_MAX, &n) == 0 && (pid_t)n == getpid();
}

static bool is_socket(int fd)
{
    int type;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

/* The next of the names that colons separate. */
static void take_name(const char **names, char dst[LIMIT_NAME + 1])
{
    static const char suffix[] = ".socket";
    size_t n = *names ? strcspn(*names, ":") : 0;
    cleanup_free char *name = mem_strndup(*names ? *names : "", n);
    size_t end = n > strlen(suffix) ? n - strlen(suffix) : 0;
    if (end > 0 && str_eq(name + end, suffix))
        name[end] = '\0';
    if (!str_is_name(name) || !str_copy(dst, LIMIT_NAME + 1, name))
        dst[0] = '\0';
    if (*names)
        *names = (*names)[n] ? *names + n + 1 : NULL;
}

/* A duplicate of FD that is none of 0 to 9, and behind all that are still to be looked at: END is the first.
 */
static int dup_behind(int fd, int end)
{
    int r = fcntl(fd, F_DUPFD_CLOEXEC, end > 10 ? end : 10);
    return r < 0 ? -errno : r;
}

int inherited_take(struct inherited **ret)
{
    const char *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    uint64_t n;
    if (!count || units_parse_uint(count, 1, LIMIT_HANDOFF_FDS, &n) < 0 || !is_for_us())
        return 0;
    struct inherited *all = mem_new_array((size_t)n, sizeof *all);
    int kept = 0, r = 0;
    for (int fd = FIRST_FD; fd < FIRST_FD + (int)n && r >= 0; fd++) {
        take_name(&names, all[kept].name);
        if (!is_socket(fd))
            continue;
        all[kept].fd = r = dup_behind(fd, FIRST_FD + (int)n);
        if (r >= 0) {
            close(fd);
            kept++;
        }
    }
    if (r >= 0) {
        *ret = all;
        return kept;
    }
    while (kept > 0)
        fd_close(&all[--kept].fd);
    free(all);
    return r;
}
