/* mono: a moment on CLOCK_MONOTONIC, and durations, in nanoseconds.
 *
 * The clock is read in sys/clock only; everything below the engine is told the time. A moment survives the
 * supervisor (same boot, same clock), so it may be kept in the soft state. */
#ifndef BERTH_BASE_MONO_H
#define BERTH_BASE_MONO_H

#include <stdbool.h>
#include <stdint.h>

#define NSEC_PER_SEC INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)

struct mono {
    int64_t ns;
};

#define MONO_NEVER ((struct mono){INT64_MAX})
#define MONO_ZERO ((struct mono){0})

static inline bool mono_is_never(struct mono t)
{
    return t.ns == INT64_MAX;
}

/* T plus a duration; NEVER and anything beyond the range stay NEVER. */
static inline struct mono mono_add(struct mono t, int64_t ns)
{
    struct mono sum;
    if (mono_is_never(t) || __builtin_add_overflow(t.ns, ns, &sum.ns))
        return MONO_NEVER;
    return sum;
}

/* Nanoseconds from EARLIER to LATER; negative when LATER comes first. */
static inline int64_t mono_between(struct mono earlier, struct mono later)
{
    return later.ns - earlier.ns;
}

static inline bool mono_is_before(struct mono a, struct mono b)
{
    return a.ns < b.ns;
}

#endif
