/* diagnose: what probably went wrong, in a sentence, from facts. */
#ifndef BERTH_CORE_DIAGNOSE_H
#define BERTH_CORE_DIAGNOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/conf.h"

struct diagnose_end {
    const struct service_conf *service;
    int wait_status;
    int64_t lifetime_ns;
    size_t n_sockets;         /* that it was handed */
    const char *first_address; /* of those; NULL when none */
};

/* A worker that ended with a failure soon after its start while berth holds its port most likely ignored the handoff and tried to bind
 * itself. 1: *DST says so, with what it was given and what to do; 0: nothing to say. */
int diagnose_ignored_handoff(const struct diagnose_end *e, char *dst, size_t size);
/* "exited with status 1", "was killed by KILL", "… (core dumped)". Returns DST. */
char *diagnose_wait_status(char *dst, size_t size, int wait_status);

#endif
