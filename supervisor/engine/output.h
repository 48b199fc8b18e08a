/* output: what workers write, where berth takes it in (output = prefix or file).
 *
 * Each worker has a pipe whose both ends the keeper holds, so that a worker never sees that the supervisor
 * died. Its bytes are read into the service's ring (core/output_ring), which the keeper holds as well, and
 * from there go to the sink (engine/output_sink) line by line. How far they were given to it is in its
 * row. So whatever is killed when, each byte is in the pipe, in the ring or given.
 *
 * A pipe is read a little at a time, at the lowest priority: a worker that writes without end has its pipe
 * full, and slows down nobody else. */
#ifndef BERTH_ENGINE_OUTPUT_H
#define BERTH_ENGINE_OUTPUT_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/berr.h"
#include "base/list.h"
#include "core/output_ring.h"
#include "engine/output_sink.h"
#include "sys/shared_memory.h"

struct engine;
struct service;
struct worker;

/* What is written in one place, by one worker after another: worker_place(). */
struct output_stream {
    struct output *output;
    unsigned place;
    int read_fd, write_fd; /* owned; -1: the place is gone */
    bool is_closing;       /* the place is gone: once `left` is read, so is the pipe */
    bool has_ended;        /* a worker has: once `left` is read, its last line is over */
    bool is_mid_line;      /* what was read last is no newline */
    bool is_open;          /* what was given last is none: the sink's last line is to be continued */
    size_t left;           /* bytes that were in the pipe then, as far as they are still to be read */
    uint64_t end;          /* of the stream: how much was read */
    uint64_t given;        /* how much of it the sink has */
    uint64_t at;           /* from where in the ring to look for the rest */
    uint64_t lost;         /* bytes that the ring had to drop, and the sink was not told yet */
    int row;
    ev_io readable;
};

/* Of a service that is captured, or whose standard input is other services' output. */
struct output {
    struct service *service;
    bool captures;
    struct shared_memory memory; /* of the ring; its fd is -1 until there is a first byte */
    struct output_ring ring;
    struct output_stream **streams; /* in no order, with NULL in it; owned */
    size_t n_streams;
    struct output_sink sink;
    int inlet_read_fd, inlet_write_fd; /* owned; -1: none. Where output = pipe:SERVICE goes */
    bool has_ended;                    /* in a shutdown: it gets no more input */
    ev_timer again;                    /* tries the sink again */
    ev_timer grace;                    /* in a shutdown: to end by itself at the end of its input */
};

/* NULL for a service of which nothing is captured and that is nobody's sink. */
struct output *output_new(struct service *s);
/* The pipes and what they hold stay with the keeper. Takes NULL. */
void output_free(struct output *o);
/* The configuration of S is another one: what berth takes in goes where that says. */
void output_follow_conf(struct service *s);
/* The service is given up: nothing of its output is held any more. */
void output_forget(struct output *o);
/* Takes over what the keeper holds, and passes on what a predecessor had not. */
void output_start(struct engine *e);
/* Chooses what becomes descriptors 0, 1 and 2 of the next process of W, which runs as USER (-1: as berth
 * does): FDS holds berth's own, or a connection's. Negative errno and a sentence. */
int output_prepare_spawn(struct worker *w, uid_t user, int fds[3], struct berr *err);
/* The process of W has ended, which is not recorded yet: takes in what it has written. */
void output_on_worker_ended(const struct worker *w);
/* PLACE of S is given up. */
void output_on_place_gone(struct service *s, unsigned place);
/* Finds out whether there is any service that reads what another one writes. */
void output_mark_sinks(struct engine *e);
/* Does other services' output go into the standard input of S? */
bool output_is_fed(const struct service *s);
/* In a shutdown: ends the input of those services whose sources have all ended, which ends them. True when
 * that is done with all. */
bool output_end_inputs(struct engine *e);
/* USR1: files are opened anew. */
void output_reopen_all(struct engine *e);
/* All workers have ended: takes in and passes on what there is. May block for a moment. */
void output_finish(struct engine *e);

/* --- between the files of engine/output --- */

/* Other services' output has nowhere to go any more. */
void output_close_inlet(struct output *o);
/* Passes on what a predecessor had not. */
void output_resume(struct output *o);
/* The stream of PLACE; NULL if there is none. */
struct output_stream *output_stream_find(const struct output *o, unsigned place);
/* A new one, where its row says; without a row, where the ring ends. */
struct output_stream *output_stream_new(struct output *o, unsigned place);
void output_stream_free(struct output_stream *s);
/* … with its row, for good. */
void output_stream_forget(struct output_stream *s);
void output_on_readable(struct ev_loop *loop, ev_io *io, int revents);
/* Its pipe, from now on watched; both are taken. */
void output_stream_watch(struct output_stream *s, int read_fd, int write_fd);
/* Writes its row. INTENT: see OUTPUT_COL_INTENT. */
void output_stream_save(struct output_stream *s, int64_t intent);
/* The sink has N more bytes of S, as last byte LAST. */
void output_stream_give(struct output_stream *s, size_t n, char last);
void output_held_name(const struct output *o, unsigned place, bool is_write_end, char *dst);
void output_inlet_held_name(const struct output *o, bool is_write_end, char *dst);
void output_ring_held_name(const struct output *o, char *dst);

#endif
