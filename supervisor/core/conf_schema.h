/* conf_schema: the one table of keys. It parses, checks ranges, prints back, and makes the tables of the manual and
 * etc/berth.ini. A key exists when it is in the table, and only then. */
#ifndef BERTH_CORE_CONF_SCHEMA_H
#define BERTH_CORE_CONF_SCHEMA_H

#include "base/buf.h"
#include "core/conf.h"

enum conf_section { CONF_SOCKET, CONF_SERVICE };

struct conf_key {
    const char *name;       /* "backlog"; "env." and "limit." are prefixes, with is_prefix */
    bool is_prefix;
    bool is_list;           /* may be repeated; values are split at commas */
    const char *value;      /* what a value looks like, for messages and manuals: "yes|no", "DURATION", "1 to 65535" */
    const char *initial;    /* the default as text, "" for none */
    const char *sentence;   /* what it means, one sentence */
    /* Parses VALUE into the socket_conf or service_conf at SECTION. KEY is the whole key as written. -EINVAL/-ERANGE and a sentence. */
    int (*set)(void *section, const struct conf_key *self, const char *key, const char *value, struct berr *err);
    /* The value in force, as `set` would read it. */
    void (*print)(const void *section, const struct conf_key *self, struct buf *out);
};

/* The table of a section; ends with a NULL name. */
const struct conf_key *conf_schema(enum conf_section section);
/* Sets KEY; an unknown key is -EINVAL, with the nearest known one. A key of interface.md that this version does not
 * carry out yet is refused as that, never accepted and skipped. */
int conf_set_socket(struct socket_conf *s, const char *key, const char *value, struct berr *err);
int conf_set_service(struct service_conf *s, const char *key, const char *value, struct berr *err);

#endif
