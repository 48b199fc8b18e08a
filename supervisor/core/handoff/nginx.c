/* nginx: NGINX, as its old master hands its sockets to a new binary (ngx_add_inherited_sockets()). Each
 * number is ended by a semicolon: one without is ignored. nginx then asks the kernel what each socket is, and
 * matches its `listen` lines; it must not daemonise. It leaves O_NONBLOCK as its old master had set it: with
 * a blocking socket one of its workers hangs in accept(2) whenever another one was quicker. */
#include "config.h"

#include "core/handoff/handoff.h"
#include "core/handoff/numbers.h"

static int emit(const struct handoff_input *in, struct handoff_output *out, struct berr *err)
{
    (void)err;
    strv_put(&out->environment, handoff_number_list("NGINX", in, ";", ";"));
    return 0;
}

static const char *const variables[] = {"NGINX", NULL};

const struct handoff_dialect handoff_nginx = {"nginx", variables, "NGINX", emit};
