/* path_watch: see the header. */
#include "config.h"

#include "sys/path_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

int path_watch_new(void)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int path_watch_add(int fd, const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof folder)
        return -ENAMETOOLONG;
    snprintf(folder, sizeof folder, "%.*s", (int)len, path);
    if (len == 0)
        snprintf(folder, sizeof folder, "%s", slash ? "/" : ".");
    int watch = inotify_add_watch(fd, folder, IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR);
    return watch < 0 ? -errno : watch;
}

int path_watch_drain(int fd)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    int happened = 0;
    while (read(fd, events, sizeof events) > 0)
        happened = 1;
    return happened;
}
