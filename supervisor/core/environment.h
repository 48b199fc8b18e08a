/* environment: a worker's variables: inherited ones less the foreign, then the configured, then the
 * dialects', then berth's own. */
#ifndef BERTH_CORE_ENVIRONMENT_H
#define BERTH_CORE_ENVIRONMENT_H

#include "core/conf.h"
#include "core/handoff/handoff.h"
#include "core/words.h"

#define WORKER_REMOTE_ROOM 160 /* of "REMOTE_ADDR=" and a Unix path */

/* What one worker is given, complete; environment_fini() frees it. */
struct worker_invocation {
    struct strv argv;
    struct strv environment;
    char *listen_pid, *listen_pidfdid; /* places inside `environment`; see handoff_output */
    char *watchdog_pid;                /* likewise, where the child writes its pid; NULL: not wanted */
    char **remote;             /* the last two of `environment`, REMOTE_ADDR and REMOTE_PORT, with room for
                                * WORKER_REMOTE_ROOM bytes each; NULL: no connection */
    bool on_stdin, by_channel; /* likewise */
    struct strv left_out;      /* likewise */
};

/* INHERITED is the supervisor's own environment. HOME, USER, LOGNAME and SHELL follow `user` when it is set
 * and EXTRA names them
 * ("HOME=…", NULL-terminated, may be NULL; weaker than env.NAME). -EINVAL and a sentence for a placeholder
 * that cannot be filled. */
int worker_invocation_make(const struct service_conf *s, const struct handoff_input *in,
                           const char *const *inherited, const char *const *extra,
                           struct worker_invocation *ret, struct berr *err);
void worker_invocation_fini(struct worker_invocation *w);

/* How many descriptors a worker of S that has N sockets may leave; 0: none, or the next one would not be told
 * of them. */
size_t worker_store_room(const struct service_conf *s, size_t n);

#endif
