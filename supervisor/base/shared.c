/* shared: the count stands in front of the block. */
#include "config.h"

#include "base/shared.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/mem.h"

struct head {
    alignas(max_align_t) void (*fini)(void *block);
    unsigned holders;
};

static struct head *head_of(void *block)
{
    return (struct head *)block - 1;
}

void *shared_new(size_t size, void (*fini)(void *block))
{
    struct head *h = mem_new(sizeof *h + size);
    h->fini = fini;
    h->holders = 1;
    return h + 1;
}

void *shared_hold(void *block)
{
    head_of(block)->holders++;
    return block;
}

void shared_drop(void *block)
{
    if (!block || --head_of(block)->holders > 0)
        return;
    if (head_of(block)->fini)
        head_of(block)->fini(block);
    free(head_of(block));
}
