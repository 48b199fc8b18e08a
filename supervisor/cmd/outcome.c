/* outcome: compares a wish with a service as Status describes it. Pure; the caller decides how long it looks
 * again. */
#include "config.h"

#include "cmd/outcome.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/reply.h"

static bool is_wanted(const json_t *service)
{
    return str_eq(reply_text(service, "wanted"), "up");
}

/* Everything that is wanted serves, or ran to its end. */
static bool is_up(const json_t *service)
{
    const char *state = reply_text(service, "state");

    return str_eq(state, "running") || str_eq(state, "done") || str_eq(state, "waiting");
}

/* As opposed to one that comes, or goes, in a reload, and to a spare. */
static bool is_current(const json_t *worker)
{
    return !json_object_get(worker, "role") && !json_is_true(json_object_get(worker, "spare"));
}

static json_int_t count_spares(const json_t *service)
{
    const json_t *worker;
    json_int_t n = 0;
    size_t i;

    json_array_foreach (json_object_get(service, "workers"), i, worker)
        n += json_is_true(json_object_get(worker, "spare"));
    return n;
}

static bool is_in_trouble(const json_t *worker)
{
    const char *state = reply_text(worker, "state");

    return str_eq(state, "backoff") || str_eq(state, "failed");
}

/* A worker that waits to be started again, or is not, has failed the wish: whoever waits is told now, and not
 * after the tenth try. */
static enum outcome judge_workers(const json_t *service, char *dst, size_t size)
{
    const json_t *worker;
    size_t i;

    json_array_foreach (json_object_get(service, "workers"), i, worker) {
        char note[800];
        const char *text = reply_text(worker, "note");
        if (!is_current(worker) || !is_in_trouble(worker))
            continue;
        str_escape(note, sizeof note, text, strlen(text));
        snprintf(dst, size, "worker %s/%d %s", reply_text(service, "name"), (int)reply_int(worker, "worker"),
                 note[0] ? note : "did not stay up");
        return OUTCOME_FAILED;
    }
    return is_up(service) ? OUTCOME_REACHED : OUTCOME_PENDING;
}

static enum outcome judge_told(const json_t *told, char *dst, size_t size)
{
    const char *state = reply_text(told, "state"), *why = reply_text(told, "reason");

    snprintf(dst, size, "%s", why[0] ? why : "its reload has failed");
    return str_eq(state, "under-way") ? OUTCOME_PENDING
           : str_eq(state, "done")    ? OUTCOME_REACHED
                                      : OUTCOME_FAILED;
}

static enum outcome judge_renewed(const struct wish *wish, const json_t *service, char *dst, size_t size)
{
    const json_t *worker;
    size_t i;

    if (!is_wanted(service)) {
        snprintf(dst, size, "it was stopped meanwhile");
        return OUTCOME_FAILED;
    }
    const json_t *told = json_object_get(service, "told");
    if (reply_int(told, "number") > wish->told)
        return judge_told(told, dst, size);
    const json_t *reload = json_object_get(service, "reload");
    if (reload && reply_int(reload, "generation") > wish->generation) {
        if (str_eq(reply_text(reload, "state"), "rolling"))
            return OUTCOME_PENDING;
        const char *reason = reply_text(reload, "reason");
        snprintf(dst, size, "%s", reason[0] ? reason : "a new worker has failed; the old ones go on");
        return OUTCOME_FAILED;
    }
    if (reply_int(service, "generation") <= wish->generation)
        return OUTCOME_UNKNOWN;
    enum outcome outcome = judge_workers(service, dst, size);
    json_array_foreach (json_object_get(service, "workers"), i, worker) {
        bool is_next = json_is_true(json_object_get(worker, "spare")) ||
                       str_eq(reply_text(worker, "state"), "waiting"); /* it has no process to be renewed */
        if (outcome == OUTCOME_REACHED && !is_next && reply_int(worker, "generation") <= wish->generation)
            outcome = OUTCOME_PENDING;
    }
    return outcome;
}

static enum outcome judge_scaled(const struct wish *wish, const json_t *service, char *dst, size_t size)
{
    if (reply_int(service, "wanted_workers") != wish->workers)
        return OUTCOME_UNKNOWN;
    json_int_t n = (json_int_t)json_array_size(json_object_get(service, "workers")) - count_spares(service);
    bool has_surplus = n > wish->workers;
    if (!is_wanted(service))
        return has_surplus ? OUTCOME_PENDING : OUTCOME_REACHED;
    enum outcome outcome = judge_workers(service, dst, size);
    return outcome == OUTCOME_REACHED && has_surplus ? OUTCOME_PENDING : outcome;
}

enum outcome outcome_of(const struct wish *wish, const json_t *service, char *dst, size_t size)
{
    switch (wish->goal) {
    case GOAL_UP:
        return is_wanted(service) ? judge_workers(service, dst, size) : OUTCOME_UNKNOWN;
    case GOAL_DOWN:
        if (is_wanted(service))
            return OUTCOME_UNKNOWN;
        return str_eq(reply_text(service, "state"), "stopped") ? OUTCOME_REACHED : OUTCOME_PENDING;
    case GOAL_RENEWED:
        return judge_renewed(wish, service, dst, size);
    case GOAL_SCALED:
        return judge_scaled(wish, service, dst, size);
    }
    return OUTCOME_UNKNOWN;
}
