/* help: the list of commands, and the text of one. */
#include "config.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "core/run_args.h"

static void print_options(const struct option *const *tables)
{
    struct buf out;

    buf_init(&out, SIZE_MAX);
    options_format_help(tables, &out);
    fputs(buf_str(&out), stdout);
    buf_fini(&out);
}

static void print_overview(void)
{
    printf("Usage: berth [OPTION…] COMMAND …\n\n"
           "berth binds listening sockets once, keeps them, and starts every worker on them.\n\n"
           "Commands:\n");
    for (const struct cmd *const *c = cmd_table; *c; c++)
        printf("  %-10s %s\n", (*c)->name, (*c)->summary);
    printf("\nOptions of every command:\n");
    print_options((const struct option *const[]){cmd_common_options, NULL});
    printf("\n'berth COMMAND --help' tells more. Exit status: 0 done, 1 it failed, 2 wrong usage, 3 not "
           "running,\n"
           "4 no such service, 5 no supervisor answers.\n");
}

void cmd_print_help(const struct cmd *cmd)
{
    const struct option *const common[] = {cmd_common_options, NULL};

    if (cmd->takes_words) {
        fputs(run_args_help(), stdout);
        return;
    }
    printf("Usage: berth %s [OPTION…]%s%s\n\n%c%s.\n", cmd->name, cmd->args[0] ? " " : "", cmd->args,
           toupper((unsigned char)cmd->summary[0]), cmd->summary + 1);
    if (cmd->help)
        printf("\n%s\n", cmd->help);
    printf("\nOptions:\n");
    if (cmd->options)
        print_options((const struct option *const[]){cmd->options, NULL});
    print_options(common);
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    if (args->argc > 1)
        return cmd_usage_error(self, "'help' takes one command at most");
    const struct cmd *cmd = args->argc == 1 ? cmd_find(args->argv[0]) : NULL;
    if (args->argc == 1 && !cmd)
        return cmd_fail_unknown(args->argv[0]);
    if (cmd)
        cmd_print_help(cmd);
    else
        print_overview();
    return 0;
}

const struct cmd cmd_help = {
    .name = "help",
    .args = "[COMMAND]",
    .summary = "this list, or what one command does",
    .run = run,
};
