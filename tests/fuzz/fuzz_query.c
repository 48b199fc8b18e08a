/* fuzz_query: the pairs come to an end, each within its buffers, and an error leaves the cursor where it is.
 */
#include "config.h"

#include <errno.h>

#include "fuzz.h"
#include "wire/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t key_size = data[0] + 1u, value_size = data[1] + 1u;
    char *text = fuzz_text(data + 2, size - 2), *key = malloc(key_size), *value = malloc(value_size);
    const char *cursor = text, *end = text + strlen(text);
    check(key != NULL && value != NULL);
    for (;;) {
        const char *before = cursor;
        int r = query_next(&cursor, key, key_size, value, value_size);
        if (r <= 0) {
            check(cursor == before);
            check(r == 0 ? cursor == end : r == -EINVAL || r == -ENAMETOOLONG);
            break;
        }
        check(cursor > before && cursor <= end);
        check(memchr(key, '\0', key_size) != NULL && key[0] != '\0');
        check(memchr(value, '\0', value_size) != NULL);
    }
    free(text);
    free(key);
    free(value);
    return 0;
}
