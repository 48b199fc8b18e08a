/* fuzz_packet: whatever comes over a channel is a packet whose strings are in its text, or refused. */
#include "config.h"

#include <errno.h>

#include "fuzz.h"
#include "libberth/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct libberth_packet p;
    char *text = malloc(size + 1);
    check(text != NULL);
    memcpy(text, data, size);
    int r = libberth_packet_parse(text, size, &p);
    check(r == 0 || r == -EPROTO);
    for (size_t i = 0; r == 0 && i < p.n; i++) {
        check(p.names[i] >= text && p.names[i] <= text + size);
        check(p.addresses[i][0] == '\0' || (p.addresses[i] >= text && p.addresses[i] <= text + size));
    }
    check(r < 0 || !p.has_sockets || p.first + p.n <= p.total);
    free(text);
    return 0;
}
