/* update: another configuration comes into force while everything runs.
 *
 * It is read and compared first; a mistake in it, or a change that is not possible, leaves everything as it
 * is. Then the keeper is given its text in place of the old one: that is the moment at which it is in force,
 * as a whole, for us and for any successor. What follows brings the present state to what is wanted, in steps
 * that a successor takes up: new sockets are opened, old ones retired, workers that were started with
 * something else are started anew, those of services that are gone are stopped. */
#ifndef BERTH_ENGINE_UPDATE_H
#define BERTH_ENGINE_UPDATE_H

#include <stdbool.h>

struct control_client;
struct engine;
struct service;

/* Reads PATH (NULL: where the last one was read from), and answers CLIENT (NULL: nobody asks, it is logged)
 * with what has changed, when that has come about. IS_DRY: tells only what would change; else it waits for
 * its turn. */
void update_begin(struct engine *e, struct control_client *client, const char *path, bool is_dry, bool waits);
/* Goes on where sockets have been retired, or opened at last. */
void update_proceed(struct engine *e);
/* What a predecessor had begun. */
void update_resume(struct engine *e);
/* Do workers of S still have something else than it is configured with, and can that be changed now? */
bool update_renews(const struct service *s);
/* Is S not yet what its configuration says, with something on its way? */
bool update_concerns(const struct service *s);
/* Must S wait for a socket before it is started? */
bool update_holds_back(const struct service *s);
/* Brings S to the number of workers that its configuration has come to say, unless they are to be renewed
 * first. */
void update_follow_count(struct service *s);
/* S, which is leaving, may be down: then it is forgotten and freed soon, when nobody is in the middle of
 * something with it. */
void update_let_go(struct service *s);
/* The shutdown begins: whoever waits for an update is told. */
void update_abandon_all(struct engine *e);
/* At the end of this supervisor: services that are not down, or not forgotten yet. */
void update_free_leaving(struct engine *e);
/* The client of an update is gone. */
void update_on_client_gone(struct engine *e, const struct control_client *client);
/* S has changed: its outcome may be known now. */
void update_on_service_change(struct service *s);

#endif
