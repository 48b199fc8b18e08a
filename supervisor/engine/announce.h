/* announce: berth tells the service manager that started it, if one did (NOTIFY_SOCKET), how it is: READY=1
 * once all that starts by itself is up or has had its try, RELOADING=1 and READY=1 around an update,
 * STOPPING=1, a STATUS= sentence that is kept in step, and signs of life for its watchdog.
 *
 * What is to be told follows from the state of things and is told when there is room in the manager's queue;
 * nobody waits for it. A successor tells READY=1 again, which ends a reload that its predecessor had begun
 * and else says nothing new. */
#ifndef BERTH_ENGINE_ANNOUNCE_H
#define BERTH_ENGINE_ANNOUNCE_H

#include <ev.h>
#include <stdbool.h>

#include "base/mono.h"
#include "core/summary.h"
#include "sys/notify_target.h"

struct engine;
struct service;

struct announce {
    bool is_on;
    struct notify_target target;
    bool was_ready;    /* READY=1 was told, by us or by a predecessor */
    bool is_reloading; /* an update is under way */
    bool owes_ready;   /* … and what follows are to be told when they can be */
    bool owes_reloading;
    bool owes_stopping;
    bool has_complained;
    struct mono reload_began;
    char status[SUMMARY_ROOM]; /* as it was told last */
    struct mono status_told;
    ev_timer timer;    /* runs only when something is to be told */
    ev_timer watchdog; /* runs only when the manager has asked for signs of life */
};

/* Reads what the manager wants from our environment. Call it before anything changes that, and with a loop.
 */
void announce_init(struct engine *e);
void announce_fini(struct engine *e);
/* Something about a service, or the set of them, has changed; it is told soon, not now. */
void announce_follow(struct engine *e);
/* Around an update, whatever comes of it, and around the reload of `run`. */
void announce_reloading(struct engine *e);
void announce_reloaded(struct engine *e);
/* From now on READY=1 means that services are up again that are not now. */
void announce_await_services(struct engine *e);
/* S is in another state. */
void announce_on_service_change(struct service *s);
/* The shutdown begins, or goes on under a successor. */
void announce_stopping(struct engine *e);

#endif
