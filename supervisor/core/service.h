/* service: what the states of its workers come to. */
#ifndef BERTH_CORE_SERVICE_H
#define BERTH_CORE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/worker_fsm.h"

/* One word for a service, from its workers and from what is wanted of it. */
enum service_state {
    SERVICE_STOPPED,  /* wanted down, nobody runs */
    SERVICE_STARTING, /* wanted up, not all are ready, none is in trouble */
    SERVICE_RUNNING,  /* wanted up, all are ready */
    SERVICE_DEGRADED, /* wanted up, some serve, some are in backoff or failed */
    SERVICE_BACKOFF,  /* wanted up, none serves, some wait to be started again */
    SERVICE_STOPPING, /* wanted down, some run still */
    SERVICE_DONE,     /* wanted up, every worker ran to its end */
    SERVICE_FAILED,   /* wanted up, none runs or will, and at least one failed */
    SERVICE_WAITING,  /* wanted up, none runs, the next connection starts one */
    SERVICE_STATE_COUNT,
};

/* WORKERS: how many are in each state. None at all (scaled to none) is RUNNING or STOPPED as wanted. */
enum service_state service_state_of(bool wanted_up, const uint16_t workers[WORKER_STATE_COUNT]);
const char *service_state_name(enum service_state state);
/* Is it done for good: wanted up, and no worker runs or will run again? */
bool service_is_over(enum service_state state);

#endif
