/* sockdiag: the kernel's socket tables of this network namespace, by sock_diag(7). */
#ifndef BERTH_SYS_SOCKDIAG_H
#define BERTH_SYS_SOCKDIAG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/address.h"

struct sockdiag_socket {
    uint64_t inode;
    uid_t uid;
    int state; /* TCP_LISTEN, … (netinet/tcp.h); 13 is bound and neither listening nor connected */
    struct endpoint bound;            /* Unix: with the name as it was bound; len is 0 where it has none */
    uint32_t file_inode, file_device; /* Unix: of the file, by the kernel's numbers; 0: none */
};

/* Called for each socket; returning false ends the search. */
typedef bool sockdiag_on_socket(const struct sockdiag_socket *s, void *arg);

/* TCP (SOCK_STREAM) or UDP (SOCK_DGRAM) sockets of FAMILY on PORT, in any state. Negative errno. */
int sockdiag_inet(int family, int type, uint16_t port, sockdiag_on_socket *on_socket, void *arg);
/* Every Unix socket. Negative errno. */
int sockdiag_unix(sockdiag_on_socket *on_socket, void *arg);
/* The accept queues of all Unix listeners, by the lower half of their inodes. Negative errno. */
int sockdiag_unix_queues(void (*on_queue)(uint32_t inode, unsigned depth, unsigned limit, void *arg), void *arg);
/* The accept queue of the Unix listener of INODE: connections waiting, and the backlog. Negative errno. */
int sockdiag_unix_queue(uint64_t inode, unsigned *ret_depth, unsigned *ret_limit);

#endif
