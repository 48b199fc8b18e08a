/* Options by table: every form, every mistake. */
#include "config.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "cmd/options.h"

struct values {
    bool watch, all;
    const char *path, *count;
};

static const struct option first_table[] = {
    {"watch", 'w', NULL, "go on", offsetof(struct values, watch)},
    {"all", 'a', NULL, "every one", offsetof(struct values, all)},
    {NULL, 0, NULL, NULL, 0},
};
static const struct option second_table[] = {
    {"control", 0, "PATH", "where it is", offsetof(struct values, path)},
    {"count", 'n', "N", "how many", offsetof(struct values, count)},
    {NULL, 0, NULL, NULL, 0},
};
static const struct option *const tables[] = {first_table, second_table, NULL};

static struct values got;
static struct berr err;
static char *words[8];
static int n_operands;

static int parse(enum options_order order, const char *a, const char *b, const char *c, const char *d)
{
    const char *const given[] = {a, b, c, d, NULL};
    int n = 0;

    for (; given[n]; n++)
        words[n] = (char *)given[n];
    got = (struct values){false, false, NULL, NULL};
    err = (struct berr){.class = BERR_NONE};
    n_operands = -1;
    return options_parse(tables, order, n, words, &got, &n_operands, &err);
}

static void assert_fails(const char *sentence)
{
    cr_assert_eq(err.class, BERR_USAGE);
    cr_assert_str_eq(err.text, sentence);
    cr_assert_eq(n_operands, -1, "the out-parameter was touched");
}

Test(options, nothing_given_is_nothing_set)
{
    cr_assert_eq(parse(OPTIONS_ANYWHERE, NULL, NULL, NULL, NULL), 0);
    cr_assert_eq(n_operands, 0);
    cr_assert_not(got.watch || got.all || got.path || got.count);
}

Test(options, a_value_is_the_next_word_or_behind_an_equals_sign)
{
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--control", "/a", "--count=3", NULL), 0);
    cr_assert_str_eq(got.path, "/a");
    cr_assert_str_eq(got.count, "3");
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "-n", "4", NULL, NULL), 0);
    cr_assert_str_eq(got.count, "4");
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "-n5", "--control=", NULL, NULL), 0);
    cr_assert_str_eq(got.count, "5");
    cr_assert_str_eq(got.path, "");
}

Test(options, a_value_may_look_like_an_option)
{
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--control", "--all", NULL, NULL), 0);
    cr_assert_str_eq(got.path, "--all");
    cr_assert_not(got.all);
}

Test(options, short_flags_may_stand_together)
{
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "-wa", "-awn7", NULL, NULL), 0);
    cr_assert(got.watch && got.all);
    cr_assert_str_eq(got.count, "7");
}

Test(options, operands_keep_their_order_between_options)
{
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "web", "--watch", "-", "api"), 0);
    cr_assert_eq(n_operands, 3);
    cr_assert_str_eq(words[0], "web");
    cr_assert_str_eq(words[1], "-");
    cr_assert_str_eq(words[2], "api");
    cr_assert(got.watch);
}

Test(options, two_dashes_end_the_options)
{
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--watch", "--", "--all", "--"), 0);
    cr_assert_eq(n_operands, 2);
    cr_assert_str_eq(words[0], "--all");
    cr_assert_str_eq(words[1], "--");
    cr_assert_not(got.all);
}

Test(options, the_first_operand_may_end_the_options)
{
    cr_assert_eq(parse(OPTIONS_FIRST, "--watch", "status", "--all", "-x"), 0);
    cr_assert(got.watch);
    cr_assert_not(got.all);
    cr_assert_eq(n_operands, 3);
    cr_assert_str_eq(words[0], "status");
    cr_assert_str_eq(words[1], "--all");
    cr_assert_str_eq(words[2], "-x");
}

Test(options, an_unknown_one_names_the_nearest)
{
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--wacth", NULL, NULL, NULL), -EINVAL);
    assert_fails("unknown option '--wacth', did you mean '--watch'?");
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--contrl=/a", NULL, NULL, NULL), -EINVAL);
    assert_fails("unknown option '--contrl', did you mean '--control'?");
}

Test(options, an_unknown_one_far_from_all_is_just_unknown)
{
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--xylophone", NULL, NULL, NULL), -EINVAL);
    assert_fails("unknown option '--xylophone'");
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "-wx", NULL, NULL, NULL), -EINVAL);
    assert_fails("unknown option '-wx'");
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--a\nb", NULL, NULL, NULL), -EINVAL);
    cr_assert_null(strchr(err.text, '\n'), "%s", err.text);
}

Test(options, names_are_not_shortened)
{
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--wat", NULL, NULL, NULL), -EINVAL);
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--", NULL, NULL, NULL), 0);
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--=", NULL, NULL, NULL), -EINVAL);
}

Test(options, a_flag_takes_no_value_and_a_value_must_be_there)
{
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--watch=yes", NULL, NULL, NULL), -EINVAL);
    assert_fails("option '--watch' takes no value");
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "--control", NULL, NULL, NULL), -EINVAL);
    assert_fails("option '--control' needs a value (PATH)");
    cr_assert_eq(parse(OPTIONS_ANYWHERE, "-wn", NULL, NULL, NULL), -EINVAL);
    assert_fails("option '-n' needs a value (N)");
}

Test(options, help_has_a_line_for_each)
{
    struct buf out;

    buf_init(&out, 4096);
    options_format_help(tables, &out);
    cr_assert_str_eq(buf_str(&out), "  -w, --watch           go on\n"
                                    "  -a, --all             every one\n"
                                    "      --control PATH    where it is\n"
                                    "  -n, --count N         how many\n");
    buf_fini(&out);
}
