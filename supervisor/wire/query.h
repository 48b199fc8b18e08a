/* query: "backlog=512&defer_accept=5s", the options that ride on an address. */
#ifndef BERTH_WIRE_QUERY_H
#define BERTH_WIRE_QUERY_H

#include <stddef.h>

/* Takes the next KEY=VALUE off *CURSOR (which begins at the query's text and is advanced), with %XX
 * decoded. A key without '=' has the value "yes". 1: one was taken; 0: the end; -EINVAL: a bad %XX or an
 * empty key; -ENAMETOOLONG: it does not fit. KEY and VALUE are NUL-terminated. */
int query_next(const char **cursor, char *key, size_t key_size, char *value, size_t value_size);

#endif
