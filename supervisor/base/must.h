/* must: invariants that stay compiled in.
 *
 * A broken invariant ends the process; the keeper then starts the supervisor again from what is held,
 * which is safer than going on with a wrong picture. Never use it for input, for a failed system call or
 * for what a worker does. */
#ifndef BERTH_BASE_MUST_H
#define BERTH_BASE_MUST_H

#undef NDEBUG /* it would hide the declaration */
#include <assert.h>

#define must(x) ((x) ? (void)0 : __assert_fail(#x, __FILE__, __LINE__, __func__))

#endif
