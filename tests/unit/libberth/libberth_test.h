/* What the tests of libberth share: sockets of their own, which play the part of whoever started the worker.
 * Every test is a process of its own, so each begins with a library that knows nothing yet. */
#ifndef BERTH_TESTS_UNIT_LIBBERTH_TEST_H
#define BERTH_TESTS_UNIT_LIBBERTH_TEST_H

#include <stddef.h>

/* Before anything else in every test: no variable that the library reads is left from outside. */
void worker_clean_environment(void);
/* A listening TCP socket of 127.0.0.1. */
int worker_listener(void);
/* Sets NAME to a number. */
void worker_set_number(const char *name, long long n);
/* Sets BERTH_CHANNEL; returns berth's end. */
int worker_channel(void);
/* Sends a packet over it, with N times a descriptor of the same file. */
void worker_send(int channel, const char *text, int n_fds);
/* Sets NOTIFY_SOCKET to an abstract name, or to PATH; returns the reader's end. */
int worker_notify_socket(const char *path);
/* Fills the queue of the socket that NOTIFY_SOCKET names, an abstract one. To be closed. */
int worker_fill_notify_socket(void);
/* The next message, up to its end; "" when there is none. RET_FD is a descriptor that came with it, or -1;
 * may be NULL. */
const char *worker_read(int sock, int *ret_fd);
/* How many descriptors this process has. */
int worker_count_fds(void);
int worker_is_readable(int fd);

#endif
