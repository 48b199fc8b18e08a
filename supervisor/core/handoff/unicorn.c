/* unicorn: UNICORN_FD, as an old master hands its listeners to a new one (HttpServer#inherit_listeners!). It
 * also reads LISTEN_FDS, and would take each socket twice if it were told of it both ways. */
#include "config.h"

#include "core/handoff/handoff.h"
#include "core/handoff/numbers.h"

static int emit(const struct handoff_input *in, struct handoff_output *out, struct berr *err)
{
    (void)err;
    strv_put(&out->environment, handoff_number_list("UNICORN_FD", in, ",", ""));
    return 0;
}

static const char *const variables[] = {"UNICORN_FD", NULL};

const struct handoff_dialect handoff_unicorn = {"unicorn", variables, "UNICORN_FD", emit};
