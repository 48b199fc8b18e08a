/* cpus: a set of processors, as a configuration writes it. Whether they are there is the kernel's to say. */
#ifndef BERTH_CORE_CPUS_H
#define BERTH_CORE_CPUS_H

#include "base/buf.h"
#include "base/limits.h"

#define CPUS_WORD_BITS (8 * sizeof(unsigned long))

/* As sched_setaffinity(2) takes it. */
struct cpus {
    unsigned long word[LIMIT_CPUS / CPUS_WORD_BITS];
};

/* Adds "5" or "0-3". -EINVAL for what is no such thing, -ERANGE beyond LIMIT_CPUS; C is unchanged then. */
int cpus_add(struct cpus *c, const char *item);
/* Appends "0-3, 5". */
void cpus_format(const struct cpus *c, struct buf *out);

#endif
