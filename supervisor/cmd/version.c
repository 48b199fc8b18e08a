/* version: which berth this is. */
#include "config.h"

#include <stdio.h>

#include "cmd/cmd.h"

static int run(const struct cmd *self, const struct cmd_args *args)
{
    if (args->argc > 0)
        return cmd_usage_error(self, "'version' takes no arguments");
    if (args->json)
        printf("{\"version\": \"%s\"}\n", PACKAGE_VERSION);
    else
        printf("berth %s\n", PACKAGE_VERSION);
    return 0;
}

const struct cmd cmd_version = {
    .name = "version",
    .args = "",
    .summary = "which berth this is",
    .run = run,
};
