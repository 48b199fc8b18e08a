/* status_table: turns Status's reply into tables. Pure; members that are missing show as nothing. */
#include "config.h"

#include "cmd/status_table.h"

#include <stdint.h>
#include <stdio.h>

#include "base/str.h"
#include "cmd/reply.h"

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"

/* Of a service or of a worker: what needs a look is not green. */
static const char *color_of_state(const char *state)
{
    static const struct {
        const char *state, *color;
    } colors[] = {
        {"running", GREEN},   {"ready", GREEN},     {"done", GREEN},     {"starting", YELLOW},
        {"spawning", YELLOW}, {"stopping", YELLOW}, {"killing", YELLOW}, {"backoff", RED},
        {"degraded", RED},    {"failed", RED},      {"standby", GREEN},
    };

    for (size_t i = 0; i < sizeof colors / sizeof *colors; i++) {
        if (str_eq(colors[i].state, state))
            return colors[i].color;
    }
    return NULL;
}

static const struct table_column service_columns[] = {
    {"NAME", false, NULL},    {"STATE", false, color_of_state},
    {"READY", true, NULL},    {"GENERATION", true, NULL},
    {"RESTARTS", true, NULL}, {"SOCKETS", false, NULL},
    {"COMMAND", false, NULL}, {NULL, false, NULL},
};

static const struct table_column worker_columns[] = {
    {"WORKER", true, NULL},     {"STATE", false, color_of_state},
    {"PID", true, NULL},        {"SINCE", true, NULL},
    {"GENERATION", true, NULL}, {"RESTARTS", true, NULL},
    {"NOTE", false, NULL},      {NULL, false, NULL},
};

bool status_is_running(const json_t *service)
{
    const char *state = reply_text(service, "state");

    return str_eq(state, "starting") || str_eq(state, "running") || str_eq(state, "degraded");
}

char *status_format_age(char *dst, size_t size, json_int_t ms)
{
    long long s = ms / 1000, m = s / 60, h = m / 60;

    if (ms < 1000)
        snprintf(dst, size, "%lldms", (long long)ms);
    else if (s < 60)
        snprintf(dst, size, "%llds", s);
    else if (m < 60)
        snprintf(dst, size, "%lldm%02llds", m, s % 60);
    else if (h < 24)
        snprintf(dst, size, "%lldh%02lldm", h, m % 60);
    else
        snprintf(dst, size, "%lldd%lldh", h / 24, h % 24);
    return dst;
}

/* The strings of an array, or "-" for none. */
static void add_joined(struct table *t, const json_t *array, const char *separator)
{
    struct buf text;
    const json_t *item;
    size_t i;

    buf_init(&text, SIZE_MAX);
    json_array_foreach (array, i, item) {
        const char *s = json_string_value(item);
        buf_printf(&text, "%s%s", i > 0 ? separator : "", s ? s : "");
    }
    table_add(t, text.len > 0 ? buf_str(&text) : "-");
    buf_fini(&text);
}

static void add_int(struct table *t, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_integer(value))
        table_printf(t, "%lld", (long long)json_integer_value(value));
    else
        table_add(t, "-");
}

/* "2/2", and with spares how many of those wait: "2/2 +1/1". */
static void add_ready(struct table *t, const json_t *service)
{
    long long ready = reply_int(service, "ready"), wanted = reply_int(service, "wanted_workers");

    if (json_object_get(service, "spares"))
        table_printf(t, "%lld/%lld +%lld/%lld", ready, wanted, (long long)reply_int(service, "spares"),
                     (long long)reply_int(service, "wanted_spares"));
    else
        table_printf(t, "%lld/%lld", ready, wanted);
}

void status_format_services(const json_t *services, const struct table_look *look, struct buf *out)
{
    struct table t;
    const json_t *s;
    size_t i;

    table_init(&t, service_columns);
    json_array_foreach (services, i, s) {
        table_add(&t, reply_text(s, "name"));
        table_add(&t, reply_text(s, "state"));
        add_ready(&t, s);
        add_int(&t, s, "generation");
        add_int(&t, s, "restarts");
        add_joined(&t, json_object_get(s, "sockets"), ", ");
        add_joined(&t, json_object_get(s, "command"), " ");
    }
    table_format(&t, look, out);
    table_fini(&t);
}

/* What its process says that it is doing, with DST as room; "" for nothing. */
static const char *doing_of(char *dst, size_t size, const json_t *worker)
{
    const json_t *reloading = json_object_get(worker, "reloading_ms");
    char age[32];

    *dst = '\0';
    if (json_is_integer(reloading))
        snprintf(dst, size, "reloading for %s",
                 status_format_age(age, sizeof age, json_integer_value(reloading)));
    else if (json_is_true(json_object_get(worker, "says_stopping")))
        snprintf(dst, size, "says that it is stopping");
    return dst;
}

/* What went wrong last, else how the last process ended; and when the next one comes. */
static void add_note(struct table *t, const json_t *worker)
{
    const json_t *next = json_object_get(worker, "next_start_ms");
    const char *note = reply_text(worker, "note");
    char age[32], doing[64];

    if (!note[0])
        note = reply_text(worker, "status");
    if (!note[0])
        note = reply_text(worker, "peer");
    if (!note[0])
        note = reply_text(worker, "last_end");
    if (*doing_of(doing, sizeof doing, worker))
        table_printf(t, "%s%s%s", doing, note[0] ? "; " : "", note);
    else if (json_is_integer(next))
        table_printf(t, "%s%snext start in %s", note, note[0] ? "; " : "",
                     status_format_age(age, sizeof age, json_integer_value(next)));
    else
        table_add(t, note);
}

void status_format_workers(const json_t *service, const struct table_look *look, struct buf *out)
{
    const char *state = reply_text(service, "state");
    const char *color = look->colors ? color_of_state(state) : NULL;
    const json_t *w;
    struct table t;
    char age[32];
    size_t i;

    buf_printf(out, "%s: %s%s%s, %lld of %lld workers ready", reply_text(service, "name"), color ? color : "",
               state, color ? "\033[0m" : "", (long long)reply_int(service, "ready"),
               (long long)reply_int(service, "wanted_workers"));
    if (json_object_get(service, "spares"))
        buf_printf(out, ", %lld of %lld spares wait", (long long)reply_int(service, "spares"),
                   (long long)reply_int(service, "wanted_spares"));
    buf_add_char(out, '\n');
    table_init(&t, worker_columns);
    json_array_foreach (json_object_get(service, "workers"), i, w) {
        add_int(&t, w, "worker");
        table_add(&t, reply_text(w, "state"));
        add_int(&t, w, "pid");
        table_add(&t, status_format_age(age, sizeof age, reply_int(w, "since_ms")));
        add_int(&t, w, "generation");
        add_int(&t, w, "restarts");
        add_note(&t, w);
    }
    table_format(&t, look, out);
    table_fini(&t);
}
