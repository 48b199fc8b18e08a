/* logline: one call, one line. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/logline.h"

/* The line of SUBJECT and TEXT, borrowed until the next call. */
static const char *line(enum log_level level, const char *subject, const char *text)
{
    static char kept[4096];
    struct buf b;
    buf_init(&b, sizeof(kept) - 1);
    logline_format(&b, level, subject, text);
    strcpy(kept, buf_str(&b));
    buf_fini(&b);
    return kept;
}

Test(logline, it_reads_level_subject_sentence)
{
    cr_assert_str_eq(line(LOG_INFO, "web/1#1", "started (pid=123)"), "info web/1#1: started (pid=123)\n");
    cr_assert_str_eq(line(LOG_WARNING, "socket web", "was shut down"), "warning socket web: was shut down\n");
}

Test(logline, a_line_without_a_subject_has_no_gap)
{
    cr_assert_str_eq(line(LOG_ERROR, "", "no"), "error: no\n");
    cr_assert_str_eq(line(LOG_DEBUG, NULL, "no"), "debug: no\n");
}

Test(logline, a_newline_in_the_text_does_not_begin_a_line)
{
    cr_assert_str_eq(line(LOG_INFO, "web", "said \"a\nerror web: b\"\r"),
                     "info web: said \"a\\x0aerror web: b\"\\x0d\n");
    cr_assert_str_eq(line(LOG_INFO, "we\nb", "no"), "info we\\x0ab: no\n");
}

Test(logline, what_was_escaped_already_is_not_escaped_again)
{
    cr_assert_str_eq(line(LOG_INFO, "web", "said \\x0a"), "info web: said \\x0a\n");
}

Test(logline, text_in_other_languages_stays_readable)
{
    cr_assert_str_eq(line(LOG_INFO, "web", "größer → 世界"), "info web: größer → 世界\n");
}

Test(logline, lines_follow_each_other_in_one_buffer)
{
    struct buf b;
    buf_init(&b, 1000);
    logline_format(&b, LOG_INFO, "a", "1");
    logline_format(&b, LOG_INFO, "b", "2");
    cr_assert_str_eq(buf_str(&b), "info a: 1\ninfo b: 2\n");
    buf_fini(&b);
}

Test(logline, a_line_that_does_not_fit_is_left_out_whole)
{
    struct buf b;
    buf_init(&b, 20);
    logline_format(&b, LOG_INFO, "a", "1");
    logline_format(&b, LOG_INFO, "a", "much longer than the rest");
    cr_assert_str_eq(buf_str(&b), "info a: 1\n");
    cr_assert(b.overflown);
    buf_fini(&b);
}

Test(logline, every_level_has_a_name_that_parses)
{
    for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++)
        cr_assert_eq(log_level_parse(log_level_name(level)), (int)level);
    cr_assert_eq(log_level_parse("Info"), -EINVAL);
    cr_assert_eq(log_level_parse(""), -EINVAL);
}

/* --- JSON ---------------------------------------------------------------------------------------------- */

/* 2026-11-21T08:12:53.007Z */
#define WHEN INT64_C(1795248773007)
#define HEAD                                                                                                 \
    "{\"time\":\"2026-11-21T08:12:53.007Z\",\"level\":\"info\",\"subject\":\"web/1#1\",\"service\":\"web\","

static const char *json_of(size_t limit, int64_t when, const char *subject, const char *service,
                           const char *text)
{
    static char kept[8192];
    struct buf b;
    buf_init(&b, limit);
    logline_format_json(&b, when, LOG_INFO, subject, service, text);
    strcpy(kept, buf_str(&b));
    buf_fini(&b);
    return kept;
}

static const char *json(const char *text)
{
    return json_of(4096, WHEN, "web/1#1", "web", text);
}

Test(logline_json, it_is_an_object_in_a_line)
{
    cr_expect_str_eq(json("ready"), HEAD "\"message\":\"ready\"}\n");
    cr_expect_str_eq(
        json_of(4096, WHEN, NULL, NULL, "no"),
        "{\"time\":\"2026-11-21T08:12:53.007Z\",\"level\":\"info\",\"subject\":\"\",\"message\":\"no\"}\n");
}

Test(logline_json, every_day_has_its_date)
{
    static const struct {
        int64_t ms;
        const char *date;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {INT64_C(951782399999), "2000-02-28T23:59:59.999Z"},
        {INT64_C(951868800000), "2000-03-01T00:00:00.000Z"},
        {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
        {INT64_C(1735689599000), "2024-12-31T23:59:59.000Z"},
        {INT64_C(1735689600000), "2025-01-01T00:00:00.000Z"},
        {INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
        {-1, "1970-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(strstr(json_of(4096, cases[i].ms, "", NULL, ""), cases[i].date), "%s",
                  json_of(4096, cases[i].ms, "", NULL, ""));
}

Test(logline_json, pairs_at_the_end_become_members)
{
    cr_expect_str_eq(json("started (pid=123)"), HEAD "\"message\":\"started\",\"pid\":123}\n");
    cr_expect_str_eq(json("a (of=x/y, n=-5 zero=0 long=1234567890123456 odd=007)"), HEAD
                     "\"message\":\"a\",\"of\":\"x/y\",\"n\":-5,\"zero\":0,\"long\":\"1234567890123456\","
                     "\"odd\":\"007\"}\n");
}

Test(logline_json, what_is_not_only_pairs_stays_in_the_sentence)
{
    static const char *const sentences[] = {
        "received TERM (from pid=1)",
        "sent (a remark)",
        "x (pid=1) and more",
        "(pid=1)",
        "x(pid=1)",
        "x (pid=)",
        "x (=1)",
        "x (PID=1)",
        "x ()",
        "x (a=1  b=2)",
        "x (a=1 b)",
        "x )",
        "x (a=1 a=2)",
        "",
    };
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, HEAD "\"message\":\"%s\"}\n", sentences[i]);
        cr_expect_str_eq(json(sentences[i]), expected);
    }
}

Test(logline_json, no_pair_stands_in_for_a_member_of_ours)
{
    cr_expect_str_eq(json("said (time=1)"), HEAD "\"message\":\"said (time=1)\"}\n");
    cr_expect_str_eq(json("said (a=1 level=error)"), HEAD "\"message\":\"said (a=1 level=error)\"}\n");
}

Test(logline_json, quotes_backslashes_and_control_characters_are_escaped)
{
    cr_expect_str_eq(
        json("said \"a\nb\" \\x0a größer \xff (who=\"x\\)"),
        HEAD "\"message\":\"said \\\"a\\\\x0ab\\\" \\\\x0a größer \\\\xff\",\"who\":\"\\\"x\\\\\"}\n");
}

Test(logline_json, what_does_not_fit_is_cut_and_the_object_stays_whole)
{
    char text[5001];
    for (size_t i = 0; i < sizeof text - 1; i += 2)
        memcpy(text + i, "ä", 2);
    memcpy(text + sizeof text - 1 - strlen(" (pid=77)"), " (pid=77)", strlen(" (pid=77)"));
    text[sizeof text - 1] = '\0';
    for (size_t limit = 1000; limit < 1004; limit++) {
        const char *line = json_of(limit, WHEN, "web/1#1", "web", text);
        size_t n = strlen(line);
        cr_expect(n <= limit && n >= limit - 2, "%zu of %zu", n, limit);
        cr_expect(strstr(line, "ä…\",\"pid\":77}\n"), "%s", line);
    }
    memset(text, '"', sizeof text - 1);
    const char *line = json_of(1001, WHEN, "web/1#1", "web", text);
    cr_expect(strstr(line, "\\\"…\"}\n") && strlen(line) <= 1001, "%s", line);
    cr_expect_str_eq(json_of(50, WHEN, "web", "web", "no room at all"), "");
}
