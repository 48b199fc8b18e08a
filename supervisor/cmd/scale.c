/* scale: how many workers services have. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/units.h"
#include "cmd/operate.h"

/* "PATTERN=N" into its parts; 0 or an exit status. */
static int parse_word(const struct cmd *self, const char *word, char **ret_pattern, json_int_t *ret_n)
{
    char quoted[160];
    const char *equals = strrchr(word, '=');
    uint64_t n;

    str_escape(quoted, sizeof quoted, word, strlen(word));
    if (!equals || equals == word)
        return cmd_usage_error(self, "'%s' is not of the form SERVICE=N", quoted);
    if (units_parse_uint(equals + 1, 0, LIMIT_WORKERS, &n) < 0)
        return cmd_usage_error(self, "'%s': the number of workers is 0 to %d", quoted, LIMIT_WORKERS);
    *ret_pattern = mem_strndup(word, (size_t)(equals - word));
    *ret_n = (json_int_t)n;
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

/* Every service that PATTERN matches. */
static int scale_all(const struct cmd_args *args, struct client *c, const char *pattern, json_int_t n)
{
    struct strv names = {NULL, 0};
    int status = operate_find_names(c, pattern, &names);

    for (size_t i = 0; i < names.n && status == 0; i++) {
        struct wish wish = {.goal = GOAL_SCALED, .workers = n};
        str_copy(wish.service, sizeof wish.service, names.v[i]);
        status = scale(args, c, &wish);
    }
    strv_fini(&names);
    return status;
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct client c;
    struct berr err;
    int status = 0;
    struct strv patterns = {NULL, 0};
    cleanup_free json_int_t *numbers = mem_new_array((size_t)args->argc + 1, sizeof *numbers);

    if (args->argc == 0)
        return cmd_usage_error(self, "say SERVICE=N");
    /* A mistake in the last word must not leave the first half done. */
    for (int i = 0; i < args->argc && status == 0; i++) {
        char *pattern = NULL;
        status = parse_word(self, args->argv[i], &pattern, &numbers[i]);
        if (status == 0)
            strv_put(&patterns, pattern);
    }
    if (status == 0 && client_open(&c, args->control, &err) < 0)
        status = cmd_fail(&err);
    else if (status == 0) {
        for (size_t i = 0; i < patterns.n && status == 0; i++)
            status = scale_all(args, &c, patterns.v[i], numbers[i]);
        client_close(&c);
    }
    strv_fini(&patterns);
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
