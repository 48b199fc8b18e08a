/* notify_msg: what a worker says of itself: lines KEY=VALUE, as sd_notify(3) has them. Foreign bytes: keys
 * that are not known, or whose values are not understood, are passed over. */
#ifndef BERTH_WIRE_NOTIFY_MSG_H
#define BERTH_WIRE_NOTIFY_MSG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"

struct notify_msg {
    bool ready, stopping, has_status;
    char status[LIMIT_NOTIFY_STATUS + 1]; /* cut at a character's border */
};

/* -EBADMSG when there is a NUL byte in it, -EMSGSIZE when N is more than LIMIT_NOTIFY. */
int notify_msg_parse(const char *text, size_t n, struct notify_msg *ret);

#endif
