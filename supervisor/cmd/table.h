/* table: aligned columns of text. */
#ifndef BERTH_CMD_TABLE_H
#define BERTH_CMD_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

struct table_column {
    const char *heading; /* NULL ends the columns */
    bool is_number;      /* aligned at the right */
    /* The escape sequence to begin a cell with, or NULL for none; may itself be NULL. */
    const char *(*color)(const char *cell);
};

struct table {
    const struct table_column *columns;
    size_t n_columns;
    struct strv cells; /* row by row */
};

struct table_look {
    int width; /* characters of a line, longer ones are cut and end in "…"; 0: no limit */
    bool colors;
};

/* COLUMNS is borrowed. */
void table_init(struct table *t, const struct table_column *columns);
void table_fini(struct table *t);
/* The next cell, from left to right, row by row. Control characters become '?'. */
void table_add(struct table *t, const char *text);
void table_printf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The headings and the rows; no spaces at the end of a line. The last row must be complete. */
void table_format(const struct table *t, const struct table_look *look, struct buf *out);

/* Foreign text made harmless for a terminal and for a line: each control character becomes '?'. Changes and
 * returns TEXT. */
char *table_clean(char *text);

#endif
