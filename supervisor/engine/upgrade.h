/* upgrade: another binary takes the supervisor's place, and if need be the keeper's.
 *
 * It is asked first, in a process of its own, whether it understands what is held. Then the upgrade is
 * written down, the keeper is given the binary, and this supervisor ends as in a crash: the next one finds
 * everything as after one. It is on trial: until it has reconciled, its end, or ten seconds, are followed by
 * a supervisor from the old binary, which finds in WELCOME what became of it. Who waits for the outcome asks
 * for it after his connection was lost. */
#ifndef BERTH_ENGINE_UPGRADE_H
#define BERTH_ENGINE_UPGRADE_H

#include <jansson.h>
#include <stdbool.h>

#include "core/upgrade.h"

struct control_client;
struct engine;
struct upgrade;

struct upgrades {
    unsigned n;               /* that were begun */
    enum upgrade_state state; /* of the latest */
    int failure;              /* … if it failed */
    struct upgrade *asking;   /* owned; NULL: no binary is being asked */
};

/* Begins one to the binary PATH (NULL: what now stands where ours was started from), and answers CLIENT
 * (NULL: nobody asks; the log tells): with why it cannot be, or with its number when it is under way. A
 * client that WAITS is then to expect the end of its connection. */
void upgrade_begin(struct engine *e, struct control_client *client, const char *path, bool waits);
/* At the start, before STABLE: what became of a predecessor's. */
void upgrade_conclude(struct engine *e);
/* For Status; NULL: there never was one. */
json_t *upgrade_describe(const struct engine *e);
void upgrade_on_client_gone(struct engine *e, const struct control_client *client);
/* The binary that was asked goes on by itself, until its time is up. */
void upgrade_forget(struct engine *e);

#endif
