/* Tables: alignment, cutting, colours, foreign text. */
#include "config.h"

#include <criterion/criterion.h>

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "cmd/table.h"

static const char *color_of(const char *cell)
{
    return str_eq(cell, "failed") ? "\033[31m" : NULL;
}

static const struct table_column columns[] = {
    {"NAME", false, NULL},    {"STATE", false, color_of}, {"N", true, NULL},
    {"COMMAND", false, NULL}, {NULL, false, NULL},
};

static void assert_table(const char *const *cells, struct table_look look, const char *expected)
{
    struct table t;
    struct buf out;

    table_init(&t, columns);
    for (; *cells; cells++)
        table_add(&t, *cells);
    buf_init(&out, SIZE_MAX);
    table_format(&t, &look, &out);
    cr_assert_str_eq(buf_str(&out), expected, "got:\n%s\nexpected:\n%s", buf_str(&out), expected);
    buf_fini(&out);
    table_fini(&t);
}

#define CELLS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char *const two_rows[] = {"web",    "running", "2",          "nginx -c x", "a-long-name",
                                       "failed", "1024",    "/bin/false", NULL};

Test(table, columns_are_aligned_and_lines_have_no_trailing_spaces)
{
    assert_table(two_rows, (struct table_look){0, false},
                 "NAME         STATE       N  COMMAND\n"
                 "web          running     2  nginx -c x\n"
                 "a-long-name  failed   1024  /bin/false\n");
}

Test(table, without_rows_there_are_only_headings)
{
    assert_table((const char *const[]){NULL}, (struct table_look){80, true}, "NAME  STATE  N  COMMAND\n");
}

Test(table, an_empty_last_cell_leaves_nothing_behind)
{
    assert_table(CELLS("a", "", "1", ""), (struct table_look){0, false},
                 "NAME  STATE  N  COMMAND\n"
                 "a            1\n");
}

Test(table, long_lines_are_cut_at_the_width)
{
    assert_table(two_rows, (struct table_look){34, false},
                 "NAME         STATE       N  COMMA…\n"
                 "web          running     2  nginx…\n"
                 "a-long-name  failed   1024  /bin/…\n");
}

Test(table, a_line_of_exactly_the_width_is_whole)
{
    assert_table(CELLS("a", "b", "1", "1234567"), (struct table_look){23, false},
                 "NAME  STATE  N  COMMAND\n"
                 "a     b      1  1234567\n");
}

Test(table, no_line_is_longer_than_any_width)
{
    for (int width = 1; width < 50; width++) {
        struct table t;
        struct buf out;
        int n = 0;

        table_init(&t, columns);
        for (const char *const *c = two_rows; *c; c++)
            table_add(&t, *c);
        buf_init(&out, SIZE_MAX);
        table_format(&t, &(struct table_look){width, false}, &out);
        for (const char *p = buf_str(&out); *p; p++) {
            if (((unsigned char)*p & 0xc0) != 0x80)
                n = *p == '\n' ? 0 : n + 1;
            cr_assert_leq(n, width, "%s", buf_str(&out));
        }
        buf_fini(&out);
        table_fini(&t);
    }
}

Test(table, colours_take_no_room)
{
    assert_table(two_rows, (struct table_look){34, true},
                 "NAME         STATE       N  COMMA…\n"
                 "web          running     2  nginx…\n"
                 "a-long-name  \033[31mfailed\033[0m   1024  /bin/…\n");
}

Test(table, a_character_of_several_bytes_is_one_column)
{
    assert_table(CELLS("für", "ok", "1", "ñandú"), (struct table_look){20, false},
                 "NAME  STATE  N  COM…\n"
                 "für   ok     1  ñan…\n");
}

Test(table, control_characters_cannot_reach_the_terminal)
{
    assert_table(CELLS("a\033[31m", "b\nc", "1",
                       "d\xc2\x9b"
                       "e\x7f"),
                 (struct table_look){0, false},
                 "NAME    STATE  N  COMMAND\n"
                 "a?[31m  b?c    1  d??e?\n");
}

Test(table, cells_may_be_printed)
{
    struct table t;

    table_init(&t, columns);
    table_printf(&t, "%d/%d\t", 1, 2);
    cr_assert_str_eq(t.cells.v[0], "1/2?");
    table_fini(&t);
}
