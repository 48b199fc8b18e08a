/* demand: watches held sockets at which nobody accepts yet, and starts whoever is to: workers in WAITING, or
 * one for a connection (engine/inetd). */
#ifndef BERTH_ENGINE_DEMAND_H
#define BERTH_ENGINE_DEMAND_H

#include <stdbool.h>

struct engine;
struct held_socket;
struct service;

/* Watches exactly those sockets that somebody waits at. Call it after a worker's or a service's state has
 * changed. */
void demand_follow(const struct service *s);
/* Could a connection or a datagram be taken at H just now? */
bool demand_is_somebody_there(const struct held_socket *h);
/* Before H's descriptor is closed or replaced. */
void demand_forget(struct held_socket *h);

#endif
