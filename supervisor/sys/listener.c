/* Held sockets: making them, comparing them, and bringing them back to what they should be.
 *
 * Remember: a TCP socket that was bound to port 0 loses its port when somebody shuts it down, one that was
 * bound to that very port keeps it; and the descriptor may be shared, so what is changed here is changed for
 * every holder. */
#include "config.h"

#include "sys/listener.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/filter.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "sys/fd.h"
#include "sys/holder.h"
#include "sys/socket_option.h"
#include "sys/sockdiag.h"
#include "sys/unix_path.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

/* The address as a sentence names it. */
struct named {
    char text[160];
};

static struct named name_of(const struct endpoint *e)
{
    struct named n;
    endpoint_format(n.text, sizeof n.text, e);
    return n;
}

static bool is_ip(const struct endpoint *e)
{
    return e->family == AF_INET || e->family == AF_INET6;
}

/* sin_port and sin6_port are in one place. */
static uint16_t port_of(const struct endpoint *e)
{
    return ntohs(((const struct sockaddr_in *)&e->sa)->sin_port);
}

static void set_port(struct endpoint *e, uint16_t port)
{
    ((struct sockaddr_in *)&e->sa)->sin_port = htons(port);
}

static const char *unix_path_of(const struct endpoint *e)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&e->sa;
    bool is_path =
        e->family == AF_UNIX && e->len > offsetof(struct sockaddr_un, sun_path) && un->sun_path[0] != '\0';
    return is_path ? un->sun_path : NULL;
}

/* --- opening --- */

static int no_such_socket(const struct endpoint *e, bool mptcp, int errnum, struct berr *err)
{
    const char *way_out = "check the limits of this process and of the system";
    if (errnum == EMFILE)
        way_out = "raise this process's limit of open files (ulimit -n)";
    else if (mptcp)
        way_out = "MPTCP is not available on this host (see net.mptcp.enabled), so remove the option mptcp";
    else if (errnum == EAFNOSUPPORT && e->family == AF_VSOCK)
        way_out = "this kernel has no vsock (the module vsock), so choose another kind of address";
    else if (errnum == EAFNOSUPPORT)
        way_out = "this host does not have that family of addresses, so choose another address";
    return berr_set(err, BERR_SYSTEM, errnum, "%s: cannot make such a socket (%s); %s", name_of(e).text,
                    strerror(errnum), way_out);
}

static int new_socket(const struct endpoint *e, const struct socket_options *o, struct berr *err)
{
    bool mptcp = is_ip(e) && e->type == SOCK_STREAM && (o->mptcp || e->protocol == IPPROTO_MPTCP);
    int nonblock = o->non_blocking == NON_BLOCKING_YES ? SOCK_NONBLOCK : 0;
    int fd = socket(e->family, e->type | SOCK_CLOEXEC | nonblock, mptcp ? IPPROTO_MPTCP : 0);
    return fd < 0 ? no_such_socket(e, mptcp, errno, err) : fd;
}

static int in_use(const struct endpoint *e, const struct socket_options *o, struct berr *err)
{
    struct holder h;
    char who[512];
    if (holder_find(e, &h) == 1)
        return berr_set(err, BERR_SYSTEM, EADDRINUSE,
                        "%s is in use, %s; stop that process or choose another address", name_of(e).text,
                        holder_format(who, sizeof who, &h));
    /* Our own SO_REUSEADDR does not help if the server before us did not set it. */
    if (holder_lingers(e))
        return berr_set(
            err, BERR_SYSTEM, EADDRINUSE,
            "%s is still taken by closed connections of the server before (TIME_WAIT), which belong to no "
            "process and go within a minute; %s",
            name_of(e).text,
            o->reuse_address ? "try again then, or let berth wait for it (on_conflict = wait)"
                             : "set reuse_address = yes, or try again then");
    return berr_set(
        err, BERR_SYSTEM, EADDRINUSE,
        "%s is in use by a process that is not visible from here; find it from outside this container, or "
        "choose another address",
        name_of(e).text);
}

static int cannot_bind(const struct endpoint *e, const struct socket_options *o, int errnum, struct berr *err)
{
    const char *way_out = "choose another address";
    if (errnum == EADDRINUSE)
        return in_use(e, o, err);
    if (errnum == EACCES && is_ip(e))
        way_out = "give berth the capability CAP_NET_BIND_SERVICE, or choose a port from 1024 on "
                  "(net.ipv4.ip_unprivileged_port_start moves that limit)";
    else if (errnum == EADDRNOTAVAIL)
        way_out = "this host does not have that address; choose one that it has (see `ip address`), or set "
                  "free_bind = yes if "
                  "it comes later";
    else if (errnum == ENODEV || errnum == EINVAL)
        way_out = "a link-local address needs its interface, as in [fe80::1%eth0]; check the address";
    return berr_set(err, BERR_SYSTEM, errnum, "%s: cannot bind (%s); %s", name_of(e).text, strerror(errnum),
                    way_out);
}

static int bind_and_listen(int fd, const struct endpoint *e, const struct socket_options *o, struct berr *err)
{
    bool listens = listener_type_listens(e);
    const char *path = unix_path_of(e);
    if (path)
        return unix_path_bind(fd, path, o, listens, err);
    if (bind(fd, (const struct sockaddr *)&e->sa, e->len) < 0)
        return cannot_bind(e, o, errno, err);
    if (!listens || listen(fd, o->backlog) == 0)
        return 0;
    /* With SO_REUSEADDR two sockets can be bound to one port, but only one of them may listen. */
    if (errno == EADDRINUSE)
        return in_use(e, o, err);
    return berr_set(err, BERR_SYSTEM, errno, "%s: cannot listen (%s); choose another address",
                    name_of(e).text, strerror(errno));
}

/* A bound socket of its own that reserves a free port, which goes into *E. */
static int reserve_port(struct endpoint *e, const struct socket_options *o, struct berr *err)
{
    cleanup_fd int fd = new_socket(e, o, err);
    if (fd < 0)
        return fd;
    int r = socket_option_apply(fd, e, o, err);
    if (r < 0)
        return r;
    struct endpoint bound;
    if (bind(fd, (const struct sockaddr *)&e->sa, e->len) < 0)
        return cannot_bind(e, o, errno, err);
    r = listener_endpoint(fd, &bound);
    if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r, "%s: cannot read the port that was chosen (%s); give one",
                        name_of(e).text, strerror(-r));
    set_port(e, port_of(&bound));
    return take_fd(&fd);
}

/* A port of the kernel's choice, held as firmly as one that was asked for: one socket learns the port, and
 * the one that we keep is bound to that number while the first still has it. Both need SO_REUSEADDR for that
 * moment. */
static int open_any_port(const struct endpoint *e, const struct socket_options *o, struct berr *err)
{
    struct socket_options sharing = *o;
    struct endpoint chosen = *e;
    sharing.reuse_address = true;
    cleanup_fd int first = reserve_port(&chosen, &sharing, err);
    if (first < 0)
        return first;
    cleanup_fd int fd = listener_open(&chosen, &sharing, err);
    if (fd < 0)
        return fd;
    int off = 0;
    if (!o->reuse_address && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off) < 0)
        return berr_set(err, BERR_SYSTEM, errno,
                        "%s: reuse_address cannot be taken back (%s); set reuse_address = yes",
                        name_of(e).text, strerror(errno));
    return take_fd(&fd);
}

int listener_open(const struct endpoint *e, const struct socket_options *o, struct berr *err)
{
    if (is_ip(e) && e->type == SOCK_STREAM && port_of(e) == 0)
        return open_any_port(e, o, err);
    cleanup_fd int fd = new_socket(e, o, err);
    if (fd < 0)
        return fd;
    int r = socket_option_apply(fd, e, o, err);
    if (r == 0)
        r = bind_and_listen(fd, e, o, err);
    return r < 0 ? r : take_fd(&fd);
}

/* --- reading --- */

static int get_int(int fd, int level, int name, int *ret)
{
    socklen_t len = sizeof *ret;
    return getsockopt(fd, level, name, ret, &len) < 0 ? -errno : 0;
}

int listener_endpoint(int fd, struct endpoint *ret)
{
    struct endpoint e = {.only_v6 = -1, .len = sizeof e.sa};
    int protocol;
    if (getsockname(fd, (struct sockaddr *)&e.sa, &e.len) < 0)
        return -errno;
    int r = get_int(fd, SOL_SOCKET, SO_DOMAIN, &e.family);
    if (r == 0)
        r = get_int(fd, SOL_SOCKET, SO_TYPE, &e.type);
    if (r == 0)
        r = get_int(fd, SOL_SOCKET, SO_PROTOCOL, &protocol);
    if (r == 0 && e.family == AF_INET6)
        r = get_int(fd, SOL_IPV6, IPV6_V6ONLY, &e.only_v6);
    if (r < 0)
        return r;
    e.protocol = protocol == IPPROTO_MPTCP ? IPPROTO_MPTCP : 0;
    *ret = e;
    return 0;
}

static bool is_same_v4(const struct endpoint *a, const struct endpoint *b)
{
    const struct sockaddr_in *x = (const void *)&a->sa, *y = (const void *)&b->sa;
    return x->sin_addr.s_addr == y->sin_addr.s_addr;
}

static bool is_same_v6(const struct endpoint *found, const struct endpoint *e)
{
    const struct sockaddr_in6 *x = (const void *)&found->sa, *y = (const void *)&e->sa;
    if (memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) != 0)
        return false;
    if (IN6_IS_ADDR_UNSPECIFIED(&x->sin6_addr) && e->only_v6 >= 0 && found->only_v6 != e->only_v6)
        return false;
    return y->sin6_scope_id == 0 || x->sin6_scope_id == y->sin6_scope_id;
}

static bool is_same_vsock(const struct endpoint *found, const struct endpoint *e)
{
    const struct sockaddr_vm *x = (const void *)&found->sa, *y = (const void *)&e->sa;
    return x->svm_cid == y->svm_cid && (y->svm_port == VMADDR_PORT_ANY || x->svm_port == y->svm_port);
}

static bool is_same_unix(const struct endpoint *found, const struct endpoint *e)
{
    const char *x = unix_path_of(found), *y = unix_path_of(e);
    if (x && y)
        return strcmp(x, y) == 0;
    return !x && !y && found->len == e->len && memcmp(&found->sa, &e->sa, e->len) == 0;
}

bool listener_matches(int fd, const struct endpoint *e)
{
    struct endpoint found;
    if (listener_endpoint(fd, &found) < 0 || found.family != e->family || found.type != e->type)
        return false;
    if (e->family == AF_UNIX)
        return is_same_unix(&found, e);
    if (e->family == AF_VSOCK)
        return is_same_vsock(&found, e);
    if (!is_ip(e) || (port_of(e) != 0 && port_of(&found) != port_of(e)))
        return false;
    return e->family == AF_INET ? is_same_v4(&found, e) : is_same_v6(&found, e);
}

int listener_is_listening(int fd)
{
    int family, listening;
    int r = get_int(fd, SOL_SOCKET, SO_DOMAIN, &family);
    if (r == 0)
        r = get_int(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening);
    if (r < 0 || !listening || family != AF_UNIX)
        return r < 0 ? r : listening;
    /* A Unix listener that was shut down says that it listens all the same, but nobody can connect any more.
     */
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    if (poll(&p, 1, 0) < 0)
        return -errno;
    return !(p.revents & POLLRDHUP);
}

bool listener_type_listens(const struct endpoint *e)
{
    return e->type == SOCK_STREAM || e->type == SOCK_SEQPACKET;
}

/* --- changing --- */

int listener_listen(int fd, int backlog)
{
    return listen(fd, backlog) < 0 ? -errno : 0;
}

int listener_refuse(int fd)
{
    return shutdown(fd, SHUT_RD) < 0 ? -errno : 0;
}

int listener_stop_arrivals(int fd, const struct endpoint *e)
{
    /* The filter sees the TCP header: its 14th byte has the flags. A SYN without ACK begins a connection. */
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    if (!is_ip(e) || e->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? -errno : 0;
}

int listener_set_options(int fd, const struct endpoint *e, const struct socket_options *o, struct berr *err)
{
    int r = socket_option_apply_live(fd, e, o, err);
    if (r < 0 || o->non_blocking == NON_BLOCKING_AUTO)
        return r;
    r = fd_set_nonblock(fd, o->non_blocking == NON_BLOCKING_YES);
    if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r, "%s: the option non_blocking could not be set (%s); remove it",
                        name_of(e).text, strerror(-r));
    return 0;
}

/* --- queues --- */

/* For a listener these two members of TCP_INFO have another meaning than for a connection (tcp(7) does not
 * tell). */
static int tcp_queue(int fd, struct listener_queue *ret)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(fd, SOL_TCP, TCP_INFO, &info, &len) < 0)
        return -errno;
    if (info.tcpi_state != TCP_LISTEN)
        return -EINVAL;
    *ret = (struct listener_queue){.depth = info.tcpi_unacked, .limit = info.tcpi_sacked};
    return 0;
}

static int unix_queue(int fd, struct listener_queue *ret)
{
    struct stat st;
    struct listener_queue queue;
    if (fstat(fd, &st) < 0)
        return -errno;
    int r = sockdiag_unix_queue(st.st_ino, &queue.depth, &queue.limit);
    if (r == 0)
        *ret = queue;
    return r;
}

/* FIONREAD tells of a UDP socket's next datagram only. */
static int udp_queue(int fd, struct listener_queue *ret)
{
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof memory;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &len) < 0)
        return -errno;
    *ret =
        (struct listener_queue){.depth = memory[SK_MEMINFO_RMEM_ALLOC], .limit = memory[SK_MEMINFO_RCVBUF]};
    return 0;
}

static int unix_datagram_queue(int fd, struct listener_queue *ret)
{
    int waiting;
    if (ioctl(fd, FIONREAD, &waiting) < 0)
        return -errno;
    *ret = (struct listener_queue){.depth = (unsigned)waiting};
    return 0;
}

int listener_queue(int fd, const struct endpoint *e, struct listener_queue *ret)
{
    if (e->family == AF_UNIX)
        return listener_type_listens(e) ? unix_queue(fd, ret) : unix_datagram_queue(fd, ret);
    if (is_ip(e))
        return e->type == SOCK_STREAM ? tcp_queue(fd, ret) : udp_queue(fd, ret);
    return -EOPNOTSUPP;
}
