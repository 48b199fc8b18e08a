/* scale: how many workers services have. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/units.h"
#include "cmd/operate.h"

/* "SERVICE=N" into a wish; 0 or an exit status. */
static int parse_wish(const struct cmd *self, const char *word, struct wish *ret)
{
    char quoted[160];
    const char *equals = strrchr(word, '=');
    uint64_t n;

    str_escape(quoted, sizeof quoted, word, strlen(word));
    cleanup_free char *name = mem_strndup(word, equals ? (size_t)(equals - word) : 0);
    if (!equals || !str_is_name(name))
        return cmd_usage_error(self, "'%s' is not of the form SERVICE=N", quoted);
    if (units_parse_uint(equals + 1, 0, LIMIT_WORKERS, &n) < 0)
        return cmd_usage_error(self, "'%s': the number of workers is 0 to %d", quoted, LIMIT_WORKERS);
    *ret = (struct wish){.goal = GOAL_SCALED, .workers = (json_int_t)n};
    str_copy(ret->service, sizeof ret->service, name);
    return 0;
}

static int scale(const struct cmd_args *args, struct client *c, const struct wish *wish)
{
    struct berr err;
    json_t *reply;
    json_t *parameters = json_pack("{s:s, s:I}", "service", wish->service, "workers", wish->workers);

    if (operate_call(c, args, "Scale", wish, 1, parameters, &reply, &err) < 0)
        return cmd_fail(&err);
    if (args->json)
        cmd_print_json(reply);
    else
        printf("%s: %s %d %s\n", wish->service, args->no_wait ? "on the way to" : "has", (int)wish->workers,
               wish->workers == 1 ? "worker" : "workers");
    json_decref(reply);
    return 0;
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct client c;
    struct berr err;
    int status = 0;
    cleanup_free struct wish *wishes = mem_new_array((size_t)args->argc + 1, sizeof *wishes);

    if (args->argc == 0)
        return cmd_usage_error(self, "say SERVICE=N");
    /* A mistake in the last word must not leave the first half done. */
    for (int i = 0; i < args->argc && status == 0; i++)
        status = parse_wish(self, args->argv[i], &wishes[i]);
    if (status != 0)
        return status;
    if (client_open(&c, args->control, &err) < 0)
        status = cmd_fail(&err);
    for (int i = 0; i < args->argc && status == 0; i++)
        status = scale(args, &c, &wishes[i]);
    client_close(&c);
    return status;
}

static const struct option options[] = {OPERATE_NO_WAIT, {NULL, 0, NULL, NULL, 0}};

const struct cmd cmd_scale = {
    .name = "scale",
    .args = "SERVICE=N…",
    .summary = "set the number of workers, and wait until it is reached",
    .options = options,
    .run = run,
};
