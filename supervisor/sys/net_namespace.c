/* net_namespace: see the header. The cookie (5.14) needs no right; the namespace's descriptor needs
 * CAP_NET_ADMIN in it. */
#include "config.h"

#include "sys/net_namespace.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "sys/fd.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static int read_cookie(int fd, uint64_t *ret)
{
    socklen_t len = sizeof *ret;
    return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &len) < 0 ? -errno : 0;
}

static int compare_namespaces(int fd)
{
    struct stat its, own;
    cleanup_fd int ns = ioctl(fd, SIOCGSKNS);
    if (ns < 0 || fstat(ns, &its) < 0 || stat("/proc/self/ns/net", &own) < 0)
        return -errno;
    return its.st_ino == own.st_ino && its.st_dev == own.st_dev;
}

int net_namespace_is_own(int fd)
{
    uint64_t its, own;
    if (read_cookie(fd, &its) < 0)
        return compare_namespaces(fd);
    cleanup_fd int here = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int r = here < 0 ? -errno : read_cookie(here, &own);
    return r < 0 ? r : its == own;
}
