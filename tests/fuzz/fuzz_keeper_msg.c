/* fuzz_keeper_msg: what parses is exactly what was sent, to the byte. The sanitizer sees a read beyond the
 * input. */
#include "config.h"

#include "fuzz.h"
#include "wire/keeper_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keeper_msg m, made;
    memset(&m, 0x55, sizeof(m));
    if (keeper_msg_parse(data, size, &m) < 0) {
        check(m.magic == 0x55555555); /* untouched */
        return 0;
    }
    check(keeper_msg_size(&m) == size);
    check(memcmp(&m, data, size) == 0);
    check(strlen(m.name) == m.name_len);
    check(keeper_msg_make(&made, m.type, m.name) == 0);
    check(keeper_msg_size(&made) == size);
    made.pid = m.pid;
    made.value = m.value;
    made.flags = m.flags;
    made.count = m.count;
    check(memcmp(&made, &m, sizeof(m)) == 0);
    return 0;
}
