/* ready_fd: ready = fd:N: a worker is ready when it writes a newline to its descriptor N. The keeper holds
 * the reading end meanwhile. */
#ifndef BERTH_ENGINE_READY_FD_H
#define BERTH_ENGINE_READY_FD_H

#include <ev.h>

#include "base/berr.h"
#include "base/limits.h"

struct engine;
struct worker;

struct ready_fd {
    int fd; /* owned */
    ev_io readable;
};

/* The pipe of the process that W is about to get; the writing end is the caller's, in *RET_FD. Negative errno
 * and a sentence. */
int ready_fd_open(struct worker *w, int *ret_fd, struct berr *err);
/* Takes over the pipes that the keeper holds; those of processes that are gone are dropped. */
void ready_fd_take_held(struct engine *e);
/* W, a spare until now, is to serve: what it has written counts. Harmless without a pipe. */
void ready_fd_follow(struct worker *w);
/* It is ready, or gone, or could not be made. Harmless without a pipe. */
void ready_fd_close(struct worker *w);
/* Under which the keeper has it. */
void ready_fd_held_name(const struct worker *w, char dst[LIMIT_HELD_NAME + 1]);

#endif
