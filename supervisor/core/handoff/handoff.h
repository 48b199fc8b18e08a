/* handoff: telling a worker of its sockets, a dialect a file. Pure: it says which descriptors go where and which variables
 * are set; sys/spawn does it. */
#ifndef BERTH_CORE_HANDOFF_H
#define BERTH_CORE_HANDOFF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/berr.h"
#include "base/str.h"
#include "core/conf.h"

/* One descriptor to hand over. */
struct handoff_socket {
    const char *name;          /* of the socket: LISTEN_FDNAMES */
    int fd;                    /* in the supervisor */
    struct endpoint endpoint;  /* what it is bound to */
    const char *declared;      /* the address as the user wrote it */
};

struct handoff_input {
    const char *service;
    unsigned worker, generation;
    enum listen_pid listen_pid;
    const struct handoff_socket *sockets; /* in the order of their descriptors */
    size_t n_sockets;
    bool knows_pidfdid;                   /* spawn_knows_pidfdid() */
};

/* Variables as dialects set them. Those that only the child can know have their place reserved. */
struct handoff_output {
    struct strv environment;
    char *listen_pid;     /* inside `environment`, where the child writes its pid; NULL: not wanted */
    char *listen_pidfdid; /* likewise its pidfd id */
};

struct handoff_dialect {
    const char *word;                         /* "listen-fds" */
    const char *const *variables;             /* that it owns: never inherited by a worker; NULL-terminated. "X_*" is a prefix */
    int (*emit)(const struct handoff_input *in, struct handoff_output *out, struct berr *err);
};

/* Every dialect; ends with NULL. */
extern const struct handoff_dialect *const handoff_dialects[];
extern const struct handoff_dialect handoff_listen_fds, handoff_none;

/* Is WORD one that `handoff` may hold? With a sentence if not. */
int handoff_check_word(const char *word, struct berr *err);
/* All of WORDS (empty or "auto": chosen by COMMAND's basename) into *RET, to be freed by handoff_output_fini(). */
int handoff_emit(const struct strv *words, const char *command, const struct handoff_input *in,
                 struct handoff_output *ret, struct berr *err);
void handoff_output_fini(struct handoff_output *out);
/* Does this variable belong to any dialect, to a service manager above us or to another supervisor (handoff.md 2.16), so that a worker
 * must not inherit it? */
bool handoff_is_foreign_variable(const char *name);

#endif
