/* standby_rig: what the tests of spares share: a service "web" whose workers boot when a file lets them. */
#ifndef BERTH_TESTS_STANDBY_RIG_H
#define BERTH_TESTS_STANDBY_RIG_H

#include "rig.h"

#define CLIENTS 4

/* A service "web" with KEYS on the test's TCP port. A worker boots while there is no file "hold", and fails
 * where there is a file "bad". */
const char *standby_configuration(struct rig *r, const char *keys);
/* Starts that, and waits until so many are READY, and so many SPARES wait. */
void standby_begin(struct rig *r, const char *keys, unsigned ready, unsigned spares);
/* How many workers are in STATE, and of GENERATION, unless that is 0. */
unsigned standby_count(struct rig *r, const char *state, int generation);
/* The pid of the first one in STATE that is none of BUT and OR; 0: there is none. */
pid_t standby_find(struct rig *r, const char *state, pid_t but, pid_t or);
/* All that are there, also those that come and go. */
size_t standby_count_all(struct rig *r);
/* Are there just so many? Whoever waits for that and for who they are asks who first: once somebody else
 * serves, all are there again only when the next spare is. */
bool standby_is_complete(struct rig *r, unsigned ready, unsigned spares);
/* Makes a FILE in the test's folder. */
void standby_touch(struct rig *r, const char *file);

#endif
