/* conf_standby: what spares (standby = N) contradict: they can wait only for sockets that are sent to them.
 */
#include "config.h"

#include "core/conf_claims.h"

#include "core/handoff/handoff.h"

void conf_check_standby(const struct check *x, const struct service_conf *s)
{
    const struct service_settings *with = s->with;
    if (with->standby == 0)
        return;
    if (!handoff_has_word(&with->handoff, "channel"))
        conf_refuse(
            x, "standby",
            "standby needs handoff = channel, by which a spare waits for its sockets (berth_wait()); any "
            "other word gives them to it at its start, and it would serve");
    if (with->type == TYPE_ONESHOT)
        conf_refuse(x, "standby", "standby contradicts type = oneshot: what runs to its end has no spares");
    if (with->start == START_ON_DEMAND)
        conf_refuse(
            x, "standby",
            "standby contradicts start = on-demand: without a connection there would be nothing but spares");
    if (with->workers + with->standby > LIMIT_WORKERS)
        conf_refuse(x, "standby", "workers and standby are %u together, and %d are the most",
                    with->workers + with->standby, LIMIT_WORKERS);
    for (size_t i = 0; i < s->sockets.n; i++) {
        const struct socket_conf *socket = conf_find_socket(x->conf, s->sockets.v[i]);
        if (socket && socket->options->accept)
            conf_refuse(x, "standby",
                        "standby contradicts accept = yes of socket %s: it has a worker for each connection",
                        socket->name);
        if (socket && socket->options->reuse_port == REUSE_PORT_PER_WORKER)
            conf_refuse(x, "standby",
                        "standby contradicts reuse_port = per-worker of socket %s: connections would queue "
                        "at a spare's, "
                        "which nobody serves",
                        socket->name);
    }
}
