/* peer: who is at the other end of a Unix socket (SO_PEERCRED, unix(7)). */
#ifndef BERTH_SYS_PEER_H
#define BERTH_SYS_PEER_H

#include <stdbool.h>
#include <sys/types.h>

struct peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

#define PEER_TEXT 80
/* "process 12 of user 0"; who is in a pid namespace of its own has no number here. Returns DST. */
const char *peer_format(char dst[PEER_TEXT], const struct peer *p);
/* Negative errno. */
int peer_credentials(int fd, struct peer *ret);
/* Was who connected in the group GID, as its own or a supplementary one (SO_PEERGROUPS)? */
bool peer_is_in_group(int fd, gid_t gid);

#endif
