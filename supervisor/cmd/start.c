/* start: brings services up. */
#include "config.h"

#include "cmd/operate.h"

static int run(const struct cmd *self, const struct cmd_args *args)
{
    static const struct operation op = {"Start", GOAL_UP, "started"};

    return operate_on_services(self, args, &op);
}

static const struct option options[] = {OPERATE_NO_WAIT, OPERATE_ALL, {NULL, 0, NULL, NULL, 0}};

const struct cmd cmd_start = {
    .name = "start",
    .args = "[SERVICE…]",
    .summary = "start services, and wait until they are ready",
    .help = "Without SERVICE: the only one there is. Ends with 1 when a worker fails\n"
            "before all are ready; berth goes on trying then, as the restart policy says.",
    .options = options,
    .run = run,
};
