/* sequence: starting and stopping services in the order that `after` and `requires` ask for.
 *
 * A service that is wanted begins once those that it waits for are up; one that is not wanted any more is
 * stopped once those that wait for it are down. Nothing is queued: what is due follows from what is wanted
 * and what is, and is looked at whenever the state of a service has changed. */
#ifndef BERTH_ENGINE_SEQUENCE_H
#define BERTH_ENGINE_SEQUENCE_H

#include <stdbool.h>

struct engine;
struct service;

/* S is wanted, and with it those that it requires. */
void sequence_start(struct service *s);
/* S is not wanted any more, nor are those that require it. */
void sequence_stop(struct service *s);
/* Something about S has changed. */
void sequence_follow(struct service *s);
/* What S itself was kept from may be due now. */
void sequence_retry(struct service *s);
/* What waits for S may be due, though S is in the state in which it was. */
void sequence_look(struct service *s);
/* S was brought up or down, and perhaps no worker has taken a step that would show it: there is none, or all
 * had ended before. */
void sequence_tell(struct service *s);
/* Looks at every service; for the beginning, and after an update. */
void sequence_follow_all(struct engine *e);
/* The name of a service that S requires and that has failed, or NULL. */
const char *sequence_blocker(const struct service *s);
/* After the set of services has changed. */
void sequence_link(struct engine *e);
void sequence_fini(struct engine *e);

#endif
