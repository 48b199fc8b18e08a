/* str: names, escapes, near misses and vectors. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *escaped(const char *s)
{
    static char dst[256];
    return str_escape(dst, sizeof(dst), s, strlen(s));
}

Test(str, a_prefix_is_found_only_in_front)
{
    cr_assert(str_starts_with("unix:/run", "unix:"));
    cr_assert(str_starts_with("unix:", ""));
    cr_assert_not(str_starts_with("unix", "unix:"));
    cr_assert_not(str_starts_with("a unix:", "unix:"));
}

Test(str, a_copy_fits_or_leaves_an_empty_text)
{
    char dst[4] = "xyz";
    cr_assert(str_copy(dst, sizeof(dst), "abc"));
    cr_assert_str_eq(dst, "abc");
    cr_assert_not(str_copy(dst, sizeof(dst), "abcd"));
    cr_assert_str_eq(dst, "");
}

Test(str, printable_text_is_not_escaped)
{
    cr_assert_str_eq(escaped("a b~\"'%s"), "a b~\"'%s");
    cr_assert_str_eq(escaped("größer 世界 🚢"), "größer 世界 🚢");
    cr_assert_str_eq(escaped(""), "");
}

Test(str, controls_and_backslashes_are_escaped)
{
    cr_assert_str_eq(escaped("a\nb\tc\x1b[0m\x7f"), "a\\x0ab\\x09c\\x1b[0m\\x7f");
    cr_assert_str_eq(escaped("a\\b"), "a\\x5cb");
}

Test(str, controls_of_unicode_are_escaped)
{
    cr_assert_str_eq(escaped("a\xc2\x85"
                             "b"),
                     "a\\xc2\\x85b");                           /* next line */
    cr_assert_str_eq(escaped("a\u2028b"), "a\\xe2\\x80\\xa8b"); /* line separator */
    cr_assert_str_eq(escaped("a\u202eb"), "a\\xe2\\x80\\xaeb"); /* right to left from here */
    cr_assert_str_eq(escaped("a\u2066b"), "a\\xe2\\x81\\xa6b");
}

Test(str, what_nobody_could_see_is_escaped)
{
    cr_assert_str_eq(escaped("\xef\xbb\xbfworkers"), "\\xef\\xbb\\xbfworkers"); /* a byte-order mark */
    cr_assert_str_eq(escaped("a\u200bb\u2060"), "a\\xe2\\x80\\x8bb\\xe2\\x81\\xa0");
    cr_assert_str_eq(escaped("a\u202eb"), "a\\xe2\\x80\\xaeb");
}

Test(str, bytes_that_are_not_utf8_are_escaped)
{
    cr_assert_str_eq(escaped("\xff"), "\\xff");
    cr_assert_str_eq(escaped("a\xc3"), "a\\xc3");                          /* cut short */
    cr_assert_str_eq(escaped("\xc3(z"), "\\xc3(z");                        /* no continuation */
    cr_assert_str_eq(escaped("\x80"), "\\x80");                            /* only a continuation */
    cr_assert_str_eq(escaped("\xc0\xaf"), "\\xc0\\xaf");                   /* '/' written too long */
    cr_assert_str_eq(escaped("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");          /* and longer */
    cr_assert_str_eq(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");          /* half a pair of UTF-16 */
    cr_assert_str_eq(escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); /* beyond Unicode */
}

Test(str, a_nul_byte_in_the_middle_is_escaped)
{
    char dst[16];
    cr_assert_str_eq(str_escape(dst, sizeof(dst), "a\0b", 3), "a\\x00b");
}

Test(str, an_escape_fits_exactly_or_is_cut_with_an_ellipsis)
{
    char dst[16];
    cr_assert_str_eq(str_escape(dst, 7, "abcdef", 6), "abcdef");
    cr_assert_str_eq(str_escape(dst, 6, "abcdef", 6), "ab…");
    cr_assert_str_eq(str_escape(dst, 9, "abcd\n", 5), "abcd\\x0a");
    cr_assert_str_eq(str_escape(dst, 8, "abcd\n", 5), "abcd…");
    cr_assert_str_eq(str_escape(dst, 7, "äöüx", 7), "ä…"); /* not within a character */
}

Test(str, an_escape_never_leaves_its_buffer_whatever_the_size)
{
    static const char text[] = "a\nä\xff世\\b";
    for (size_t size = 0; size < 40; size++) {
        char *dst = mem_new(size + 1);
        dst[size] = '#';
        str_escape(dst, size, text, sizeof(text) - 1);
        cr_assert_eq(dst[size], '#');
        if (size > 0)
            cr_assert_lt(strlen(dst), size);
        cr_assert(size == 0 || str_is_printable(dst), "size %zu: %s", size, dst);
        free(dst);
    }
}

Test(str, a_sentence_keeps_its_backslashes)
{
    char dst[32];
    cr_assert_str_eq(str_escape_controls(dst, sizeof(dst), "a\\x0a\n", 6), "a\\x0a\\x0a");
}

Test(str, printable_means_no_escape_is_needed)
{
    cr_assert(str_is_printable(""));
    cr_assert(str_is_printable("/run/größe\\x"));
    cr_assert_not(str_is_printable("a\n"));
    cr_assert_not(str_is_printable("a\xff"));
}

Test(str, names_are_1_to_64_of_the_allowed_letters)
{
    char longest[66];
    memset(longest, 'x', 65);
    longest[65] = '\0';
    cr_assert_not(str_is_name(longest));
    longest[64] = '\0';
    cr_assert(str_is_name(longest));
    cr_assert(str_is_name("Web-1_a.b"));
    cr_assert_not(str_is_name(""));
    cr_assert_not(str_is_name("a b"));
    cr_assert_not(str_is_name("a/b"));
    cr_assert_not(str_is_name("größe"));
    cr_assert_not(str_is_name("a\n"));
}

static const char *const keys[] = {"backlog", "reuse_port", "reuse_address", "mode", "user", NULL};

Test(str, a_slip_of_the_finger_is_understood)
{
    cr_assert_str_eq(str_nearest("backlog", keys), "backlog");
    cr_assert_str_eq(str_nearest("backlgo", keys), "backlog"); /* a swap is one slip */
    cr_assert_str_eq(str_nearest("bakclgo", keys), "backlog");
    cr_assert_str_eq(str_nearest("reuse_prot", keys), "reuse_port");
    cr_assert_str_eq(str_nearest("reuse-adress", keys), "reuse_address");
    cr_assert_str_eq(str_nearest("mod", keys), "mode");
    cr_assert_str_eq(str_nearest("usr", keys), "user");
}

Test(str, something_else_is_not_taken_for_a_slip)
{
    cr_assert_null(str_nearest("", keys));
    cr_assert_null(str_nearest("x", (const char *const[]){"y", "xyz", NULL}));
    cr_assert_null(str_nearest("listen", keys));
    cr_assert_null(str_nearest("umask", keys));
    cr_assert_null(str_nearest("backlog", (const char *const[]){NULL}));
}

Test(str, the_nearest_of_several_is_meant)
{
    cr_assert_str_eq(str_nearest("stope", (const char *const[]){"stops", "slope", "stop", NULL}), "stops");
    cr_assert_str_eq(str_nearest("restrat", (const char *const[]){"start", "restart", NULL}), "restart");
}

Test(str, words_longer_than_a_name_are_near_to_nothing)
{
    char longest[66];
    memset(longest, 'x', 65);
    longest[65] = '\0';
    cr_assert_null(str_nearest(longest, (const char *const[]){longest, NULL}));
    cr_assert_null(str_nearest("xxxxxxxx", (const char *const[]){longest, NULL}));
    longest[64] = '\0';
    cr_assert_not_null(str_nearest(longest, (const char *const[]){longest, NULL}));
}

Test(str, a_vector_ends_in_null)
{
    struct strv sv = {NULL, 0};
    strv_add(&sv, "a");
    strv_put(&sv, mem_strdup("b"));
    cr_assert_eq(sv.n, 2);
    cr_assert_str_eq(sv.v[0], "a");
    cr_assert_str_eq(sv.v[1], "b");
    cr_assert_null(sv.v[2]);
    strv_fini(&sv);
    cr_assert_null(sv.v);
    cr_assert_eq(sv.n, 0);
}

Test(str, an_assignment_replaces_the_one_of_the_same_name)
{
    struct strv sv = {NULL, 0};
    strv_put_env(&sv, mem_strdup("HOME=/"));
    strv_put_env(&sv, mem_strdup("HOMER=1"));
    strv_put_env(&sv, mem_strdup("HOME=/root"));
    cr_assert_eq(sv.n, 2);
    cr_assert_str_eq(strv_find_env(&sv, "HOME"), "/root");
    cr_assert_str_eq(strv_find_env(&sv, "HOMER"), "1");
    cr_assert_null(strv_find_env(&sv, "HOM"));
    cr_assert_null(strv_find_env(&sv, "HOMERS"));
    strv_fini(&sv);
}

Test(str, removing_a_variable_removes_every_entry_of_it)
{
    struct strv sv = {NULL, 0};
    strv_remove_env(&sv, "A");
    strv_add(&sv, "A=1");
    strv_add(&sv, "AB=2");
    strv_add(&sv, "A=3");
    strv_remove_env(&sv, "A");
    cr_assert_eq(sv.n, 1);
    cr_assert_str_eq(sv.v[0], "AB=2");
    cr_assert_null(sv.v[1]);
    strv_fini(&sv);
}

Test(str, whatever_it_was_becomes_utf8)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"", ""},
        {"plain \t text", "plain \t text"},
        {"caf\xc3\xa9 \xf0\x9f\x9a\xa2", "caf\xc3\xa9 \xf0\x9f\x9a\xa2"},
        {"a\xff\xfe", "a\xef\xbf\xbd\xef\xbf\xbd"},
        {"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *made = str_make_utf8(cases[i].bytes, strlen(cases[i].bytes));
        cr_expect_str_eq(made, cases[i].text);
        free(made);
    }
    char *made = str_make_utf8("a\0b", 3);
    cr_expect_str_eq(made, "a\xef\xbf\xbd"
                           "b");
    free(made);
}
