/* output_pipe: the pipes between workers, berth and each other, and how a successor finds them again.
 *
 * Remember: both ends are with the keeper before a worker is given one of them. A single end was never
 * anybody's, and is dropped. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "sys/fd.h"

static void format(char *dst, enum held_kind kind, const struct output *o, unsigned place, bool is_write_end)
{
    struct held_name h = {.kind = kind, .slot = place, .is_write_end = is_write_end};
    snprintf(h.name, sizeof h.name, "%s", o->service->conf->name);
    int r = held_name_format(dst, &h);
    must(r == 0);
}

void output_held_name(const struct output *o, unsigned place, bool is_write_end, char *dst)
{
    format(dst, HELD_OUTPUT, o, place, is_write_end);
}

void output_inlet_held_name(const struct output *o, bool is_write_end, char *dst)
{
    format(dst, HELD_INPUT, o, 0, is_write_end);
}

void output_ring_held_name(const struct output *o, char *dst)
{
    format(dst, HELD_RING, o, 0, false);
}

/* --- for the next process ------------------------------------------------------------------------------ */

/* Makes a pipe and has the keeper hold it under the two names of KIND. */
static int make_pipe(struct output *o, enum held_kind kind, unsigned place, int ret[2], struct berr *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return berr_set(err, BERR_SYSTEM, errno, "its output's pipe could not be made: %s", strerror(errno));
    cleanup_fd int low_read_fd = ends[0], low_write_fd = ends[1];
    cleanup_fd int read_fd = fd_dup_high(low_read_fd);
    cleanup_fd int write_fd = fd_dup_high(low_write_fd);
    if (read_fd < 0 || write_fd < 0)
        return berr_set(err, BERR_SYSTEM, EMFILE, "its output's pipe could not be made: %s",
                        strerror(EMFILE));
    for (int is_write_end = 0; is_write_end < 2; is_write_end++) {
        char name[LIMIT_HELD_NAME + 1];
        format(name, kind, o, place, is_write_end);
        keeper_link_put(&o->service->engine->keeper, name, is_write_end ? write_fd : read_fd);
        crash_point(CRASH_AT_output_held);
    }
    ret[0] = take_fd(&read_fd);
    ret[1] = take_fd(&write_fd);
    return 0;
}

/* Standard output and error of W, where berth captures them. The stream's row is written before the pipe is
 * there: what is read from it without one would be taken for passed on. */
static int ensure_stream(struct output *o, unsigned place, int *ret_fd, struct berr *err)
{
    struct output_stream *s = output_stream_find(o, place);
    int pipe[2];
    if (!s)
        s = output_stream_new(o, place);
    if (s->read_fd < 0) {
        int r = make_pipe(o, HELD_OUTPUT, place, pipe, err);
        if (r < 0)
            return r;
        fd_set_nonblock(pipe[0], true);
        output_stream_watch(s, pipe[0], pipe[1]);
    }
    s->is_closing = false;
    fd_set_nonblock(s->write_fd, false); /* as the last worker may have left it */
    *ret_fd = s->write_fd;
    return 0;
}

/* Programs open /dev/stdout and /dev/stderr, which asks for the pipe's permissions. */
static void give_to(int fd, uid_t user)
{
    if (fchown(fd, user == (uid_t)-1 ? geteuid() : user, (gid_t)-1) < 0)
        return; /* then they have what they inherit */
}

static int ensure_inlet(struct output *o, struct berr *err)
{
    int pipe[2];
    if (o->inlet_read_fd >= 0)
        return 0;
    int r = make_pipe(o, HELD_INPUT, 0, pipe, err);
    if (r < 0)
        return r;
    o->inlet_read_fd = pipe[0];
    o->inlet_write_fd = pipe[1];
    return 0;
}

/* The pipe into the service that C's output goes to. */
static int inlet_of_sink(const struct engine *e, const struct output_conf *c, int *ret_fd, struct berr *err)
{
    struct service *sink = engine_find_service(e, c->target);
    must(sink && sink->output); /* conf_check() has seen it */
    int r = ensure_inlet(sink->output, err);
    *ret_fd = sink->output->inlet_write_fd;
    return r;
}

/* What other services write is the standard input of S. */
static int prepare_input(struct service *s, int *ret_fd, struct berr *err)
{
    if (!output_is_fed(s))
        return 0;
    int r = ensure_inlet(s->output, err);
    if (r < 0)
        return r;
    if (!service_has_process(s))
        fd_set_nonblock(s->output->inlet_read_fd, false); /* as its last worker may have left it */
    *ret_fd = s->output->inlet_read_fd;
    return 0;
}

int output_prepare_spawn(struct worker *w, uid_t user, int fds[3], struct berr *err)
{
    struct service *s = w->service;
    const struct output_conf *c = s->conf->with->output;
    int out_fd = -1;
    int r = prepare_input(s, &fds[0], err);
    if (r < 0 || !c || c->how == OUTPUT_INHERIT)
        return r;
    if (c->how == OUTPUT_PIPE)
        r = inlet_of_sink(s->engine, c, &out_fd, err);
    else if (c->how != OUTPUT_NULL)
        r = ensure_stream(s->output, worker_place(w), &out_fd, err);
    if (r < 0)
        return r;
    if (conf_captures(s->conf))
        give_to(out_fd, user);
    fds[2] = out_fd;
    if (!worker_listener(w)) /* else it is the connection's */
        fds[1] = out_fd;
    return 0;
}

/* --- what the keeper holds ----------------------------------------------------------------------------- */

static void drop_entry(struct engine *e, struct keeper_entry *entry)
{
    keeper_link_drop(&e->keeper, entry->name);
    fd_close(&entry->fd);
}

static struct output *find_output(const struct engine *e, const struct held_name *name)
{
    struct service *s = engine_find_service(e, name->name);
    return s ? s->output : NULL;
}

static void take_ring(struct engine *e, struct keeper_entry *entry, const struct held_name *name)
{
    struct output *o = find_output(e, name);
    struct shared_memory memory = {.fd = -1};
    if (!o || !o->captures || o->memory.fd >= 0) {
        drop_entry(e, entry);
        return;
    }
    int r = shared_memory_open(&memory, take_fd(&entry->fd));
    if (r == 0)
        r = output_ring_open(&o->ring, memory.base, memory.size);
    if (r < 0) {
        event_log_say(&e->log, LOG_WARNING, name->name, name->name,
                      "the memory of its latest output cannot be read; what was in it is lost");
        shared_memory_close(&memory);
        keeper_link_drop(&e->keeper, entry->name);
        return;
    }
    o->memory = memory;
    output_ring_recover(&o->ring);
}

/* The other end of the pipe of which ENTRY is the read end, where both are there. */
static struct keeper_entry *other_end(struct engine *e, const struct held_name *name)
{
    struct held_name other = *name;
    char text[LIMIT_HELD_NAME + 1];
    other.is_write_end = !name->is_write_end;
    int r = held_name_format(text, &other);
    must(r == 0);
    struct keeper_entry *entry = keeper_link_find(&e->keeper, text);
    return entry && entry->fd >= 0 ? entry : NULL;
}

static void take_pipe(struct engine *e, struct keeper_entry *entry, const struct held_name *name)
{
    struct output *o = find_output(e, name);
    bool is_output = name->kind == HELD_OUTPUT;
    bool is_wanted = o && (is_output ? o->captures && name->slot >= 1 && name->slot <= LIMIT_PLACES
                                     : output_is_fed(o->service) && o->inlet_read_fd < 0);
    struct keeper_entry *write_end = other_end(e, name);
    if (!is_wanted || !write_end || entry->fd < 0) {
        drop_entry(e, entry);
        if (write_end)
            drop_entry(e, write_end);
        return;
    }
    if (!is_output) {
        o->inlet_read_fd = take_fd(&entry->fd);
        o->inlet_write_fd = take_fd(&write_end->fd);
        return;
    }
    struct output_stream *s = output_stream_find(o, name->slot);
    if (!s)
        s = output_stream_new(o, name->slot);
    fd_set_nonblock(entry->fd, true);
    output_stream_watch(s, take_fd(&entry->fd), take_fd(&write_end->fd));
}

/* Slots whose pipe is gone already, and of which the sink has not all. */
static void find_rests(struct output *o)
{
    struct output_record record;
    uint64_t at = 0;
    while (o->memory.fd >= 0 && output_ring_next(&o->ring, &at, &record))
        if (record.slot <= LIMIT_PLACES && !output_stream_find(o, record.slot)) {
            struct output_stream *s = output_stream_new(o, record.slot);
            s->is_closing = true;
        }
}

static void follow_places(struct output *o)
{
    for (size_t i = 0; i < o->n_streams; i++)
        if (o->streams[i] && !service_find_place(o->service, o->streams[i]->place))
            output_on_place_gone(o->service, o->streams[i]->place);
}

void output_start(struct engine *e)
{
    struct keeper_link *k = &e->keeper;
    static const enum held_kind order[] = {HELD_RING, HELD_OUTPUT, HELD_INPUT};
    for (size_t pass = 0; pass < sizeof order / sizeof *order; pass++)
        for (size_t i = 0; i < k->n_entries; i++) {
            struct held_name name;
            held_name_parse(k->entries[i].name, &name);
            if (name.kind != order[pass] || k->entries[i].fd < 0)
                continue;
            if (name.kind == HELD_RING)
                take_ring(e, &k->entries[i], &name);
            else if (!name.is_write_end)
                take_pipe(e, &k->entries[i], &name);
            else if (!other_end(e, &name))
                drop_entry(e, &k->entries[i]);
        }
    for (size_t i = 0; i < e->n_services; i++) {
        struct output *o = e->services[i]->output;
        if (!o || !o->captures)
            continue;
        find_rests(o);
        follow_places(o);
        output_resume(o);
    }
}
