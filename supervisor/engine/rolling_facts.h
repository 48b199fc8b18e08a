/* rolling_facts: what core/rolling is told of a service whose workers are being replaced. */
#ifndef BERTH_ENGINE_ROLLING_FACTS_H
#define BERTH_ENGINE_ROLLING_FACTS_H

#include "core/rolling.h"

struct service;
struct worker;

/* The slots are the caller's to free. */
struct rolling_facts rolling_gather(const struct service *s);
/* Who is to take over in SLOT; NULL: nobody. */
struct worker *rolling_candidate(const struct service *s, unsigned slot);
/* The oldest generation that does nothing but drain; 0: there is none. */
unsigned rolling_oldest_drain(const struct service *s);
/* Why it is given up: "worker web/1#2 exited with status 1", and what it wrote last. The caller's to free. */
char *rolling_reason(const struct service *s);

#endif
