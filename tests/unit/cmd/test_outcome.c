/* Whether what was asked for has come about, told from one look at a service. */
#include "config.h"

#include <criterion/criterion.h>

#include <jansson.h>
#include <string.h>

#include "cmd/outcome.h"

static char reason[200];

/* ASKED: what was asked for at generation 4. SERVICE: JSON with apostrophes for quotes. */
static enum outcome judge(enum goal goal, json_int_t workers, const char *service)
{
    struct wish wish = {.goal = goal, .service = "web", .generation = 4, .told = 2, .workers = workers};
    char text[600];
    size_t i = 0;

    for (; service[i]; i++)
        text[i] = service[i] == '\'' ? '"' : service[i];
    text[i] = '\0';
    json_t *object = json_loads(text, 0, NULL);
    cr_assert_not_null(object, "%s", text);
    reason[0] = '\0';
    enum outcome outcome = outcome_of(&wish, object, reason, sizeof reason);
    json_decref(object);
    return outcome;
}

#define READY(gen) "{'worker':1,'generation':" #gen ",'state':'ready'}"
#define SERVICE(state, wanted, gen, workers)                                                                 \
    "{'name':'web','state':'" state "','wanted':'" wanted "','generation':" #gen                             \
    ",'wanted_workers':1,'workers':[" workers "]}"

Test(outcome, up_is_reached_when_all_are_ready_or_done)
{
    cr_assert_eq(judge(GOAL_UP, 0, SERVICE("running", "up", 4, READY(4))), OUTCOME_REACHED);
    cr_assert_eq(judge(GOAL_UP, 0, SERVICE("done", "up", 4, "{'worker':1,'state':'done'}")), OUTCOME_REACHED);
    cr_assert_eq(judge(GOAL_UP, 0, SERVICE("starting", "up", 4, "{'worker':1,'state':'starting'}")),
                 OUTCOME_PENDING);
}

Test(outcome, up_fails_with_the_first_worker_in_trouble)
{
    cr_assert_eq(
        judge(GOAL_UP, 0,
              SERVICE("backoff", "up", 4, "{'worker':3,'state':'backoff','note':'exited with status 1'}")),
        OUTCOME_FAILED);
    cr_assert_str_eq(reason, "worker web/3 exited with status 1");
    cr_assert_eq(judge(GOAL_UP, 0, SERVICE("degraded", "up", 4, READY(4) ",{'worker':2,'state':'failed'}")),
                 OUTCOME_FAILED);
    cr_assert_str_eq(reason, "worker web/2 did not stay up");
}

Test(outcome, what_the_supervisor_does_not_want_is_unknown)
{
    cr_assert_eq(judge(GOAL_UP, 0, SERVICE("stopped", "down", 4, "")), OUTCOME_UNKNOWN);
    cr_assert_eq(judge(GOAL_DOWN, 0, SERVICE("running", "up", 4, READY(4))), OUTCOME_UNKNOWN);
    cr_assert_eq(judge(GOAL_RENEWED, 0, SERVICE("running", "up", 4, READY(4))), OUTCOME_UNKNOWN);
    cr_assert_eq(judge(GOAL_SCALED, 2, SERVICE("running", "up", 4, READY(4))), OUTCOME_UNKNOWN);
}

Test(outcome, a_service_that_is_not_told_of_is_unknown)
{
    struct wish wish = {.goal = GOAL_UP};

    cr_assert_eq(outcome_of(&wish, NULL, reason, sizeof reason), OUTCOME_UNKNOWN);
}

Test(outcome, down_is_reached_when_stopped)
{
    cr_assert_eq(judge(GOAL_DOWN, 0, SERVICE("stopping", "down", 4, "{'worker':1,'state':'stopping'}")),
                 OUTCOME_PENDING);
    cr_assert_eq(judge(GOAL_DOWN, 0, SERVICE("stopped", "down", 4, "{'worker':1,'state':'stopped'}")),
                 OUTCOME_REACHED);
}

Test(outcome, renewed_needs_every_worker_of_a_later_generation)
{
    cr_assert_eq(judge(GOAL_RENEWED, 0, SERVICE("running", "up", 5, READY(5) "," READY(4))), OUTCOME_PENDING);
    cr_assert_eq(judge(GOAL_RENEWED, 0, SERVICE("running", "up", 5, READY(5) "," READY(5))), OUTCOME_REACHED);
    cr_assert_eq(judge(GOAL_RENEWED, 0, SERVICE("running", "up", 7, READY(7))), OUTCOME_REACHED);
    cr_assert_eq(judge(GOAL_RENEWED, 0,
                       SERVICE("starting", "up", 5, "{'worker':1,'generation':5,'state':'starting'}")),
                 OUTCOME_PENDING);
}

Test(outcome, renewed_is_reached_when_all_that_went_have_ended)
{
    cr_assert_eq(judge(GOAL_RENEWED, 0,
                       SERVICE("running", "up", 5,
                               READY(5) ",{'worker':1,'generation':4,'state':'stopping','role':'retired'}")),
                 OUTCOME_PENDING);
}

#define TOLD(number, state, more)                                                                            \
    "{'name':'web','state':'running','wanted':'up','generation':4,'wanted_workers':1,'workers':[" READY(     \
        4) "],'told':{'number':" #number ",'state':'" state "'" more "}}"

Test(outcome, renewed_by_a_signal_or_a_command_is_what_became_of_that)
{
    cr_assert_eq(judge(GOAL_RENEWED, 0, TOLD(2, "done", "")), OUTCOME_UNKNOWN);
    cr_assert_eq(judge(GOAL_RENEWED, 0, TOLD(3, "under-way", "")), OUTCOME_PENDING);
    cr_assert_eq(judge(GOAL_RENEWED, 0, TOLD(4, "done", "")), OUTCOME_REACHED);
    cr_assert_eq(judge(GOAL_RENEWED, 0, TOLD(3, "failed", ",'reason':'it is ill'")), OUTCOME_FAILED);
    cr_assert_str_eq(reason, "it is ill");
}

Test(outcome, renewed_fails_when_it_was_stopped_or_is_in_trouble)
{
    cr_assert_eq(judge(GOAL_RENEWED, 0, SERVICE("stopped", "down", 5, "")), OUTCOME_FAILED);
    cr_assert_str_eq(reason, "it was stopped meanwhile");
    cr_assert_eq(
        judge(GOAL_RENEWED, 0, SERVICE("backoff", "up", 5, "{'worker':1,'generation':5,'state':'backoff'}")),
        OUTCOME_FAILED);
}

Test(outcome, scaled_waits_for_the_surplus_to_end)
{
    cr_assert_eq(
        judge(GOAL_SCALED, 1, SERVICE("running", "up", 4, READY(4) ",{'worker':2,'state':'stopping'}")),
        OUTCOME_PENDING);
    cr_assert_eq(judge(GOAL_SCALED, 1, SERVICE("running", "up", 4, READY(4))), OUTCOME_REACHED);
    cr_assert_eq(judge(GOAL_SCALED, 1, SERVICE("stopped", "down", 4, "{'worker':1,'state':'stopped'}")),
                 OUTCOME_REACHED);
}

Test(outcome, foreign_text_in_a_reason_is_escaped)
{
    judge(GOAL_UP, 0, SERVICE("backoff", "up", 4, "{'worker':1,'state':'backoff','note':'a\\u001b[31m'}"));
    cr_assert_null(strchr(reason, '\033'), "%s", reason);
}

Test(outcome, spares_are_neither_counted_nor_waited_for)
{
    static const char spare[] = ",{'worker':2,'generation':4,'state':'standby','spare':true}"
                                ",{'worker':3,'generation':4,'state':'backoff','spare':true}";
    char service[600];
    snprintf(service, sizeof service, SERVICE("running", "up", 5, READY(5) "%s"), spare);
    cr_assert_eq(judge(GOAL_UP, 0, service), OUTCOME_REACHED);
    cr_assert_eq(judge(GOAL_RENEWED, 0, service), OUTCOME_REACHED);
    cr_assert_eq(judge(GOAL_SCALED, 1, service), OUTCOME_REACHED);
    snprintf(service, sizeof service, SERVICE("running", "up", 5, READY(5) "," READY(5) "%s"), spare);
    cr_assert_eq(judge(GOAL_SCALED, 1, service), OUTCOME_PENDING);
}
