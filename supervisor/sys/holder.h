/* holder: who holds an address that would not bind. The kernel's socket tables (sock_diag(7)) tell the inode,
 * /proc the process. The first, short form of `berth who`. */
#ifndef BERTH_SYS_HOLDER_H
#define BERTH_SYS_HOLDER_H

#include <stdbool.h>

#include "wire/address.h"

struct holder {
    pid_t pid; /* 0: a socket is there, but no process that /proc shows us has it */
    uid_t uid; /* of the socket */
    char command[256];
    int64_t age_seconds;   /* of the process */
    struct endpoint bound; /* where its socket is bound; may only overlap with what was asked */
};

/* The first socket that stands in the way of E. 1: found; 0: none is visible here; negative errno. */
int holder_find(const struct endpoint *e, struct holder *ret);
/* Do closed connections linger on E (TIME_WAIT and its like), which belong to no process any more? */
bool holder_lingers(const struct endpoint *e);
/* "held by nginx (pid 812, uid 33, started 2h ago), bound to tcp://0.0.0.0:8080". Returns DST. */
char *holder_format(char *dst, size_t size, const struct holder *h);

#endif
