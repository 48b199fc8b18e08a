/* stdin: the first socket as descriptor 0, as inetd's "wait" services, FastCGI programs
 * (FCGI_LISTENSOCK_FILENO) and Java's System.inheritedChannel() find it. No variable. */
#include "config.h"

#include "core/handoff/handoff.h"

static int emit(const struct handoff_input *in, struct handoff_output *out, struct berr *err)
{
    (void)in, (void)err;
    out->on_stdin = true;
    return 0;
}

static const char *const variables[] = {NULL};

const struct handoff_dialect handoff_stdin = {"stdin", variables, "descriptor 0", emit};
