/* outcome: has what was asked for come about? Told from one look at a service, for a command whose supervisor
 * was killed while it waited: the successor knows what is wanted, but not who had asked. */
#ifndef BERTH_CMD_OUTCOME_H
#define BERTH_CMD_OUTCOME_H

#include <jansson.h>

#include "base/limits.h"

enum goal { GOAL_UP, GOAL_DOWN, GOAL_RENEWED, GOAL_SCALED };

struct wish {
    enum goal goal;
    char service[LIMIT_NAME + 1];
    json_int_t generation; /* before it was asked for */
    json_int_t told;       /* reloads by a signal or a command, before it was asked for */
    json_int_t workers;    /* GOAL_SCALED */
};

enum outcome {
    OUTCOME_REACHED,
    OUTCOME_PENDING, /* it is on the way */
    OUTCOME_UNKNOWN, /* nobody seems to have asked: not yet read back, or lost */
    OUTCOME_FAILED,
};

/* SERVICE is one of Status's services. With OUTCOME_FAILED, DST says why. */
enum outcome outcome_of(const struct wish *wish, const json_t *service, char *dst, size_t size);

#endif
