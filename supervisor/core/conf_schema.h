/* conf_schema: the one table of keys. It parses, checks ranges, prints back, and makes the tables of the manual and
 * etc/berth.ini. A key exists when it is in the table, and only then. */
#ifndef BERTH_CORE_CONF_SCHEMA_H
#define BERTH_CORE_CONF_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/conf.h"

struct conf_key {
    const char *name;       /* "backlog"; "env." and "limit." are prefixes, with is_prefix */
    const char *initial;    /* the default as text, "" for none */
    const char *sentence;   /* what it means, one sentence */
    const char *value;      /* what a value looks like, for messages and manuals: "yes or no", "a number from 1 to 65535" */
    bool is_prefix;
    bool is_list;           /* may be repeated; values are split at commas */
    /* Parses VALUE into the conf, socket_conf or service_conf at SECTION. KEY is the whole key as written. -EINVAL/-ERANGE and a sentence. */
    int (*set)(void *section, const struct conf_key *self, const char *key, const char *value, struct berr *err);
    /* Appends the value in force, as `set` would read it. Entries under a prefix are lines of "KEY = VALUE", each VALUE as
     * conf_escape() has it. */
    void (*print)(const void *section, const struct conf_key *self, struct buf *out);
    /* Where an empty value is not the same as none: was one given? NULL: an empty value is none. */
    bool (*is_given)(const void *section);
    /* For the typed setters of core/conf_value: the member, its bounds, its words. */
    size_t offset, size;
    bool is_own;      /* the section's own: what others share with it has no part of this key */
    bool is_in_block; /* the member is in a block that the section's member at `block` points to */
    size_t block;
    int64_t min, max;
    int64_t unit;              /* nanoseconds that the member counts in */
    const char *none;          /* a word that stands for none_value, or NULL */
    int64_t none_value;
    const char *const *words;  /* by value; one that begins with '!' is not carried out yet */
    /* A path in VALUE that is relative belongs to the folder of the file that it stands in: the value with such paths made
     * absolute, the caller's. NULL: there are none in it. */
    char *(*locate)(const char *value, const char *folder);
    bool is_live; /* a change of it needs no other process (or socket) */
};

/* The table of a section; ends with a NULL name. */
const struct conf_key *conf_schema(enum conf_section section);
/* "supervisor", "socket", "service". */
const char *conf_section_name(enum conf_section section);
/* The row for KEY, of a prefix too; or NULL. */
const struct conf_key *conf_find_key(enum conf_section section, const char *key);
/* Puts every default in place in a zeroed struct conf, socket_conf or service_conf. */
void conf_set_defaults(enum conf_section section, void *ret);
/* Sets KEY; an unknown key is -EINVAL, with the nearest known one. A key of the manual that this version does not
 * carry out yet is refused as that, never accepted and skipped. */
int conf_set(enum conf_section section, void *ret, const char *key, const char *value, struct berr *err);
int conf_set_socket(struct socket_conf *s, const char *key, const char *value, struct berr *err);
int conf_set_service(struct service_conf *s, const char *key, const char *value, struct berr *err);
/* Appends the value in force of KEY, which is in the table. */
void conf_print_service(const struct service_conf *s, const char *key, struct buf *out);
/* Adds the address TEXT, whole (a comma belongs to it), and takes the options of its query. */
int conf_add_address(struct socket_conf *s, const char *text, struct berr *err);

#endif
