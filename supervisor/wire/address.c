/* address: the one grammar for addresses, text <-> struct. It resolves nothing and asks the host nothing.
 *
 * The invariant: what address_format() writes parses to an equal address. */
#include "config.h"

#include "wire/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

#include "base/str.h"
#include "base/units.h"

struct scheme {
    const char *prefix; /* as it is written */
    enum address_kind kind;
    int type, family;
};

static const struct scheme schemes[] = {
    {"tcp://", ADDRESS_TCP, SOCK_STREAM, AF_UNSPEC},
    {"tcp4://", ADDRESS_TCP, SOCK_STREAM, AF_INET},
    {"tcp6://", ADDRESS_TCP, SOCK_STREAM, AF_INET6},
    {"udp://", ADDRESS_UDP, SOCK_DGRAM, AF_UNSPEC},
    {"udp4://", ADDRESS_UDP, SOCK_DGRAM, AF_INET},
    {"udp6://", ADDRESS_UDP, SOCK_DGRAM, AF_INET6},
    {"vsock://", ADDRESS_VSOCK, SOCK_STREAM, AF_VSOCK},
    {"unix:", ADDRESS_UNIX, SOCK_STREAM, AF_UNIX},
    {"unix-dgram:", ADDRESS_UNIX, SOCK_DGRAM, AF_UNIX},
    {"unix-seqpacket:", ADDRESS_UNIX, SOCK_SEQPACKET, AF_UNIX},
};

static const size_t n_schemes = sizeof(schemes) / sizeof(schemes[0]);

/* One parse under way: what every error quotes, and where it goes. */
struct parse {
    const char *text;
    struct berr *err;
};

/* `REASON` completes "the address "…" ". */
static __attribute__((format(printf, 2, 3))) int refuse(const struct parse *p, const char *fmt, ...)
{
    char quoted[256], reason[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(reason, sizeof(reason), fmt, ap);
    va_end(ap);
    str_escape(quoted, sizeof(quoted), p->text, strlen(p->text));
    return berr_set(p->err, BERR_USAGE, EINVAL, "the address \"%s\" %s", quoted, reason);
}

static bool is_ipv4(const char *s)
{
    struct in_addr a;
    return inet_pton(AF_INET, s, &a) == 1;
}

static bool is_ipv6(const char *s)
{
    struct in6_addr a;
    return inet_pton(AF_INET6, s, &a) == 1;
}

/* "fe80::1%eth0" to "fe80::1" and "eth0"; SCOPE points into HOST, or is NULL. False when the number is too
 * long. */
static bool split_scope(const char *host, char number[INET6_ADDRSTRLEN], const char **ret_scope)
{
    size_t n = strcspn(host, "%");
    if (n >= INET6_ADDRSTRLEN)
        return false;
    memcpy(number, host, n);
    number[n] = '\0';
    *ret_scope = host[n] == '%' ? host + n + 1 : NULL;
    return true;
}

static int parse_ipv6(const struct parse *p, struct address *a)
{
    char number[INET6_ADDRSTRLEN];
    const char *scope;
    if (!split_scope(a->host, number, &scope) || !is_ipv6(number))
        return refuse(p, "has no IPv6 address in its brackets: write one such as [::1]");
    if (scope != NULL && (scope[0] == '\0' || strlen(scope) >= IF_NAMESIZE || strpbrk(scope, "%/: ") != NULL))
        return refuse(p, "has a bad scope id behind the '%%': give an interface, as in [fe80::1%%eth0]");
    if (a->family == AF_INET)
        return refuse(p, "asks for IPv4 and names an IPv6 host: leave the 4 out of the scheme");
    a->family = AF_INET6;
    return 0;
}

static int parse_name(const struct parse *p, struct address *a)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    if (is_ipv4(a->host)) {
        if (a->family == AF_INET6)
            return refuse(p, "asks for IPv6 and names an IPv4 host: leave the 6 out of the scheme");
        a->family = AF_INET;
        return 0;
    }
    if (a->host[strspn(a->host, "0123456789.")] == '\0')
        return refuse(
            p, "has a host that looks like an IPv4 address but is none: expected four numbers from 0 to 255");
    if (strchr(a->host, ':') != NULL)
        return refuse(p, "has a host with a ':' in it: put an IPv6 address in brackets, as in [::1]:80");
    if (strchr(a->host, '/') != NULL)
        return refuse(p, "has a host with a '/' in it: expected HOST:PORT, or unix:PATH for a Unix socket");
    if (a->host[strspn(a->host, letters)] != '\0')
        return refuse(p, "has a host that is no host name: expected letters, digits, '.', '-' and '_'");
    return 0;
}

static int parse_host(const struct parse *p, struct address *a, const char *host, size_t n)
{
    bool in_brackets = n >= 2 && host[0] == '[' && host[n - 1] == ']';
    if (in_brackets)
        host++, n -= 2;
    if (n >= sizeof(a->host))
        return refuse(p, "has a host of more than %zu bytes", sizeof(a->host) - 1);
    memcpy(a->host, host, n);
    a->host[n] = '\0';
    if (in_brackets)
        return parse_ipv6(p, a);
    if (n > 0 && !str_eq(a->host, "*"))
        return parse_name(p, a);
    a->host[0] = '\0';
    a->any_host = true;
    return 0;
}

static int parse_port(const struct parse *p, const char *s, uint64_t max, uint64_t *ret)
{
    if (units_parse_uint(s, 0, max, ret) == 0)
        return 0;
    char quoted[64];
    str_escape(quoted, sizeof(quoted), s, strlen(s));
    return refuse(p, "has \"%s\" for a port: expected a number from 0 to %llu", quoted,
                  (unsigned long long)max);
}

/* The ':' before the port: the last one, but none that is within brackets. */
static const char *find_port(const char *s)
{
    const char *colon = strrchr(s, ':'), *bracket = strrchr(s, ']');
    return colon != NULL && (bracket == NULL || bracket < colon) ? colon : NULL;
}

static int parse_inet(const struct parse *p, struct address *a, const char *rest)
{
    uint64_t port;
    const char *colon = find_port(rest);
    if (colon == NULL)
        return refuse(p, "has no port: expected HOST:PORT behind the scheme");
    a->only_v6 = a->family == AF_INET6;
    int r = parse_host(p, a, rest, (size_t)(colon - rest));
    if (r == 0)
        r = parse_port(p, colon + 1, UINT16_MAX, &port);
    if (r == 0)
        a->port = (uint16_t)port;
    return r;
}

static int parse_vsock(const struct parse *p, struct address *a, const char *rest)
{
    char cid[16];
    uint64_t number = VMADDR_CID_ANY, port;
    const char *colon = strchr(rest, ':');
    size_t n = colon != NULL ? (size_t)(colon - rest) : 0;
    if (n == 0 || n >= sizeof(cid))
        return refuse(p,
                      "is not of the form vsock://CID:PORT: expected a context id, or * for any, and a port");
    memcpy(cid, rest, n);
    cid[n] = '\0';
    if (!str_eq(cid, "*") && units_parse_uint(cid, 0, UINT32_MAX, &number) < 0)
        return refuse(p, "has a bad context id: expected a number, or * for any");
    int r = parse_port(p, colon + 1, VMADDR_PORT_ANY - 1, &port);
    if (r < 0)
        return r;
    a->any_host = number == VMADDR_CID_ANY;
    a->cid = (uint32_t)number;
    a->vsock_port = (uint32_t)port;
    return 0;
}

static int parse_unix(const struct parse *p, struct address *a, const char *rest)
{
    const char *path = rest;
    if (path[0] == '@') {
        a->abstract = true;
        path++;
    } else if (str_starts_with(path, "//")) {
        if (path[2] != '/')
            return refuse(p,
                          "has a host in it, and a Unix socket has none: expected unix:PATH or unix:///PATH");
        path += strspn(path, "/") - 1; /* "//a" is "/a"; so that there is one way to write it */
    }
    if (path[0] == '\0')
        return refuse(p, "has no path: expected unix:PATH, or unix:@NAME for an abstract one");
    if (!str_copy(a->path, sizeof(a->path), path))
        return refuse(p, "has a path of %zu bytes: the kernel takes at most %zu", strlen(path),
                      sizeof(a->path) - 1);
    return 0;
}

static int parse_with_scheme(const struct parse *p, struct address *a, const struct scheme *scheme,
                             const char *rest)
{
    a->kind = scheme->kind;
    a->type = scheme->type;
    a->family = scheme->family;
    switch (scheme->kind) {
    case ADDRESS_TCP:
    case ADDRESS_UDP:
        return parse_inet(p, a, rest);
    case ADDRESS_UNIX:
        return parse_unix(p, a, rest);
    case ADDRESS_VSOCK:
        break;
    }
    return parse_vsock(p, a, rest);
}

/* The word before the first ':' where a scheme could be, when it is one or nearly one: "tcp:80", "htp://x".
 */
static int refuse_scheme(const struct parse *p, const char *body)
{
    static const char *const words[] = {"tcp",   "tcp4",       "tcp6",           "udp", "udp4", "udp6",
                                        "vsock", "unix-dgram", "unix-seqpacket", NULL};
    char word[32];
    size_t n = strcspn(body, ":");
    bool has_slashes = str_starts_with(body + n, "://");
    if (n == 0 || n >= sizeof(word) || body[n] == '\0')
        return 0;
    memcpy(word, body, n);
    word[n] = '\0';
    const char *nearest = str_nearest(word, words);
    if (nearest != NULL && str_eq(nearest, word))
        return refuse(p, "lacks the \"//\" behind its scheme: write %s://…", word);
    if (has_slashes && nearest != NULL)
        return refuse(p, "has an unknown scheme: did you mean %s?", nearest);
    if (has_slashes)
        return refuse(p, "has an unknown scheme: expected tcp, tcp4, tcp6, udp, udp4, udp6, unix or vsock");
    return 0;
}

/* Short forms: a path, PORT, :PORT, HOST:PORT. */
static int parse_bare(const struct parse *p, struct address *a, const char *body)
{
    const struct scheme *tcp = &schemes[0];
    if (body[0] == '\0')
        return refuse(p, "is empty: expected PORT, HOST:PORT, tcp://HOST:PORT or unix:PATH");
    if (body[0] == '/') {
        a->kind = ADDRESS_UNIX;
        a->type = SOCK_STREAM;
        a->family = AF_UNIX;
        return parse_unix(p, a, body + strspn(body, "/") - 1);
    }
    int r = refuse_scheme(p, body);
    if (r < 0)
        return r;
    if (body[strspn(body, "0123456789")] == '\0') {
        char with_colon[32] = ":";
        if (strlen(body) > 20)
            return refuse(p, "is too long for a port: expected a number from 0 to 65535");
        strcpy(with_colon + 1, body);
        return parse_with_scheme(p, a, tcp, with_colon);
    }
    if (body[0] == '@')
        return refuse(p, "lacks its scheme: write unix:@NAME for an abstract Unix address");
    if (find_port(body) == NULL && strchr(body, '/') != NULL)
        return refuse(p, "is a relative path: write unix:PATH for a Unix socket");
    if (find_port(body) == NULL)
        return refuse(p, "has no port: expected PORT, HOST:PORT, tcp://HOST:PORT or unix:PATH");
    if (is_ipv6(body))
        return refuse(p, "is an IPv6 address without a port: write [::1]:80");
    return parse_with_scheme(p, a, tcp, body);
}

/* TEXT before its '?' into BODY, what is behind it into a->query. */
static int split_query(const struct parse *p, struct address *a, char *body, size_t size)
{
    size_t n = strcspn(p->text, "?");
    if (!str_is_printable(p->text))
        return refuse(p, "holds a control character or is not UTF-8: write it in printable text");
    if (n >= size)
        return refuse(p, "is too long");
    memcpy(body, p->text, n);
    body[n] = '\0';
    if (p->text[n] == '?' && !str_copy(a->query, sizeof(a->query), p->text + n + 1))
        return refuse(p, "has options of more than %zu bytes behind its '?'", sizeof(a->query) - 1);
    return 0;
}

int address_parse(const char *text, struct address *ret, struct berr *err)
{
    const struct parse p = {text, err};
    struct address a;
    char body[512];
    memset(&a, 0, sizeof(a));
    int r = split_query(&p, &a, body, sizeof(body));
    if (r < 0)
        return r;
    const struct scheme *scheme = NULL;
    for (size_t i = 0; i < n_schemes && scheme == NULL; i++)
        if (str_starts_with(body, schemes[i].prefix))
            scheme = &schemes[i];
    r = scheme != NULL ? parse_with_scheme(&p, &a, scheme, body + strlen(scheme->prefix))
                       : parse_bare(&p, &a, body);
    if (r == 0)
        *ret = a;
    return r;
}

static const char *unix_prefix(int type)
{
    return type == SOCK_DGRAM ? "unix-dgram:" : type == SOCK_SEQPACKET ? "unix-seqpacket:" : "unix:";
}

/* The scheme's "4" or "6", where the host does not say it by itself. */
static const char *family_digit(const struct address *a)
{
    if (a->only_v6)
        return "6";
    return a->family == AF_INET && !is_ipv4(a->host) ? "4" : "";
}

char *address_format(char *dst, size_t size, const struct address *a)
{
    const char *scheme = a->kind == ADDRESS_UDP ? "udp" : "tcp";
    bool bracketed = strchr(a->host, ':') != NULL;
    switch (a->kind) {
    case ADDRESS_TCP:
    case ADDRESS_UDP:
        snprintf(dst, size, "%s%s://%s%s%s:%u", scheme, family_digit(a), bracketed ? "[" : "", a->host,
                 bracketed ? "]" : "", a->port);
        break;
    case ADDRESS_UNIX:
        snprintf(dst, size, "%s%s%s", unix_prefix(a->type), a->abstract ? "@" : "", a->path);
        break;
    case ADDRESS_VSOCK:
        if (a->any_host)
            snprintf(dst, size, "vsock://*:%u", a->vsock_port);
        else
            snprintf(dst, size, "vsock://%u:%u", a->cid, a->vsock_port);
        break;
    }
    return dst;
}

bool address_equals(const struct address *a, const struct address *b)
{
    return a->kind == b->kind && a->type == b->type && a->family == b->family && a->any_host == b->any_host &&
           a->only_v6 == b->only_v6 && str_eq(a->host, b->host) && a->port == b->port &&
           a->abstract == b->abstract && str_eq(a->path, b->path) && a->cid == b->cid &&
           a->vsock_port == b->vsock_port;
}
