/* summary: see the header. */
#include "config.h"

#include "core/summary.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

/* More than these are only counted. */
#define NAMED_MOST 3

static const struct remark {
    enum service_state state;
    const char *word;
} remarks[] = {
    {SERVICE_FAILED, "failed"}, {SERVICE_BACKOFF, "in backoff"}, {SERVICE_DEGRADED, "degraded"},
    {SERVICE_DONE, "done"},     {SERVICE_STARTING, "starting"},  {SERVICE_STOPPING, "stopping"},
};
#define N_REMARKS (sizeof remarks / sizeof *remarks)

_Static_assert(SUMMARY_ROOM > NAMED_MOST * (LIMIT_NAME + sizeof ", in backoff") + 80, "names fit");

static bool is_up(const struct summary_service *s)
{
    return s->state == SERVICE_RUNNING || s->state == SERVICE_DEGRADED || s->state == SERVICE_WAITING;
}

static bool counts(const struct summary_service *s)
{
    return !s->is_oneshot && s->state != SERVICE_STOPPED && s->state != SERVICE_STOPPING;
}

static bool is_worth(const struct summary_service *s, const struct remark *r)
{
    return s->state == r->state && !(s->is_oneshot && s->state == SERVICE_DONE);
}

static void add_remarks(char *dst, const struct summary_service *services, size_t n)
{
    size_t n_named = 0, n_more = 0, len = strlen(dst);
    for (size_t k = 0; k < N_REMARKS; k++)
        for (size_t i = 0; i < n; i++) {
            if (!is_worth(&services[i], &remarks[k]))
                continue;
            if (n_named++ >= NAMED_MOST)
                n_more++;
            else
                len += (size_t)snprintf(dst + len, SUMMARY_ROOM - len, ", %s %s", services[i].name,
                                        remarks[k].word);
        }
    if (n_more > 0)
        snprintf(dst + len, SUMMARY_ROOM - len, " and %zu more", n_more);
}

char *summary_format(char dst[SUMMARY_ROOM], const struct summary_service *services, size_t n)
{
    size_t n_up = 0, n_wanted = 0;
    for (size_t i = 0; i < n; i++) {
        n_up += counts(&services[i]) && is_up(&services[i]);
        n_wanted += counts(&services[i]);
    }
    if (n_wanted == 0)
        snprintf(dst, SUMMARY_ROOM, "no service up");
    else if (n_up < n_wanted)
        snprintf(dst, SUMMARY_ROOM, "%zu of %zu service%s up", n_up, n_wanted, n_wanted == 1 ? "" : "s");
    else
        snprintf(dst, SUMMARY_ROOM, "%zu service%s up", n_up, n_up == 1 ? "" : "s");
    add_remarks(dst, services, n);
    return dst;
}

char *summary_format_shutdown(char dst[SUMMARY_ROOM], const struct summary_service *services, size_t n)
{
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++)
        n_left += services[i].state != SERVICE_STOPPED;
    if (n_left == 0)
        snprintf(dst, SUMMARY_ROOM, "shutting down");
    else
        snprintf(dst, SUMMARY_ROOM, "shutting down, %zu service%s left", n_left, n_left == 1 ? "" : "s");
    return dst;
}
