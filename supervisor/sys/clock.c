/* Time and chance, read from the kernel. Everything below the engine is told the time instead. */
#include "config.h"

#include "sys/clock.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif

struct mono clock_mono(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct mono){now.tv_sec * NSEC_PER_SEC + now.tv_nsec};
}

int64_t clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / NSEC_PER_MSEC;
}

uint32_t clock_random(void)
{
    uint32_t bits;
    /* GRND_INSECURE never blocks, not even early at boot, where a supervisor may well run. */
    if (getrandom(&bits, sizeof bits, GRND_INSECURE) == sizeof bits)
        return bits;
    /* A seccomp filter may forbid it. Two processes still differ, which is all that jitter asks for. */
    uint64_t mix = ((uint64_t)clock_mono().ns ^ (uint64_t)getpid() << 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mix >> 32);
}
