/* numbers: see the header. */
#include "config.h"

#include "core/handoff/numbers.h"

#include "base/buf.h"

#define NUMBER_ROOM 12 /* a number and what stands around it */

char *handoff_number_list(const char *name, const struct handoff_input *in, const char *between,
                          const char *end)
{
    struct buf list;

    buf_init(&list, 64 + LIMIT_HANDOFF_FDS * NUMBER_ROOM);
    buf_printf(&list, "%s=", name);
    for (size_t i = 0; i < in->n_sockets; i++)
        buf_printf(&list, "%s%zu", i > 0 ? between : "", HANDOFF_FIRST_FD + i);
    buf_add_str(&list, end);
    return buf_take(&list);
}
