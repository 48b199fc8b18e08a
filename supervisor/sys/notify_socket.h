/* notify_socket: where a worker says how it is (sd_notify(3)): a Unix datagram socket with an abstract name,
 * which needs no folder that both can reach. Who has sent a message, the kernel says. */
#ifndef BERTH_SYS_NOTIFY_SOCKET_H
#define BERTH_SYS_NOTIFY_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

#include "base/limits.h"
#include "sys/fdbatch.h"

#define NOTIFY_SOCKET_NAME 64

struct notify_packet {
    char text[LIMIT_NOTIFY];
    size_t n;
    int fds[FDBATCH_MAX]; /* CLOEXEC, the caller's */
    size_t n_fds;
    pid_t pid; /* of the sender; 0: it is in no pid namespace that we can see */
    uid_t uid;
};

/* A new socket, CLOEXEC, with "@NAME" in NAME as NOTIFY_SOCKET has it: chosen so that nobody else has had it
 * or guesses it. Negative errno. */
int notify_socket_open(char name[NOTIFY_SOCKET_NAME]);
/* Looks at the next message and leaves it there; its descriptors are duplicates. Negative errno and no
 * descriptors: -EAGAIN: there is none; -EMSGSIZE: it is longer than LIMIT_NOTIFY, and -EMFILE: some of its
 * descriptors found no room, with the sender told all the same. */
int notify_socket_peek(int fd, struct notify_packet *ret);
/* Takes the next message off, with all that comes with it. */
void notify_socket_discard(int fd);
/* Closes what is left of its descriptors. */
void notify_packet_close(struct notify_packet *p);

#endif
