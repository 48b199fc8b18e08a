/* reload: has services take up what is new, each in its own way. */
#include "config.h"

#include "cmd/operate.h"

static int run(const struct cmd *self, const struct cmd_args *args)
{
    static const struct operation op = {"Reload", GOAL_RENEWED, "reloaded"};

    return operate_on_services(self, args, &op);
}

static const struct option options[] = {OPERATE_NO_WAIT, OPERATE_ALL, {NULL, 0, NULL, NULL, 0}};

const struct cmd cmd_reload = {
    .name = "reload",
    .args = "[SERVICE…]",
    .summary = "reload services, each in its own way",
    .help = "What that is, the key reload of a service says: new workers, a signal to those that run,\n"
            "or a command. It waits until the old workers have ended.\n"
            "Without SERVICE: the only one there is.",
    .options = options,
    .run = run,
};
