/* options: long and short options by table. */
#ifndef BERTH_CMD_OPTIONS_H
#define BERTH_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/berr.h"
#include "base/buf.h"

struct option {
    const char *name;     /* "watch", for --watch */
    char letter;          /* 'w', for -w; 0: none */
    const char *value;    /* "PATH": it takes a value, called so in help; NULL: it is a flag */
    const char *sentence; /* for help */
    size_t offset;        /* of a bool (a flag) or a const char * in what the options are parsed into */
};

enum options_order {
    OPTIONS_FIRST,    /* the first operand ends them */
    OPTIONS_ANYWHERE, /* operands and options may be mixed; "--" ends the options */
};

/* TABLES: each ends with a NULL name, their list with NULL. Operands are moved to ARGV's beginning, in their
 * order (with OPTIONS_FIRST: ARGV from the first operand on); *RET_ARGC tells how many. Values are borrowed
 * from ARGV. -EINVAL and BERR_USAGE with a sentence that names the argument, and the nearest option to an
 * unknown one. */
int options_parse(const struct option *const *tables, enum options_order order, int argc, char **argv,
                  void *into, int *ret_argc, struct berr *err);
/* A line for each option, aligned. */
void options_format_help(const struct option *const *tables, struct buf *out);

#endif
