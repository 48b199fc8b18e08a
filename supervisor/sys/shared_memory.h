/* shared_memory: a memfd that outlives us, mapped. */
#ifndef BERTH_SYS_SHARED_MEMORY_H
#define BERTH_SYS_SHARED_MEMORY_H

#include <stddef.h>

struct shared_memory {
    int fd; /* owned; CLOEXEC */
    void *base;
    size_t size;
};

/* A new one of SIZE zero bytes. NAME is what /proc shows. Negative errno. */
int shared_memory_new(struct shared_memory *m, const char *name, size_t size);
/* Maps FD (ownership goes to M, also on failure) as large as it is. -EINVAL if it is not such a memory. */
int shared_memory_open(struct shared_memory *m, int fd);
/* Enlarges it; `base` may move. Negative errno, and the old mapping stays. */
int shared_memory_grow(struct shared_memory *m, size_t size);
void shared_memory_close(struct shared_memory *m);

#endif
