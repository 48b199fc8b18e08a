/* inetd: a worker for each connection (accept = yes). The worker's process takes its connection off the queue
 * itself, before it execs, so that no connection is lost with the supervisor. What cannot be served yet waits
 * in the queue. */
#ifndef BERTH_ENGINE_INETD_H
#define BERTH_ENGINE_INETD_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/spawn.h"

struct engine;
struct held_socket;
struct service;
struct worker;

/* Connections are accepted at once again, if they were not. */
void inetd_end_pause(struct service *s);
/* Is a connection at H to be served now? H is a socket with accept = yes. */
bool inetd_is_open(const struct held_socket *h);
/* Somebody is there at H. */
void inetd_serve(struct held_socket *h);

/* For the spawner: what the child of W is to accept; ARG_ROOM is the storage behind *RET, borrowed as long as
 * it. */
struct inetd_admission {
    const struct worker *worker;
    int max_per_source;
    uint64_t source; /* out */
};
void inetd_prepare(struct worker *w, struct spawn_accept *ret, struct inetd_admission *room);
/* The child has a connection: notes whose. */
void inetd_note(struct worker *w, const struct spawn_accept *a, const struct inetd_admission *room);
/* It has none, or could not be made: tells it where that is worth a word, and ends the slot. */
void inetd_on_failure(struct worker *w, const struct spawn_accept *a, const struct spawn_failure *failure);
/* The process of W has ended, and so has the slot. */
void inetd_release(struct worker *w);

#endif
