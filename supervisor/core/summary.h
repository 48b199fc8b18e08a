/* summary: all services in one short sentence, for whoever looks at berth from outside: "3 services up", or
 * "2 of 3 services up, api in backoff". What is as it should be is counted, the rest is named, the worst
 * first. */
#ifndef BERTH_CORE_SUMMARY_H
#define BERTH_CORE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/service.h"

/* Room for every summary, with the NUL: names are short, and few of them are named. */
#define SUMMARY_ROOM 384

struct summary_service {
    const char *name;
    enum service_state state;
    bool is_oneshot; /* it is not there to stay up: it is told of only while it runs, or when it failed */
};

/* Writes the sentence into DST and returns it. One that is stopped is not wanted and does not count. */
char *summary_format(char dst[SUMMARY_ROOM], const struct summary_service *services, size_t n);
/* The same at the end of everything: "shutting down, 2 services left". */
char *summary_format_shutdown(char dst[SUMMARY_ROOM], const struct summary_service *services, size_t n);

#endif
