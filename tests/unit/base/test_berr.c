/* berr: one sentence, its class, and the exit status that follows from it. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/berr.h"

Test(berr, setting_returns_the_negative_errno)
{
    struct berr err = {0};
    cr_assert_eq(berr_set(&err, BERR_SYSTEM, EADDRINUSE, "port %d is taken", 80), -EADDRINUSE);
    cr_assert_eq(err.class, BERR_SYSTEM);
    cr_assert_eq(err.err, EADDRINUSE);
    cr_assert_str_eq(err.text, "port 80 is taken");
}

Test(berr, an_errno_may_be_given_as_functions_return_it)
{
    struct berr err = {0};
    cr_assert_eq(berr_set(&err, BERR_SYSTEM, -EPERM, "no"), -EPERM);
    cr_assert_eq(err.err, EPERM);
}

Test(berr, without_an_errno_it_is_einval_and_the_member_says_none)
{
    struct berr err = {0};
    cr_assert_eq(berr_set(&err, BERR_USAGE, 0, "no"), -EINVAL);
    cr_assert_eq(err.err, 0);
}

Test(berr, setting_forgets_the_place_of_an_earlier_error)
{
    struct berr err = {.file = "a.ini", .line = 7};
    berr_set(&err, BERR_CONFIG, 0, "no");
    cr_assert_str_eq(err.file, "");
    cr_assert_eq(err.line, 0);
}

Test(berr, the_arguments_may_point_into_the_error_itself)
{
    struct berr err = {0};
    berr_set(&err, BERR_FAILED, 0, "it ended");
    berr_set(&err, BERR_FAILED, 0, "web: %s", err.text);
    cr_assert_str_eq(err.text, "web: it ended");
    berr_prefix(&err, "%s", "berth");
    cr_assert_str_eq(err.text, "berth: web: it ended");
    berr_prefix(&err, "%s", err.text);
    cr_assert_str_eq(err.text, "berth: web: it ended: berth: web: it ended");
}

Test(berr, a_prefix_changes_neither_class_nor_errno)
{
    struct berr err = {0};
    berr_set(&err, BERR_DENIED, EACCES, "no");
    berr_prefix(&err, "socket %s", "web");
    cr_assert_str_eq(err.text, "socket web: no");
    cr_assert_eq(err.class, BERR_DENIED);
    cr_assert_eq(err.err, EACCES);
}

Test(berr, a_sentence_of_the_greatest_length_is_whole)
{
    struct berr err = {0};
    berr_set(&err, BERR_USAGE, 0, "%01023d", 1);
    cr_assert_eq(strlen(err.text), 1023);
    cr_assert_eq(err.text[1022], '1');
}

Test(berr, a_sentence_that_is_one_too_long_ends_in_an_ellipsis)
{
    struct berr err = {0};
    berr_set(&err, BERR_USAGE, 0, "%01024d", 1);
    cr_assert_eq(strlen(err.text), 1023);
    cr_assert_str_eq(err.text + 1020, "…");
}

Test(berr, a_cut_never_falls_into_a_character)
{
    struct berr err = {0};
    char umlauts[1101];
    for (int shift = 0; shift < 2; shift++) {
        for (size_t i = 0; i + 1 < sizeof(umlauts); i += 2)
            memcpy(umlauts + i, "ä", 2);
        umlauts[1100] = '\0';
        berr_set(&err, BERR_USAGE, 0, "%.*s%s", shift, "x", umlauts);
        size_t before = strlen(err.text) - strlen("…");
        cr_assert_str_eq(err.text + before, "…");
        cr_assert_eq((before - (size_t)shift) % 2, 0);
    }
}

Test(berr, every_class_has_its_exit_status)
{
    static const int wanted[] = {
        [BERR_NONE] = 0,        [BERR_USAGE] = 2,    [BERR_CONFIG] = 2,
        [BERR_SYSTEM] = 1,      [BERR_FAILED] = 1,   [BERR_NO_SERVICE] = 4,
        [BERR_UNREACHABLE] = 5, [BERR_PROTOCOL] = 1, [BERR_DENIED] = 1,
    };
    for (enum berr_class class = BERR_NONE; class <= BERR_DENIED; class ++) {
        struct berr err = {.class = class};
        cr_assert_eq(berr_exit_status(&err), wanted[class], "class %d", (int)class);
    }
}
