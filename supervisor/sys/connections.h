/* connections: does anybody still talk to a server? */
#ifndef BERTH_SYS_CONNECTIONS_H
#define BERTH_SYS_CONNECTIONS_H

#include "wire/address.h"

/* Is there a connection that was made to the listener at E and that some process still has, or will get? 1,
 * 0, or negative errno. Datagram sockets have none. It asks the kernel's tables of this network namespace
 * (sock_diag(7)). */
int connections_exist(const struct endpoint *e);

#endif
