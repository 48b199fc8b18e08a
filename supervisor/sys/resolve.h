/* resolve: an address declaration to the endpoints to bind on this host. May block on DNS: once, at bind. */
#ifndef BERTH_SYS_RESOLVE_H
#define BERTH_SYS_RESOLVE_H

#include <stddef.h>

#include "base/berr.h"
#include "wire/address.h"

/* All endpoints of A, in the resolver's order without repetition, into a new array (free()). Any host with
 * AF_UNSPEC is one dual-stack [::] endpoint (only_v6 0), or 0.0.0.0 where the host has no IPv6. Negative
 * errno and a sentence naming the host. */
int resolve_address(const struct address *a, struct endpoint **ret, size_t *ret_n, struct berr *err);

#endif
