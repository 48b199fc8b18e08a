/* notify_msg: what is understood, what is passed over, what is refused. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "wire/notify_msg.h"

static struct notify_msg parse(const char *text)
{
    struct notify_msg m;
    cr_assert_eq(notify_msg_parse(text, strlen(text), &m), 0);
    return m;
}

Test(notify_msg, a_line_alone_needs_no_newline)
{
    cr_expect(parse("READY=1").ready);
    cr_expect(parse("READY=1\n").ready);
}

Test(notify_msg, several_lines_are_all_taken)
{
    struct notify_msg m = parse("STATUS=busy\nX_FOREIGN=1\n\nREADY=1\nSTOPPING=1\n");
    cr_expect(m.ready && m.stopping && m.has_status);
    cr_expect_str_eq(m.status, "busy");
}

Test(notify_msg, other_values_are_passed_over)
{
    static const char *const texts[] = {
        "", "READY=0", "READY=10", "READY=", " READY=1", "ready=1", "XREADY=1", "READY"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_not(parse(texts[i]).ready, "%s", texts[i]);
}

Test(notify_msg, an_empty_status_is_one)
{
    cr_expect(parse("STATUS=\n").has_status);
    cr_expect_not(parse("READY=1").has_status);
}

Test(notify_msg, a_long_status_is_cut_between_two_characters)
{
    char text[LIMIT_NOTIFY_STATUS + 64] = "STATUS=x";
    for (size_t i = 8; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 3); /* two bytes each, from an odd place on */
    struct notify_msg m = parse(text);
    cr_expect_eq(strlen(m.status), LIMIT_NOTIFY_STATUS - 1);
    cr_expect_eq((unsigned char)m.status[LIMIT_NOTIFY_STATUS - 2], 0xa4);
}

Test(notify_msg, a_nul_byte_or_too_many_bytes_refuse_all_of_it)
{
    static char text[LIMIT_NOTIFY + 2];
    struct notify_msg m = {.status = "untouched"};
    cr_expect_eq(notify_msg_parse("READY=1\0", 8, &m), -EBADMSG);
    memset(text, 'x', sizeof text);
    cr_expect_eq(notify_msg_parse(text, LIMIT_NOTIFY + 1, &m), -EMSGSIZE);
    cr_expect_eq(notify_msg_parse(text, LIMIT_NOTIFY, &m), 0);
}
