/* idle: stops a service that nobody needs (idle_stop): no connection and no arrival for that long. It is
 * started again by the next one. */
#ifndef BERTH_ENGINE_IDLE_H
#define BERTH_ENGINE_IDLE_H

#include <ev.h>

struct engine;
struct held_socket;
struct service;

struct idle_watch { /* of the engine */
    int arrival_fd; /* owned; -1 before idle_start() */
    ev_io arrivals;
};

/* Negative errno. */
int idle_start(struct engine *e);
void idle_stop(struct engine *e);
/* For a new service, or where its idle_stop may have changed; idle_follow() is to be called next. */
void idle_set_pace(struct service *s);
/* Nothing is looked at any more. */
void idle_end(struct service *s);
/* After a worker's state has changed: looks at S from time to time while it runs, and only then. */
void idle_follow(struct service *s);
/* Before H's descriptor is closed or replaced. */
void idle_forget(const struct held_socket *h);

#endif
