/* Who connected: the credentials that the kernel noted at connect(2) or socketpair(2). */
#include "config.h"

#include "sys/peer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

const char *peer_format(char dst[PEER_TEXT], const struct peer *p)
{
    if (p->pid > 0)
        snprintf(dst, PEER_TEXT, "process %d of user %u", (int)p->pid, (unsigned)p->uid);
    else
        snprintf(dst, PEER_TEXT, "a process of user %u in another pid namespace", (unsigned)p->uid);
    return dst;
}

int peer_credentials(int fd, struct peer *ret)
{
    struct ucred cred;
    socklen_t len = sizeof cred;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return -errno;
    /* A socket without a peer answers with pid 0 and no ids, which must never pass for somebody. */
    if (cred.uid == (uid_t)-1)
        return -ENOTCONN;
    *ret = (struct peer){.pid = cred.pid, .uid = cred.uid, .gid = cred.gid};
    return 0;
}

bool peer_is_in_group(int fd, gid_t gid)
{
    struct peer p;
    gid_t groups[1024];
    socklen_t len = sizeof groups;
    if (peer_credentials(fd, &p) == 0 && p.gid == gid)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
        return false;
    for (size_t i = 0; i < len / sizeof *groups; i++)
        if (groups[i] == gid)
            return true;
    return false;
}
