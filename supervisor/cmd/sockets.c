/* sockets: every held socket, how many wait in its queue, and who serves it. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/reply.h"
#include "cmd/table.h"
#include "sys/terminal.h"

static const struct table_column columns[] = {
    {"NAME", false, NULL},   {"ADDRESS", false, NULL},  {"QUEUE", true, NULL},
    {"BACKLOG", true, NULL}, {"SERVICES", false, NULL}, {NULL, false, NULL},
};

static void add_number(struct table *t, const json_t *number)
{
    if (json_is_integer(number))
        table_printf(t, "%" JSON_INTEGER_FORMAT, json_integer_value(number));
    else
        table_add(t, "-");
}

static void add_address(struct table *t, const json_t *socket)
{
    bool is_deaf =
        json_is_false(json_object_get(socket, "listening")) && !str_eq(reply_text(socket, "type"), "dgram");

    table_printf(t, "%s%s", reply_text(socket, "address"), is_deaf ? " (not listening)" : "");
}

static void add_socket(struct table *t, const json_t *socket)
{
    const json_t *services = json_object_get(socket, "services");
    json_int_t slot = reply_int(socket, "slot");
    struct buf names;

    if (slot > 0)
        table_printf(t, "%s/%d", reply_text(socket, "name"), (int)slot);
    else
        table_add(t, reply_text(socket, "name"));
    add_address(t, socket);
    add_number(t, json_object_get(socket, "depth"));
    add_number(t, json_object_get(socket, "backlog"));
    buf_init(&names, SIZE_MAX);
    for (size_t i = 0; i < json_array_size(services); i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(services, i)));
    table_add(t, names.len > 0 ? buf_str(&names) : "-");
    buf_fini(&names);
}

static void print_sockets(const struct cmd_args *args, const json_t *sockets)
{
    struct table_look look = {.width = terminal_width(STDOUT_FILENO), .colors = cmd_has_colors(args)};
    const json_t *socket;
    struct table t;
    struct buf out;
    size_t i;

    table_init(&t, columns);
    json_array_foreach (sockets, i, socket)
        add_socket(&t, socket);
    buf_init(&out, SIZE_MAX);
    table_format(&t, &look, &out);
    fputs(buf_str(&out), stdout);
    buf_fini(&out);
    table_fini(&t);
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct client c;
    struct berr err;
    json_t *reply;

    if (args->argc > 0)
        return cmd_usage_error(self, "'sockets' takes no arguments");
    int r = client_open(&c, args->control, &err);
    if (r == 0)
        r = client_call(&c, "Sockets", NULL, &reply, &err);
    client_close(&c);
    if (r < 0)
        return cmd_fail(&err);
    if (args->json)
        cmd_print_json(reply);
    else
        print_sockets(args, json_object_get(reply, "sockets"));
    json_decref(reply);
    return 0;
}

const struct cmd cmd_sockets = {
    .name = "sockets",
    .args = "",
    .summary = "every held socket: address, queue and its limit, who serves it",
    .help = "QUEUE: connections that wait to be accepted (of datagram sockets: bytes that wait to be read).\n"
            "BACKLOG: how many connections may wait.",
    .run = run,
};
