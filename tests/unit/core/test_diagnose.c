/* diagnose: it speaks where the facts leave little else, and is silent otherwise. */
#include "config.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "base/mono.h"
#include "core/conf_schema.h"
#include "core/diagnose.h"

#define EXITED(code) ((code) << 8)

static struct conf conf;
static struct service_conf *web;

static void set_up(void)
{
    conf_init(&conf);
    web = conf_add_service(&conf, "web");
    strv_add(&web->sockets, "http");
}

static void tear_down(void)
{
    conf_fini(&conf);
}

TestSuite(diagnose, .init = set_up, .fini = tear_down);

static struct diagnose_end end_of(int wait_status, int64_t lifetime_ms)
{
    return (struct diagnose_end){web, wait_status, lifetime_ms * NSEC_PER_MSEC, 1, "tcp://:8080"};
}

static const char *said(struct diagnose_end e)
{
    static char text[1024];
    text[0] = '\0';
    return diagnose_ignored_handoff(&e, text, sizeof text) ? text : "";
}

Test(diagnose, a_quick_failure_with_a_held_port_is_explained)
{
    cr_assert_str_eq(said(end_of(EXITED(1), 213)),
                     "it ended 0.2s after its start while berth holds tcp://:8080 for it; if it tried to "
                     "bind that address itself, "
                     "it ignored the handoff: it was told of descriptor 3 by LISTEN_FDS, "
                     "SERVER_STARTER_PORT; use {fd:http} in "
                     "its arguments or another handoff");
}

Test(diagnose, an_uncaught_exception_is_such_a_failure)
{
    cr_assert_str_neq(said(end_of(SIGABRT, 100)), "");
}

Test(diagnose, several_sockets_are_counted)
{
    struct diagnose_end e = end_of(EXITED(1), 1000);
    e.n_sockets = 3;
    cr_assert(strstr(said(e), "tcp://:8080 and 2 more for it"));
    cr_assert(strstr(said(e), "told of descriptors 3 to 5 by LISTEN_FDS"));
}

Test(diagnose, without_variables_other_advice_is_given)
{
    strv_add(&web->with->handoff, "none");
    cr_assert(strstr(said(end_of(EXITED(1), 1)), "given descriptor 3, and no variable"));
    cr_assert(strstr(said(end_of(EXITED(1), 1)), "a handoff other than none"));
    cr_assert_not(strstr(said(end_of(EXITED(1), 1)), "LISTEN_FDS"));
}

Test(diagnose, it_is_silent_where_the_cause_is_another)
{
    struct diagnose_end without = end_of(EXITED(1), 1);
    without.n_sockets = 0;
    cr_expect_str_eq(said(without), "", "no socket");
    cr_expect_str_eq(said(end_of(EXITED(0), 1)), "", "a success");
    cr_expect_str_eq(said(end_of(EXITED(127), 1)), "", "a shell did not find the command");
    cr_expect_str_eq(said(end_of(EXITED(126), 1)), "", "a shell could not run the command");
    cr_expect_str_eq(said(end_of(SIGKILL, 1)), "", "somebody killed it");
    cr_expect_str_eq(said(end_of(SIGTERM, 1)), "", "somebody stopped it");
    cr_expect_str_eq(said(end_of(EXITED(1), 5000)), "", "it had been up for a while");
    cr_expect_str_neq(said(end_of(EXITED(1), 4999)), "");
}

Test(diagnose, a_configured_success_is_none_of_its_business)
{
    web->with->restart.success_exit[3] = true;
    cr_assert_str_eq(said(end_of(EXITED(3), 1)), "");
}

Test(diagnose, a_short_buffer_is_not_overrun)
{
    struct diagnose_end e = end_of(EXITED(1), 1);
    char text[16] = "", guard[16] = "guard";
    cr_assert_eq(diagnose_ignored_handoff(&e, text, sizeof text), 1);
    cr_assert_eq(strlen(text), sizeof text - 1);
    cr_assert_str_eq(guard, "guard");
}

Test(diagnose, wait_statuses_read_as_a_person_says_them)
{
    char text[64];
    cr_expect_str_eq(diagnose_wait_status(text, sizeof text, EXITED(0)), "exited with status 0");
    cr_expect_str_eq(diagnose_wait_status(text, sizeof text, EXITED(255)), "exited with status 255");
    cr_expect_str_eq(diagnose_wait_status(text, sizeof text, SIGKILL), "was killed by KILL");
    cr_expect_str_eq(diagnose_wait_status(text, sizeof text, SIGSEGV | 0x80),
                     "was killed by SEGV (core dumped)");
    cr_expect_str_eq(diagnose_wait_status(text, sizeof text, 0x137f), "ended with wait status 0x137f");
}
