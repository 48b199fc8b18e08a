/* shared: a block of memory that several hold, and the last of them frees. For blocks of which a thousand
 * holders have the same: whoever changes one must be its only holder. */
#ifndef BERTH_BASE_SHARED_H
#define BERTH_BASE_SHARED_H

#include <stddef.h>

/* SIZE zeroed bytes, aligned for anything, with one holder. FINI, where it is not NULL, frees what the block
 * owns, before the block. */
void *shared_new(size_t size, void (*fini)(void *block));
/* One holder more. Returns BLOCK. */
void *shared_hold(void *block);
/* One less. Takes NULL. */
void shared_drop(void *block);

#endif
