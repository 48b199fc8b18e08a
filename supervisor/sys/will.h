/* will: what a keeper leaves to the one that takes its place in the same process: a memfd with messages of
 * wire/keeper_msg, which all versions read, and the descriptors whose numbers are in them.
 *
 * libc only; allocates nothing: the keeper uses it. */
#ifndef BERTH_SYS_WILL_H
#define BERTH_SYS_WILL_H

#include <stdbool.h>

#include "wire/keeper_msg.h"

/* argv[0] of a keeper that inherits; behind it the number of the will's descriptor. */
#define WILL_HEIR_NAME "berth: keeper "

/* An empty one: its descriptor, or negative errno. */
int will_new(void);
/* Adds M, which speaks of descriptor FD (-1: none). Negative errno. */
int will_add(int will, struct keeper_msg *m, int fd);
/* Reads the next one, from the first on; *RET_FD is the descriptor that it speaks of. 1, 0 behind the last,
 * or negative errno. */
int will_read(int will, struct keeper_msg *ret, int *ret_fd);
/* Is FD (-1 is allowed) to be there behind the next exec? */
void will_pass(int fd, bool is_passed);
/* BINARY, a descriptor, takes our place with ARGV, but for argv[0], and ENVIRONMENT. Negative errno, if we
 * are still there; then all is as before. */
int will_execute(int will, int binary, char *argv[], char *environment[]);
/* The descriptor of the will by which a process with this argv[0] is an heir; -1: it is none. */
int will_find(const char *argv0);

#endif
