/* numbers: lists of the descriptors that a worker finds its sockets at, as several dialects want them. */
#ifndef BERTH_CORE_HANDOFF_NUMBERS_H
#define BERTH_CORE_HANDOFF_NUMBERS_H

#include "core/handoff/handoff.h"

#define HANDOFF_FIRST_FD 3

/* "NAME=3;4;" with BETWEEN between two numbers and END behind the last one; to be freed. */
char *handoff_number_list(const char *name, const struct handoff_input *in, const char *between,
                          const char *end);

#endif
