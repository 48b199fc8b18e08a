/* sockset: the sockets that are wanted against those that the keeper holds: what to keep, to open, to drop. */
#ifndef BERTH_CORE_SOCKSET_H
#define BERTH_CORE_SOCKSET_H

#include "core/conf.h"
#include "core/held_name.h"

/* One declared address of one wanted socket (and of one worker's slot, with reuse_port = per-worker). */
struct sockset_want {
    const struct socket_conf *socket;
    const char *address;
    unsigned slot;  /* 0, or the worker's number */
    size_t *held;   /* indices into the held names, by part; owned; NULL unless complete */
    size_t n_held;
    bool complete;  /* every part is held: nothing to open */
};

struct sockset_plan {
    struct sockset_want *wants;
    size_t n_wants;
    size_t *drops;  /* indices of held sockets that nobody wants (any more), or parts of an incomplete one */
    size_t n_drops;
};

/* WORKERS: how many slots each service of C has now, in C's order (NULL: as many as C says). A per-worker socket needs
 * as many as the largest service that uses it, and at least one. */
void sockset_compare(const struct conf *c, const unsigned *workers, const struct held_name *held, size_t n_held,
                     struct sockset_plan *ret);
void sockset_plan_fini(struct sockset_plan *p);

#endif
