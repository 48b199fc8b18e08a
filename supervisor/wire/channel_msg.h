/* channel_msg: what berth sends to a worker over its channel (berth-protocol(7), CHANNEL): packets of lines
 * KEY=VALUE, with descriptors. What a worker sends is wire/notify_msg's. */
#ifndef BERTH_WIRE_CHANNEL_MSG_H
#define BERTH_WIRE_CHANNEL_MSG_H

#include <stddef.h>

#include "base/buf.h"

#define CHANNEL_PACKET_FDS 64 /* descriptors that go with one packet */

struct channel_socket {
    const char *name, *address; /* without newlines */
};

/* Appends the packet that carries the N sockets from FIRST on of ALL TOTAL; the one with the last of them
 * activates. */
void channel_msg_format_sockets(struct buf *out, const struct channel_socket *all, size_t total, size_t first,
                                size_t n);

#endif
