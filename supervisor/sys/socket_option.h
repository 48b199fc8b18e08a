/* socket_option: the options of a held socket, put on it by setsockopt(2). */
#ifndef BERTH_SYS_SOCKET_OPTION_H
#define BERTH_SYS_SOCKET_OPTION_H

#include "base/berr.h"
#include "wire/address.h"
#include "wire/socket_options.h"

/* All options of O that mean something for an endpoint like E, on a new socket FD before its bind; the others
 * are passed over, since a socket may have addresses of several kinds. Negative errno and a sentence naming
 * key, address and a way out. */
int socket_option_apply(int fd, const struct endpoint *e, const struct socket_options *o, struct berr *err);
/* Those that can change on a live socket. What is off in O is put back to the kernel's default where that is
 * known (the buffers and keep_idle, keep_interval, keep_count stay as they are). */
int socket_option_apply_live(int fd, const struct endpoint *e, const struct socket_options *o,
                             struct berr *err);

#endif
