/* words: a command line as a shell would split it, and the placeholders in it. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/words.h"

#define N(array) (sizeof(array) / sizeof *(array))

/* The words of TEXT, each in "<>"; borrowed until the next call. */
static const char *split(const char *text)
{
    static char shown[512];
    struct strv words = {NULL, 0};
    struct berr err;

    cr_assert_eq(words_split(text, &words, &err), 0, "%s", text);
    shown[0] = '\0';
    for (size_t i = 0; i < words.n; i++) {
        strcat(shown, "<");
        strcat(shown, words.v[i]);
        strcat(shown, ">");
    }
    strv_fini(&words);
    return shown;
}

Test(words, blanks_part_them)
{
    cr_expect_str_eq(split("a b"), "<a><b>");
    cr_expect_str_eq(split("  a\t\tb\nc\r "), "<a><b><c>");
    cr_expect_str_eq(split(""), "");
    cr_expect_str_eq(split(" \t\n"), "");
}

Test(words, quotes_keep_them_together)
{
    cr_expect_str_eq(split("'a b' \"c d\""), "<a b><c d>");
    cr_expect_str_eq(split("a'b c'd\"e f\""), "<ab cde f>");
    cr_expect_str_eq(split("'' \"\""), "<><>");
    cr_expect_str_eq(split("'a\"b' \"c'd\""), "<a\"b><c'd>");
}

Test(words, a_backslash_takes_the_next_character_as_it_is)
{
    cr_expect_str_eq(split("a\\ b \\\"c\\\" \\\\"), "<a b><\"c\"><\\>");
    cr_expect_str_eq(split("'a\\b'"), "<a\\b>", "not within single quotes");
    cr_expect_str_eq(split("\"a\\\"b\\\\c\\nd\""), "<a\"b\\c\\nd>", "within double quotes only before some");
}

Test(words, a_backslash_before_a_line_end_joins_the_lines)
{
    cr_expect_str_eq(split("a \\\n b"), "<a><b>");
    cr_expect_str_eq(split("a\\\nb"), "<ab>");
    cr_expect_str_eq(split("\"a\\\nb\""), "<ab>");
    cr_expect_str_eq(split("a \\\n"), "<a>");
}

Test(words, nothing_is_expanded)
{
    cr_expect_str_eq(split("$HOME *.c ~ `id` a;b|c&d >e #f"), "<$HOME><*.c><~><`id`><a;b|c&d><>e><#f>");
}

Test(words, what_is_not_closed_is_refused_and_adds_nothing)
{
    static const char *const texts[] = {"'a", "\"a", "a 'b c", "a \"b\\\"", "a\\", "\\", "a b c '"};
    for (size_t i = 0; i < N(texts); i++) {
        struct strv words = {NULL, 0};
        struct berr err = {0};
        cr_expect_eq(words_split(texts[i], &words, &err), -EINVAL, "%s", texts[i]);
        cr_expect_eq(words.n, 0);
        cr_expect_str_neq(err.text, "");
        strv_fini(&words);
    }
}

Test(words, they_are_added_to_what_is_there)
{
    struct strv words = {NULL, 0};
    struct berr err;
    strv_add(&words, "a");
    cr_assert_eq(words_split("b c", &words, &err), 0);
    cr_assert_eq(words.n, 3);
    cr_assert_str_eq(words.v[2], "c");
    strv_fini(&words);
}

Test(words, one_word_more_than_the_limit_is_refused)
{
    cleanup_free char *text = mem_new(2 * (LIMIT_COMMAND_WORDS + 1) + 1);
    struct strv words = {NULL, 0};
    struct berr err;

    for (size_t i = 0; i < LIMIT_COMMAND_WORDS + 1; i++)
        strcpy(text + 2 * i, "a ");
    cr_assert_eq(words_split(text, &words, &err), -E2BIG);
    cr_assert_eq(words.n, 0);
    text[2 * LIMIT_COMMAND_WORDS] = '\0';
    cr_assert_eq(words_split(text, &words, &err), 0);
    cr_assert_eq(words.n, LIMIT_COMMAND_WORDS);
    cr_assert_eq(words_split("b", &words, &err), -E2BIG);
    strv_fini(&words);
}

static const struct placeholder_socket sockets[] = {
    {"web", 3, "::", 8080, "", "tcp://[::]:8080"},
    {"web", 4, "127.0.0.1", 8081, "", "tcp://127.0.0.1:8081"},
    {"admin", 5, "", 0, "/run/admin.sock", "unix:/run/admin.sock"},
};
static const struct placeholders placeholders = {2, 7, sockets, N(sockets)};

static const char *expand(const char *text)
{
    static char kept[512];
    struct berr err;
    cleanup_free char *expanded = NULL;
    cr_assert_eq(placeholders_expand(text, &placeholders, &expanded, &err), 0, "%s", text);
    strcpy(kept, expanded);
    return kept;
}

Test(placeholders, each_is_replaced)
{
    cr_expect_str_eq(expand("{worker}/{generation}"), "2/7");
    cr_expect_str_eq(expand("fd://{fd:web}"), "fd://3");
    cr_expect_str_eq(expand("{host:web}:{port:web}"), ":::8080");
    cr_expect_str_eq(expand("--path={path:admin}"), "--path=/run/admin.sock");
    cr_expect_str_eq(expand("{address:admin}{fd:admin}"), "unix:/run/admin.sock5");
    cr_expect_str_eq(expand(""), "");
}

Test(placeholders, a_brace_that_begins_none_stays)
{
    static const char *const texts[] = {
        "{}",
        "{",
        "}",
        "{fd}",
        "{fd:}",
        "{fd:web",
        "{fd:a b}",
        "{x:web}",
        "{ fd:web}",
        "{{.Name}}",
        "{\"a\":{}}",
        "{worker:1}",
        "{generations}",
        "{FD:web}",
        "${HOME}",
        "{{",
        "{host:\"a\"}",
    };
    for (size_t i = 0; i < N(texts); i++)
        cr_expect_str_eq(expand(texts[i]), texts[i]);
}

Test(placeholders, a_doubled_brace_means_the_text_itself)
{
    cr_expect_str_eq(expand("{{fd:web}"), "{fd:web}");
    cr_expect_str_eq(expand("{{worker}={worker}"), "{worker}=2");
    cr_expect_str_eq(expand("{{fd:nosuch}"), "{fd:nosuch}");
}

Test(placeholders, in_json_the_inner_one_is_found)
{
    cr_expect_str_eq(expand("{\"fd\":{fd:web},\"n\":{worker}}"), "{\"fd\":3,\"n\":2}");
}

Test(placeholders, what_cannot_be_filled_is_refused_with_its_name)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"a {fd:nosuch}", "{fd:nosuch} cannot be filled: no socket nosuch is handed over"},
        {"{port:admin}", "socket admin has no port"},
        {"{host:admin}", "socket admin has no host"},
        {"{path:web}", "socket web has no path"},
    };
    for (size_t i = 0; i < N(cases); i++) {
        char mark[] = "untouched", *untouched = mark;
        struct berr err = {0};
        cr_expect_eq(placeholders_expand(cases[i].text, &placeholders, &untouched, &err), -EINVAL, "%s",
                     cases[i].text);
        cr_expect_eq(untouched, mark);
        cr_expect(strstr(err.text, cases[i].part), "%s", err.text);
    }
}
