/* retire: the end of a held socket that the configuration does not have any more.
 *
 * Closing a listener resets whoever waits in its queue. So first nobody new is let into the queue: a TCP
 * listener drops further SYN packets (a client tries again, and is then refused), a Unix socket loses its
 * path. Its workers take what is in the queue. When that is empty, or has not become so in time, our copy is
 * closed, and the services that had the socket may be told. */
#ifndef BERTH_ENGINE_RETIRE_H
#define BERTH_ENGINE_RETIRE_H

#include <stdbool.h>
#include <stddef.h>

struct engine;
struct held_socket;

/* H is of no group any more. Its options are copied: its configuration may go. */
void retire_socket(struct held_socket *h);
/* Closes all of them at once. */
void retire_finish_all(struct engine *e);

/* The Ith that is being retired; NULL behind the last. */
struct held_socket *retire_nth(const struct engine *e, size_t i);

#endif
