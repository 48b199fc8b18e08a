/* fuzz_notify_msg: any bytes give a message or an error, and a status that is one string within its room. */
#include "config.h"

#include <errno.h>

#include "fuzz.h"
#include "wire/notify_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notify_msg m;
    int r = notify_msg_parse((const char *)data, size, &m);
    if (r < 0) {
        check(r == (size > LIMIT_NOTIFY ? -EMSGSIZE : -EBADMSG));
        return 0;
    }
    check(size <= LIMIT_NOTIFY && memchr(m.status, '\0', sizeof m.status) != NULL);
    check(m.has_status || m.status[0] == '\0');
    check(strchr(m.status, '\n') == NULL);
    return 0;
}
