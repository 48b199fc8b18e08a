/* unix_queues: the accept queues of all Unix listeners of this network namespace at once. For one socket the
 * kernel goes through all of them just the same (sock_diag(7)): who has many asks for all. */
#ifndef BERTH_SYS_UNIX_QUEUES_H
#define BERTH_SYS_UNIX_QUEUES_H

#include <stddef.h>

#include "sys/listener.h"

struct unix_queues {
    struct unix_queue *items; /* owned; sorted */
    size_t n;
};

/* Negative errno; then there are none in it. To be freed in either case. */
int unix_queues_read(struct unix_queues *ret);
void unix_queues_fini(struct unix_queues *q);
/* Of the listener FD. -ENOENT: it was not there, or was none. */
int unix_queues_find(const struct unix_queues *q, int fd, struct listener_queue *ret);

#endif
