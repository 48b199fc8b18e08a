/* cpus: see the header. */
#include "config.h"

#include "core/cpus.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/units.h"

static bool has(const struct cpus *c, size_t cpu)
{
    return cpu < LIMIT_CPUS && (c->word[cpu / CPUS_WORD_BITS] >> cpu % CPUS_WORD_BITS & 1);
}

int cpus_add(struct cpus *c, const char *item)
{
    size_t n = strcspn(item, "-");
    char first_text[16];
    uint64_t first, last;
    int r;

    if (n >= sizeof first_text)
        return -EINVAL;
    memcpy(first_text, item, n);
    first_text[n] = '\0';
    if ((r = units_parse_uint(first_text, 0, LIMIT_CPUS - 1, &first)) < 0)
        return r;
    last = first;
    if (item[n] && (r = units_parse_uint(item + n + 1, 0, LIMIT_CPUS - 1, &last)) < 0)
        return r;
    if (last < first)
        return -EINVAL;
    for (uint64_t cpu = first; cpu <= last; cpu++)
        c->word[cpu / CPUS_WORD_BITS] |= 1UL << cpu % CPUS_WORD_BITS;
    return 0;
}

void cpus_format(const struct cpus *c, struct buf *out)
{
    const char *comma = "";

    for (size_t first = 0, end; first < LIMIT_CPUS; first = end) {
        for (end = first; has(c, end); end++)
            continue;
        if (end == first) {
            end++;
            continue;
        }
        buf_printf(out, end - first > 1 ? "%s%zu-%zu" : "%s%zu", comma, first, end - 1);
        comma = ", ";
    }
}
