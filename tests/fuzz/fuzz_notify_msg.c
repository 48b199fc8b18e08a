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
    check(strpbrk(m.status, "\n\r") == NULL);
    check(memchr(m.error, '\0', sizeof m.error) != NULL && m.has_error == (m.error[0] != '\0'));
    check(memchr(m.fd_name, '\0', sizeof m.fd_name) != NULL && strchr(m.fd_name, ':') == NULL);
    check(!m.has_bad_name || m.fd_name[0] == '\0');
    check(!m.is_barrier || (m.has_barrier && !m.ready && !m.stores && !m.has_status));
    check(!m.has_main || m.main_pid > 0);
    check(m.errno_value >= 0 && m.exit_status >= 0 && m.exit_status <= 255);
    return 0;
}
