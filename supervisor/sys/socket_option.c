/* The options as one table: what the key is called, where it belongs, and what may help when the kernel says
 * no.
 *
 * Remember: a capped value (a buffer beyond net.core.rmem_max) is no error of setsockopt(2). */
#include "config.h"

#include "sys/socket_option.h"

#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

enum kind { FLAG, NUMBER, LONG, BUFFER, TEXT };

/* Which sockets an option is for. */
enum {
    ON_TCP = 1,
    ON_UDP = 2,
    ON_UNIX = 4,
    ON_VSOCK = 8,
    ON_IP = ON_TCP | ON_UDP,
    ON_ALL = ON_IP | ON_UNIX | ON_VSOCK,
    ONLY_V4 = 16,
    ONLY_V6 = 32,
};

#define KEEP (-1) /* no default to go back to */

struct option {
    const char *key;
    int level, name;
    size_t at; /* in struct socket_options */
    enum kind kind;
    int where;
    bool live;    /* can it change on a bound socket? */
    int standard; /* the kernel's default, or KEEP */
    const char *way_out;
};

#define AT(member) offsetof(struct socket_options, member)
#define ASK_ADMIN "give berth the capability CAP_NET_ADMIN or remove the option"

static const struct option options[] = {
    {"reuse_address", SOL_SOCKET, SO_REUSEADDR, AT(reuse_address), FLAG, ON_TCP, false, 0, NULL},
    {"defer_accept", SOL_TCP, TCP_DEFER_ACCEPT, AT(defer_accept), NUMBER, ON_TCP, true, 0, NULL},
    {"fast_open", SOL_TCP, TCP_FASTOPEN, AT(fast_open), NUMBER, ON_TCP, true, 0, NULL},
    {"no_delay", SOL_TCP, TCP_NODELAY, AT(no_delay), FLAG, ON_TCP, true, 0, NULL},
    {"keep_alive", SOL_SOCKET, SO_KEEPALIVE, AT(keep_alive), FLAG, ON_TCP, true, 0, NULL},
    {"keep_alive's idle time", SOL_TCP, TCP_KEEPIDLE, AT(keep_idle), NUMBER, ON_TCP, true, KEEP, NULL},
    {"keep_alive's interval", SOL_TCP, TCP_KEEPINTVL, AT(keep_interval), NUMBER, ON_TCP, true, KEEP, NULL},
    {"keep_alive's count", SOL_TCP, TCP_KEEPCNT, AT(keep_count), NUMBER, ON_TCP, true, KEEP, NULL},
    {"user_timeout", SOL_TCP, TCP_USER_TIMEOUT, AT(user_timeout_ms), LONG, ON_TCP, true, 0, NULL},
    {"congestion", SOL_TCP, TCP_CONGESTION, AT(congestion), TEXT, ON_TCP, true, KEEP,
     "choose one of net.ipv4.tcp_available_congestion_control"},
    {"receive_buffer", SOL_SOCKET, SO_RCVBUF, AT(receive_buffer), BUFFER, ON_ALL, true, KEEP, NULL},
    {"send_buffer", SOL_SOCKET, SO_SNDBUF, AT(send_buffer), BUFFER, ON_ALL, true, KEEP, NULL},
    {"tos", SOL_IP, IP_TOS, AT(tos), NUMBER, ON_IP, true, 0, NULL},
    {"tos", SOL_IPV6, IPV6_TCLASS, AT(tos), NUMBER, ON_IP | ONLY_V6, true, 0, NULL},
    /* After tos, which sets a priority of its own. */
    {"priority", SOL_SOCKET, SO_PRIORITY, AT(priority), NUMBER, ON_IP, true, 0,
     "choose 0 to 6, or give berth the capability CAP_NET_ADMIN"},
    {"mark", SOL_SOCKET, SO_MARK, AT(mark), LONG, ON_IP, true, 0, ASK_ADMIN},
    {"interface", SOL_SOCKET, SO_BINDTODEVICE, AT(interface), TEXT, ON_IP, false, KEEP,
     "see `ip link` for the interfaces of this host"},
    {"free_bind", SOL_IP, IP_FREEBIND, AT(free_bind), FLAG, ON_IP | ONLY_V4, false, 0, NULL},
    {"free_bind", SOL_IPV6, IPV6_FREEBIND, AT(free_bind), FLAG, ON_IP | ONLY_V6, false, 0, NULL},
    {"transparent", SOL_IP, IP_TRANSPARENT, AT(transparent), FLAG, ON_IP | ONLY_V4, false, 0, ASK_ADMIN},
    {"transparent", SOL_IPV6, IPV6_TRANSPARENT, AT(transparent), FLAG, ON_IP | ONLY_V6, false, 0, ASK_ADMIN},
    {"pass_credentials", SOL_SOCKET, SO_PASSCRED, AT(pass_credentials), FLAG, ON_UNIX, true, 0, NULL},
};

static bool is_for(const struct option *option, const struct endpoint *e)
{
    int kind = ON_VSOCK;
    if (e->family == AF_UNIX)
        kind = ON_UNIX;
    else if (e->family == AF_INET || e->family == AF_INET6)
        kind = e->type == SOCK_STREAM ? ON_TCP : ON_UDP;
    if (option->where & ONLY_V4 && e->family != AF_INET)
        return false;
    if (option->where & ONLY_V6 && e->family != AF_INET6)
        return false;
    return option->where & kind;
}

static int refused(const struct option *option, const struct endpoint *e, int errnum, struct berr *err)
{
    char address[160];
    const char *way_out = option->way_out;
    if (errnum == ENOPROTOOPT || errnum == EOPNOTSUPP)
        way_out = "this kernel does not have it for such a socket, so remove the option";
    else if (!way_out)
        way_out = errnum == EPERM ? ASK_ADMIN : "choose a value that the kernel takes, or remove the option";
    return berr_set(err, BERR_SYSTEM, errnum, "%s: the option %s could not be set (%s); %s",
                    endpoint_format(address, sizeof address, e), option->key, strerror(errnum), way_out);
}

static int set_number(int fd, const struct option *option, int value)
{
    /* With CAP_NET_ADMIN, past what net.core.rmem_max and wmem_max allow. */
    if (option->kind == BUFFER) {
        int force = option->name == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
        if (setsockopt(fd, SOL_SOCKET, force, &value, sizeof value) == 0)
            return 0;
    }
    return setsockopt(fd, option->level, option->name, &value, sizeof value) < 0 ? -errno : 0;
}

/* The number that O gives, into *RET; false if it is off. */
static bool read_number(const struct option *option, const struct socket_options *o, int64_t *ret)
{
    const void *at = (const char *)o + option->at;
    if (option->kind == FLAG)
        *ret = *(const bool *)at;
    else if (option->kind == LONG)
        *ret = *(const int64_t *)at;
    else
        *ret = *(const int *)at;
    return option->kind == FLAG ? *ret != 0 : *ret >= 0;
}

static int apply_text(int fd, const struct option *option, const struct socket_options *o)
{
    const char *text = (const char *)o + option->at;
    if (!*text)
        return 0;
    return setsockopt(fd, option->level, option->name, text, (socklen_t)strlen(text)) < 0 ? -errno : 0;
}

/* An option that is off and stands at its default already is left alone: even setting it to that may need a
 * privilege. */
static int restore_standard(int fd, const struct option *option)
{
    int now;
    socklen_t len = sizeof now;
    if (option->standard == KEEP || getsockopt(fd, option->level, option->name, &now, &len) < 0)
        return 0;
    return now == option->standard ? 0 : set_number(fd, option, option->standard);
}

static int apply_one(int fd, const struct option *option, const struct socket_options *o, bool is_live)
{
    int64_t value;
    if (option->kind == TEXT)
        return apply_text(fd, option, o);
    if (!read_number(option, o, &value))
        return is_live ? restore_standard(fd, option) : 0;
    /* The two long ones are 32 bits without a sign in the kernel. */
    if (value > UINT32_MAX)
        return -ERANGE;
    return set_number(fd, option, (int)(uint32_t)value);
}

static int apply(int fd, const struct endpoint *e, const struct socket_options *o, bool is_live,
                 struct berr *err)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (!is_for(&options[i], e) || (is_live && !options[i].live))
            continue;
        int r = apply_one(fd, &options[i], o, is_live);
        if (r < 0)
            return refused(&options[i], e, -r, err);
    }
    return 0;
}

int socket_option_apply(int fd, const struct endpoint *e, const struct socket_options *o, struct berr *err)
{
    /* The two that are no plain values. */
    static const struct option reuse_port = {.key = "reuse_port"}, ipv6_only = {.key = "ipv6_only"};
    bool is_ip = e->family == AF_INET || e->family == AF_INET6;
    int on = 1, only_v6 = o->ipv6_only >= 0 ? o->ipv6_only : e->only_v6;
    if (is_ip && o->reuse_port != REUSE_PORT_NO &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        return refused(&reuse_port, e, errno, err);
    if (e->family == AF_INET6 && only_v6 >= 0 &&
        setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) < 0)
        return refused(&ipv6_only, e, errno, err);
    return apply(fd, e, o, false, err);
}

int socket_option_apply_live(int fd, const struct endpoint *e, const struct socket_options *o,
                             struct berr *err)
{
    return apply(fd, e, o, true, err);
}
