/* query: the options that ride on an address. It splits and decodes; what an option means is
 * core/conf_schema's part. */
#include "config.h"

#include "wire/query.h"

#include <errno.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -EINVAL;
}

/* Decodes the N bytes at S into DST. A NUL byte cannot be said in either text, so %00 is an error. */
static int decode(const char *s, size_t n, char *dst, size_t size)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++, out++) {
        if (out + 1 >= size)
            return -ENAMETOOLONG;
        dst[out] = s[i];
        if (s[i] != '%')
            continue;
        int high = i + 2 < n ? hex_digit(s[i + 1]) : -EINVAL;
        int low = i + 2 < n ? hex_digit(s[i + 2]) : -EINVAL;
        if (high < 0 || low < 0 || (high == 0 && low == 0))
            return -EINVAL;
        dst[out] = (char)(high << 4 | low);
        i += 2;
    }
    dst[out] = '\0';
    return 0;
}

int query_next(const char **cursor, char *key, size_t key_size, char *value, size_t value_size)
{
    const char *pair = *cursor;
    if (*pair == '\0')
        return 0;
    size_t n_pair = strcspn(pair, "&"), n_key = strcspn(pair, "=&");
    if (n_key == 0)
        return -EINVAL;
    int r = decode(pair, n_key, key, key_size);
    if (r == 0 && n_key == n_pair)
        r = decode("yes", 3, value, value_size);
    else if (r == 0)
        r = decode(pair + n_key + 1, n_pair - n_key - 1, value, value_size);
    if (r < 0)
        return r;
    const char *next = pair + n_pair;
    if (next[0] == '&' && next[1] != '\0') /* a last '&' stays, to be found an empty key */
        next++;
    *cursor = next;
    return 1;
}
