/* conf_expand: ${NAME}, ${NAME:-default}, ${0xNN} (one byte) and $$ in a value of a file. A '$' before anything
 * else stays. */
#ifndef BERTH_CORE_CONF_EXPAND_H
#define BERTH_CORE_CONF_EXPAND_H

#include "base/berr.h"
#include "base/buf.h"

/* The value of the variable NAME, borrowed; NULL where it is not set. */
typedef const char *conf_variable(const void *data, const char *name);

/* The result is the caller's. -EINVAL and a sentence: a brace that is not closed, no name in it, a NUL byte, a
 * variable that is not set and has no default. A default is used where the variable is not set or empty, and is not
 * expanded itself. */
int conf_expand(const char *value, conf_variable *variable, const void *data, char **ret, struct berr *err);
/* Appends TEXT so that conf_expand() makes the same of it again, whatever is in it: as one line, and with no
 * blank at its ends, where a reader of lines would drop it. */
void conf_escape(struct buf *out, const char *text);

#endif
