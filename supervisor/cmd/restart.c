/* restart: ends the workers of services and starts new ones on the same sockets. */
#include "config.h"

#include "cmd/operate.h"

static int run(const struct cmd *self, const struct cmd_args *args)
{
    static const struct operation op = {"Restart", GOAL_RENEWED, "restarted"};

    return operate_on_services(self, args, &op);
}

static const struct option options[] = {OPERATE_NO_WAIT, OPERATE_ALL, {NULL, 0, NULL, NULL, 0}};

const struct cmd cmd_restart = {
    .name = "restart",
    .args = "[SERVICE…]",
    .summary = "replace the workers of services, and wait until the new ones are ready",
    .help = "Connections that come meanwhile wait in the queues of the held sockets.\n"
            "Without SERVICE: the only one there is. One that was stopped is started.",
    .options = options,
    .run = run,
};
