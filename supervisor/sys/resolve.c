/* From what was declared to what this host can bind: names, and whether there is IPv6.
 *
 * Remember: a name's addresses are bound all of them; the one exception is IPv6 on a host without it, as
 * containers often are, though their /etc/hosts gives ::1 to localhost. */
#include "config.h"

#include "sys/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"

static bool host_has_ipv6(void)
{
    cleanup_fd int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd >= 0;
}

static bool can_bind(const struct endpoint *e)
{
    struct sockaddr_storage sa = e->sa;
    ((struct sockaddr_in6 *)&sa)->sin6_port = 0;
    cleanup_fd int fd = socket(e->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && bind(fd, (struct sockaddr *)&sa, e->len) == 0;
}

static struct endpoint any_host(const struct address *a)
{
    if (!host_has_ipv6()) {
        struct endpoint v4 = {
            .family = AF_INET, .type = a->type, .only_v6 = -1, .len = sizeof(struct sockaddr_in)};
        struct sockaddr_in *in = (struct sockaddr_in *)&v4.sa;
        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        return v4;
    }
    struct endpoint dual = {
        .family = AF_INET6, .type = a->type, .only_v6 = 0, .len = sizeof(struct sockaddr_in6)};
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&dual.sa;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    return dual;
}

static struct endpoint from_resolver(const struct addrinfo *ai, const struct address *a)
{
    struct endpoint e = {.family = ai->ai_family, .type = a->type, .only_v6 = -1, .len = ai->ai_addrlen};
    memcpy(&e.sa, ai->ai_addr, ai->ai_addrlen);
    if (e.family == AF_INET6) {
        ((struct sockaddr_in6 *)&e.sa)->sin6_port = htons(a->port);
        e.only_v6 = a->only_v6;
    } else {
        ((struct sockaddr_in *)&e.sa)->sin_port = htons(a->port);
    }
    return e;
}

static bool contains(const struct endpoint *all, size_t n, const struct endpoint *e)
{
    for (size_t i = 0; i < n; i++) {
        if (all[i].len == e->len && memcmp(&all[i].sa, &e->sa, e->len) == 0)
            return true;
    }
    return false;
}

static bool is_v6_without_use(const struct endpoint *e)
{
    if (e->family != AF_INET6)
        return false;
    if (IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&e->sa)->sin6_addr))
        return !can_bind(e);
    return !host_has_ipv6();
}

/* Drops what this host has no way to bind, as long as something is left. */
static size_t drop_useless_v6(struct endpoint *all, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool is_last_hope = kept == 0 && i + 1 == n;
        if (is_last_hope || !is_v6_without_use(&all[i]))
            all[kept++] = all[i];
    }
    return kept;
}

static int cannot_resolve(const struct address *a, int gai, struct berr *err)
{
    char quoted[300];
    int errnum = gai == EAI_SYSTEM ? errno : gai == EAI_AGAIN ? EAGAIN : gai == EAI_MEMORY ? ENOMEM : ENOENT;
    const char *reason = gai == EAI_SYSTEM ? strerror(errnum) : gai_strerror(gai);
    str_escape(quoted, sizeof quoted, a->host, strlen(a->host));
    return berr_set(
        err, BERR_SYSTEM, errnum,
        "the host \"%s\" has no address to bind (%s); check its spelling, /etc/hosts and the name servers",
        quoted, reason);
}

static int resolve_name(const struct address *a, struct endpoint **ret, size_t *ret_n, struct berr *err)
{
    struct addrinfo hints = {.ai_family = a->family, .ai_socktype = a->type, .ai_flags = AI_PASSIVE},
                    *list = NULL;
    int gai = getaddrinfo(a->host, NULL, &hints, &list);
    if (gai != 0)
        return cannot_resolve(a, gai, err);
    size_t n = 0;
    for (struct addrinfo *ai = list; ai; ai = ai->ai_next)
        n++;
    struct endpoint *all = mem_new_array(n, sizeof *all);
    n = 0;
    for (struct addrinfo *ai = list; ai; ai = ai->ai_next) {
        struct endpoint e = from_resolver(ai, a);
        bool is_ip = e.family == AF_INET || e.family == AF_INET6;
        if (is_ip && !contains(all, n, &e))
            all[n++] = e;
    }
    freeaddrinfo(list);
    *ret = all;
    *ret_n = drop_useless_v6(all, n);
    return 0;
}

int resolve_address(const struct address *a, struct endpoint **ret, size_t *ret_n, struct berr *err)
{
    struct endpoint e;
    int r = address_to_endpoint(a, &e);
    if (r == -ENOENT && a->any_host)
        e = any_host(a);
    else if (r == -ENOENT)
        return resolve_name(a, ret, ret_n, err);
    else if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r, "the address of \"%s\" cannot be bound (%s); check it", a->host,
                        strerror(-r));
    struct endpoint *one = mem_new(sizeof *one);
    *one = e;
    *ret = one;
    *ret_n = 1;
    return 0;
}
