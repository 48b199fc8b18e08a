/* signame: signals by name and number. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

#include "base/signame.h"

static const char *format(int signo)
{
    static char buf[16];
    return signame_format(signo, buf);
}

Test(signame, a_signal_has_many_ways_to_be_written)
{
    static const char *const forms[] = {"TERM", "SIGTERM", "term", "sigterm", "Term", "15"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        cr_assert_eq(signame_parse(forms[i]), SIGTERM, "%s", forms[i]);
}

Test(signame, real_time_signals_are_counted_from_either_end)
{
    cr_assert_eq(signame_parse("RTMIN"), SIGRTMIN);
    cr_assert_eq(signame_parse("RTMIN+3"), SIGRTMIN + 3);
    cr_assert_eq(signame_parse("SIGRTMIN+3"), SIGRTMIN + 3);
    cr_assert_eq(signame_parse("rtmax-1"), SIGRTMAX - 1);
    cr_assert_eq(signame_parse("RTMAX"), SIGRTMAX);
}

Test(signame, what_names_no_signal_is_refused)
{
    static const char *const forms[] = {"",         "0",          "65",     "-1",       "TERMINATE",
                                        "SIG",      "SIGSIGTERM", "15 ",    "+15",      "RTMIN-1",
                                        "RTMAX+1",  "RTMIN+",     "RTMIN3", "RTMIN+99", "RTMIN+31",
                                        "RTMAX-31", "0x0f",       "TER",    "KILL\n"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        cr_assert_eq(signame_parse(forms[i]), -EINVAL, "%s", forms[i]);
}

Test(signame, other_names_of_a_number_are_read_but_not_written)
{
    cr_assert_eq(signame_parse("IOT"), SIGABRT);
    cr_assert_eq(signame_parse("CLD"), SIGCHLD);
    cr_assert_eq(signame_parse("POLL"), SIGIO);
    cr_assert_str_eq(format(SIGABRT), "ABRT");
    cr_assert_str_eq(format(SIGCHLD), "CHLD");
    cr_assert_str_eq(format(SIGIO), "IO");
}

Test(signame, signals_are_written_by_name_where_there_is_one)
{
    cr_assert_str_eq(format(SIGHUP), "HUP");
    cr_assert_str_eq(format(SIGRTMIN), "RTMIN");
    cr_assert_str_eq(format(SIGRTMIN + 3), "RTMIN+3");
    cr_assert_str_eq(format(33), "33"); /* the C library keeps it to itself */
    cr_assert_str_eq(format(0), "0");
}

Test(signame, whatever_is_written_is_read_back_the_same)
{
    for (int signo = 1; signo <= SIGRTMAX; signo++)
        cr_assert_eq(signame_parse(format(signo)), signo, "signal %d", signo);
}
