/* service: one word from many workers. It counts, and the counts decide; which worker is which does not
 * matter. */
#include "config.h"

#include "core/service.h"

#include "base/must.h"

enum service_state service_state_of(bool wanted_up, const uint16_t workers[WORKER_STATE_COUNT])
{
    unsigned n = 0, running = workers[WORKER_SPAWNING]; /* on the way to exec: a process in a moment */
    unsigned backoff = workers[WORKER_BACKOFF], ready = workers[WORKER_READY];
    unsigned failed = workers[WORKER_FAILED], waiting = workers[WORKER_WAITING];

    for (int i = 0; i < WORKER_STATE_COUNT; i++) {
        n += workers[i];
        running += worker_state_has_process((enum worker_state)i) ? workers[i] : 0;
    }
    /* One that is stopping though wanted is being replaced, and one that is down is about to be started. */
    unsigned coming = n - ready - backoff - workers[WORKER_DONE] - failed - waiting;
    if (!wanted_up)
        return running > 0 ? SERVICE_STOPPING : SERVICE_STOPPED;
    if (ready > 0 && backoff + failed > 0)
        return SERVICE_DEGRADED;
    if (backoff > 0)
        return SERVICE_BACKOFF;
    if (coming > 0)
        return SERVICE_STARTING;
    if (ready > 0 || n == 0)
        return SERVICE_RUNNING;
    if (waiting > 0)
        return SERVICE_WAITING;
    return failed > 0 ? SERVICE_FAILED : SERVICE_DONE;
}

const char *service_state_name(enum service_state state)
{
    static const char *const names[SERVICE_STATE_COUNT] = {
        [SERVICE_STOPPED] = "stopped",   [SERVICE_STARTING] = "starting", [SERVICE_RUNNING] = "running",
        [SERVICE_DEGRADED] = "degraded", [SERVICE_BACKOFF] = "backoff",   [SERVICE_STOPPING] = "stopping",
        [SERVICE_DONE] = "done",         [SERVICE_FAILED] = "failed",     [SERVICE_WAITING] = "waiting",
    };
    must(state < SERVICE_STATE_COUNT);
    return names[state];
}

bool service_is_over(enum service_state state)
{
    return state == SERVICE_DONE || state == SERVICE_FAILED;
}
