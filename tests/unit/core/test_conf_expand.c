/* conf_expand: variables and bytes in values, and the way back. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/conf_expand.h"

static const char *variable(const void *data, const char *name)
{
    (void)data;
    return str_eq(name, "SET")      ? "value"
           : str_eq(name, "EMPTY")  ? ""
           : str_eq(name, "DOLLAR") ? "${SET}"
                                    : NULL;
}

static void expect(const char *value, const char *expanded)
{
    struct berr err = {0};
    char *got = NULL;
    cr_assert_eq(conf_expand(value, variable, NULL, &got, &err), 0, "%s: %s", value, err.text);
    cr_expect_str_eq(got, expanded, "%s: %s", value, got);
    free(got);
}

static void expect_refused(const char *value, const char *sentence)
{
    struct berr err = {0};
    char *got = NULL;
    cr_expect_eq(conf_expand(value, variable, NULL, &got, &err), -EINVAL, "%s", value);
    cr_expect(strstr(err.text, sentence) != NULL, "%s: %s", value, err.text);
    cr_expect_null(got);
}

Test(conf_expand, a_variable_is_replaced_wherever_it_stands)
{
    expect("${SET}", "value");
    expect("a${SET}b${SET}", "avaluebvalue");
    expect("${EMPTY}", "");
    expect("", "");
}

Test(conf_expand, a_default_stands_in_for_what_is_not_set_or_empty)
{
    expect("${SET:-x}", "value");
    expect("${UNSET:-x}", "x");
    expect("${EMPTY:-x}", "x");
    expect("${UNSET:-}", "");
    expect("${UNSET:-a:-b c}", "a:-b c");
}

Test(conf_expand, what_comes_out_is_not_expanded_again)
{
    expect("${DOLLAR}", "${SET}");
    expect("${UNSET:-$$}", "$$");
    expect("$${SET}", "${SET}");
}

Test(conf_expand, a_dollar_before_anything_else_stays)
{
    expect("$", "$");
    expect("5$ $x $(a) $-", "5$ $x $(a) $-");
    expect("$$", "$");
    expect("$$$$", "$$");
}

Test(conf_expand, a_byte_is_given_by_its_number)
{
    expect("a${0x0a}b${0x20}", "a\nb ");
    expect("${0xFF}${0xe9}", "\xff\xe9");
}

Test(conf_expand, what_is_no_variable_is_refused)
{
    expect_refused("${SET", "is not closed");
    expect_refused("${", "is not closed");
    expect_refused("${}", "\"${}\" is neither");
    expect_refused("${A B}", "is neither ${NAME} nor ${NAME:-default}");
    expect_refused("${SET-x}", "is neither");
    expect_refused("${SET:x}", "is neither");
    expect_refused("${1A}", "is neither");
    expect_refused("${:-x}", "is neither");
    expect_refused("${0x00}", "is neither");
    expect_refused("${0x1}", "is neither");
    expect_refused("${0x1g}", "is neither");
    expect_refused("${0x0a:-x}", "is neither");
    expect_refused("${UNSET}", "the variable UNSET is not set");
    expect_refused("${A\033}", "${A\\x1b}");
}

Test(conf_expand, a_name_has_an_end)
{
    char text[400] = "${";
    memset(text + 2, 'A', 255);
    strcpy(text + 257, ":-x}");
    expect(text, "x");
    memset(text + 2, 'A', 256);
    strcpy(text + 258, ":-x}");
    expect_refused(text, "is neither");
}

Test(conf_expand, what_is_escaped_expands_to_the_same)
{
    static const char *const texts[] = {"",     "a",        "$",      "$$",           " a ",     " ",
                                        "\n",   "a\nb",     "${SET}", "${0x0a}",      "\t$\r\n", "a b  c",
                                        "\x7f", "\xff\xfe", "${",     "\001\037 x\t", "=",       ";"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf out;
        buf_init(&out, SIZE_MAX);
        conf_escape(&out, texts[i]);
        const char *escaped = buf_str(&out);
        cr_expect_eq(strpbrk(escaped, "\n\r\t"), NULL, "%s", escaped);
        cr_expect(*escaped == '\0' || (*escaped != ' ' && escaped[strlen(escaped) - 1] != ' '), "%s",
                  escaped);
        expect(escaped, texts[i]);
        buf_fini(&out);
    }
}
