/* crash_point: see the header. */
#include "config.h"

#include "engine/crash_point.h"

#include <errno.h>

#ifdef BERTH_CRASH_POINTS

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define X(name) [CRASH_AT_##name] = #name,
    CRASH_POINTS(X)
#undef X
};

/* Which passing of which point kills; none while `left` is 0. */
static struct {
    enum crash_point point;
    unsigned long left;
} armed;

void crash_point_arm(unsigned starts)
{
    const char *at = getenv("BERTH_CRASH_AT");
    if (!at)
        return;
    const char *colon = strchr(at, ':'), *second = colon ? strchr(colon + 1, ':') : NULL;
    const char *third = second ? strchr(second + 1, ':') : NULL;
    unsigned long first = second ? strtoul(second + 1, NULL, 10) : 0;
    if (starts < first || starts - first >= (third ? strtoul(third + 1, NULL, 10) : 1))
        return;
    size_t len = colon ? (size_t)(colon - at) : strlen(at);
    for (int i = 0; i < CRASH_POINT_COUNT; i++)
        if (strlen(names[i]) == len && memcmp(names[i], at, len) == 0) {
            armed.point = (enum crash_point)i;
            armed.left = colon ? strtoul(colon + 1, NULL, 10) : 1;
            return;
        }
    fprintf(stderr, "berth: BERTH_CRASH_AT: there is no point \"%s\"\n", at);
    abort();
}

void crash_point(enum crash_point point)
{
    if (armed.left > 0 && armed.point == point && --armed.left == 0)
        raise(getenv("BERTH_CRASH_STOPS") ? SIGSTOP : SIGKILL);
}

int crash_point_list(void)
{
    for (int i = 0; i < CRASH_POINT_COUNT; i++)
        puts(names[i]);
    return 0;
}

#else

int crash_point_list(void)
{
    return -ENOTSUP;
}

#endif
