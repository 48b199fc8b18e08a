/* check: reads a configuration and tells what it comes to, or everything that is wrong with it. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/plan.h"
#include "core/conf_build.h"

static void dump(const struct conf *c)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    conf_print(c, &text);
    fputs(buf_str(&text), stdout);
    buf_fini(&text);
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct plan_file file;

    if (args->argc > 0)
        return cmd_usage_error(self, "'check' takes no operand; name the file with -c");
    int status = plan_load(args, &file);
    if (status == 0 && args->dump)
        dump(&file.conf);
    else if (status == 0)
        plan_print(args, &file);
    plan_fini(&file);
    return status;
}

static const struct option options[] = {
    CMD_CONFIG,
    {"dump", 0, NULL, "the whole configuration in force, every key, as a file",
     offsetof(struct cmd_args, dump)},
    {NULL, 0, NULL, NULL, 0},
};

const struct cmd cmd_check = {
    .name = "check",
    .args = "",
    .summary = "read a configuration, tell every mistake in it or the plan, start nothing",
    .help = "Ends with 2 when there is a mistake. In the plan services stand in the order in which they are\n"
            "started; a '!' marks those that are required and not only waited for.",
    .options = options,
    .run = run,
};
