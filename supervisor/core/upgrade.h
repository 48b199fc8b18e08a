/* upgrade: what another binary said when it was asked whether it can take over, and what became of one that
 * did. */
#ifndef BERTH_CORE_UPGRADE_H
#define BERTH_CORE_UPGRADE_H

#include <stddef.h>

#include "base/berr.h"

/* With this one argument, and what is held at descriptors UPGRADE_STATE_FD (the soft state) and
 * UPGRADE_CONFIG_FD (the configuration's text; closed where there is none), a berth tells in two lines
 * whether it can take over: "berth VERSION keeper N", then UPGRADE_CAN and status 0, or UPGRADE_CANNOT, a
 * sentence, and status 1. */
#define UPGRADE_QUESTION "--check-state"
#define UPGRADE_CAN "can"
#define UPGRADE_CANNOT "cannot: "
#define UPGRADE_NOT_EXECUTED                                                                                 \
    "not executed: " /* in place of all that, by the child that could not become it */
enum { UPGRADE_STATE_FD = 3, UPGRADE_CONFIG_FD = 4 };
#define UPGRADE_VERSION 32

/* Kept in the soft state. */
enum upgrade_state {
    UPGRADE_NONE,
    UPGRADE_UNDER_WAY,
    UPGRADE_DONE,
    UPGRADE_FAILED,
};

/* As a wait status, beside KEEPER_TIMED_OUT: the supervisor died before the keeper knew of the upgrade; or it
 * had no keeper, and could not become one. */
#define UPGRADE_FORGOTTEN (-2)
#define UPGRADE_UNPROTECTED (-3)

/* What the binary at PATH answered, and how its process ended. 0 and its version, or a negative errno and why
 * it cannot be had. SECONDS: the time that it had (SIGALRM ended it then). */
int upgrade_judge(const char *path, const char *answer, int wait_status, unsigned seconds,
                  char version[UPGRADE_VERSION], struct berr *err);
/* "under-way" */
const char *upgrade_state_name(enum upgrade_state state);
/* Why an upgrade failed, by how the new supervisor ended: a sentence's part. Returns DST. */
char *upgrade_describe_failure(char *dst, size_t size, int failure);

#endif
