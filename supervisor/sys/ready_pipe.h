/* ready_pipe: the pipe into which a worker writes a newline when it is ready (s6's notification-fd). */
#ifndef BERTH_SYS_READY_PIPE_H
#define BERTH_SYS_READY_PIPE_H

/* Both ends, CLOEXEC and the caller's; ours does not block. Negative errno. */
int ready_pipe_new(int *ret_ours, int *ret_theirs);
/* Is there a newline in what has been written? 1, and all of it is still there for whoever looks next; 0: not
 * yet; -EPIPE: nor will there ever be one, for nobody has the other end any more; or another negative errno.
 */
int ready_pipe_look(int ours);

#endif
