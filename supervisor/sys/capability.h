/* capability: the names of capabilities(7), which libcap-ng knows. What a worker keeps is computed here,
 * before its process is made; sys/spawn_child only hands the bits to the kernel. */
#ifndef BERTH_SYS_CAPABILITY_H
#define BERTH_SYS_CAPABILITY_H

#include <stdint.h>

#include "base/berr.h"
#include "base/str.h"

/* NAMES ("net_bind_service", with or without "cap_") as bits by number: 1 << CAP_NET_BIND_SERVICE. -EINVAL
 * and a sentence for one that there is not, with the nearest that there is. */
int capability_parse(const struct strv *names, uint64_t *ret, struct berr *err);

#endif
