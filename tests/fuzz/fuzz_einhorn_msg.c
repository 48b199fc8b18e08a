/* fuzz_einhorn_msg: any bytes are a message or refused. */
#include "config.h"

#include <errno.h>

#include "fuzz.h"
#include "wire/einhorn_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct einhorn_msg m;
    int r = einhorn_msg_parse((const char *)data, size, &m);
    check(r == 0 || r == -EBADMSG);
    check(r < 0 || m.pid >= 0);
    return 0;
}
