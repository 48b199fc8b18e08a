/* service: one word from many workers. It counts, and the counts decide; which worker is which does not
 * matter. */
#include "config.h"

#include "core/service.h"

#include "base/must.h"

struct tally {
    size_t ready, running, coming, backoff, done, failed, waiting;
};

static struct tally tally_of(const enum worker_state *workers, size_t n)
{
    struct tally t = {0};
    for (size_t i = 0; i < n; i++) {
        t.ready += workers[i] == WORKER_READY;
        t.backoff += workers[i] == WORKER_BACKOFF;
        t.done += workers[i] == WORKER_DONE;
        t.failed += workers[i] == WORKER_FAILED;
        t.waiting += workers[i] == WORKER_WAITING;
        /* Somebody is on the way to exec, and will be a process in a moment. */
        t.running += worker_state_has_process(workers[i]) || workers[i] == WORKER_SPAWNING;
    }
    /* One that is stopping though wanted is being replaced, and one that is down is about to be started. */
    t.coming = n - t.ready - t.backoff - t.done - t.failed - t.waiting;
    return t;
}

enum service_state service_state_of(bool wanted_up, const enum worker_state *workers, size_t n)
{
    struct tally t = tally_of(workers, n);

    if (!wanted_up)
        return t.running > 0 ? SERVICE_STOPPING : SERVICE_STOPPED;
    if (t.ready > 0 && t.backoff + t.failed > 0)
        return SERVICE_DEGRADED;
    if (t.backoff > 0)
        return SERVICE_BACKOFF;
    if (t.coming > 0)
        return SERVICE_STARTING;
    if (t.ready > 0 || n == 0)
        return SERVICE_RUNNING;
    if (t.waiting > 0)
        return SERVICE_WAITING;
    return t.failed > 0 ? SERVICE_FAILED : SERVICE_DONE;
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
