/* fuzz_fdholder: any bytes are requests, a part of one, or refused, and every request makes progress. */
#include "config.h"

#include <errno.h>

#include "fuzz.h"
#include "wire/fdholder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fdholder_request request;
    size_t at = 0;
    while (at < size) {
        ssize_t n = fdholder_parse((const char *)data + at, size - at, &request);
        if (n <= 0) {
            check(n == 0 || n == -EBADMSG);
            return 0;
        }
        check((size_t)n <= size - at && n >= 7);
        check(memchr(request.id, '\0', sizeof request.id) != NULL);
        check((request.kind == FDHOLDER_RETRIEVE || request.kind == FDHOLDER_TAKE) ==
              (request.id[0] != '\0'));
        at += (size_t)n;
    }
    return 0;
}
