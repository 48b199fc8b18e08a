/* events: follows what happens, a line each, over restarts of the supervisor. */
#include "config.h"

#include <stdio.h>

#include "base/mem.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/reply.h"
#include "cmd/table.h"

#define REOPEN_NS (2 * NSEC_PER_SEC) /* the keeper holds the socket: it is there, or berth has ended */

static void print_event(const struct cmd_args *args, const json_t *event)
{
    if (args->json) {
        cmd_print_json_line(event);
        return;
    }
    cleanup_free char *line =
        mem_printf("%s %s %s: %s", reply_text(event, "time"), reply_text(event, "level"),
                   reply_text(event, "subject"), reply_text(event, "message"));
    puts(table_clean(line));
}

static void send_call(struct client *c, const struct cmd_args *args)
{
    json_t *names = json_array();

    for (int i = 0; i < args->argc; i++) {
        json_t *name = json_string(args->argv[i]);
        json_array_append_new(names, name ? name : json_string("?"));
    }
    client_send(c, "Events", json_pack("{s:o}", "services", names), true);
}

/* Until the supervisor says that it is over, or the connection breaks, or nobody reads our output. */
static int follow(struct client *c, const struct cmd_args *args, struct berr *err)
{
    bool continues = true;
    json_t *reply;

    send_call(c, args);
    while (continues) {
        int r = client_receive(c, &reply, &continues, err);
        if (r < 0)
            return r;
        if (json_is_object(json_object_get(reply, "event")))
            print_event(args, json_object_get(reply, "event"));
        json_decref(reply);
        if (cmd_flush() != 0)
            return 0; /* cmd_main() makes it the exit status */
    }
    return 0;
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct client c;
    struct berr err;

    (void)self;
    int r = client_open(&c, args->control, &err);
    while (r == 0) {
        r = follow(&c, args, &err);
        if (r == 0 || !client_is_lost(&err))
            break;
        fprintf(stderr, "berth: the connection to the supervisor was lost; events may be missing here\n");
        r = client_reopen(&c, REOPEN_NS, &err);
    }
    client_close(&c);
    return r < 0 ? cmd_fail(&err) : 0;
}

const struct cmd cmd_events = {
    .name = "events",
    .args = "[SERVICE…]",
    .summary = "follow what happens, a line each",
    .help = "Without SERVICE: everything. With --json a line is one JSON object.",
    .run = run,
};
