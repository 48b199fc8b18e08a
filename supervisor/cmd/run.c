/* run: supervises one command. The arguments are checked here, once, before anything starts; then this
 * process becomes the keeper, or, when a keeper started it, the supervisor. */
#include "config.h"

#include <stdio.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/explain.h"
#include "cmd/keep.h"
#include "core/run_args.h"
#include "engine/supervisor.h"
#include "keeper/keeper.h"

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct conf conf;
    struct berr err;

    if (args->help || (args->argc > 0 && (str_eq(args->argv[0], "--help") || str_eq(args->argv[0], "-h")))) {
        cmd_print_help(self);
        return 0;
    }
    if (run_args_parse(args->argc, args->argv, &conf, &err) < 0)
        return cmd_fail(&err);
    if (conf.is_explained) {
        int status = explain_conf(args, &conf);
        conf_fini(&conf);
        return status;
    }
    if (args->is_supervisor) {
        struct supervisor_options options = {.control = args->control,
                                             .keeper_fd = KEEPER_SUPERVISOR_FD,
                                             .no_color = args->no_color,
                                             .take_over = conf.take_over};
        return supervisor_main(&conf, &options);
    }
    conf_fini(&conf);
    return keep_with(args, -1);
}

const struct cmd cmd_run = {
    .name = "run",
    .args = "[OPTION…] [--] COMMAND [ARG…]",
    .summary = "supervise one command in the foreground, on held sockets",
    .takes_words = true,
    .run = run,
};
