/* channel_msg: see the header. */
#include "config.h"

#include "wire/channel_msg.h"

void channel_msg_format_sockets(struct buf *out, const struct channel_socket *all, size_t total, size_t first,
                                size_t n)
{
    buf_printf(out, "SOCKETS=%zu\nFIRST=%zu\n", total, first);
    for (size_t i = first; i < first + n; i++)
        buf_printf(out, "NAME=%s\nADDRESS=%s\n", all[i].name, all[i].address);
    if (first + n == total)
        buf_add_str(out, "ACTIVATE=1\n");
}
