/* explain: what a worker is given, told in words: its arguments, every variable and where it comes from,
 * every descriptor. Nothing is started. */
#ifndef BERTH_CORE_EXPLAIN_H
#define BERTH_CORE_EXPLAIN_H

#include "core/conf.h"
#include "core/handoff/handoff.h"

struct explain_variable {
    char *name, *value;
    const char *source; /* "berth", a dialect's word, "env", "env_file", "user", "inherited"; static */
};

struct explain_descriptor {
    int number;
    const char *what;     /* "inherited", "socket", "stored", "connection", "channel", "ready" …; static */
    char *name, *address; /* of a socket; else NULL */
    struct strv options;  /* of a socket: "backlog = 512" for each that differs from its default */
};

struct explanation {
    struct strv argv;
    char *told_by; /* "LISTEN_FDS, SERVER_STARTER_PORT" */
    struct explain_variable *variables;
    size_t n_variables;
    struct explain_descriptor *descriptors;
    size_t n_descriptors;
    struct strv taken_away; /* names of variables that are not passed on */
    struct strv left_out;   /* sentences: what could not be told, and why */
};

/* The worker that IN describes, of service S of C. INHERITED as for worker_invocation_make(), and as its
 * EXTRA variables those of USER, then those of FILES (env_file). A negative errno and a sentence when it
 * could not be started so. */
int explain_worker(const struct conf *c, const struct service_conf *s, const struct handoff_input *in,
                   const char *const *inherited, const struct strv *user, const struct strv *files,
                   struct explanation *ret, struct berr *err);
void explanation_fini(struct explanation *x);

#endif
