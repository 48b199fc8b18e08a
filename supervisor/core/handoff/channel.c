/* channel: the worker holds one end of a socket pair, and its sockets are sent there (berth-protocol(7),
 * CHANNEL). Which descriptor it is, only core/environment knows. */
#include "config.h"

#include "core/handoff/handoff.h"

static int emit(const struct handoff_input *in, struct handoff_output *out, struct berr *err)
{
    (void)in, (void)err;
    out->by_channel = true;
    return 0;
}

static const char *const variables[] = {"BERTH_CHANNEL", NULL};

const struct handoff_dialect handoff_channel = {"channel", variables, "BERTH_CHANNEL", emit};
