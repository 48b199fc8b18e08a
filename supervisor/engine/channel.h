/* channel: berth's end of the socket pair that a worker with handoff = channel holds the other end of. Its
 * sockets are in the pair before it is started, so that there is no moment at which it runs and would not get
 * them. The keeper holds our end as well: a worker does not see that the supervisor died. */
#ifndef BERTH_ENGINE_CHANNEL_H
#define BERTH_ENGINE_CHANNEL_H

#include <ev.h>
#include <stddef.h>

#include "base/berr.h"
#include "base/limits.h"
#include "core/handoff/handoff.h"

struct worker;

struct channel {
    int fd; /* owned */
    ev_io readable;
};

/* Makes the pair for the process that W is about to get, and sends it SOCKETS, unless it is a spare. The
 * worker's end is the caller's, in *RET_FD. Negative errno and a sentence. */
int channel_open(struct worker *w, const struct handoff_socket *sockets, size_t n, int *ret_fd,
                 struct berr *err);
/* Sends W, which runs, all that a worker of its slot is handed. Negative errno and why. */
int channel_activate(struct worker *w, struct berr *err);
/* Takes FD, which the keeper held for W's process. */
void channel_adopt(struct worker *w, int fd);
/* W is about to be sent its stop signal: says so there as well, for programs that rather read it. Harmless
 * without a channel. */
void channel_drain(const struct worker *w);
/* The process is gone, or could not be made. Harmless without a channel. */
void channel_close(struct worker *w);

void channel_held_name(const struct worker *w, char dst[LIMIT_HELD_NAME + 1]);

#endif
