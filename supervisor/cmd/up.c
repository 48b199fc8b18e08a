/* up: supervises what a configuration says. It is read and checked here, once, before anything starts; then
 * this process becomes the keeper, which holds the text of what was read, or, when a keeper started it, the
 * supervisor, which is given that text. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/keep.h"
#include "cmd/plan.h"
#include "core/conf_build.h"
#include "engine/supervisor.h"
#include "keeper/keeper.h"
#include "sys/memory_file.h"

#define CANNOT_BEGIN 125

/* The descriptor, or an exit status below 0. */
static int print_to_memory(const struct conf *c)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    conf_print(c, &text);
    int fd = memory_file_new("berth-config", text.data, text.len);
    buf_fini(&text);
    if (fd < 0)
        fprintf(stderr, "berth: no memory for the configuration: memfd_create: %s\n", strerror(-fd));
    return fd < 0 ? -CANNOT_BEGIN : fd;
}

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
    int fd = status == 0 ? print_to_memory(&file.conf) : 0;
    plan_fini(&file);
    if (status != 0 || fd < 0)
        return status != 0 ? status : -fd;
    return keep_with(args, fd);
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
