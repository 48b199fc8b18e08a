/* units: numbers as a configuration writes them; nothing is cut or rounded. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/mono.h"
#include "base/units.h"

#define SEC NSEC_PER_SEC
#define MSEC NSEC_PER_MSEC

struct duration_case {
    const char *text;
    int64_t ns;
};

static const char *format(int64_t ns)
{
    static char dst[32];
    return units_format_duration(dst, sizeof(dst), ns);
}

Test(units, durations_have_units_and_bare_numbers_are_seconds)
{
    static const struct duration_case cases[] = {
        {"250ms", 250 * MSEC}, {"10s", 10 * SEC},
        {"2m", 120 * SEC},     {"1h", 3600 * SEC},
        {"1d", 86400 * SEC},   {"0", 0},
        {"7", 7 * SEC},        {"1.5s", 1500 * MSEC},
        {"0.5", 500 * MSEC},   {"1.5h", 5400 * SEC},
        {"007s", 7 * SEC},     {"0.000001ms", 1},
        {"0.000000001s", 1},   {"1.0000000000s", 1 * SEC},
        {"0.1ms", 100000},     {"3650d", 3650 * 86400 * SEC},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ns = -1;
        cr_assert_eq(units_parse_duration(cases[i].text, &ns), 0, "%s", cases[i].text);
        cr_assert_eq(ns, cases[i].ns, "%s is %lld", cases[i].text, (long long)ns);
    }
}

Test(units, what_is_no_duration_is_refused)
{
    static const char *const forms[] = {"",       "s",    "-1s", "+1s", "1 s", " 1s", "1s ",
                                        "1S",     "1sec", "1us", "1.",  "1.s", ".5s", "1,5s",
                                        "1.5.5s", "1e3",  "0x1", "1ss", "ten", "1\n", "1m30s"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        int64_t ns = -7;
        cr_assert_eq(units_parse_duration(forms[i], &ns), -EINVAL, "%s", forms[i]);
        cr_assert_eq(ns, -7);
    }
}

Test(units, a_duration_finer_than_a_nanosecond_is_refused_not_rounded)
{
    int64_t ns = -7;
    cr_assert_eq(units_parse_duration("0.0000001ms", &ns), -EINVAL);
    cr_assert_eq(units_parse_duration("0.0000000001s", &ns), -EINVAL);
    cr_assert_eq(ns, -7);
}

Test(units, a_duration_beyond_ten_years_is_out_of_range)
{
    static const char *const forms[] = {"3651d",
                                        "3650.000000001d",
                                        "315360001",
                                        "99999999999999999999999s",
                                        "18446744073709551616",
                                        "9223372036854775807ms"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        int64_t ns = -7;
        cr_assert_eq(units_parse_duration(forms[i], &ns), -ERANGE, "%s", forms[i]);
        cr_assert_eq(ns, -7);
    }
}

Test(units, a_duration_is_written_in_its_shortest_form)
{
    static const struct duration_case cases[] = {
        {"0s", 0},
        {"1.5s", 1500 * MSEC},
        {"250ms", 250 * MSEC},
        {"100ms", 100 * MSEC}, /* not 0.1s */
        {"2m", 120 * SEC},
        {"90s", 90 * SEC},
        {"90m", 5400 * SEC},
        {"150m", 9000 * SEC}, /* as long as 2.5h, but a whole number */
        {"1d", 86400 * SEC},
        {"36h", 129600 * SEC},
        {"12h", 43200 * SEC},
        {"0.5ms", MSEC / 2},
        {"0.000001ms", 1},
        {"1.000000001s", SEC + 1},
        {"-1.5s", -1500 * MSEC},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert_str_eq(format(cases[i].ns), cases[i].text);
    cr_assert_str_eq(format(INT64_MIN), "-9223372036.854775808s");
}

Test(units, what_is_written_parses_to_the_same_duration)
{
    int64_t ns = 1;
    for (int i = 0; i < 5000; i++) {
        int64_t wanted = (int64_t)((uint64_t)ns % (uint64_t)(3650 * 86400 * SEC)), got = -1;
        if (i % 2 == 0) /* round ones, which have the short forms */
            wanted -= wanted % (i % 4 == 0 ? 15 * SEC : 25 * MSEC);
        cr_assert_eq(units_parse_duration(format(wanted), &got), 0, "%s", format(wanted));
        cr_assert_eq(got, wanted, "%s", format(wanted));
        ns = (int64_t)((uint64_t)ns * 6364136223846793005u + 1442695040888963407u);
    }
}

Test(units, sizes_are_powers_of_1024)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"0", 0},
                 {"512", 512},
                 {"64K", 65536},
                 {"64k", 65536},
                 {"10M", 10u << 20},
                 {"1G", 1u << 30},
                 {"2T", UINT64_C(2) << 40},
                 {"18446744073709551615", UINT64_MAX},
                 {"16777215T", UINT64_C(16777215) << 40}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t bytes = 7;
        cr_assert_eq(units_parse_size(cases[i].text, &bytes), 0, "%s", cases[i].text);
        cr_assert_eq(bytes, cases[i].bytes, "%s", cases[i].text);
    }
}

Test(units, what_is_no_size_is_refused)
{
    uint64_t bytes = 7;
    static const char *const forms[] = {"", "K", "1KB", "1 K", "-1", "1.5M", "1X", "1KK"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        cr_assert_eq(units_parse_size(forms[i], &bytes), -EINVAL, "%s", forms[i]);
    cr_assert_eq(units_parse_size("16777216T", &bytes), -ERANGE);
    cr_assert_eq(units_parse_size("18446744073709551616", &bytes), -ERANGE);
    cr_assert_eq(bytes, 7);
}

Test(units, counts_stay_within_their_bounds)
{
    uint64_t n = 7;
    cr_assert_eq(units_parse_uint("0", 1, 10, &n), -ERANGE);
    cr_assert_eq(units_parse_uint("11", 1, 10, &n), -ERANGE);
    cr_assert_eq(units_parse_uint("99999999999999999999", 1, 10, &n), -ERANGE);
    cr_assert_eq(n, 7);
    cr_assert_eq(units_parse_uint("1", 1, 10, &n), 0);
    cr_assert_eq(n, 1);
    cr_assert_eq(units_parse_uint("10", 1, 10, &n), 0);
    cr_assert_eq(n, 10);
    cr_assert_eq(units_parse_uint("18446744073709551615", 0, UINT64_MAX, &n), 0);
    cr_assert_eq(n, UINT64_MAX);
}

Test(units, a_count_is_digits_only)
{
    uint64_t n = 7;
    static const char *const forms[] = {"", " 1", "1 ", "+1", "-1", "1.0", "0x1", "1K", "one"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        cr_assert_eq(units_parse_uint(forms[i], 0, 10, &n), -EINVAL, "%s", forms[i]);
    cr_assert_eq(n, 7);
}

Test(units, yes_and_no_have_four_words_each)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1", "No", "YES"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        bool value = i % 2 == 0;
        cr_assert_eq(units_parse_bool(words[i], &value), 0, "%s", words[i]);
        cr_assert_eq(value, i % 2 == 1, "%s", words[i]);
    }
    bool untouched = true;
    cr_assert_eq(units_parse_bool("", &untouched), -EINVAL);
    cr_assert_eq(units_parse_bool("2", &untouched), -EINVAL);
    cr_assert_eq(units_parse_bool("yes ", &untouched), -EINVAL);
    cr_assert(untouched);
}

Test(units, modes_are_octal)
{
    unsigned mode = 7;
    cr_assert_eq(units_parse_mode("0666", &mode), 0);
    cr_assert_eq(mode, 0666);
    cr_assert_eq(units_parse_mode("600", &mode), 0);
    cr_assert_eq(mode, 0600);
    cr_assert_eq(units_parse_mode("07777", &mode), 0);
    cr_assert_eq(mode, 07777);
    cr_assert_eq(units_parse_mode("0", &mode), 0);
    cr_assert_eq(mode, 0);
    mode = 7;
    cr_assert_eq(units_parse_mode("010000", &mode), -ERANGE);
    cr_assert_eq(units_parse_mode("7777777777777777777777777", &mode), -ERANGE);
    cr_assert_eq(units_parse_mode("", &mode), -EINVAL);
    cr_assert_eq(units_parse_mode("0o666", &mode), -EINVAL);
    cr_assert_eq(units_parse_mode("0688", &mode), -EINVAL);
    cr_assert_eq(units_parse_mode("u=rw", &mode), -EINVAL);
    cr_assert_eq(mode, 7);
}
