/* clock: the only place where time is read. */
#ifndef BERTH_SYS_CLOCK_H
#define BERTH_SYS_CLOCK_H

#include <stdint.h>

#include "base/mono.h"

struct mono clock_mono(void);
/* Milliseconds since the epoch, for a person's eyes only. */
int64_t clock_wall_ms(void);
/* Random bits for jitter (getrandom(2)); not for secrets. */
uint32_t clock_random(void);

#endif
