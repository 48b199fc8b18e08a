/* address: the one grammar for addresses (berth(1), ADDRESSES), text <-> struct. It does not resolve names
 * and does not ask the host whether it has IPv6: that is sys/resolve's part. */
#ifndef BERTH_WIRE_ADDRESS_H
#define BERTH_WIRE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/berr.h"

enum address_kind { ADDRESS_TCP, ADDRESS_UDP, ADDRESS_UNIX, ADDRESS_VSOCK };

#define ADDRESS_TEXT 512 /* bytes that hold whatever address_format() or endpoint_format() writes */

/* What was declared. */
struct address {
    enum address_kind kind;
    int type;           /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
    int family;         /* tcp/udp: AF_INET or AF_INET6 when the form demands one (tcp4, tcp6, or a literal
                         * host), else AF_UNSPEC; AF_UNIX; AF_VSOCK */
    bool any_host;      /* tcp/udp: every interface (empty host or "*"); vsock: any CID */
    bool only_v6;       /* tcp6://, udp6://: IPV6_V6ONLY is to be 1 */
    char host[256];     /* tcp/udp: as written, without brackets, with its "%scope"; "" with any_host */
    uint16_t port;      /* tcp/udp: 0 asks the kernel */
    bool abstract;      /* unix: path is a name without its '@' */
    char path[108];     /* unix: NUL-terminated; at most 107 bytes */
    uint32_t cid;       /* vsock */
    uint32_t vsock_port; /* vsock: 0 asks the kernel */
    char query[256];    /* what stood behind '?', raw; see wire/query.h */
};

/* Parses TEXT (the whole of it). -EINVAL with a sentence that quotes TEXT and says which part is wrong and
 * what is expected. A bare relative path is not an address; a control character, or a byte that is not
 * UTF-8, is in none. A '?' begins the query in every form. */
int address_parse(const char *text, struct address *ret, struct berr *err);

/* The canonical text: tcp://127.0.0.1:8080, tcp://[::1]:80, tcp://:8080, tcp4://:80, udp://…,
 * unix:/run/a.sock, unix:@name, unix-dgram:…, unix-seqpacket:…, vsock://2:5 ("*" for any). Without the
 * query. It parses to the same again. Returns DST. */
char *address_format(char *dst, size_t size, const struct address *a);

/* Are they the same declaration (the query aside)? */
bool address_equals(const struct address *a, const struct address *b);

/* One thing that can be bound: what an address comes to on this host (sys/resolve), and what a held socket's
 * getsockname() says. */
struct endpoint {
    int family, type, protocol; /* protocol: 0, or IPPROTO_MPTCP */
    int only_v6;                /* IPV6_V6ONLY to set: 0 for "[::]", 1 for tcp6:// and udp6://; else -1 */
    struct sockaddr_storage sa;
    socklen_t len;              /* for an abstract Unix name the exact length, as the kernel counts it */
};

/* As a person reads it: "tcp://[::]:8080", "udp://…", "unix:/run/a.sock", "unix:@name", "vsock://2:5";
 * "unix:(unnamed)". Returns DST. An abstract name's odd bytes are escaped. */
char *endpoint_format(char *dst, size_t size, const struct endpoint *e);

/* The literal Unix or vsock endpoint, or the numeric TCP/UDP one, of A. -ENOENT when A needs a resolver (a
 * host name, an interface's name as scope id) or the host's word on IPv6 (any_host with AF_UNSPEC). */
int address_to_endpoint(const struct address *a, struct endpoint *ret);

#endif
