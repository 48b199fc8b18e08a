/* listener: making, reading and mending a held socket. */
#ifndef BERTH_SYS_LISTENER_H
#define BERTH_SYS_LISTENER_H

#include <stdbool.h>

#include "base/berr.h"
#include "wire/address.h"
#include "wire/socket_options.h"

/* A bound socket (listening, where its type listens), CLOEXEC, ours; or negative errno and one sentence that
 * names the address, the step and a way out. -EADDRINUSE names the holder when the kernel and /proc show it.
 * Unix files: see unix_path.h. A TCP port that the kernel chose is held like one that was asked for: it
 * survives a shutdown(2). */
int listener_open(const struct endpoint *e, const struct socket_options *o, struct berr *err);

/* Reads back what the kernel says of FD. Negative errno. */
int listener_endpoint(int fd, struct endpoint *ret);
/* Is FD a socket of E's family, type and address (port 0 in E matches any)? For descriptors found or
 * inherited. */
bool listener_matches(int fd, const struct endpoint *e);
/* 1: it listens; 0: it does not, or no more since somebody shut it down; negative errno. */
int listener_is_listening(int fd);
/* Does this type of socket listen at all? */
bool listener_type_listens(const struct endpoint *e);
/* listen(2) again: sets the backlog, and revives a TCP socket that some holder shut down. Negative errno. */
int listener_listen(int fd, int backlog);
/* Lets a TCP listener turn clients away at once (shutdown for reading); listener_listen() takes them again.
 * Negative errno. */
int listener_refuse(int fd);
/* Lets no new client into the queue of the listener FD at E; those that are in it, or on their way, stay. For TCP
 * (a socket filter, socket(7), drops their SYNs); -EOPNOTSUPP for others. */
int listener_stop_arrivals(int fd, const struct endpoint *e);
/* Applies the options that can be changed on a live socket. Negative errno and a sentence. */
int listener_set_options(int fd, const struct endpoint *e, const struct socket_options *o, struct berr *err);

struct listener_queue {
    unsigned depth; /* connections waiting for accept; datagrams: bytes (of a Unix socket's next one) */
    unsigned limit; /* backlog in force; UDP: receive buffer in force; 0: not known */
};
/* TCP_INFO for TCP, sock_diag for Unix, SO_MEMINFO for UDP (in bytes of kernel memory), FIONREAD for Unix
 * datagrams. Negative errno; -EOPNOTSUPP for vsock. */
int listener_queue(int fd, const struct endpoint *e, struct listener_queue *ret);

#endif
