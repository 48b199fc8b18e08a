/* reconcile: the one way to start: what the keeper holds against what is wanted. */
#ifndef BERTH_ENGINE_RECONCILE_H
#define BERTH_ENGINE_RECONCILE_H

struct engine;

/* Services and workers out of the soft state and the keeper's entries; workers that ended meanwhile have
 * their end told. Afterwards every entry has been taken or dropped. */
void reconcile_workers(struct engine *e);
/* Takes the rows of services that are not in the configuration out of the soft state. */
void reconcile_forget_removed(struct engine *e);
/* Brings every service to what is wanted of it; the sockets are all held. */
void reconcile_start_services(struct engine *e);

#endif
