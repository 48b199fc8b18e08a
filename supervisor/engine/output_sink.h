/* output_sink: where captured output goes: a file, or berth's own standard output.
 *
 * It gets whole lines of one slot at a time (or a part of a long one) and never waits: what it cannot take
 * stays in the ring, and is offered again. */
#ifndef BERTH_ENGINE_OUTPUT_SINK_H
#define BERTH_ENGINE_OUTPUT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/log_file.h"

struct engine;
struct output;
struct output_stream;
struct output_stdout; /* what is on its way to berth's standard output; owned by the engine */

struct output_sink {
    struct log_file file;       /* with output = file */
    struct output_stream *open; /* whose line the file's last one is, where it has no end yet; or NULL */
    bool is_broken;             /* it could not take anything; that was told */
    bool is_stuck;              /* the file could not be put aside; that was told */
    uint64_t lost;              /* bytes since then */
};

void output_sink_init(struct output *o);
void output_sink_fini(struct output *o);
/* The configuration is another one. */
void output_sink_follow_conf(struct output *o);
/* Gives it the first of the N BYTES, which follow what S has given; S is told how many it took
 * (output_stream_give()). 0: some, ask again with the next ones; -EAGAIN: it cannot take any just now, try
 * again in a moment; another negative errno: it is broken, try again in a second. */
int output_sink_write(struct output_stream *s, const char *bytes, size_t n);
/* Says in the place of what S has lost how much that is. Returns like output_sink_write(). */
int output_sink_tell_lost(struct output_stream *s);
/* A predecessor was about to give it the BYTES when the file had SIZE of them: how many it has. */
size_t output_sink_count(const struct output_stream *s, int64_t size, const char *bytes, size_t n);
/* Is part of S still on its way? */
bool output_sink_holds(const struct output_stream *s);
/* S is about to be freed: what is on its way goes on without it. */
void output_sink_forget(const struct output_stream *s);
/* Waits for standard output, at most TIMEOUT_MS. */
void output_sink_wait(int timeout_ms);
void output_stdout_free(struct output_stdout *out);

#endif
