/* fdbatch: a message with many descriptors over a Unix socket (unix(7), SCM_RIGHTS); fdpass.h is for one.
 * Either all of them arrive, or an error says so: never silently fewer. */
#ifndef BERTH_SYS_FDBATCH_H
#define BERTH_SYS_FDBATCH_H

#include <stddef.h>
#include <sys/types.h>

#define FDBATCH_MAX 253 /* SCM_MAX_FD */

/* Sends BYTES (at least one) with FDS, which stay the caller's. FLAGS as send(2), MSG_NOSIGNAL is added.
 * Bytes sent, or negative errno. On a stream fewer bytes may have gone, and all descriptors with them. -E2BIG
 * over FDBATCH_MAX. */
ssize_t fdbatch_send(int sock, const void *bytes, size_t n, const int *fds, size_t n_fds, int flags);
/* Receives at most N bytes, and at most MAX descriptors (CLOEXEC, the caller's) into RET_FDS. 0 is the end of
 * the stream. A failure leaves no descriptor: -EMSGSIZE if a packet was longer than N, -ENOBUFS if it came
 * with more than MAX, -EMFILE if some found no room below RLIMIT_NOFILE. */
ssize_t fdbatch_recv(int sock, void *bytes, size_t n, int *ret_fds, size_t max, size_t *ret_n_fds, int flags);

#endif
