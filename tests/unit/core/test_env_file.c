/* env_file: what systemd reads, and a line's number for what it would skip. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/env_file.h"

static struct strv variables;

static void tear_down(void)
{
    strv_fini(&variables);
}

TestSuite(env_file, .fini = tear_down);

/* WANTED: the variables, one behind the other, each followed by '|'. */
static void expect(const char *text, const char *wanted)
{
    char got[1024] = "";
    struct berr err = {0};
    strv_fini(&variables);
    cr_expect_eq(env_file_parse(text, strlen(text), &variables, &err), 0, "%s: %s", text, err.text);
    for (size_t i = 0; i < variables.n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s|", variables.v[i]);
    cr_expect_str_eq(got, wanted, "%s gives %s", text, got);
}

static void expect_refused(const char *text, size_t n, unsigned line, const char *part)
{
    struct berr err = {0};
    cr_expect_eq(env_file_parse(text, n, &variables, &err), -EINVAL, "%s", text);
    cr_expect_eq(err.line, line, "%s: line %u", text, err.line);
    cr_expect(strstr(err.text, part) != NULL, "%s: %s", text, err.text);
}

Test(env_file, a_line_is_a_variable)
{
    expect("", "");
    expect("A=b", "A=b|");
    expect("A=b\nC=d\n", "A=b|C=d|");
    expect("A=\nB=\n", "A=|B=|");
    expect("_a1=x=y", "_a1=x=y|");
}

Test(env_file, blank_lines_and_comments_mean_nothing)
{
    expect("\n  \n# A=b\n ; C=d\n\tE=f\n", "E=f|");
    expect("A=b # c\n", "A=b # c|");
    expect("#A=b", "");
}

Test(env_file, blanks_around_name_and_value_do_not_count)
{
    expect("  A =  b c \t\n", "A=b c|");
    expect("A=b\r\nC=d\r\n", "A=b|C=d|");
    expect("A=b\\ \n", "A=b |");
    expect("A=\\ b", "A= b|");
}

Test(env_file, a_backslash_takes_a_meaning_away)
{
    expect("A=b\\nc", "A=bnc|");
    expect("A=b\\\\c", "A=b\\c|");
    expect("A=b\\\nc\nD=e", "A=bc|D=e|");
    expect("A=b\\", "A=b|");
}

Test(env_file, single_quotes_keep_everything)
{
    expect("A='b \"c\\ $D '", "A=b \"c\\ $D |");
    expect("A='b\nc'\nD=e", "A=b\nc|D=e|");
    expect("A=''", "A=|");
}

Test(env_file, in_double_quotes_a_backslash_counts_before_a_few)
{
    expect("A=\" b \\\"c\\\" \\\\ \\$D \\` \\n \"", "A= b \"c\" \\ $D ` \\n |");
    expect("A=\"b\\\nc\nd\"", "A=bc\nd|");
}

Test(env_file, quoted_parts_and_plain_ones_are_joined)
{
    expect("A='b'\"c\"d", "A=bcd|");
    expect("A='b ' c ", "A=b c|");
    expect("A=b'c'\"d\"", "A=b'c'\"d\"|");
}

Test(env_file, nothing_is_expanded)
{
    expect("A=$B ${C} `d` ~ *", "A=$B ${C} `d` ~ *|");
}

Test(env_file, the_last_of_a_name_counts)
{
    expect("A=1\nB=2\nA=3", "A=3|B=2|");
}

#define REFUSED(text, line, part) expect_refused(text, strlen(text), line, part)

Test(env_file, what_cannot_be_read_is_refused_with_its_line)
{
    REFUSED("A=b\n\nC\n", 3, "NAME=VALUE");
    REFUSED("A=b\nexport C=d\n", 2, "a variable's name");
    REFUSED("=b", 1, "a variable's name");
    REFUSED("1A=b", 1, "a variable's name");
    REFUSED("A='x\ny'\nB-C=d", 3, "a variable's name");
    REFUSED("A=b\nC=\"d\nE=f\n", 2, "a quote is not closed");
    REFUSED("A='", 1, "a quote is not closed");
    expect_refused("A=b\nC=\0d", 8, 2, "NUL");
}

Test(env_file, a_refused_file_changes_nothing)
{
    strv_add(&variables, "A=before");
    REFUSED("A=b\nC", 2, "NAME=VALUE");
    cr_assert_eq(variables.n, 1);
    cr_assert_str_eq(variables.v[0], "A=before");
}

Test(env_file, there_are_at_most_so_many_variables)
{
    size_t room = LIMIT_ENV_FILE, n = 0;
    char *text = malloc(room);
    struct berr err = {0};
    for (int i = 0; i < LIMIT_ENV_FILE_VARIABLES; i++)
        n += (size_t)snprintf(text + n, room - n, "A%d=\n", i);
    cr_assert_eq(env_file_parse(text, n, &variables, &err), 0, "%s", err.text);
    cr_assert_eq(variables.n, LIMIT_ENV_FILE_VARIABLES);
    n += (size_t)snprintf(text + n, room - n, "B=\n");
    cr_assert_eq(env_file_parse(text, n, &variables, &err), -E2BIG);
    cr_assert_eq(err.line, LIMIT_ENV_FILE_VARIABLES + 1);
    free(text);
}
