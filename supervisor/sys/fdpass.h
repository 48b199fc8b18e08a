/* fdpass: one packet and at most one descriptor over a Unix socket, and closing whatever else came.
 * unix(7), SCM_RIGHTS. libc only; allocates nothing: the keeper uses it. */
#ifndef BERTH_SYS_FDPASS_H
#define BERTH_SYS_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

/* Sends BYTES with FD (-1: none; still the caller's). FLAGS as send(2), MSG_NOSIGNAL is added. Bytes sent or negative
 * errno; a packet socket sends all or nothing. */
ssize_t fdpass_send(int sock, const void *bytes, size_t n, int fd, int flags);
/* Receives a packet; *RET_FD is the caller's, CLOEXEC, -1 if none came. Further descriptors are closed. 0 is the end of the
 * stream. -EMSGSIZE if the packet was longer than N, -EMFILE if its descriptor found no room (MSG_CTRUNC); the packet is
 * gone then, and what fits of it is in BYTES. */
ssize_t fdpass_recv(int sock, void *bytes, size_t n, int *ret_fd, int flags);

#endif
