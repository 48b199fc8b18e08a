/* say: the keeper's few words to a person, and its time. */
#ifndef BERTH_KEEPER_SAY_H
#define BERTH_KEEPER_SAY_H

#include "base/mono.h"

/* "berth: keeper: …" as one line on stderr, or nothing where stderr would block; errno is kept. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct mono now(void);

static inline struct mono earlier(struct mono a, struct mono b)
{
    return mono_is_before(a, b) ? a : b;
}

#endif
