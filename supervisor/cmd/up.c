/* up: supervises what a configuration says. It is read and checked here, once, before anything starts; then
 * this process becomes the keeper, which holds the text of what was read, or, when a keeper started it, the
 * supervisor, which is given that text. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/keep.h"
#include "cmd/plan.h"
#include "engine/supervisor.h"
#include "keeper/keeper.h"

#define CANNOT_BEGIN 125

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct plan_file file;
    struct supervisor_options options = {.control = args->control, .keeper_fd = KEEPER_SUPERVISOR_FD};
    struct berr err;

    if (args->argc > 0)
        return cmd_usage_error(self, "'up' takes no operand");
    if (args->is_supervisor) {
        cleanup_free char *path = NULL;
        options.config = conf_load_find(args->config, &path, &err) < 0 ? "" : path;
        return supervisor_main(NULL, &options);
    }
    int status = plan_load(args, &file);
    int fd = status == 0 ? conf_load_store(&file.conf, file.path) : -1;
    plan_fini(&file);
    if (status != 0)
        return status;
    if (fd >= 0)
        return keep_with(args, fd);
    fprintf(stderr, "berth: no memory for the configuration: memfd_create: %s\n", strerror(-fd));
    return CANNOT_BEGIN;
}

static const struct option options[] = {CMD_CONFIG, {NULL, 0, NULL, NULL, 0}};

const struct cmd cmd_up = {
    .name = "up",
    .args = "",
    .summary = "supervise what a configuration says, in the foreground",
    .help = "Nothing is started when there is a mistake in the configuration; all of them are told.\n"
            "HUP or 'berth update' reads it again, TERM ends everything in order.",
    .options = options,
    .run = run,
};
