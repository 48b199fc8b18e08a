/* endpoint: what can be bound, a sockaddr with its type, to and from what a person reads. Pure: a host name
 * or an interface's name is left to sys/resolve. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

#include "base/str.h"
#include "base/units.h"
#include "wire/address.h"

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

static const char *inet_scheme(const struct endpoint *e)
{
    return e->type == SOCK_DGRAM ? "udp" : "tcp";
}

static void format_ipv4(char *dst, size_t size, const struct endpoint *e)
{
    char host[INET_ADDRSTRLEN];
    const struct sockaddr_in *in = (const void *)&e->sa;
    inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
    snprintf(dst, size, "%s://%s:%u", inet_scheme(e), host, ntohs(in->sin_port));
}

static void format_ipv6(char *dst, size_t size, const struct endpoint *e)
{
    char host[INET6_ADDRSTRLEN], scope[16] = "";
    const struct sockaddr_in6 *in6 = (const void *)&e->sa;
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
    if (in6->sin6_scope_id != 0)
        snprintf(scope, sizeof(scope), "%%%u", in6->sin6_scope_id);
    snprintf(dst, size, "%s://[%s%s]:%u", inet_scheme(e), host, scope, ntohs(in6->sin6_port));
}

static void format_unix(char *dst, size_t size, const struct endpoint *e)
{
    char name[4 * sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    const struct sockaddr_un *un = (const void *)&e->sa;
    size_t n = e->len > PATH_OFFSET ? e->len - PATH_OFFSET : 0;
    if (n > sizeof(un->sun_path))
        n = sizeof(un->sun_path);
    const char *prefix = e->type == SOCK_DGRAM       ? "unix-dgram:"
                         : e->type == SOCK_SEQPACKET ? "unix-seqpacket:"
                                                     : "unix:";
    if (n == 0)
        snprintf(dst, size, "%s(unnamed)", prefix);
    else if (un->sun_path[0] == '\0')
        snprintf(dst, size, "%s@%s", prefix, str_escape(name, sizeof(name), un->sun_path + 1, n - 1));
    else
        snprintf(dst, size, "%s%s", prefix,
                 str_escape(name, sizeof(name), un->sun_path, strnlen(un->sun_path, n)));
}

static void format_vsock(char *dst, size_t size, const struct endpoint *e)
{
    const struct sockaddr_vm *vm = (const void *)&e->sa;
    unsigned port = vm->svm_port == VMADDR_PORT_ANY ? 0 : vm->svm_port;
    if (vm->svm_cid == VMADDR_CID_ANY)
        snprintf(dst, size, "vsock://*:%u", port);
    else
        snprintf(dst, size, "vsock://%u:%u", vm->svm_cid, port);
}

char *endpoint_format(char *dst, size_t size, const struct endpoint *e)
{
    switch (e->family) {
    case AF_INET:
        format_ipv4(dst, size, e);
        break;
    case AF_INET6:
        format_ipv6(dst, size, e);
        break;
    case AF_UNIX:
        format_unix(dst, size, e);
        break;
    case AF_VSOCK:
        format_vsock(dst, size, e);
        break;
    default:
        snprintf(dst, size, "(address family %d)", e->family);
        break;
    }
    return dst;
}

static int ipv4_endpoint(const struct address *a, struct endpoint *e)
{
    struct sockaddr_in *in = (void *)&e->sa;
    in->sin_family = AF_INET;
    in->sin_port = htons(a->port);
    e->len = sizeof(*in);
    if (a->any_host)
        return 0; /* INADDR_ANY is all zeroes, as the memory is */
    return inet_pton(AF_INET, a->host, &in->sin_addr) == 1 ? 0 : -ENOENT;
}

/* An interface by its number; by name, only the system can tell. */
static int parse_scope(const char *scope, uint32_t *ret)
{
    uint64_t number;
    if (units_parse_uint(scope, 1, UINT32_MAX, &number) < 0)
        return -ENOENT;
    *ret = (uint32_t)number;
    return 0;
}

static int ipv6_endpoint(const struct address *a, struct endpoint *e)
{
    struct sockaddr_in6 *in6 = (void *)&e->sa;
    char number[sizeof(a->host)];
    size_t n = strcspn(a->host, "%");
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    e->len = sizeof(*in6);
    memcpy(number, a->host, n);
    number[n] = '\0';
    if (!a->any_host && inet_pton(AF_INET6, number, &in6->sin6_addr) != 1)
        return -ENOENT;
    /* "[::]" by itself is the dual-stack socket; any other host says by itself what it serves. */
    if (a->only_v6)
        e->only_v6 = 1;
    else if (IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
        e->only_v6 = 0;
    return a->host[n] == '%' ? parse_scope(a->host + n + 1, &in6->sin6_scope_id) : 0;
}

static int unix_endpoint(const struct address *a, struct endpoint *e)
{
    struct sockaddr_un *un = (void *)&e->sa;
    size_t n = strlen(a->path);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path + a->abstract, a->path,
           n); /* an abstract one begins with a NUL byte and does not end in one */
    e->len = (socklen_t)(PATH_OFFSET + n + 1);
    return 0;
}

static int vsock_endpoint(const struct address *a, struct endpoint *e)
{
    struct sockaddr_vm *vm = (void *)&e->sa;
    vm->svm_family = AF_VSOCK;
    vm->svm_cid = a->any_host ? VMADDR_CID_ANY : a->cid;
    vm->svm_port =
        a->vsock_port != 0 ? a->vsock_port : VMADDR_PORT_ANY; /* 0 asks the kernel, as it does in TCP */
    e->len = sizeof(*vm);
    return 0;
}

int address_to_endpoint(const struct address *a, struct endpoint *ret)
{
    struct endpoint e;
    memset(&e, 0, sizeof(e)); /* all of it, so that endpoints may be compared byte by byte */
    e.family = a->family;
    e.type = a->type;
    e.only_v6 = -1;
    int r = -ENOENT;
    if (a->family == AF_INET)
        r = ipv4_endpoint(a, &e);
    else if (a->family == AF_INET6)
        r = ipv6_endpoint(a, &e);
    else if (a->family == AF_UNIX)
        r = unix_endpoint(a, &e);
    else if (a->family == AF_VSOCK)
        r = vsock_endpoint(a, &e);
    if (r == 0)
        *ret = e;
    return r;
}
