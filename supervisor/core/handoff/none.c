/* none: no variables. The descriptors are there all the same, for placeholders to name. */
#include "config.h"

#include "core/handoff/handoff.h"

static int emit(const struct handoff_input *in, struct handoff_output *out, struct berr *err)
{
    (void)in, (void)out, (void)err;
    return 0;
}

static const char *const variables[] = {NULL};

const struct handoff_dialect handoff_none = {"none", variables, NULL, emit};
