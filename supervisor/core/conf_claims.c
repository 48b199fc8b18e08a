/* conf_claims: see the header. Everything is sorted first, so that what collides are neighbours. */
#include "config.h"

#include "core/conf_claims.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

/* A place that a socket claims: an address, or a path at which it is served. */
struct claim {
    char text[ADDRESS_TEXT]; /* the same for those that collide */
    const struct socket_conf *socket;
    struct address address;
    const char *protocol; /* served there with this one, up to its colon; NULL: bound */
};

static int compare_claims(const void *a, const void *b)
{
    const struct claim *one = a, *other = b;
    int r = strcmp(one->text, other->text);
    return r != 0 ? r : (one->socket > other->socket) - (one->socket < other->socket);
}

static bool asks_kernel(const struct address *a)
{
    return a->kind == ADDRESS_VSOCK ? a->vsock_port == 0 : a->kind != ADDRESS_UNIX && a->port == 0;
}

/* Two claims of the same text. */
static void check_claims(const struct check *x, const struct claim *a, const struct claim *b)
{
    const struct claim *served = a->protocol ? a : b, *bound = a->protocol ? b : a;
    bool both_bind = !a->protocol && !b->protocol;
    char text[ADDRESS_TEXT];

    if (both_bind && a->socket == b->socket && address_equals(&a->address, &b->address))
        conf_refuse(x, "listen", "it has the address %s twice",
                    address_format(text, sizeof text, &a->address));
    else if (both_bind && a->socket == b->socket)
        conf_refuse(x, "listen", "two of its addresses have the path %s", a->address.path);
    else if (both_bind && !asks_kernel(&a->address))
        conf_refuse(x, "listen", "socket %s has the same address %s", a->socket->name,
                    address_format(text, sizeof text, &a->address));
    else if (a->protocol && b->protocol && strcspn(a->protocol, ":") != strcspn(b->protocol, ":"))
        conf_refuse(x, "serve", "with socket %s it makes two protocols at one path: %s", a->socket->name,
                    strchr(a->protocol, ':') + 1);
    else if (served->protocol && !bound->protocol)
        conf_refuse(x, "serve", "socket %s is to be served at %s, where socket %s listens",
                    served->socket->name, strchr(served->protocol, ':') + 1, bound->socket->name);
}

/* One file is one socket, whatever its type. */
static void claim_text(char *dst, size_t size, const struct address *address)
{
    struct address a = *address;
    if (a.kind == ADDRESS_UNIX && !a.abstract)
        a.type = SOCK_STREAM;
    address_format(dst, size, &a);
}

static size_t add_claims(const struct socket_conf *s, struct claim *claims, size_t n)
{
    for (size_t i = 0; i < s->listen.n; i++) {
        struct claim *c = &claims[n++];
        conf_get_address(s, i, &c->address);
        claim_text(c->text, sizeof c->text, &c->address);
        c->socket = s;
    }
    for (size_t i = 0; i < s->serve.n; i++) {
        struct claim *c = &claims[n++];
        struct berr err;
        size_t word;
        must(conf_parse_serve(s->serve.v[i], &word, &c->address, &err) ==
             0); /* its setter has seen to that */
        claim_text(c->text, sizeof c->text, &c->address);
        c->socket = s;
        c->protocol = s->serve.v[i];
    }
    return n;
}

static void check_claimed(struct check *x)
{
    const struct conf *c = x->conf;
    size_t n = 0, total = 1;

    for (size_t i = 0; i < c->n_sockets; i++)
        total += c->sockets[i].listen.n + c->sockets[i].serve.n;
    cleanup_free struct claim *claims = mem_new_array(total, sizeof *claims);
    for (size_t i = 0; i < c->n_sockets; i++)
        n = add_claims(&c->sockets[i], claims, n);
    qsort(claims, n, sizeof *claims, compare_claims);
    for (size_t i = 1; i < n; i++) {
        x->name = claims[i].socket->name;
        if (str_eq(claims[i - 1].text, claims[i].text))
            check_claims(x, &claims[i - 1], &claims[i]);
    }
}

/* TCP on one port: a listener on every interface leaves no room for one on a single interface of the same
 * family, with SO_REUSEADDR or without. */
struct port {
    const struct socket_conf *socket;
    size_t index; /* of its address */
    struct address address;
};

/* On every interface of which families? */
struct width {
    bool v4, v6;
};

static struct width width_of(const struct port *p)
{
    const struct address *a = &p->address;
    bool only_v6 = a->only_v6 || p->socket->options->ipv6_only == 1;
    if (a->any_host)
        return (struct width){a->family != AF_INET6 && !only_v6, a->family != AF_INET};
    /* Whether "[::]" has IPv4 too is the host's affair. */
    return (struct width){str_eq(a->host, "0.0.0.0"), str_eq(a->host, "::")};
}

static int compare_ports(const void *a, const void *b)
{
    const struct port *one = a, *other = b;
    int r = (one->address.port > other->address.port) - (one->address.port < other->address.port);
    if (r == 0) { /* those on every interface first, and in the order of the configuration */
        struct width w = width_of(one), v = width_of(other);
        r = (v.v4 + v.v6) - (w.v4 + w.v6);
    }
    if (r == 0)
        r = (one->socket > other->socket) - (one->socket < other->socket);
    return r != 0 ? r : (one->index > other->index) - (one->index < other->index);
}

/* Does one of this WIDTH take in OTHER? A name's family is only known when it is looked up. */
static bool takes_in(struct width width, const struct port *other)
{
    struct width others = width_of(other);
    if (others.v4 || others.v6)
        return (width.v4 && others.v4) || (width.v6 && others.v6);
    if (other->address.family == AF_INET || other->address.family == AF_INET6)
        return other->address.family == AF_INET ? width.v4 : width.v6;
    return width.v4 && width.v6;
}

static bool refuse_if_taken_in(struct check *x, const struct port *wide, const struct port *other)
{
    char one[ADDRESS_TEXT], two[ADDRESS_TEXT];
    bool is_shared = wide->socket->options->reuse_port != REUSE_PORT_NO &&
                     other->socket->options->reuse_port != REUSE_PORT_NO;

    if (is_shared || !takes_in(width_of(wide), other) || address_equals(&wide->address, &other->address))
        return false;
    x->name = other->socket->name;
    conf_refuse(x, "listen", "%s is taken in by %s of socket %s: both cannot be bound",
                address_format(one, sizeof one, &other->address),
                address_format(two, sizeof two, &wide->address), wide->socket->name);
    return true;
}

/* All PORTS have one number. The first of each width is what the others are compared with. */
static void check_one_port(struct check *x, const struct port *ports, size_t n)
{
    const struct port *wide[4];
    size_t n_wide = 0;

    for (size_t i = 0; i < n; i++) {
        struct width width = width_of(&ports[i]);
        bool is_told = false, is_known = !width.v4 && !width.v6;
        for (size_t k = 0; k < n_wide && !is_told; k++) {
            struct width known = width_of(wide[k]);
            is_told = refuse_if_taken_in(x, wide[k], &ports[i]);
            is_known = is_known || (known.v4 == width.v4 && known.v6 == width.v6);
        }
        if (!is_known && n_wide < sizeof wide / sizeof *wide)
            wide[n_wide++] = &ports[i];
    }
}

static void check_overlaps(struct check *x)
{
    const struct conf *c = x->conf;
    size_t n = 0, total = 1;

    for (size_t i = 0; i < c->n_sockets; i++)
        total += c->sockets[i].listen.n;
    cleanup_free struct port *ports = mem_new_array(total, sizeof *ports);
    for (size_t i = 0; i < c->n_sockets; i++)
        for (size_t k = 0; k < c->sockets[i].listen.n; k++) {
            struct port *p = &ports[n];
            *p = (struct port){.socket = &c->sockets[i], .index = k};
            conf_get_address(p->socket, k, &p->address);
            n += p->address.kind == ADDRESS_TCP && p->address.port != 0;
        }
    qsort(ports, n, sizeof *ports, compare_ports);
    for (size_t i = 0, from = 0; i < n; i++)
        if (i + 1 == n || ports[i + 1].address.port != ports[from].address.port) {
            check_one_port(x, ports + from, i + 1 - from);
            from = i + 1;
        }
}

void conf_check_claims(struct check *x)
{
    check_claimed(x);
    check_overlaps(x);
}
