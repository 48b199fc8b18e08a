/* keeper_msg: what keeper and supervisor say to each other. It checks the form of a message, never its sense.
 *
 * The keeper links this: libc only, and nothing is allocated. */
#include "config.h"

#include "wire/keeper_msg.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

_Static_assert(KEEPER_MSG_MIN == 24 && offsetof(struct keeper_msg, name) == KEEPER_MSG_MIN,
               "another version's keeper reads this layout");

int keeper_msg_make(struct keeper_msg *ret, enum keeper_msg_type type, const char *name)
{
    size_t len = name != NULL ? strlen(name) : 0;
    if (len > LIMIT_HELD_NAME)
        return -ENAMETOOLONG;
    memset(ret, 0, sizeof(*ret)); /* padding and unused bytes go over the wire */
    ret->magic = KEEPER_MAGIC;
    ret->type = (uint16_t)type;
    ret->name_len = (uint16_t)len;
    if (len > 0)
        memcpy(ret->name, name, len);
    return 0;
}

size_t keeper_msg_size(const struct keeper_msg *m)
{
    return KEEPER_MSG_MIN + m->name_len;
}

int keeper_msg_parse(const void *bytes, size_t n, struct keeper_msg *ret)
{
    struct keeper_msg m;
    if (n < KEEPER_MSG_MIN || n > KEEPER_MSG_MIN + LIMIT_HELD_NAME)
        return -EBADMSG;
    memset(&m, 0, sizeof(m));
    memcpy(&m, bytes, n);
    if (m.magic != KEEPER_MAGIC || m.name_len != n - KEEPER_MSG_MIN)
        return -EBADMSG;
    if (memchr(m.name, '\0', m.name_len) != NULL)
        return -EBADMSG;
    *ret = m;
    return 0;
}
