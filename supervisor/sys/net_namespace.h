/* net_namespace: whose network a socket belongs to (network_namespaces(7)). */
#ifndef BERTH_SYS_NET_NAMESPACE_H
#define BERTH_SYS_NET_NAMESPACE_H

/* Is the socket FD of this process's network namespace? 1, 0, or a negative errno where it cannot be told
 * (before Linux 5.14, without the right to ask otherwise). */
int net_namespace_is_own(int fd);

#endif
