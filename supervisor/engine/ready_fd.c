/* ready_fd: see the header. The newline stays in the pipe until what follows from it is recorded. */
#include "config.h"

#include "engine/ready_fd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "core/held_name.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "sys/fd.h"
#include "sys/ready_pipe.h"

void ready_fd_held_name(const struct worker *w, char dst[LIMIT_HELD_NAME + 1])
{
    struct held_name h = {.kind = HELD_READY, .slot = w->slot, .serial = w->serial};
    snprintf(h.name, sizeof h.name, "%s", w->service->conf->name);
    int r = held_name_format(dst, &h);
    must(r == 0);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)revents;
    struct worker *w = io->data;
    if (w->is_spare) { /* it counts when it is to serve */
        ev_io_stop(loop, io);
        return;
    }
    int r = ready_pipe_look(w->ready_fd->fd);
    if (r == 0)
        return;
    crash_point(CRASH_AT_ready_fd_read);
    if (r < 0 && w->state == WORKER_STARTING)
        worker_say(w, LOG_WARNING,
                   r == -EPIPE ? "closed the descriptor of ready = fd without a newline: it will not be ready"
                               : "cannot be heard at the descriptor of ready = fd: %s",
                   strerror(-r));
    if (r > 0)
        engine_step(w, WORKER_EV_READY);
    ready_fd_close(w);
}

static void watch(struct worker *w, int fd)
{
    w->ready_fd = mem_new(sizeof *w->ready_fd);
    w->ready_fd->fd = fd;
    ev_io_init(&w->ready_fd->readable, on_readable, fd, EV_READ);
    w->ready_fd->readable.data = w;
    ev_io_start(w->service->engine->loop, &w->ready_fd->readable);
}

int ready_fd_open(struct worker *w, int *ret_fd, struct berr *err)
{
    char held[LIMIT_HELD_NAME + 1];
    int ours, r = ready_pipe_new(&ours, ret_fd);
    if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r, "the pipe of ready = fd could not be made: %s", strerror(-r));
    ready_fd_held_name(w, held);
    keeper_link_put(&w->service->engine->keeper, held, ours);
    crash_point(CRASH_AT_ready_fd_held);
    watch(w, ours);
    return 0;
}

void ready_fd_follow(struct worker *w)
{
    if (w->ready_fd)
        ev_io_start(w->service->engine->loop, &w->ready_fd->readable);
}

void ready_fd_take_held(struct engine *e)
{
    struct keeper_link *k = &e->keeper;
    for (size_t i = 0; i < k->n_entries; i++) {
        struct held_name name;
        held_name_parse(k->entries[i].name, &name);
        if (name.kind != HELD_READY)
            continue;
        struct worker *w = engine_find_process(e, name.name, name.serial);
        if (w && k->entries[i].fd >= 0)
            watch(w, take_fd(&k->entries[i].fd));
        else
            keeper_link_drop(k, k->entries[i].name);
    }
}

void ready_fd_close(struct worker *w)
{
    char held[LIMIT_HELD_NAME + 1];
    if (!w->ready_fd)
        return;
    ready_fd_held_name(w, held);
    ev_io_stop(w->service->engine->loop, &w->ready_fd->readable);
    fd_close(&w->ready_fd->fd);
    free(w->ready_fd);
    w->ready_fd = NULL;
    keeper_link_drop(&w->service->engine->keeper, held);
}
