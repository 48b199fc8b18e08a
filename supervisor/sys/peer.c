/* Who connected: the credentials that the kernel noted at connect(2) or socketpair(2). */
#include "config.h"

#include "sys/peer.h"

#include <errno.h>
#include <sys/socket.h>

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
