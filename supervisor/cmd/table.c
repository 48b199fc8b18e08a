/* table: how a table looks, not what is in it. A character counts as one column, which is wrong for wide ones
 * and right for all that berth itself writes. To remember: colours are added after the widths are known, and
 * take no part in them. */
#include "config.h"

#include "cmd/table.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

#define GAP 2 /* spaces between columns */
#define COLOR_END "\033[0m"

void table_init(struct table *t, const struct table_column *columns)
{
    *t = (struct table){.columns = columns};
    while (columns[t->n_columns].heading)
        t->n_columns++;
}

void table_fini(struct table *t)
{
    strv_fini(&t->cells);
}

char *table_clean(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
        else if (p[0] == 0xc2 && p[1] >= 0x80 &&
                 p[1] <= 0x9f) /* U+0080 to U+009F are control characters too */
            p[0] = p[1] = '?';
    }
    return text;
}

void table_add(struct table *t, const char *text)
{
    strv_put(&t->cells, table_clean(mem_strdup(text)));
}

void table_printf(struct table *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    strv_put(&t->cells, table_clean(text));
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static int count_characters(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += begins_character(*s);
    return n;
}

/* Bytes of the first N characters of S. */
static size_t bytes_of(const char *s, int n)
{
    size_t i = 0;

    while (s[i] && (n > 0 || !begins_character(s[i])))
        n -= begins_character(s[i++]);
    return i;
}

/* The line that is being written. */
struct line {
    struct buf *out;
    int room;    /* characters that still fit */
    int pending; /* spaces that are due before the next text; those at a line's end are never written */
    bool is_cut;
};

/* Puts TEXT as far as there is room; what does not fit makes the line's last character an ellipsis. */
static void line_put(struct line *l, const char *text, const char *color)
{
    int n = count_characters(text);

    if (l->is_cut || n == 0)
        return;
    if (l->pending > l->room - 1) {
        l->is_cut = true;
        return;
    }
    buf_printf(l->out, "%*s", l->pending, "");
    l->room -= l->pending;
    l->pending = 0;
    l->is_cut = n > l->room;
    if (color)
        buf_add_str(l->out, color);
    buf_add(l->out, text, bytes_of(text, l->is_cut ? l->room - 1 : n));
    if (l->is_cut)
        buf_add_str(l->out, "…");
    if (color)
        buf_add_str(l->out, COLOR_END);
    l->room -= n;
}

static void format_row(const struct table *t, const int *widths, char *const *cells,
                       const struct table_look *look, bool is_heading, struct buf *out)
{
    struct line l = {.out = out, .room = look->width > 0 ? look->width : INT32_MAX};

    for (size_t i = 0; i < t->n_columns; i++) {
        const struct table_column *c = &t->columns[i];
        const char *text = is_heading ? c->heading : cells[i];
        int fill = widths[i] - count_characters(text);
        if (c->is_number)
            l.pending += fill;
        line_put(&l, text, look->colors && c->color && !is_heading ? c->color(text) : NULL);
        l.pending += GAP + (c->is_number ? 0 : fill);
    }
    buf_add_char(out, '\n');
}

void table_format(const struct table *t, const struct table_look *look, struct buf *out)
{
    cleanup_free int *widths = mem_new_array(t->n_columns, sizeof *widths);

    must(t->cells.n % t->n_columns == 0);
    for (size_t i = 0; i < t->n_columns; i++)
        widths[i] = count_characters(t->columns[i].heading);
    for (size_t i = 0; i < t->cells.n; i++) {
        int n = count_characters(t->cells.v[i]), *width = &widths[i % t->n_columns];
        *width = n > *width ? n : *width;
    }
    format_row(t, widths, NULL, look, true, out);
    for (size_t i = 0; i < t->cells.n; i += t->n_columns)
        format_row(t, widths, &t->cells.v[i], look, false, out);
}
