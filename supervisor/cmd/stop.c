/* stop: takes services down; their sockets stay. */
#include "config.h"

#include "cmd/operate.h"

static int run(const struct cmd *self, const struct cmd_args *args)
{
    static const struct operation op = {"Stop", GOAL_DOWN, "stopped"};

    return operate_on_services(self, args, &op);
}

static const struct option options[] = {OPERATE_NO_WAIT, OPERATE_ALL, {NULL, 0, NULL, NULL, 0}};

const struct cmd cmd_stop = {
    .name = "stop",
    .args = "[SERVICE…]",
    .summary = "stop services, and wait until their workers have ended",
    .help = "The sockets stay held: connections wait in their queues until the next\n"
            "start. Without SERVICE: the only one there is.",
    .options = options,
    .run = run,
};
