/* output_logs: see the header. It only reads the ring; where each follower has come to is the follower's own.
 */
#include "config.h"

#include "engine/output_logs.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/control_methods.h"
#include "engine/engine.h"
#include "sys/clock.h"

#define DEFAULT_LINES 10
#define UNREAD_MAX (LIMIT_CONTROL_BACKLOG / 4) /* a client that has more before it gets no more for now */
#define BEHIND_PACE 0.05
#define NO_LIMIT SIZE_MAX

/* --- lines --------------------------------------------------------------------------------------------- */

static json_t *describe_line(const struct output *o, unsigned place, int64_t time_ms, uint64_t end,
                             const char *text, size_t n)
{
    char time[CONTROL_TIME];
    cleanup_free char *clean = str_make_utf8(text, n);
    control_format_time(time, time_ms);
    return json_pack("{s:s, s:i, s:i, s:s, s:s, s:I}", "service", o->service->conf->name, "worker",
                     (int)worker_slot_of_place(place), "place", (int)place, "time", time, "line", clean,
                     "end", (json_int_t)end);
}

/* The line of a place of which the ring has shown only the beginning so far. */
struct beginning {
    unsigned place;
    struct buf text;
    int64_t time_ms;
    uint64_t end;
};

struct collection {
    const struct output *o;
    struct beginning *beginnings;
    size_t n_beginnings;
    json_t *lines;
    json_t *after; /* borrowed: positions; may be NULL */
};

static struct beginning *beginning_of(struct collection *c, unsigned place)
{
    for (size_t i = 0; i < c->n_beginnings; i++)
        if (c->beginnings[i].place == place)
            return &c->beginnings[i];
    c->beginnings = mem_resize_array(c->beginnings, c->n_beginnings + 1, sizeof *c->beginnings);
    struct beginning *b = &c->beginnings[c->n_beginnings++];
    *b = (struct beginning){.place = place};
    buf_init(&b->text, SIZE_MAX);
    return b;
}

/* Where the client has come to with PLACE already; 0: nowhere. */
static uint64_t position_in(json_t *after, const struct output *o, unsigned place)
{
    size_t i;
    json_t *p;
    json_array_foreach (after, i, p) {
        const char *service = json_string_value(json_object_get(p, "service"));
        if (service && str_eq(service, o->service->conf->name) &&
            json_integer_value(json_object_get(p, "place")) == (json_int_t)place)
            return (uint64_t)json_integer_value(json_object_get(p, "end"));
    }
    return 0;
}

static void finish_line(struct collection *c, struct beginning *b)
{
    if (b->end > position_in(c->after, c->o, b->place))
        json_array_append_new(
            c->lines, describe_line(c->o, b->place, b->time_ms, b->end, buf_str(&b->text), b->text.len));
    buf_consume(&b->text, b->text.len);
}

static void take_record(struct collection *c, const struct output_record *record)
{
    struct beginning *b = beginning_of(c, record->slot);
    size_t done = b->end > record->offset ? (size_t)(b->end - record->offset) : 0; /* it stands there twice */
    b->time_ms = record->time_ms;
    while (done < record->len) {
        const char *from = record->bytes + done, *newline = memchr(from, '\n', record->len - done);
        size_t n = newline ? (size_t)(newline - from) : record->len - done;
        buf_add(&b->text, from, n);
        done += n + (newline != NULL);
        b->end = record->offset + done;
        if (newline)
            finish_line(c, b);
    }
}

/* Appends the last N lines of O to LINES; with AFTER all that the client has not. WITH_OPEN: also a line that
 * has no end yet. */
static void collect(const struct output *o, size_t n, json_t *after, bool with_open, json_t *lines)
{
    struct collection c = {.o = o, .lines = json_array(), .after = after};
    struct output_record record;
    uint64_t at = 0;
    while (o->memory.fd >= 0 && output_ring_next(&o->ring, &at, &record))
        take_record(&c, &record);
    for (size_t i = 0; i < c.n_beginnings; i++) {
        if (with_open && c.beginnings[i].text.len > 0)
            finish_line(&c, &c.beginnings[i]);
        buf_fini(&c.beginnings[i].text);
    }
    size_t total = json_array_size(c.lines);
    for (size_t i = total > n ? total - n : 0; i < total; i++)
        json_array_append(lines, json_array_get(c.lines, i));
    json_decref(c.lines);
    free(c.beginnings);
}

char *output_last_lines(const struct output *o, unsigned place, int64_t since_ms, size_t n)
{
    struct collection c = {.o = o, .lines = json_array()};
    struct output_record record;
    struct buf text;
    uint64_t at = 0;
    buf_init(&text, LIMIT_LAST_LINES);
    while (o && o->memory.fd >= 0 && output_ring_next(&o->ring, &at, &record))
        if (record.slot == place && record.time_ms >= since_ms)
            take_record(&c, &record);
    for (size_t i = 0; i < c.n_beginnings; i++) {
        if (c.beginnings[i].text.len > 0)
            finish_line(&c, &c.beginnings[i]);
        buf_fini(&c.beginnings[i].text);
    }
    size_t total = json_array_size(c.lines);
    for (size_t i = total > n ? total - n : 0; i < total; i++)
        buf_printf(&text, "%s%s", text.len > 0 ? " | " : "",
                   json_string_value(json_object_get(json_array_get(c.lines, i), "line")));
    json_decref(c.lines);
    free(c.beginnings);
    char *result = mem_strdup(buf_str(&text));
    buf_fini(&text);
    return result;
}

/* --- followers ----------------------------------------------------------------------------------------- */

/* How far a follower has come with one place. */
struct followed {
    const struct output *o;
    unsigned place;
    uint64_t told;
    uint64_t at;
};

struct log_follower {
    struct list link; /* engine.log_followers */
    struct engine *engine;
    struct control_client *client;
    const struct output **outputs; /* owned */
    size_t n_outputs;
    struct followed *followed; /* owned */
    size_t n_followed;
    ev_timer again; /* runs while the client is behind */
};

static bool follows(const struct log_follower *f, const struct output *o)
{
    for (size_t i = 0; i < f->n_outputs; i++)
        if (f->outputs[i] == o)
            return true;
    return false;
}

static struct followed *followed_of(struct log_follower *f, const struct output *o, unsigned place)
{
    for (size_t i = 0; i < f->n_followed; i++)
        if (f->followed[i].o == o && f->followed[i].place == place)
            return &f->followed[i];
    f->followed = mem_resize_array(f->followed, f->n_followed + 1, sizeof *f->followed);
    struct followed *p = &f->followed[f->n_followed++];
    *p = (struct followed){.o = o, .place = place};
    return p;
}

/* Whole lines among the N bytes, or all of them where a line is too long to wait for its end. */
static size_t presentable(const char *bytes, size_t n)
{
    const char *newline = n > 0 ? memrchr(bytes, '\n', n) : NULL;
    return newline ? (size_t)(newline - bytes) + 1 : n >= LIMIT_OUTPUT_PART ? n : 0;
}

static json_t *split(const struct followed *p, const char *bytes, size_t n)
{
    json_t *lines = json_array();
    int64_t now = clock_wall_ms();
    for (size_t done = 0; done < n;) {
        const char *newline = memchr(bytes + done, '\n', n - done);
        size_t len = newline ? (size_t)(newline - bytes) - done : n - done;
        const char *line = bytes + done;
        done += len + (newline != NULL);
        json_array_append_new(lines, describe_line(p->o, p->place, now, p->told + done, line, len));
    }
    return lines;
}

static void tell(struct log_follower *f, const struct output *o, unsigned place)
{
    static char bytes[LIMIT_OUTPUT_PART];
    struct followed *p = followed_of(f, o, place);
    for (;;) {
        if (control_client_unread(f->client) > UNREAD_MAX) {
            if (!ev_is_active(&f->again))
                ev_timer_start(f->engine->loop, &f->again);
            return;
        }
        uint64_t before = p->told;
        size_t n = output_ring_copy(&o->ring, place, &p->told, &p->at, bytes, sizeof bytes);
        uint64_t skipped = before > 0 ? p->told - before : 0;
        n = presentable(bytes, n);
        if (n == 0 && skipped == 0)
            return;
        json_t *reply = json_pack("{s:o}", "lines", split(p, bytes, n));
        if (skipped > 0)
            json_object_set_new(reply, "skipped", json_integer((json_int_t)skipped));
        p->told += n;
        control_client_reply(f->client, reply, true);
    }
}

static void on_again(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)revents;
    struct log_follower *f = t->data;
    ev_timer_stop(loop, t);
    for (size_t i = 0; i < f->n_outputs; i++)
        for (size_t k = 0; k < f->outputs[i]->n_streams; k++)
            if (f->outputs[i]->memory.fd >= 0)
                tell(f, f->outputs[i], (unsigned)k + 1);
}

void output_logs_tell(struct output *o, unsigned place)
{
    list_each (f, &o->service->engine->log_followers, struct log_follower, link)
        if (follows(f, o) && !ev_is_active(&f->again))
            tell(f, o, place);
}

/* From here on; what the ring has now was told, but for lines that have no end yet. */
static void begin_at_the_end(struct log_follower *f, const struct output *o)
{
    struct output_record record;
    uint64_t at = 0;
    while (o->memory.fd >= 0 && output_ring_next(&o->ring, &at, &record)) {
        struct followed *p = followed_of(f, o, record.slot);
        const char *newline = memrchr(record.bytes, '\n', record.len);
        if (newline)
            p->told = record.offset + (uint64_t)(newline - record.bytes) + 1;
        else if (p->told == 0)
            p->told = record.offset;
    }
}

static void follow(struct engine *e, struct control_client *client, struct service *const *services, size_t n)
{
    struct log_follower *f = mem_new(sizeof *f);
    f->engine = e;
    f->client = client;
    f->outputs = mem_new_array(n + 1, sizeof *f->outputs);
    for (size_t i = 0; i < n; i++) {
        if (follows(f, services[i]->output))
            continue;
        f->outputs[f->n_outputs++] = services[i]->output;
        begin_at_the_end(f, services[i]->output);
    }
    ev_timer_init(&f->again, on_again, BEHIND_PACE, 0);
    f->again.data = f;
    list_append(&e->log_followers, &f->link);
}

void output_logs_on_client_gone(struct engine *e, const struct control_client *client)
{
    list_each (f, &e->log_followers, struct log_follower, link) {
        if (f->client != client)
            continue;
        ev_timer_stop(e->loop, &f->again);
        list_remove(&f->link);
        free(f->outputs);
        free(f->followed);
        free(f);
    }
}

void output_logs_on_over(struct engine *e)
{
    list_each (f, &e->log_followers, struct log_follower, link) {
        struct control_client *client = f->client;
        output_logs_on_client_gone(e, client);
        control_client_reply(client, json_pack("{s:[]}", "lines"), false);
    }
}

/* --- the method ---------------------------------------------------------------------------------------- */

static bool is_captured(struct control_client *client, const struct service *s)
{
    if (s->output && s->output->captures)
        return true;
    enum output_how how = s->conf->with->output ? s->conf->with->output->how : OUTPUT_INHERIT;
    cleanup_free char *reason = mem_printf(
        "berth does not take in what it writes (output = %s), which needs output = prefix or file:PATH",
        how == OUTPUT_NULL   ? "null"
        : how == OUTPUT_PIPE ? "pipe"
                             : "inherit");
    control_client_error(client, "io.berth.Failed",
                         json_pack("{s:s, s:s}", "service", s->conf->name, "reason", reason));
    return false;
}

void output_logs_call(struct control_client *client, json_t *parameters, bool more, void *data)
{
    struct engine *e = data;
    json_t *number = json_object_get(parameters, "lines"), *after = json_object_get(parameters, "after");
    bool follows_on = json_is_true(json_object_get(parameters, "follow"));
    json_int_t n_lines = json_is_integer(number) ? json_integer_value(number) : DEFAULT_LINES;
    size_t n = 0;
    if (n_lines < 0 || (number && !json_is_null(number) && !json_is_integer(number))) {
        control_client_invalid_parameter(client, "lines");
        return;
    }
    if (follows_on && !more) {
        control_client_error(client, "org.varlink.service.ExpectedMore", NULL);
        return;
    }
    cleanup_free struct service **services = control_find_services(client, e, parameters, &n);
    for (size_t i = 0; services && i < n; i++)
        if (!is_captured(client, services[i]))
            return;
    if (!services)
        return;
    json_t *lines = json_array();
    after = json_is_array(after) ? after : NULL;
    for (size_t i = 0; i < n; i++)
        collect(services[i]->output, after ? NO_LIMIT : (size_t)n_lines, after, !follows_on, lines);
    control_client_reply(client, json_pack("{s:o}", "lines", lines), follows_on);
    if (follows_on)
        follow(e, client, services, n);
}
