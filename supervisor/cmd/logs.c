/* logs: the last lines of what workers wrote, and those that follow, over restarts of the supervisor. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/units.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/reply.h"

#define DEFAULT_LINES 10
#define MOST_LINES 1000000
#define REOPEN_NS (2 * NSEC_PER_SEC) /* the keeper holds the socket: it is there, or berth has ended */

struct viewer {
    const struct cmd_args *args;
    json_t *services;  /* names; owned */
    json_t *positions; /* of the last line of each place that was shown; owned */
    bool has_prefix;   /* there is more than one worker or service */
    bool is_terminal;
    bool has_begun; /* lines were shown: after a lost connection it goes on behind them */
};

static void note_position(struct viewer *v, const json_t *line)
{
    size_t i;
    json_t *p;

    json_array_foreach (v->positions, i, p) {
        if (str_eq(reply_text(p, "service"), reply_text(line, "service")) &&
            reply_int(p, "place") == reply_int(line, "place")) {
            json_object_set(p, "end", json_object_get(line, "end"));
            return;
        }
    }
    json_array_append_new(v->positions,
                          json_pack("{s:s, s:I, s:I}", "service", reply_text(line, "service"), "place",
                                    reply_int(line, "place"), "end", reply_int(line, "end")));
}

static void print_line(struct viewer *v, const json_t *line)
{
    const char *text = reply_text(line, "line");

    note_position(v, line);
    if (v->args->json) {
        json_t *shown = json_pack("{s:s, s:I, s:s, s:s}", "service", reply_text(line, "service"), "worker",
                                  reply_int(line, "worker"), "time", reply_text(line, "time"), "line", text);
        cmd_print_json_line(shown);
        json_decref(shown);
        return;
    }
    if (v->has_prefix)
        printf("%s/%lld | ", reply_text(line, "service"), (long long)reply_int(line, "worker"));
    if (!v->is_terminal) {
        puts(text);
        return;
    }
    size_t n = strlen(text), size = 4 * n + 1;
    cleanup_free char *escaped = mem_new(size);
    puts(str_escape_controls(escaped, size, text, n));
}

static void print_reply(struct viewer *v, const json_t *reply)
{
    const json_t *lines = json_object_get(reply, "lines");

    if (reply_int(reply, "skipped") > 0)
        fprintf(stderr, "berth: %lld bytes were passed over here: they came faster than they were read\n",
                (long long)reply_int(reply, "skipped"));
    for (size_t i = 0; i < json_array_size(lines); i++)
        print_line(v, json_array_get(lines, i));
    v->has_begun = true;
}

static int view(struct viewer *v, struct client *c, json_int_t n_lines, struct berr *err)
{
    bool continues = true;
    json_t *reply, *parameters = json_pack("{s:O, s:I, s:b}", "services", v->services, "lines", n_lines,
                                           "follow", (int)v->args->follow);

    if (v->has_begun)
        json_object_set(parameters, "after", v->positions);
    client_send(c, "Logs", parameters, v->args->follow);
    while (continues) {
        int r = client_receive(c, &reply, &continues, err);
        if (r < 0)
            return r;
        print_reply(v, reply);
        json_decref(reply);
        if (cmd_flush() != 0)
            return 0; /* cmd_main() makes it the exit status */
    }
    return 0;
}

/* One worker of one service needs no name before its lines. */
static int look_at_services(struct viewer *v, struct client *c, struct berr *err)
{
    json_t *reply;
    size_t workers = 0;
    int r = client_call(c, "Status", json_pack("{s:O}", "services", v->services), &reply, err);

    if (r < 0)
        return r;
    const json_t *services = json_object_get(reply, "services");
    for (size_t i = 0; i < json_array_size(services); i++) {
        const json_t *s = json_array_get(services, i);
        size_t n = json_array_size(json_object_get(s, "workers"));
        workers += n > (size_t)reply_int(s, "wanted_workers") ? n : (size_t)reply_int(s, "wanted_workers");
    }
    v->has_prefix = json_array_size(services) > 1 || workers > 1;
    json_decref(reply);
    return 0;
}

static int show(struct viewer *v, json_int_t n_lines)
{
    struct client c;
    struct berr err;
    int r = client_open(&c, v->args->control, &err);

    if (r == 0)
        r = look_at_services(v, &c, &err);
    while (r == 0) {
        r = view(v, &c, n_lines, &err);
        if (r == 0 || !v->args->follow || !client_is_lost(&err))
            break;
        r = client_reopen(&c, REOPEN_NS, &err);
    }
    client_close(&c);
    return r < 0 ? cmd_fail(&err) : 0;
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct viewer v = {.args = args, .is_terminal = isatty(STDOUT_FILENO)};
    uint64_t n_lines = DEFAULT_LINES;

    if (args->argc == 0)
        return cmd_usage_error(self, "it wants the name of a SERVICE");
    if (args->lines && units_parse_uint(args->lines, 0, MOST_LINES, &n_lines) < 0)
        return cmd_usage_error(self, "-n wants a number of lines from 0 to %d", MOST_LINES);
    v.services = json_array();
    v.positions = json_array();
    for (int i = 0; i < args->argc; i++) {
        json_t *name = json_string(args->argv[i]);
        json_array_append_new(v.services, name ? name : json_string("?"));
    }
    int status = show(&v, (json_int_t)n_lines);
    json_decref(v.services);
    json_decref(v.positions);
    return status;
}

static const struct option options[] = {
    {"follow", 'f', NULL, "go on with what comes", offsetof(struct cmd_args, follow)},
    {"lines", 'n', "N", "begin with the last N lines of each service (10)", offsetof(struct cmd_args, lines)},
    {NULL, 0, NULL, NULL, 0},
};

const struct cmd cmd_logs = {
    .name = "logs",
    .args = "SERVICE…",
    .summary = "what the workers wrote",
    .help =
        "For services with output = prefix or file:PATH, of which berth remembers the latest lines. With\n"
        "--json a line is one JSON object: service, worker, time, line.",
    .options = options,
    .run = run,
};
