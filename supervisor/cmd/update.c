/* update: has the supervisor read its configuration again, and tells what that changed.
 *
 * To remember: an update is in force as a whole or not at all, whatever becomes of the supervisor meanwhile.
 * So after a lost connection it is simply asked for again: what is in force already is no difference. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/operate.h"
#include "cmd/reply.h"
#include "cmd/table.h"

#define REOPEN_NS (10 * NSEC_PER_SEC)

static void print_clean(FILE *to, char *take_line)
{
    fprintf(to, "%s\n", table_clean(take_line));
    free(take_line);
}

/* WAS_LOST: it is the answer of a successor; what the changes were its predecessor had told. */
static void print_changes(const json_t *reply, bool was_lost)
{
    const json_t *c;
    size_t i;
    bool is_dry = json_is_true(json_object_get(reply, "dry"));

    json_array_foreach (json_object_get(reply, "changes"), i, c) {
        const char *detail = reply_text(c, "detail"), *name = reply_text(c, "name");
        print_clean(stdout,
                    mem_printf("%s%s%s: %s%s%s%s, %s%s", reply_text(c, "section"), name[0] ? " " : "", name,
                               reply_text(c, "change"), detail[0] ? " (" : "", detail, detail[0] ? ")" : "",
                               is_dry ? "would be " : "", reply_text(c, "effect")));
    }
    if (i == 0)
        puts(was_lost ? "the configuration is in force" : "nothing has changed");
}

/* 2 for mistakes in the configuration, 1 where a part of it could not be carried out. */
static int print_troubles(const json_t *reply)
{
    const json_t *x;
    size_t n_failures, n_errors;

    json_array_foreach (json_object_get(reply, "failures"), n_failures, x)
        print_clean(stderr, mem_printf("berth: %s", json_string_value(x) ? json_string_value(x) : ""));
    json_array_foreach (json_object_get(reply, "errors"), n_errors, x) {
        int line = (int)reply_int(x, "line");
        cleanup_free char *at = line > 0 ? mem_printf(":%d", line) : mem_strdup("");
        const char *section = reply_text(x, "section");
        print_clean(stderr, mem_printf("%s%s: %s%s%s", reply_text(x, "file"), at, section,
                                       section[0] ? ": " : "", reply_text(x, "message")));
    }
    return n_errors > 0 ? 2 : n_failures > 0 ? 1 : 0;
}

static int print_reply(const struct cmd_args *args, const json_t *reply, bool was_lost)
{
    bool has_errors = json_array_size(json_object_get(reply, "errors")) > 0;
    if (args->json)
        cmd_print_json(reply);
    else if (!has_errors)
        print_changes(reply, was_lost);
    if (!args->json)
        return print_troubles(reply);
    return has_errors ? 2 : json_array_size(json_object_get(reply, "failures")) > 0 ? 1 : 0;
}

static int ask(struct client *c, const struct cmd_args *args, json_t **ret, bool *ret_was_lost,
               struct berr *err)
{
    *ret_was_lost = false;
    for (;;) {
        json_t *parameters = json_pack("{s:b, s:b}", "dry", (int)args->dry_run, "wait", (int)!args->no_wait);
        int r = operate_add_path(parameters, "path", args->config, err);
        if (r < 0) {
            json_decref(parameters);
            return r;
        }
        r = client_call(c, "Update", parameters, ret, err);
        if (r == 0 || !client_is_lost(err))
            return r;
        operate_tell_lost();
        *ret_was_lost = true;
        r = client_reopen(c, REOPEN_NS, err);
        if (r < 0)
            return r;
    }
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct client c;
    struct berr err;
    json_t *reply;
    bool was_lost = false;

    if (args->argc > 0)
        return cmd_usage_error(self, "'update' takes no operand; name another file with -c");
    int r = client_open(&c, args->control, &err);
    if (r == 0)
        r = ask(&c, args, &reply, &was_lost, &err);
    client_close(&c);
    if (r < 0)
        return cmd_fail(&err);
    int status = print_reply(args, reply, was_lost);
    json_decref(reply);
    return status;
}

static const struct option options[] = {
    {"config", 'c', "FILE", "the configuration (the one that berth was started with)",
     offsetof(struct cmd_args, config)},
    {"dry-run", 'n', NULL, "only tell what would change", offsetof(struct cmd_args, dry_run)},
    OPERATE_NO_WAIT,
    {NULL, 0, NULL, NULL, 0},
};

const struct cmd cmd_update = {
    .name = "update",
    .args = "",
    .summary = "read the configuration again and apply the difference",
    .help =
        "What is the same is not touched. Ends with 2, and changes nothing, when there is a mistake in the\n"
        "configuration; with 1 when a part of it could not be carried out: the rest of it stands.",
    .options = options,
    .run = run,
};
