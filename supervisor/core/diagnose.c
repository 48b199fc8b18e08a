/* diagnose: says the likely cause only where the facts leave little else. A wrong guess costs a person more
 * than silence. */
#include "config.h"

#include "core/diagnose.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/mono.h"
#include "base/signame.h"
#include "core/handoff/handoff.h"

#define SOON (5 * NSEC_PER_SEC)

/* A program that cannot bind exits with a failure, or aborts on an exception that nobody caught. A shell's
 * "not found" (127) and "not executable" (126), and signals sent from outside, have other causes. */
static bool looks_like_a_failed_bind(const struct diagnose_end *e)
{
    int status = e->wait_status;

    if (restart_is_success(&e->service->with->restart, status))
        return false;
    if (WIFEXITED(status))
        return WEXITSTATUS(status) != 126 && WEXITSTATUS(status) != 127;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* "told of descriptor 3 by LISTEN_FDS, SERVER_STARTER_PORT", "given the descriptors 3 to 5, and no variable
 * that says so". */
static void what_it_was_given(const struct diagnose_end *e, const char *tells, char *dst, size_t size)
{
    size_t last = e->n_sockets + 2;
    char where[64];

    if (e->n_sockets == 1)
        snprintf(where, sizeof where, "descriptor 3");
    else
        snprintf(where, sizeof where, "descriptors 3 to %zu", last);
    if (*tells)
        snprintf(dst, size, "told of %s by %s", where, tells);
    else
        snprintf(dst, size, "given %s, and no variable that says so", where);
}

int diagnose_ignored_handoff(const struct diagnose_end *e, char *dst, size_t size)
{
    const struct service_conf *s = e->service;
    char given[256], tells[160], more[32] = "";
    long long tenths = (e->lifetime_ns + NSEC_PER_SEC / 20) / (NSEC_PER_SEC / 10);

    if (e->n_sockets == 0 || !e->first_address || e->lifetime_ns < 0 || e->lifetime_ns >= SOON)
        return 0;
    if (!looks_like_a_failed_bind(e))
        return 0;
    handoff_tells(tells, sizeof tells, &s->with->handoff, s->command.n > 0 ? s->command.v[0] : "");
    what_it_was_given(e, tells, given, sizeof given);
    if (e->n_sockets > 1)
        snprintf(more, sizeof more, " and %zu more", e->n_sockets - 1);
    snprintf(
        dst, size,
        "it ended %lld.%llds after its start while berth holds %s%s for it; if it tried to bind that address "
        "itself, it ignored the handoff: it was %s; use {fd:%s} in its arguments%s",
        tenths / 10, tenths % 10, e->first_address, more, given, s->sockets.n > 0 ? s->sockets.v[0] : "NAME",
        *tells ? " or another handoff" : ", or a handoff other than none");
    return 1;
}

char *diagnose_wait_status(char *dst, size_t size, int wait_status)
{
    char number[16];

    if (WIFEXITED(wait_status))
        snprintf(dst, size, "exited with status %d", WEXITSTATUS(wait_status));
    else if (WIFSIGNALED(wait_status))
        snprintf(dst, size, "was killed by %s%s", signame_format(WTERMSIG(wait_status), number),
                 WCOREDUMP(wait_status) ? " (core dumped)" : "");
    else
        snprintf(dst, size, "ended with wait status 0x%x", (unsigned)wait_status);
    return dst;
}
