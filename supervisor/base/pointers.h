/* pointers: a vector of pointers that most often holds just one, which then lies in the owner itself. The
 * owner may not move: it has the vector V (NULL at first), the count N, and ONE. */
#ifndef BERTH_BASE_POINTERS_H
#define BERTH_BASE_POINTERS_H

#include <stdlib.h>

#include "base/mem.h"

#define pointers_add(v, n, one, item)                                                                        \
    do {                                                                                                     \
        if ((v) == NULL) {                                                                                   \
            (v) = &(one);                                                                                    \
        } else if ((v) == &(one) && (n) > 0) {                                                               \
            (v) = mem_new_array(2, sizeof *(v));                                                             \
            (v)[0] = (one);                                                                                  \
        } else if ((v) != &(one)) {                                                                          \
            (v) = mem_resize_array((v), (n) + 1, sizeof *(v));                                               \
        }                                                                                                    \
        (v)[(n)++] = (item);                                                                                 \
    } while (0)

/* Only the vector: what it points to is somebody else's. */
#define pointers_free(v, n, one)                                                                             \
    do {                                                                                                     \
        if ((v) != &(one))                                                                                   \
            free(v);                                                                                         \
        (v) = NULL;                                                                                          \
        (n) = 0;                                                                                             \
    } while (0)

#endif
