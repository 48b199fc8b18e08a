/* share_einhorn: einhorn's command socket, as far as its workers need it: worker:ack makes the worker ready
 * whose pid it names. Nothing is answered, and the connection is closed, as einhorn does. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "engine/engine.h"
#include "wire/einhorn_msg.h"

static struct worker *find_worker(const struct engine *e, pid_t pid)
{
    for (size_t i = 0; i < e->n_services; i++) {
        const struct service *s = e->services[i];
        for (size_t k = 0; handoff_has_word(&s->conf->with->handoff, "einhorn") && service_worker(s, k); k++)
            if (service_worker(s, k)->pid == pid)
                return service_worker(s, k);
    }
    return NULL;
}

static void on_ack(struct share_client *client, pid_t pid)
{
    struct engine *e = client->share->engine;
    struct worker *w = find_worker(e, pid);
    if (!w)
        event_log_say(&e->log, LOG_WARNING, "einhorn", NULL,
                      "process %d says that %d is ready, which is no worker of einhorn's kind",
                      client->peer.pid, pid);
    else if (w->service->conf->with->ready == READY_NOTIFY)
        engine_step(w, WORKER_EV_READY);
}

static ssize_t on_bytes(struct share_client *client, const char *bytes, size_t n)
{
    const char *newline = memchr(bytes, '\n', n);
    struct einhorn_msg m;
    if (!newline)
        return 0;
    if (einhorn_msg_parse(bytes, (size_t)(newline - bytes), &m) < 0)
        event_log_say(&client->share->engine->log, LOG_WARNING, "einhorn", NULL,
                      "process %d sent what is no message of einhorn's", client->peer.pid);
    else if (m.command == EINHORN_ACK)
        on_ack(client, m.pid);
    return -ECONNRESET; /* no further word is expected */
}

const struct share_protocol share_einhorn = {"einhorn", on_bytes, NULL};
