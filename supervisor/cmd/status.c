/* status: how the services are, once or for as long as somebody watches. */
#include "config.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/reply.h"
#include "cmd/status_table.h"
#include "sys/clock.h"
#include "sys/terminal.h"

#define NOT_RUNNING 3
#define REDRAW_NS NSEC_PER_SEC        /* ages grow without any event */
#define BURST_NS (50 * NSEC_PER_MSEC) /* events that come together make one picture */
#define REOPEN_NS (2 * NSEC_PER_SEC)
#define HOME_AND_CLEAR "\033[H\033[J"

static json_t *make_parameters(const struct cmd_args *args)
{
    json_t *names = json_array();

    for (int i = 0; i < args->argc; i++) {
        json_t *name = json_string(args->argv[i]);
        json_array_append_new(names,
                              name ? name : json_string("?")); /* what is not UTF-8 is no service's name */
    }
    return json_pack("{s:o}", "services", names);
}

static void format_text(const struct cmd_args *args, const json_t *services, struct buf *out)
{
    struct table_look look = {.width = terminal_width(STDOUT_FILENO), .colors = cmd_has_colors(args)};
    const json_t *service;
    size_t i;

    if (args->argc == 0) {
        status_format_services(services, &look, out);
        return;
    }
    json_array_foreach (services, i, service) {
        if (i > 0)
            buf_add_char(out, '\n');
        status_format_workers(service, &look, out);
    }
}

static const struct {
    const char *word, *sentence;
} take_overs[] = {
    {"taking-over", "berth is taking over from another one, which goes on until the services here are ready"},
    {"being-taken-over", "another berth is taking over; until it is ready, this one goes on"},
    {"taken-over", "another berth has taken over; what is left here drains"},
};

static void print_text(const struct cmd_args *args, const json_t *reply)
{
    struct buf out;

    buf_init(&out, SIZE_MAX);
    if (args->watch && isatty(STDOUT_FILENO))
        buf_add_str(&out, HOME_AND_CLEAR);
    format_text(args, json_object_get(reply, "services"), &out);
    if (json_is_false(json_object_get(reply, "protected")))
        buf_add_str(&out,
                    "\nberth is unprotected: its keeper is gone, and a crash of the supervisor would close "
                    "every socket;\n'berth upgrade' protects it again\n");
    const char *moving = reply_text(reply, "take_over");
    for (size_t i = 0; i < sizeof take_overs / sizeof *take_overs; i++)
        if (str_eq(moving, take_overs[i].word))
            buf_printf(&out, "\n%s\n", take_overs[i].sentence);
    fwrite(out.data, 1, out.len, stdout);
    buf_fini(&out);
}

/* The reply; or, to who asks for one SERVICE, that one. */
static void print_json(const struct cmd_args *args, const json_t *reply)
{
    const json_t *value = args->argc == 1 ? json_array_get(json_object_get(reply, "services"), 0) : reply;

    if (args->watch)
        cmd_print_json_line(value);
    else
        cmd_print_json(value);
}

/* 0, NOT_RUNNING when a service was named that does not run, or a negative errno. */
static int show(struct client *c, const struct cmd_args *args, struct berr *err)
{
    json_t *reply;
    int status = 0;

    int r = client_call(c, "Status", make_parameters(args), &reply, err);
    if (r < 0)
        return r;
    const json_t *services = json_object_get(reply, "services");
    if (args->json)
        print_json(args, reply);
    else
        print_text(args, reply);
    for (size_t i = 0; args->argc > 0 && i < json_array_size(services); i++) {
        if (!status_is_running(json_array_get(services, i)))
            status = NOT_RUNNING;
    }
    json_decref(reply);
    return status;
}

static int milliseconds_until(struct mono t)
{
    int64_t ns = mono_between(clock_mono(), t);

    return ns > 0 ? (int)((ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC) : 0;
}

/* Waits for an event, and for those that come with it, or for the time to draw again. */
static int await_change(struct client *events, struct berr *err)
{
    struct pollfd p = {.fd = events->fd, .events = POLLIN};
    struct mono draw = mono_add(clock_mono(), REDRAW_NS);
    bool is_burst = false;

    while (client_has_reply(events) || poll(&p, 1, milliseconds_until(draw)) > 0) {
        json_t *reply;
        bool continues;
        int r = client_receive(events, &reply, &continues, err);
        if (r < 0)
            return r;
        json_decref(reply);
        if (!is_burst)
            draw = mono_add(clock_mono(), BURST_NS);
        is_burst = true;
        if (milliseconds_until(draw) == 0)
            break; /* more may come without end */
    }
    return 0;
}

/* Until the connection breaks or nobody reads the output. */
static int watch(struct client *c, struct client *events, const struct cmd_args *args, struct berr *err)
{
    client_send(events, "Events", make_parameters(args), true);
    for (;;) {
        int r = show(c, args, err);
        if (r >= 0 && cmd_flush() != 0)
            return 0; /* cmd_main() makes it the exit status */
        if (r >= 0)
            r = await_change(events, err);
        if (r < 0)
            return r;
    }
}

static int run_watch(struct client *c, const struct cmd_args *args, struct berr *err)
{
    struct client events;

    int r = client_open(&events, args->control, err);
    while (r == 0) {
        r = watch(c, &events, args, err);
        if (r == 0 || !client_is_lost(err))
            break;
        r = client_reopen(c, REOPEN_NS, err);
        if (r == 0)
            r = client_reopen(&events, REOPEN_NS, err);
    }
    client_close(&events);
    return r;
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct client c;
    struct berr err;

    (void)self;
    int r = client_open(&c, args->control, &err);
    if (r == 0)
        r = args->watch ? run_watch(&c, args, &err) : show(&c, args, &err);
    client_close(&c);
    return r < 0 ? cmd_fail(&err) : r;
}

static const struct option options[] = {
    {"watch", 'w', NULL, "draw it again whenever something happens", offsetof(struct cmd_args, watch)},
    {NULL, 0, NULL, NULL, 0},
};

const struct cmd cmd_status = {
    .name = "status",
    .args = "[SERVICE…]",
    .summary = "a table of all services, or of the workers of some",
    .help = "Ends with 3 when a SERVICE that is named does not run, with 4 when there is none of that name.\n"
            "With --json: the reply of io.berth's Status, or the one SERVICE of it that is named; with\n"
            "--watch a line each time.",
    .options = options,
    .run = run,
};
