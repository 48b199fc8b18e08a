/* passed: one held thing on its way from one berth to another: under which name it is held, and what tells
 * whether it is the same thing on both sides. */
#ifndef BERTH_ENGINE_PASSED_H
#define BERTH_ENGINE_PASSED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/berr.h"
#include "core/held_name.h"

struct passed {
    char *held;             /* core/held_name; owned */
    char *bound;            /* what a socket is bound to, as a person reads it; owned, NULL: no socket */
    uint64_t device, inode; /* of the file of a Unix socket; 0: it has none */
    int fd;                 /* owned */
};

struct passed_list {
    struct passed *items; /* owned */
    size_t n;
};

/* Copies all but FD, which is taken. */
void passed_add(struct passed_list *l, const char *held, const char *bound, uint64_t device, uint64_t inode,
                int fd);
void passed_list_fini(struct passed_list *l);
/* As in io.berth's type Passed. */
json_t *passed_describe(const struct passed *p);
/* The reverse, with FD, which is taken; -EBADMSG (and FD is closed) where O is none. */
int passed_parse(struct passed_list *l, const json_t *o, int fd);
/* How many are of KIND. */
size_t passed_count(const struct passed_list *l, enum held_kind kind);

#endif
