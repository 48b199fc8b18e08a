/* ask_binary: a program that is run to see what it says, from a descriptor, as fexecve(3) would. */
#ifndef BERTH_SYS_ASK_BINARY_H
#define BERTH_SYS_ASK_BINARY_H

#include <sys/types.h>

/* Starts BINARY as "berth QUESTION" with GIVEN[I] (-1: none; at least 10) as descriptor 3 + I, nothing to
 * read, and an alarm that ends it after SECONDS. What it writes comes to *RET_OUT, non-blocking, where it
 * could not be executed NOT_EXECUTED and the reason. The pid of our child, with its pidfd; both descriptors
 * are the caller's. Negative errno. */
pid_t ask_binary_start(int binary, const char *question, const int given[2], unsigned seconds,
                       const char *not_executed, int *ret_pidfd, int *ret_out);

#endif
