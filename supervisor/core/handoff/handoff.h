/* handoff: telling a worker of its sockets, a dialect a file. Pure: it says which descriptors go where and
 * which variables are set; sys/spawn does it. */
#ifndef BERTH_CORE_HANDOFF_H
#define BERTH_CORE_HANDOFF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/berr.h"
#include "base/str.h"
#include "core/conf.h"

/* One descriptor to hand over. */
struct handoff_socket {
    const char *name;         /* of the socket: LISTEN_FDNAMES */
    int fd;                   /* in the supervisor */
    struct endpoint endpoint; /* what it is bound to */
    const char *declared;     /* the address as the user wrote it, canonical (address_format()) */
    unsigned parts;           /* how many sockets that address came to: a name may be several hosts' */
};

struct handoff_input {
    const char *service;
    unsigned worker, generation;
    enum listen_pid listen_pid;
    const struct handoff_socket *sockets; /* in the order of their descriptors */
    size_t n_sockets;
    size_t n_stored;    /* behind those: descriptors that an earlier worker left */
    size_t store_max;   /* FDSTORE: how many it may leave; 0: none */
    bool knows_pidfdid; /* spawn_knows_pidfdid() */
    int parent_pid;     /* the worker's getppid() */
    bool is_preview; /* nothing is bound: a placeholder that cannot be filled stays as it is, with a word on
                        it */
    bool is_connection;        /* accept = yes: what is handed over is a connection, if anything */
    const char *notify_socket; /* NOTIFY_SOCKET; NULL: nobody listens */
    uint64_t watchdog_us;      /* WATCHDOG_USEC; 0: none */
    const char *einhorn_path;  /* of the socket that takes einhorn's acks; NULL: there is none */
};

/* Variables as dialects set them. Those that only the child can know have their place reserved. */
struct handoff_output {
    struct strv environment;
    char *listen_pid;     /* inside `environment`, where the child writes its pid; NULL: not wanted */
    char *listen_pidfdid; /* likewise its pidfd id */
    bool on_stdin;        /* the first socket is descriptor 0 as well */
    bool by_channel;      /* no socket at the exec: they are sent over the worker's channel */
    struct strv left_out; /* sentences: what "auto" would have said, and why it could not */
};

struct handoff_dialect {
    const char *word; /* "listen-fds" */
    const char *const
        *variables;    /* that it owns: never inherited by a worker; NULL-terminated. "X_*" is a prefix */
    const char *tells; /* where its readers look first: "LISTEN_FDS"; NULL: nowhere */
    /* Adds to *OUT, or leaves it as it is: -EINVAL and a sentence when the dialect cannot say it. */
    int (*emit)(const struct handoff_input *in, struct handoff_output *out, struct berr *err);
};

/* Every dialect; ends with NULL. */
extern const struct handoff_dialect *const handoff_dialects[];
extern const struct handoff_dialect handoff_channel, handoff_einhorn, handoff_listen_fds, handoff_nginx,
    handoff_none, handoff_php_fpm, handoff_server_starter, handoff_stdin, handoff_unicorn;

/* Is WORD one that `handoff` may hold? With a sentence if not. */
int handoff_check_word(const char *word, struct berr *err);
/* May all of WORDS stand together? A sentence that names the pair if not. */
int handoff_check_words(const struct strv *words, struct berr *err);
/* Does WORDS hold WORD, said by the user? */
bool handoff_has_word(const struct strv *words, const char *word);
/* Everything that WORDS choose (empty or "auto": by COMMAND's basename too) into *RET, to be freed by
 * handoff_output_fini(). What "auto" chose and cannot say is left out; what the user chose is an error then.
 */
int handoff_emit(const struct strv *words, const char *command, const struct handoff_input *in,
                 struct handoff_output *ret, struct berr *err);
/* "LISTEN_FDS, SERVER_STARTER_PORT": where a reader of what WORDS choose would look; "" for nowhere. Returns
 * DST. */
char *handoff_tells(char *dst, size_t size, const struct strv *words, const char *command);
/* Do readers of what WORDS choose expect sockets with O_NONBLOCK, and not set it themselves? */
bool handoff_is_non_blocking(const struct strv *words, const char *command);
/* Would a worker be told of descriptors that an earlier one left? */
bool handoff_tells_stored(const struct strv *words, const char *command);
void handoff_output_fini(struct handoff_output *out);
/* The word of the dialect that variable NAME belongs to, or NULL. */
const char *handoff_owner(const char *name);
/* Does this variable belong to any dialect, to a service manager above us or to another supervisor
 * (handoff.md 2.16), so that a worker must not inherit it? */
bool handoff_is_foreign_variable(const char *name);

#endif
