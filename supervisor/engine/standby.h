/* standby: spare workers that have booted and wait for their sockets, as core/standby decides it.
 *
 * Whether a worker is a spare is in its row. That a spare is to serve is written there first; then its
 * sockets are sent down its channel, then that they were: a successor sends them again rather than never, and
 * the second time means nothing to a worker. */
#ifndef BERTH_ENGINE_STANDBY_H
#define BERTH_ENGINE_STANDBY_H

#include <stdbool.h>

#include "core/worker_fsm.h"

struct service;
struct worker;

/* The slots that S is to have: of its workers, and of its spares. */
unsigned standby_slots(const struct service *s);
/* … as far as they are there; more may come. */
unsigned standby_slots_there(const struct service *s);
/* S, or one of its workers, has changed: it is looked at soon. */
void standby_follow(struct service *s);
/* The same now: for those who are about to end a worker. */
void standby_look(struct service *s);
/* Workers in slots that are too many are told to go, but for those that are missed: they go once others serve
 * for them. */
void standby_stop_surplus(struct service *s);
/* The process of W has ended, and its machine is about to be told EVENT. A spare takes its place before
 * anything else is done, unless it has done its work. */
void standby_cover(struct worker *w, enum worker_event event);
/* W is about to get a process: decides what that is to be. */
void standby_prepare(struct worker *w);
/* W, a spare, serves from now on; the caller writes its row, and then has it sent its sockets. */
void standby_activate(struct worker *w);
/* W, which its row says so of, is sent its sockets. */
void standby_send(struct worker *w);
/* Is there nothing to be done for S, and does none of its workers end? */
bool standby_is_settled(const struct service *s);
/* The configuration of S may want another number of spares. */
void standby_follow_conf(struct service *s);

#endif
