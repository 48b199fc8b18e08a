/* watchdog: a worker that is ready gives signs of life (WATCHDOG=1), or is ended with ABRT and started again.
 */
#ifndef BERTH_ENGINE_WATCHDOG_H
#define BERTH_ENGINE_WATCHDOG_H

#include "wire/notify_msg.h"

struct worker;

/* After a change of W's state, and for a successor: watches it while it is ready, from now on a full period.
 */
void watchdog_follow(struct worker *w);
/* What a message of W says of it. */
void watchdog_take(struct worker *w, const struct notify_msg *m);

#endif
