/* words: a command line as a shell would split it (quotes, backslash; no expansion, no shell), and its
 * placeholders. */
#ifndef BERTH_CORE_WORDS_H
#define BERTH_CORE_WORDS_H

#include "base/berr.h"
#include "base/buf.h"
#include "base/str.h"

/* Appends the words of TEXT to *RET. -EINVAL with a sentence for an unclosed quote or a trailing backslash,
 * -E2BIG over LIMIT_COMMAND_WORDS. */
int words_split(const char *text, struct strv *ret, struct berr *err);

/* Appends WORD, quoted so that words_split() makes one word of it again. */
void words_quote(struct buf *out, const char *word);

/* What stands for {worker}, {generation}, {fd:S}, {port:S}, {host:S}, {path:S}, {address:S}. */
struct placeholder_socket {
    const char *name;    /* of the socket */
    int fd;              /* number in the worker; of its first descriptor. -1: it gets it later */
    const char *host;    /* "" when it has none */
    unsigned port;       /* 0 when it has none */
    const char *path;    /* "" when it has none */
    const char *address; /* as endpoint_format() writes it */
};

struct placeholders {
    unsigned worker, generation;
    const struct placeholder_socket *sockets;
    size_t n_sockets;
};

/* Replaces the placeholders in TEXT. "{{fd:web}" is the text "{fd:web}". A brace that begins no known
 * placeholder stays as it is ("{}", JSON and templates are common in arguments), but a known word with a
 * socket that is not handed over ({fd:nosuch}) is -EINVAL with a sentence, and so is one that the socket
 * cannot answer ({port:S} of a Unix socket). The result is the caller's. */
int placeholders_expand(const char *text, const struct placeholders *p, char **ret, struct berr *err);

#endif
