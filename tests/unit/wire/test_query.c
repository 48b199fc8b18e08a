/* query: the options that ride on an address, taken one at a time. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "wire/query.h"

static char key[16], value[16];

static int next(const char **cursor)
{
    return query_next(cursor, key, sizeof(key), value, sizeof(value));
}

Test(query, pairs_are_taken_in_order)
{
    const char *cursor = "backlog=512&defer_accept=5s";
    cr_assert_eq(next(&cursor), 1);
    cr_assert_str_eq(key, "backlog");
    cr_assert_str_eq(value, "512");
    cr_assert_eq(next(&cursor), 1);
    cr_assert_str_eq(key, "defer_accept");
    cr_assert_str_eq(value, "5s");
    cr_assert_eq(next(&cursor), 0);
    cr_assert_eq(next(&cursor), 0);
}

Test(query, an_empty_one_has_no_pairs)
{
    const char *cursor = "";
    cr_assert_eq(next(&cursor), 0);
}

Test(query, a_key_alone_means_yes)
{
    const char *cursor = "no_delay&mptcp=";
    cr_assert_eq(next(&cursor), 1);
    cr_assert_str_eq(key, "no_delay");
    cr_assert_str_eq(value, "yes");
    cr_assert_eq(next(&cursor), 1);
    cr_assert_str_eq(key, "mptcp");
    cr_assert_str_eq(value, "");
}

Test(query, a_value_may_hold_an_equals_sign)
{
    const char *cursor = "a=b=c";
    cr_assert_eq(next(&cursor), 1);
    cr_assert_str_eq(value, "b=c");
}

Test(query, percent_signs_are_decoded_once)
{
    const char *cursor = "a%26b=%3d%2526+%C3%a4";
    cr_assert_eq(next(&cursor), 1);
    cr_assert_str_eq(key, "a&b");
    cr_assert_str_eq(value, "=%26+ä");
    cr_assert_eq(next(&cursor), 0);
}

Test(query, a_bad_percent_sign_is_an_error_and_the_cursor_stays)
{
    static const char *const texts[] = {"a=%", "a=%4",  "a=%4&b", "a=%zz", "a=%0g",
                                        "%=1", "a=%00", "%00=1",  "a=% 1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *cursor = texts[i];
        cr_assert_eq(next(&cursor), -EINVAL, "%s", texts[i]);
        cr_assert_eq(cursor, texts[i]);
    }
}

Test(query, an_empty_key_is_an_error)
{
    static const char *const texts[] = {"=1", "&", "&a=1", "=", "&&"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *cursor = texts[i];
        cr_assert_eq(next(&cursor), -EINVAL, "%s", texts[i]);
    }
}

Test(query, a_separator_too_many_is_found)
{
    static const char *const texts[] = {"a=1&", "a=1&&b=2"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *cursor = texts[i];
        cr_assert_eq(next(&cursor), 1);
        cr_assert_eq(next(&cursor), -EINVAL, "%s", texts[i]);
        cr_assert_eq(next(&cursor), -EINVAL, "%s", texts[i]);
    }
}

Test(query, what_does_not_fit_is_an_error_and_not_cut)
{
    const char *cursor = "fifteen_letters=fifteen_letters";
    cr_assert_eq(next(&cursor), 1);
    cr_assert_str_eq(key, "fifteen_letters");
    cr_assert_str_eq(value, "fifteen_letters");
    cursor = "sixteen__letters=1";
    cr_assert_eq(next(&cursor), -ENAMETOOLONG);
    cursor = "a=sixteen__letters";
    cr_assert_eq(next(&cursor), -ENAMETOOLONG);
    cursor = "a=fifteen%5fletters";
    cr_assert_eq(next(&cursor), 1);
    cr_assert_str_eq(value, "fifteen_letters");
}
