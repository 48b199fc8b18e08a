/* notify: the socket at which each worker's process says how it is (NOTIFY_SOCKET, sd_notify(3)). One
 * process, one socket, bound before there is a process: what comes there is that one's and no other's. The
 * keeper holds it, so that nothing is lost while there is no supervisor. All of them have one watcher in the
 * loop. */
#ifndef BERTH_ENGINE_NOTIFY_H
#define BERTH_ENGINE_NOTIFY_H

#include <ev.h>

#include "base/berr.h"
#include "base/limits.h"
#include "sys/notify_socket.h"
#include "wire/notify_msg.h"

struct engine;
struct worker;

struct notify_watch {
    int input_fd; /* sys/socket_events; owned, -1: none */
    ev_io input;
};

int notify_start(struct engine *e);
void notify_stop(struct engine *e);

/* For the process that W is about to get; its name goes into NAME. Negative errno and a sentence. */
int notify_open(struct worker *w, char name[NOTIFY_SOCKET_NAME], struct berr *err);
/* Takes over the sockets that the keeper holds; those of processes that are gone are dropped. */
void notify_take_held(struct engine *e);
/* Its process has ended: reads what it said before. */
void notify_read_rest(struct worker *w);
/* The process is gone, or could not be made. Harmless without a socket. */
void notify_close(struct worker *w);
/* Under which the keeper has it. */
void notify_held_name(const struct worker *w, char dst[LIMIT_HELD_NAME + 1]);
/* What W has said, at its socket, with FDS, or over its channel. */
void notify_apply(struct worker *w, const struct notify_msg *m, const int *fds, size_t n_fds);

#endif
