/* listen_fds: systemd's socket activation, to the letter (sd_listen_fds(3)).
 *
 * LISTEN_PID guards against grandchildren: only the child itself knows it, so its place is reserved here and
 * filled after the clone. */
#include "config.h"

#include "core/handoff/handoff.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define PID_DIGITS 10     /* of an int */
#define PIDFDID_DIGITS 20 /* of a 64-bit number */

/* Adds "NAME=" with room for DIGITS behind it, and gives the place. */
static char *reserve(struct strv *environment, const char *name, size_t digits)
{
    size_t start = strlen(name) + 1;
    char *s = mem_new(start + digits + 1);

    snprintf(s, start + 1, "%s=", name);
    strv_put(environment, s);
    return s + start;
}

static char *join_names(const struct handoff_input *in)
{
    struct buf names;

    buf_init(&names, sizeof "LISTEN_FDNAMES=" + LIMIT_HANDOFF_FDS * (LIMIT_NAME + 1) + LIMIT_STORE_NAMES);
    buf_add_str(&names, "LISTEN_FDNAMES=");
    for (size_t i = 0; i < in->n_sockets + in->n_stored; i++)
        buf_printf(&names, "%s%s", i > 0 ? ":" : "", in->sockets[i].name);
    return buf_take(&names);
}

static int emit(const struct handoff_input *in, struct handoff_output *out, struct berr *err)
{
    (void)err;
    strv_put(&out->environment, mem_printf("LISTEN_FDS=%zu", in->n_sockets + in->n_stored));
    strv_put(&out->environment, join_names(in));
    strv_add(&out->environment, "LISTEN_FDS_FIRST_FD=3");
    switch (in->listen_pid) {
    case LISTEN_PID_CHILD:
        out->listen_pid = reserve(&out->environment, "LISTEN_PID", PID_DIGITS);
        if (in->knows_pidfdid)
            out->listen_pidfdid = reserve(&out->environment, "LISTEN_PIDFDID", PIDFDID_DIGITS);
        break;
    case LISTEN_PID_ONE:
        strv_add(&out->environment, "LISTEN_PID=1");
        break;
    case LISTEN_PID_OMIT:
        break;
    }
    return 0;
}

static const char *const variables[] = {"LISTEN_FDS",     "LISTEN_PID",          "LISTEN_PIDFDID",
                                        "LISTEN_FDNAMES", "LISTEN_FDS_FIRST_FD", NULL};

const struct handoff_dialect handoff_listen_fds = {"listen-fds", variables, "LISTEN_FDS", emit};
