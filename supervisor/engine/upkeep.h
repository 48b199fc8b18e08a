/* upkeep: looks after workers that run: health checks, ready = check, max_age, max_memory. A worker that is
 * to be replaced is asked to end and started again at once; of those of one service one at a time, while all
 * others are ready. */
#ifndef BERTH_ENGINE_UPKEEP_H
#define BERTH_ENGINE_UPKEEP_H

#include <ev.h>

struct service;
struct worker;

/* Of a service for which something is looked at. */
struct upkeep {
    ev_timer health, age, memory;
};

/* After the state of one of its workers has changed: looks from time to time while any runs, and only then.
 */
void upkeep_follow(struct service *s);
/* … after its configuration has: what was due by the old one is due by the new one. */
void upkeep_follow_conf(struct service *s);
void upkeep_free(struct service *s);
/* W, which is starting, is ready once its check says so. */
void upkeep_begin_check(struct worker *w);
/* After its configuration has changed: what it says of readiness and of time limits holds for workers that
 * are on their way as well. */
void upkeep_follow_ready(struct service *s);

#endif
