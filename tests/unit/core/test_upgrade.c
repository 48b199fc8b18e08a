/* upgrade: what another binary said is judged in one sentence. */
#include "config.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "core/upgrade.h"
#include "wire/keeper_msg.h"

#define EXITED(status) ((status) << 8)

static char version[UPGRADE_VERSION];

static const char *judge(const char *answer, int wait_status)
{
    static struct berr err;
    memset(&err, 0, sizeof err);
    int r = upgrade_judge("/new/berth", answer, wait_status, 5, version, &err);
    cr_assert_eq(r < 0, err.text[0] != '\0');
    return r < 0 ? err.text : NULL;
}

Test(upgrade, one_that_can_is_taken_with_its_version)
{
    cr_expect_null(judge("berth 1.2.3 keeper 4\ncan\n", 0));
    cr_expect_str_eq(version, "1.2.3");
    cr_expect_null(judge("berth 2.0~rc1 keeper 1\nsomething that a later version says\ncan\n", 0));
}

Test(upgrade, who_says_nothing_or_something_else_is_no_berth)
{
    cr_expect_str_eq(
        judge("", 0),
        "/new/berth is not a berth, or one that knows no upgrade: asked with --check-state it exited "
        "with status 0 and did not tell its version");
    cr_expect(strstr(judge("usage: sleep NUMBER\n", EXITED(1)), "exited with status 1"));
    cr_expect(strstr(judge("berth 1.2.3\n", 0), "not a berth"));
    cr_expect(strstr(judge("berth 1.2.3 keeper 0\ncan\n", 0), "not a berth"));
    cr_expect(strstr(judge("berth 1.2.3 keeper x\ncan\n", 0), "not a berth"));
    cr_expect(strstr(judge("", SIGSEGV), "was killed by SEGV"));
}

Test(upgrade, who_cannot_says_why)
{
    cr_expect_str_eq(judge("berth 1.2.3 keeper 4\ncannot: it is too old\n", EXITED(1)),
                     "/new/berth (berth 1.2.3) cannot take over: it is too old");
    cr_expect(strstr(judge("berth 1 keeper 4\ncannot: a \033[1m\n", EXITED(1)), "a \\x1b"), "%s",
              judge("berth 1 keeper 4\ncannot: a \033[1m\n", EXITED(1)));
}

Test(upgrade, who_can_and_yet_fails_is_not_believed)
{
    cr_expect(strstr(judge("berth 1.2.3 keeper 4\ncan\n", EXITED(1)), "did not say that it can take over"));
    cr_expect(strstr(judge("berth 1.2.3 keeper 4\n", 0), "did not say that it can take over"));
    cr_expect(strstr(judge("berth 1.2.3 keeper 4\ncan\n", SIGKILL), "was killed by KILL"));
}

Test(upgrade, who_is_too_slow_or_cannot_be_executed_is_told_so)
{
    cr_expect_str_eq(judge("", SIGALRM), "/new/berth did not say within 5 seconds whether it can take over");
    cr_expect(strstr(judge("berth 1.2.3 keeper 4\n", SIGALRM), "within 5 seconds"));
    cr_expect_str_eq(judge("not executed: Exec format error\n", EXITED(127)),
                     "/new/berth cannot be executed: Exec format error");
}

Test(upgrade, why_one_failed_is_a_sentence)
{
    char text[200];
    cr_expect(strstr(upgrade_describe_failure(text, sizeof text, EXITED(3)), "exited with status 3"));
    cr_expect(strstr(upgrade_describe_failure(text, sizeof text, SIGKILL), "was killed by KILL"));
    cr_expect(strstr(upgrade_describe_failure(text, sizeof text, KEEPER_TIMED_OUT), "within 10 seconds"));
    cr_expect(strstr(upgrade_describe_failure(text, sizeof text, UPGRADE_FORGOTTEN), "ask again"));
    cr_expect(strstr(upgrade_describe_failure(text, sizeof text, UPGRADE_UNPROTECTED), "has no keeper"));
    cr_expect_str_eq(upgrade_state_name(UPGRADE_UNDER_WAY), "under-way");
}
