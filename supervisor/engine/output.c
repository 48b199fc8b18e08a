/* output: see the header. This is the pump: pipe to ring to sink.
 *
 * Remember the order: a byte is taken from the pipe when the ring's memory has it, and leaves the ring when
 * the row says that the sink has it or that it is lost. */
#include "config.h"

#include "engine/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/output_logs.h"
#include "sys/clock.h"
#include "sys/fd.h"

#define BROKEN_PACE 1.0    /* seconds between two tries of a sink that is broken */
#define FULL_PACE 0.02     /* … of one that is only full */
#define FINISH_PATIENCE 20 /* tries at the end, of … */
#define FINISH_WAIT_MS 50  /* milliseconds each */
#define SCRATCH (2 * LIMIT_OUTPUT_PART)

static struct engine *engine_of(const struct output *o)
{
    return o->service->engine;
}

static char scratch[SCRATCH]; /* a copy of what is offered to a sink; of no meaning between two calls */

/* --- ring to sink -------------------------------------------------------------------------------------- */

static void try_again_later(struct output *o, double pace)
{
    if (ev_is_active(&o->again))
        return;
    ev_now_update(engine_of(o)->loop);
    ev_timer_set(&o->again, pace, 0);
    ev_timer_start(engine_of(o)->loop, &o->again);
}

/* How much of the N bytes in `scratch` can be passed on: whole lines, or what is too long to wait for its
 * end, or with AS_IT_IS whatever there is. */
static size_t presentable(size_t n, bool as_it_is)
{
    const char *newline = n > 0 ? memrchr(scratch, '\n', n) : NULL;
    if (newline && !as_it_is)
        return (size_t)(newline - scratch) + 1;
    return as_it_is || n >= LIMIT_OUTPUT_PART ? n : 0;
}

/* Gives the sink all whole lines of S, with AS_IT_IS also what begins a line. False when it is to be tried
 * again. */
static bool pass_on(struct output_stream *s, bool as_it_is)
{
    struct output *o = s->output;
    int r = s->lost > 0 ? output_sink_tell_lost(s) : 0;
    while (r == 0 && s->given < s->end) {
        size_t n = output_ring_copy(&o->ring, s->place, &s->given, &s->at, scratch, sizeof scratch);
        n = presentable(n, as_it_is);
        if (n == 0)
            return true;
        r = output_sink_write(s, scratch, n);
    }
    if (r < 0)
        try_again_later(o, r == -EAGAIN ? FULL_PACE : BROKEN_PACE);
    return r == 0;
}

/* A sink that is to be tried again is left in peace until then. */
static bool may_pass_on(const struct output *o)
{
    return !ev_is_active(&o->again);
}

/* Up to where S is lost when the record that ends at END is: no half line is passed on where its end is
 * known. */
static uint64_t end_of_loss(struct output_stream *s, uint64_t end)
{
    char before;
    uint64_t offset = end - 1, at = s->at;
    if (output_ring_copy(&s->output->ring, s->place, &offset, &at, &before, 1) == 1 && before == '\n')
        return end;
    offset = end;
    size_t n = output_ring_copy(&s->output->ring, s->place, &offset, &at, scratch, sizeof scratch);
    const char *newline = n > 0 && offset == end ? memchr(scratch, '\n', n) : NULL;
    return newline ? end + (uint64_t)(newline - scratch) + 1 : end;
}

static void lose(struct output_stream *s, uint64_t end)
{
    end = end_of_loss(s, end);
    s->lost += end - s->given;
    s->output->sink.lost += end - s->given;
    s->given = end;
    output_stream_save(s, 0);
}

/* Beginnings of lines that have no end yet, of all slots. */
static size_t unfinished(const struct output *o)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n_streams; i++)
        n += o->streams[i] ? (size_t)(o->streams[i]->end - o->streams[i]->given) : 0;
    return n;
}

/* The oldest record, which ends S's stream offset END, is about to go. Whole lines are given to the sink; the
 * beginning of one stays in the ring, or is given as well where there are too many. What the sink does not
 * take is lost where it is broken. Where it is only full, false: then the worker has to wait. */
static bool save_oldest(struct output_stream *s, uint64_t end, bool *ret_renewed)
{
    struct output *o = s->output;
    bool is_unfinished = may_pass_on(o) && pass_on(s, false);
    *ret_renewed = false;
    if (is_unfinished && s->given < end) {
        *ret_renewed =
            unfinished(o) <= LIMIT_OUTPUT_RING / 4 && output_ring_renew(&o->ring, s->place, s->given);
        if (*ret_renewed || pass_on(s, true))
            return true;
    }
    if (s->given < end && !o->sink.is_broken)
        return false;
    if (s->given < end)
        lose(s, end);
    return true;
}

/* Drops old records until some of WANTED bytes fit; how many. 0: the sink has to take something first. */
static size_t make_room(struct output *o, size_t wanted)
{
    size_t len;
    while (len = output_ring_chunk(&o->ring, wanted), !output_ring_fits(&o->ring, len)) {
        struct output_record oldest;
        uint64_t at = 0;
        bool is_there = output_ring_next(&o->ring, &at, &oldest), is_renewed = false;
        must(is_there);
        struct output_stream *s = output_stream_find(o, oldest.slot);
        uint64_t end = oldest.offset + oldest.len;
        if (s && s->given < end && !save_oldest(s, end, &is_renewed))
            return 0;
        if (!is_renewed)
            output_ring_drop(&o->ring);
    }
    return len;
}

/* --- pipe to ring -------------------------------------------------------------------------------------- */

static bool has_ring(struct output *o)
{
    char name[LIMIT_HELD_NAME + 1];
    if (o->memory.fd >= 0)
        return true;
    int r = shared_memory_new(&o->memory, "berth-output", output_ring_size());
    if (r < 0) {
        o->memory.fd = -1;
        try_again_later(o, BROKEN_PACE);
        return false;
    }
    output_ring_format(&o->ring, o->memory.base);
    output_ring_held_name(o, name);
    keeper_link_put(&engine_of(o)->keeper, name, o->memory.fd);
    return true;
}

static size_t bytes_in_pipe(const struct output_stream *s)
{
    int n = 0;
    return s->read_fd >= 0 && ioctl(s->read_fd, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

/* Reads at most MOST bytes, and passes them on. How many; 0: none are there; -EAGAIN: there is no room, and
 * the timer runs. */
static ssize_t read_some(struct output_stream *s, size_t most)
{
    struct output *o = s->output;
    size_t there = bytes_in_pipe(s);
    if (there == 0)
        return 0;
    if (!has_ring(o))
        return -EAGAIN;
    size_t len = make_room(o, there < most ? there : most);
    if (len == 0)
        return -EAGAIN;
    char *to = output_ring_begin(&o->ring, s->place, clock_wall_ms(), s->end, len);
    crash_point(CRASH_AT_output_intent);
    ssize_t n = read(s->read_fd, to, len);
    crash_point(CRASH_AT_output_read);
    output_ring_commit(&o->ring, n > 0 ? (size_t)n : 0);
    if (n <= 0)
        return 0;
    s->end += (uint64_t)n;
    s->is_mid_line = to[n - 1] != '\n';
    output_logs_tell(o, s->place);
    if (may_pass_on(o))
        pass_on(s, false);
    return n;
}

/* The last line of a worker that has ended is over, though it did not say so. False when there is no room. */
static bool end_line(struct output_stream *s)
{
    struct output *o = s->output;
    if (!s->is_mid_line || o->memory.fd < 0)
        return true;
    if (make_room(o, 1) == 0)
        return false;
    output_ring_put(&o->ring, s->place, clock_wall_ms(), s->end, "\n", 1);
    s->end++;
    s->is_mid_line = false;
    output_logs_tell(o, s->place);
    if (may_pass_on(o))
        pass_on(s, false);
    return true;
}

static void close_pipe(struct output_stream *s)
{
    struct keeper_link *k = &engine_of(s->output)->keeper;
    char name[LIMIT_HELD_NAME + 1];
    ev_io_stop(engine_of(s->output)->loop, &s->readable);
    for (int is_write_end = 0; is_write_end < 2 && s->read_fd >= 0; is_write_end++) {
        output_held_name(s->output, s->place, is_write_end, name);
        keeper_link_drop(k, name);
    }
    fd_close(&s->read_fd);
    fd_close(&s->write_fd);
}

/* Nothing of a place that is gone remains to be done. */
static void forget_if_done(struct output_stream *s)
{
    if (!s->is_closing || s->read_fd >= 0 || s->given < s->end || s->lost > 0 || output_sink_holds(s))
        return;
    output_stream_forget(s);
}

/* Reads what was there when the worker ended. False when there is no room: the timer runs. */
static bool read_rest(struct output_stream *s)
{
    while (s->left > 0) {
        ssize_t n = read_some(s, s->left);
        if (n == -EAGAIN)
            return false;
        s->left = n > 0 ? s->left - (size_t)n : 0;
    }
    return !s->has_ended || end_line(s);
}

/* … then closes what is to be closed. */
static void drain(struct output_stream *s)
{
    if (!read_rest(s)) {
        ev_io_stop(engine_of(s->output)->loop, &s->readable);
        return;
    }
    s->has_ended = false;
    if (s->is_closing) {
        close_pipe(s);
        forget_if_done(s);
    }
}

void output_on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)revents;
    struct output_stream *s = io->data;
    if (s->has_ended || s->is_closing)
        drain(s);
    else if (read_some(s, LIMIT_OUTPUT_PART) == -EAGAIN)
        ev_io_stop(loop, io); /* until the sink takes something again */
}

void output_resume(struct output *o)
{
    struct ev_loop *loop = engine_of(o)->loop;
    for (size_t i = 0; i < o->n_streams; i++) {
        struct output_stream *s = o->streams[i];
        if (!s || !may_pass_on(o) || (o->memory.fd >= 0 && !pass_on(s, false)))
            continue;
        if (s->read_fd >= 0 && !ev_is_active(&s->readable))
            ev_io_start(loop, &s->readable);
        if (s->has_ended || s->is_closing)
            drain(s);
        else
            forget_if_done(s);
    }
}

static void on_again(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    output_resume(t->data);
}

/* --- its life ------------------------------------------------------------------------------------------ */

struct output *output_new(struct service *s)
{
    bool captures = conf_captures(s->conf);
    if (!captures && !s->conf->is_sink)
        return NULL;
    struct output *o = mem_new(sizeof *o);
    *o = (struct output){
        .service = s, .captures = captures, .memory.fd = -1, .inlet_read_fd = -1, .inlet_write_fd = -1};
    ev_init(&o->again, on_again);
    o->again.data = o;
    output_sink_init(o);
    return o;
}

void output_follow_conf(struct service *s)
{
    struct output *o = s->output;
    if (!o) {
        s->output = output_new(s);
        return;
    }
    o->captures =
        o->captures || conf_captures(s->conf); /* workers of before may write into the pipes still */
    output_sink_follow_conf(o);
}

static void tell_rest(const struct output *o)
{
    uint64_t rest = 0;
    for (size_t i = 0; i < o->n_streams; i++)
        if (o->streams[i])
            rest += o->streams[i]->end - o->streams[i]->given + o->streams[i]->lost + o->streams[i]->left;
    if (rest > 0)
        event_log_say(&engine_of(o)->log, LOG_ERROR, o->service->conf->name, o->service->conf->name,
                      "%llu bytes of its output could not be written", (unsigned long long)rest);
}

void output_forget(struct output *o)
{
    char name[LIMIT_HELD_NAME + 1];
    if (!o)
        return;
    for (size_t i = 0; i < o->n_streams; i++)
        if (o->streams[i])
            output_on_place_gone(o->service, o->streams[i]->place);
    tell_rest(o);
    for (size_t i = 0; i < o->n_streams; i++)
        if (o->streams[i]) {
            close_pipe(o->streams[i]);
            output_stream_forget(o->streams[i]);
        }
    if (o->memory.fd >= 0) {
        output_ring_held_name(o, name);
        keeper_link_drop(&engine_of(o)->keeper, name);
    }
    output_close_inlet(o);
}

void output_free(struct output *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->n_streams; i++)
        if (o->streams[i])
            output_stream_free(o->streams[i]);
    free(o->streams);
    ev_timer_stop(engine_of(o)->loop, &o->again);
    ev_timer_stop(engine_of(o)->loop, &o->grace);
    output_sink_fini(o);
    shared_memory_close(&o->memory);
    fd_close(&o->inlet_read_fd);
    fd_close(&o->inlet_write_fd);
    free(o);
}

static void begin_end(struct output_stream *s)
{
    s->has_ended = true;
    s->left = bytes_in_pipe(s);
    drain(s);
}

void output_on_worker_ended(const struct worker *w)
{
    struct output *o = w->service->output;
    struct output_stream *s = o ? output_stream_find(o, worker_place(w)) : NULL;
    if (s && s->read_fd >= 0)
        begin_end(s);
}

void output_on_place_gone(struct service *service, unsigned place)
{
    struct output_stream *s = service->output ? output_stream_find(service->output, place) : NULL;
    if (!s)
        return;
    s->is_closing = true;
    begin_end(s);
}

void output_reopen_all(struct engine *e)
{
    for (size_t i = 0; i < e->n_services; i++) {
        struct output *o = e->services[i]->output;
        if (!o || !o->captures)
            continue;
        log_file_close(&o->sink.file);
        ev_timer_stop(e->loop, &o->again);
        output_resume(o);
    }
}

/* True when nothing is left to be read or given. */
static bool finish_one(struct output *o)
{
    bool is_done = true;
    ev_timer_stop(engine_of(o)->loop, &o->again);
    for (size_t i = 0; i < o->n_streams; i++) {
        struct output_stream *s = o->streams[i];
        if (!s)
            continue;
        begin_end(s);
        s = o->streams[i]; /* it may have been forgotten */
        if (s && o->memory.fd >= 0 && may_pass_on(o))
            pass_on(s, true);
        is_done = is_done && (!s || (s->given == s->end && s->left == 0 && !output_sink_holds(s)));
    }
    return is_done || o->sink.is_broken;
}

void output_finish(struct engine *e)
{
    for (int tries = 0; tries < FINISH_PATIENCE; tries++) {
        bool is_done = true;
        for (size_t i = 0; i < e->n_services; i++)
            if (e->services[i]->output && e->services[i]->output->captures)
                is_done = finish_one(e->services[i]->output) && is_done;
        if (is_done)
            break;
        output_sink_wait(FINISH_WAIT_MS);
    }
    for (size_t i = 0; i < e->n_services; i++)
        if (e->services[i]->output)
            tell_rest(e->services[i]->output);
}
