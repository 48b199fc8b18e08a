/* summary: all services in one sentence. */
#include "config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/limits.h"
#include "core/summary.h"

static char text[SUMMARY_ROOM];

#define SUMMARY(format, ...)                                                                                 \
    format(text, (struct summary_service[]){__VA_ARGS__},                                                    \
           sizeof((struct summary_service[]){__VA_ARGS__}) / sizeof(struct summary_service))
#define NOW(...) SUMMARY(summary_format, __VA_ARGS__)
#define AT_THE_END(...) SUMMARY(summary_format_shutdown, __VA_ARGS__)

Test(summary, what_is_as_it_should_be_is_counted)
{
    cr_expect_str_eq(NOW({"web", SERVICE_RUNNING, false}), "1 service up");
    cr_expect_str_eq(NOW({"web", SERVICE_RUNNING, false}, {"api", SERVICE_WAITING, false}), "2 services up");
    cr_expect_str_eq(summary_format(text, NULL, 0), "no service up");
}

Test(summary, what_is_not_is_named_with_the_worst_first)
{
    cr_expect_str_eq(NOW({"web", SERVICE_RUNNING, false}, {"api", SERVICE_BACKOFF, false}),
                     "1 of 2 services up, api in backoff");
    cr_expect_str_eq(
        NOW({"a", SERVICE_STARTING, false}, {"b", SERVICE_DONE, false}, {"c", SERVICE_FAILED, false}),
        "0 of 3 services up, c failed, b done, a starting");
    cr_expect_str_eq(NOW({"web", SERVICE_STARTING, false}), "0 of 1 service up, web starting");
}

Test(summary, a_degraded_service_serves_but_is_named)
{
    cr_expect_str_eq(NOW({"web", SERVICE_DEGRADED, false}), "1 service up, web degraded");
}

Test(summary, what_nobody_wants_does_not_count)
{
    cr_expect_str_eq(NOW({"web", SERVICE_RUNNING, false}, {"old", SERVICE_STOPPED, false}), "1 service up");
    cr_expect_str_eq(NOW({"web", SERVICE_RUNNING, false}, {"old", SERVICE_STOPPING, false}),
                     "1 service up, old stopping");
    cr_expect_str_eq(NOW({"old", SERVICE_STOPPED, false}), "no service up");
}

Test(summary, a_oneshot_is_told_of_while_it_runs_and_when_it_failed)
{
    cr_expect_str_eq(NOW({"web", SERVICE_RUNNING, false}, {"migrate", SERVICE_DONE, true}), "1 service up");
    cr_expect_str_eq(NOW({"web", SERVICE_STARTING, false}, {"migrate", SERVICE_STARTING, true}),
                     "0 of 1 service up, web starting, migrate starting");
    cr_expect_str_eq(NOW({"web", SERVICE_RUNNING, false}, {"migrate", SERVICE_FAILED, true}),
                     "1 service up, migrate failed");
}

Test(summary, three_are_named_and_the_rest_is_counted_whatever_their_names)
{
    char name[LIMIT_NAME + 1];
    memset(name, 'n', LIMIT_NAME);
    name[LIMIT_NAME] = '\0';
    NOW({name, SERVICE_BACKOFF, false}, {name, SERVICE_BACKOFF, false}, {name, SERVICE_BACKOFF, false},
        {name, SERVICE_BACKOFF, false}, {name, SERVICE_FAILED, false});
    cr_expect(strstr(text, "nn failed, nn") && strstr(text, " in backoff and 2 more"), "%s", text);
    cr_expect_lt(strlen(text), (size_t)SUMMARY_ROOM - 1, "nothing was cut");
}

Test(summary, at_the_end_it_counts_what_is_left)
{
    cr_expect_str_eq(AT_THE_END({"web", SERVICE_STOPPING, false}, {"api", SERVICE_STOPPED, false}),
                     "shutting down, 1 service left");
    cr_expect_str_eq(AT_THE_END({"web", SERVICE_RUNNING, false}, {"api", SERVICE_STOPPING, false}),
                     "shutting down, 2 services left");
    cr_expect_str_eq(AT_THE_END({"api", SERVICE_STOPPED, false}), "shutting down");
}
