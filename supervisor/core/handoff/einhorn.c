/* einhorn: EINHORN_FD_COUNT and EINHORN_FD_n (README.md and lib/einhorn/command.rb of contribsys/einhorn),
 * the EINHORN_FDS of its first versions, which socketmaster still sets and some Go programs read, and
 * EINHORN_FD_FAMILY_n, which Python readers look at. EINHORN_MASTER_PID must be the worker's parent.
 * EINHORN_SOCK_PATH takes the worker's ack. */
#include "config.h"

#include "core/handoff/handoff.h"

#include <sys/socket.h>

#include "base/mem.h"
#include "core/handoff/numbers.h"

static const char *family_name(int family)
{
    switch (family) {
    case AF_UNIX:
        return "AF_UNIX";
    case AF_INET6:
        return "AF_INET6";
    case AF_VSOCK:
        return "AF_VSOCK";
    default:
        return "AF_INET";
    }
}

static int emit(const struct handoff_input *in, struct handoff_output *out, struct berr *err)
{
    struct strv *environment = &out->environment;

    (void)err;
    strv_put(environment, mem_printf("EINHORN_FD_COUNT=%zu", in->n_sockets));
    for (size_t i = 0; i < in->n_sockets; i++) {
        strv_put(environment, mem_printf("EINHORN_FD_%zu=%zu", i, HANDOFF_FIRST_FD + i));
        strv_put(environment,
                 mem_printf("EINHORN_FD_FAMILY_%zu=%s", i, family_name(in->sockets[i].endpoint.family)));
    }
    strv_put(environment, handoff_number_list("EINHORN_FDS", in, " ", ""));
    strv_put(environment, mem_printf("EINHORN_MASTER_PID=%d", in->parent_pid));
    strv_put(environment, mem_printf("EINHORN_CHILD_INDEX=%u", in->worker - 1));
    if (in->einhorn_path)
        strv_put(environment, mem_printf("EINHORN_SOCK_PATH=%s", in->einhorn_path));
    return 0;
}

static const char *const variables[] = {"EINHORN_*", NULL};

const struct handoff_dialect handoff_einhorn = {"einhorn", variables, "EINHORN_FD_COUNT", emit};
