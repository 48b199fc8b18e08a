/* notify_msg: what is understood, what is passed over, what is refused. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
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

Test(notify_msg, every_key_of_the_protocol_is_taken)
{
    struct notify_msg m =
        parse("RELOADING=1\nMONOTONIC_USEC=18446744073709551615\nERRNO=13\nEXIT_STATUS=7\nBUSERROR=org.x.Y\n"
              "MAINPID=42\nWATCHDOG=1\nWATCHDOG=trigger\nWATCHDOG_USEC=5000\nEXTEND_TIMEOUT_USEC=1\n"
              "MAINPIDFD=1\nMAINPIDFDID=18446744073709551615\nNOTIFYACCESS=none\nNOTIFYACCESS=exec\n"
              "RESTART_RESET=1\nFDSTORE=1\nFDNAME=a b/c\nFDPOLL=0\nFDSTOREREMOVE=1\n");
    cr_expect(m.reloading && m.has_since && m.since_us == UINT64_MAX);
    cr_expect(m.has_errno && m.errno_value == 13);
    cr_expect(m.has_exit_status && m.exit_status == 7);
    cr_expect(m.has_error);
    cr_expect_str_eq(m.error, "org.x.Y");
    cr_expect(m.has_main && m.main_pid == 42);
    cr_expect(m.has_main_fd && m.has_main_number && m.main_number == UINT64_MAX);
    cr_expect_eq(m.access, NOTIFY_ACCESS_EXEC);
    cr_expect(m.is_alive && m.is_late && m.restarts_fresh);
    cr_expect(m.has_interval && m.interval_us == 5000);
    cr_expect(m.has_more_time && m.more_time_us == 1);
    cr_expect(m.stores && m.unstores && m.is_unpolled && !m.has_bad_name);
    cr_expect_str_eq(m.fd_name, "a b/c");
}

Test(notify_msg, what_is_no_number_is_passed_over)
{
    static const char *const texts[] = {
        "", "-1", "+1", " 1", "1 ", "1x", "0x1", "1.0", "18446744073709551616", "99999999999999999999999"};
    char text[400];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(text, sizeof text,
                 "ERRNO=%1$s\nEXIT_STATUS=%1$s\nMAINPID=%1$s\nMONOTONIC_USEC=%1$s\nWATCHDOG_USEC=%1$s\n"
                 "EXTEND_TIMEOUT_USEC=%1$s",
                 texts[i]);
        struct notify_msg m = parse(text);
        cr_expect_not(m.has_errno || m.has_exit_status || m.has_main || m.has_since || m.has_interval ||
                          m.has_more_time,
                      "%s", texts[i]);
    }
    cr_expect_not(parse("EXIT_STATUS=256").has_exit_status);
    cr_expect_not(parse("ERRNO=2147483648").has_errno);
    cr_expect_not(parse("MAINPID=0").has_main);
    cr_expect_not(parse("MAINPIDFDID=-1").has_main_number);
    cr_expect_not(parse("MAINPIDFD=2").has_main_fd);
    cr_expect_eq(parse("NOTIFYACCESS=everybody\nNOTIFYACCESS=").access, NOTIFY_ACCESS_UNSAID);
}

Test(notify_msg, a_barrier_stands_alone)
{
    cr_expect(parse("BARRIER=1").is_barrier);
    cr_expect(parse("\nBARRIER=1\n\n").is_barrier);
    struct notify_msg m = parse("BARRIER=1\nX=1");
    cr_expect(m.has_barrier && !m.is_barrier);
    cr_expect_not(parse("BARRIER=0").has_barrier);
}

Test(notify_msg, a_carriage_return_ends_a_line_too)
{
    struct notify_msg m = parse("STATUS=a\rREADY=1\r\nSTOPPING=1");
    cr_expect(m.ready && m.stopping);
    cr_expect_str_eq(m.status, "a");
}

Test(notify_msg, a_descriptors_name_is_good_or_bad_as_a_whole)
{
    char text[LIMIT_FD_NAME + 16] = "FDNAME=";
    static const char *const bad[] = {"FDNAME=", "FDNAME=a:b", "FDNAME=a\tb", "FDNAME=\xc3\xa4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect(parse(bad[i]).has_bad_name, "%s", bad[i]);
        cr_expect_str_eq(parse(bad[i]).fd_name, "");
    }
    memset(text + 7, 'x', LIMIT_FD_NAME);
    cr_expect_not(parse(text).has_bad_name);
    text[7 + LIMIT_FD_NAME] = 'x';
    cr_expect(parse(text).has_bad_name);
    cr_expect_not(parse("FDSTORE=1").has_bad_name);
}

Test(notify_msg, the_name_of_an_error_that_is_too_long_is_passed_over)
{
    char text[LIMIT_NOTIFY_ERROR + 32] = "VARLINKERROR=";
    memset(text + 13, 'x', LIMIT_NOTIFY_ERROR);
    cr_expect(parse(text).has_error);
    text[13 + LIMIT_NOTIFY_ERROR] = 'x';
    cr_expect_not(parse(text).has_error);
}

Test(notify_msg, a_spare_waits_with_the_value_1_only)
{
    cr_assert(parse("WAITING=1").waits);
    cr_assert_not(parse("WAITING=0\nREADY=1").waits);
}
