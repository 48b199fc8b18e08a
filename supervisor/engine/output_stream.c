/* output_stream: what is written in one place: where it stands, in its row and out of it.
 *
 * Remember: the row says what was given to the sink, the ring says what was read. Where both have died with a
 * machine nothing is left; where the row alone is lost (safe mode), whole lines count as given. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "sys/fd.h"

static struct engine *engine_of(const struct output *o)
{
    return o->service->engine;
}

static void row_key(char dst[SOFT_STATE_KEY], const struct output_stream *s)
{
    snprintf(dst, SOFT_STATE_KEY, "output/%s/%u", s->output->service->conf->name, s->place);
}

void output_stream_save(struct output_stream *s, int64_t intent)
{
    char key[SOFT_STATE_KEY];
    row_key(key, s);
    struct soft_state_row row = {OUTPUT_COL_COUNT,
                                 {
                                     [OUTPUT_COL_GIVEN] = (int64_t)s->given,
                                     [OUTPUT_COL_LOST] = (int64_t)s->lost,
                                     [OUTPUT_COL_OPEN] = s->is_open,
                                     [OUTPUT_COL_INTENT] = intent,
                                 }};
    state_store_save(&engine_of(s->output)->store, key, &s->row, &row);
}

void output_stream_give(struct output_stream *s, size_t n, char last)
{
    s->given += n;
    s->is_open = last != '\n';
    output_stream_save(s, 0);
}

struct output_stream *output_stream_find(const struct output *o, unsigned place)
{
    for (size_t i = 0; i < o->n_streams; i++)
        if (o->streams[i] && o->streams[i]->place == place)
            return o->streams[i];
    return NULL;
}

static char scratch[2 * LIMIT_OUTPUT_PART]; /* of no meaning between two calls */

/* Where the last line in the ring that is whole ends. */
static uint64_t last_line_end(const struct output_stream *s)
{
    uint64_t offset = 0, at = 0, found = s->end;
    bool is_first = true;
    for (;;) {
        size_t n = output_ring_copy(&s->output->ring, s->place, &offset, &at, scratch, sizeof scratch);
        const char *newline = n > 0 ? memrchr(scratch, '\n', n) : NULL;
        if (n == 0)
            return found;
        if (is_first || newline)
            found = newline ? offset + (uint64_t)(newline - scratch) + 1 : offset;
        is_first = false;
        offset += n;
    }
}

/* A write that a predecessor had begun: how far did it come? */
static void resume_intent(struct output_stream *s, int64_t size)
{
    uint64_t offset = s->given, at = 0;
    size_t n = output_ring_copy(&s->output->ring, s->place, &offset, &at, scratch, sizeof scratch);
    size_t had = offset == s->given ? output_sink_count(s, size, scratch, n) : 0;
    if (had > 0)
        output_stream_give(s, had, scratch[had - 1]);
}

static void restore(struct output_stream *s)
{
    struct output *o = s->output;
    char key[SOFT_STATE_KEY], last;
    struct soft_state_row row;
    bool has_ring = o->memory.fd >= 0;
    row_key(key, s);
    bool has_row = state_store_load(&engine_of(o)->store, key, &row);
    s->given = has_row ? (uint64_t)row.column[OUTPUT_COL_GIVEN] : 0;
    s->end = s->given;
    if (has_ring && output_ring_end(&o->ring, s->place, &s->end)) {
        uint64_t offset = s->end - 1, at = 0;
        s->is_mid_line = output_ring_copy(&o->ring, s->place, &offset, &at, &last, 1) == 1 && last != '\n';
        if (!has_row)
            s->given = engine_of(o)->keeper.is_safe_mode ? last_line_end(s) : s->end;
    }
    if (s->given > s->end)
        s->end = s->given;
    if (has_row) {
        s->lost = (uint64_t)row.column[OUTPUT_COL_LOST];
        s->is_open = row.column[OUTPUT_COL_OPEN];
        if (has_ring && row.column[OUTPUT_COL_INTENT] > 0)
            resume_intent(s, row.column[OUTPUT_COL_INTENT] - 1);
        o->sink.lost += s->lost;
        o->sink.is_broken = o->sink.is_broken || s->lost > 0;
    }
    if (s->is_open)
        o->sink.open = s;
    output_stream_save(s, 0);
}

struct output_stream *output_stream_new(struct output *o, unsigned place)
{
    struct output_stream *s = mem_new(sizeof *s);
    *s = (struct output_stream){.output = o, .place = place, .read_fd = -1, .write_fd = -1, .row = -1};
    ev_init(&s->readable, output_on_readable);
    s->readable.data = s;
    ev_set_priority(&s->readable, EV_MINPRI);
    size_t i = 0;
    while (i < o->n_streams && o->streams[i])
        i++;
    if (i == o->n_streams)
        o->streams = mem_resize_array(o->streams, ++o->n_streams, sizeof(struct output_stream *));
    o->streams[i] = s;
    restore(s);
    return s;
}

void output_stream_watch(struct output_stream *s, int read_fd, int write_fd)
{
    s->read_fd = read_fd;
    s->write_fd = write_fd;
    s->is_closing = false;
    ev_io_set(&s->readable, read_fd, EV_READ);
    ev_io_start(engine_of(s->output)->loop, &s->readable);
}

void output_stream_free(struct output_stream *s)
{
    ev_io_stop(engine_of(s->output)->loop, &s->readable);
    fd_close(&s->read_fd);
    fd_close(&s->write_fd);
    for (size_t i = 0; i < s->output->n_streams; i++)
        if (s->output->streams[i] == s)
            s->output->streams[i] = NULL;
    output_sink_forget(s);
    free(s);
}

void output_stream_forget(struct output_stream *s)
{
    char key[SOFT_STATE_KEY];
    row_key(key, s);
    state_store_remove(&engine_of(s->output)->store, key);
    output_stream_free(s);
}
