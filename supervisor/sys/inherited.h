/* inherited: sockets that whoever started us has handed to us, as systemd does (sd_listen_fds(3)):
 * LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES. So berth may stand below a socket unit, podman or another berth. */
#ifndef BERTH_SYS_INHERITED_H
#define BERTH_SYS_INHERITED_H

#include <stddef.h>

#include "base/limits.h"

struct inherited {
    int fd;                    /* owned; at least 10, CLOEXEC */
    char name[LIMIT_NAME + 1]; /* of LISTEN_FDNAMES, without a final ".socket"; "" where it is none of ours */
};

/* Takes the sockets that are meant for this process off their low numbers. How many there are in *RET, an
 * array to be freed; those that are no sockets are left alone. 0 without any; negative errno. */
int inherited_take(struct inherited **ret);

#endif
