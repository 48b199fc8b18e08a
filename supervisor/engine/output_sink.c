/* output_sink: see the header.
 *
 * Remember: what a file has is found out by looking into it, so a line is in it once even where we die
 * between the write and our note of it. Of a pipe nobody can tell: there a line may come twice. */
#include "config.h"

#include "engine/output_sink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/crash_point.h"
#include "engine/engine.h"

/* A piece that a pipe takes whole, and at once where it takes any. */
#define PIECE 4096

static void say(const struct output *o, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void say(const struct output *o, enum log_level level, const char *fmt, ...)
{
    const char *name = o->service->conf->name;
    va_list ap;
    va_start(ap, fmt);
    event_log_vsay(&o->service->engine->log, level, name, name, fmt, ap);
    va_end(ap);
}

/* NULL where an update has taken it out of the configuration, and the workers of before go on writing. */
static const struct output_conf *conf_of(const struct output *o)
{
    return o->service->conf->with->output;
}

/* Else it is berth's standard output: also for workers that were captured once, and are not any more as soon
 * as they have been started anew. */
static bool is_file(const struct output *o)
{
    return o->captures && conf_of(o) && conf_of(o)->how == OUTPUT_FILE;
}

void output_sink_init(struct output *o)
{
    if (is_file(o))
        log_file_init(&o->sink.file, conf_of(o)->target, conf_of(o)->max, (unsigned)conf_of(o)->keep);
    else
        log_file_init(&o->sink.file, "", 0, 0);
}

void output_sink_fini(struct output *o)
{
    log_file_close(&o->sink.file);
}

/* Nothing that the old one suffered from, or was in the middle of, is the new one's. */
static void begin_anew(struct output *o)
{
    struct output_stream *open = o->sink.open;
    o->sink = (struct output_sink){.file = o->sink.file};
    if (open) {
        open->is_open = false;
        output_stream_save(open, 0);
    }
}

void output_sink_follow_conf(struct output *o)
{
    bool is_same = str_eq(o->sink.file.path, is_file(o) ? conf_of(o)->target : "");
    output_sink_fini(o);
    output_sink_init(o);
    if (!is_same)
        begin_anew(o);
}

/* --- a file -------------------------------------------------------------------------------------------- */

static int fail(struct output *o, int r)
{
    struct output_sink *k = &o->sink;
    char path[300];
    if (!k->is_broken)
        say(o, LOG_ERROR,
            "its output cannot be written to %s: %s; the latest is kept in memory, and writing is tried "
            "again",
            str_escape(path, sizeof path, k->file.path, strlen(k->file.path)),
            r == -EINVAL ? "it is no regular file" : strerror(-r));
    k->is_broken = true;
    return r == -EAGAIN ? -EIO : r;
}

static void succeed(struct output *o)
{
    struct output_sink *k = &o->sink;
    char path[300];
    if (!k->is_broken)
        return;
    str_escape(path, sizeof path, k->file.path, strlen(k->file.path));
    if (k->lost > 0)
        say(o, LOG_WARNING, "its output is written to %s again; %llu bytes of output were lost meanwhile",
            path, (unsigned long long)k->lost);
    else
        say(o, LOG_INFO, "its output is written to %s again, and nothing of it was lost", path);
    k->is_broken = false;
    k->lost = 0;
}

/* A file that cannot be put aside is better than lines that are lost, but somebody should know. */
static void look_at_size(struct output *o)
{
    struct output_sink *k = &o->sink;
    char path[300];
    if (k->file.aside_error < 0 && !k->is_stuck)
        say(o, LOG_WARNING, "%s cannot be put aside: %s; it grows beyond output_max",
            str_escape(path, sizeof path, k->file.path, strlen(k->file.path)),
            strerror(-k->file.aside_error));
    k->is_stuck = k->file.aside_error < 0;
}

/* A line of ours, whole or not at all. */
static int write_notice(struct output *o, const char *text, size_t n)
{
    struct log_file *f = &o->sink.file;
    ssize_t r = log_file_prepare(f, text, n, false);
    int64_t size = f->size;
    if (r >= 0)
        r = log_file_append(f, text, n);
    if (r >= 0 && (size_t)r < n) {
        log_file_cut(f, size);
        r = -ENOSPC;
    }
    return r < 0 ? fail(o, (int)r) : 0;
}

/* The file's last line is over, where it is not one that S goes on with. */
static int end_open_line(struct output *o, const struct output_stream *s)
{
    struct output_stream *open = o->sink.open;
    if (!open || open == s)
        return 0;
    int r = write_notice(o, "\n", 1);
    if (r < 0)
        return r;
    open->is_open = false;
    o->sink.open = NULL;
    output_stream_save(open, 0);
    return 0;
}

static int write_to_file(struct output_stream *s, const char *bytes, size_t n)
{
    struct output *o = s->output;
    struct log_file *f = &o->sink.file;
    int r = end_open_line(o, s);
    if (r < 0)
        return r;
    ssize_t part = log_file_prepare(f, bytes, n, s->is_open);
    if (part < 0)
        return fail(o, (int)part);
    look_at_size(o);
    output_stream_save(s, f->size + 1);
    part = log_file_append(f, bytes, (size_t)part);
    crash_point(CRASH_AT_output_written);
    if (part < 0) {
        output_stream_save(s, 0);
        return fail(o, (int)part);
    }
    output_stream_give(s, (size_t)part, bytes[part - 1]);
    o->sink.open = s->is_open ? s : NULL;
    succeed(o);
    return 0;
}

size_t output_sink_count(const struct output_stream *s, int64_t size, const char *bytes, size_t n)
{
    return log_file_count(&s->output->sink.file, size, bytes, n);
}

int output_sink_tell_lost(struct output_stream *s)
{
    struct output *o = s->output;
    char text[160];
    if (!is_file(o)) {
        s->lost = 0;
        return 0;
    }
    int r = end_open_line(o, NULL);
    if (r < 0)
        return r;
    int n = snprintf(text, sizeof text,
                     "berth: %llu bytes of output of %s/%u lost while this could not be written\n",
                     (unsigned long long)s->lost, o->service->conf->name, worker_slot_of_place(s->place));
    r = write_notice(o, text, (size_t)n);
    if (r < 0)
        return r;
    s->lost = 0;
    output_stream_save(s, 0);
    succeed(o);
    return 0;
}

/* --- berth's standard output --------------------------------------------------------------------------- */

/* All services' lines go through here, one batch at a time, so that none comes into the middle of another. */
struct output_stdout {
    struct buf text; /* with prefixes; empty when nothing is on its way */
    size_t written;
    struct output_stream *owner; /* NULL: it is gone */
    size_t raw;                  /* bytes of its stream that the text stands for */
};

static struct output_stdout *stdout_of(struct engine *e)
{
    if (!e->output_stdout) {
        e->output_stdout = mem_new(sizeof *e->output_stdout);
        buf_init(&e->output_stdout->text, SIZE_MAX);
    }
    return e->output_stdout;
}

void output_stdout_free(struct output_stdout *out)
{
    if (out)
        buf_fini(&out->text);
    free(out);
}

/* The same for a name today and tomorrow; none that is hard to read on black or white. */
static unsigned color_of(const char *name)
{
    static const unsigned char colors[] = {31, 32, 33, 34, 35, 36};
    unsigned hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return colors[hash % sizeof colors];
}

static void format_prefix(char *dst, size_t size, const struct output_stream *s)
{
    const char *name = s->output->service->conf->name;
    if (s->output->service->engine->has_colors)
        snprintf(dst, size, "\033[%um%s/%u |\033[0m ", color_of(name), name, worker_slot_of_place(s->place));
    else
        snprintf(dst, size, "%s/%u | ", name, worker_slot_of_place(s->place));
}

/* Takes the first lines of the N BYTES, as many as a piece holds. */
static void take_lines(struct output_stdout *out, struct output_stream *s, const char *bytes, size_t n)
{
    char prefix[LIMIT_NAME + 48];
    format_prefix(prefix, sizeof prefix, s);
    out->owner = s;
    out->raw = out->written = 0;
    while (out->raw < n) {
        const char *line = bytes + out->raw, *newline = memchr(line, '\n', n - out->raw);
        size_t len = newline ? (size_t)(newline - line) : n - out->raw;
        if (out->raw > 0 && out->text.len + strlen(prefix) + len + 1 > PIECE)
            break;
        buf_add_str(&out->text, prefix);
        buf_add(&out->text, line, len);
        buf_add_char(&out->text, '\n');
        out->raw += len + (newline != NULL);
    }
}

static bool can_write(int timeout_ms)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&p, 1, timeout_ms) == 1;
}

/* 0 when all is written, or cannot be and is dropped, as a log line would be: a pipe that nobody has any
 * more, a full disk. */
static int flush(struct output_stdout *out)
{
    while (out->written < out->text.len) {
        size_t rest = out->text.len - out->written;
        if (!can_write(0))
            return -EAGAIN;
        ssize_t n = write(STDOUT_FILENO, out->text.data + out->written, rest < PIECE ? rest : PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return -EAGAIN;
        out->written = n < 0 ? out->text.len : out->written + (size_t)n;
    }
    if (out->text.len == 0)
        return 0;
    crash_point(CRASH_AT_output_written);
    buf_consume(&out->text, out->text.len);
    struct output_stream *owner = out->owner;
    out->owner = NULL;
    if (owner)
        output_stream_give(owner, out->raw, '\n');
    return 0;
}

static int write_to_stdout(struct output_stream *s, const char *bytes, size_t n)
{
    struct output_stdout *out = stdout_of(s->output->service->engine);
    const struct output_stream *owner = out->owner;
    int r = flush(out);
    if (r < 0 || owner == s)
        return r; /* what is in hand may have been these very bytes */
    take_lines(out, s, bytes, n);
    return flush(out);
}

bool output_sink_holds(const struct output_stream *s)
{
    const struct output_stdout *out = s->output->service->engine->output_stdout;
    return out && out->owner == s;
}

void output_sink_forget(const struct output_stream *s)
{
    if (output_sink_holds(s))
        s->output->service->engine->output_stdout->owner = NULL;
    if (s->output->sink.open == s)
        s->output->sink.open = NULL;
}

void output_sink_wait(int timeout_ms)
{
    can_write(timeout_ms);
}

int output_sink_write(struct output_stream *s, const char *bytes, size_t n)
{
    return is_file(s->output) ? write_to_file(s, bytes, n) : write_to_stdout(s, bytes, n);
}
