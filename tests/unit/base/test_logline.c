/* logline: one call, one line. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
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
