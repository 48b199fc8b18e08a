/* socket_options: the options of one [socket:NAME] as plain values, filled by core/conf_schema and applied by
 * sys/listener. A member that is "off" leaves the kernel's default alone. */
#ifndef BERTH_WIRE_SOCKET_OPTIONS_H
#define BERTH_WIRE_SOCKET_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum reuse_port { REUSE_PORT_NO, REUSE_PORT_YES, REUSE_PORT_PER_WORKER };
enum non_blocking { NON_BLOCKING_AUTO, NON_BLOCKING_YES, NON_BLOCKING_NO };
enum when_stopped { WHEN_STOPPED_HOLD, WHEN_STOPPED_REFUSE };
enum on_conflict { ON_CONFLICT_FAIL, ON_CONFLICT_WAIT, ON_CONFLICT_TAKE };

struct socket_options {
    int backlog;
    bool reuse_address;
    enum reuse_port reuse_port;
    int ipv6_only;              /* -1: as the address says; 0; 1 */
    int defer_accept;           /* seconds; -1 off */
    int fast_open;              /* queue length; -1 off */
    bool no_delay;
    bool keep_alive;
    int keep_idle, keep_interval, keep_count; /* seconds, seconds, count; -1: the kernel's */
    int64_t user_timeout_ms;    /* -1 off */
    char congestion[16];        /* "" off */
    bool mptcp;
    enum non_blocking non_blocking;
    enum when_stopped when_stopped;
    int receive_buffer, send_buffer; /* bytes; -1 off */
    int priority, tos;          /* -1 off */
    int64_t mark;               /* -1 off */
    char interface[16];         /* "" off: SO_BINDTODEVICE */
    bool free_bind, transparent, pass_credentials;
    mode_t mode;                /* of a Unix socket's file */
    char user[64], group[64];   /* name or number; "" none */
    bool unlink;                /* remove the Unix socket's file when the socket is given up */
    enum on_conflict on_conflict;
    int64_t conflict_wait_ns;   /* with ON_CONFLICT_WAIT; -1: for ever */
    bool accept;
    int max_connections, max_per_source; /* with accept; -1: no limit */
};

#endif
