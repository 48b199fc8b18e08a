/* order: who waits for whom, from `after` and `requires`: in which order services are started, and in the
 * reverse of it stopped. */
#ifndef BERTH_CORE_ORDER_H
#define BERTH_CORE_ORDER_H

#include <stdbool.h>

#include "core/conf.h"

/* Services are numbers: their places in the configuration. */
struct order_edge {
    unsigned service;
    bool is_required; /* by requires; else by after only */
};

struct order {
    size_t n;
    unsigned *first_before;     /* the edges of service I begin here, and end where those of I + 1 begin */
    struct order_edge *before; /* those that it waits for */
    unsigned *first_behind;
    struct order_edge *behind; /* those that wait for it */
    unsigned *sequence; /* all of them, each behind those that it waits for; in the configuration's order
                       * where that leaves a choice */
};

/* Names of services that are not there are left out. False when there is a circle: its services, the first
 * one again at the end, are then in *RET_CIRCLE (the caller's, N of them), and *RET is empty. */
bool order_make(const struct conf *c, struct order *ret, size_t **ret_circle, size_t *ret_n_circle);
void order_fini(struct order *o);

#endif
