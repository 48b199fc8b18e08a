/* conf_claims: see the header. Everything is sorted first, so that what collides are neighbours. */
#include "config.h"

#include "core/conf_claims.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A place that a socket claims: an address, or a path at which it is served. */
struct claim {
    char text[400];
    const struct socket_conf *socket;
    const struct address *address; /* NULL: served there */
    const char *protocol;          /* then with this one, up to its colon */
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
    const struct claim *served = a->address ? b : a, *bound = a->address ? a : b;

    if (a->address && b->address && a->socket == b->socket)
        conf_refuse(x, "listen", "it has the address %s twice", a->text);
    else if (a->address && b->address && !asks_kernel(a->address))
        conf_refuse(x, "listen", "socket %s has the same address %s", a->socket->name, a->text);
    else if (!a->address && !b->address && strcspn(a->protocol, ":") != strcspn(b->protocol, ":"))
        conf_refuse(x, "serve", "with socket %s it makes two protocols at one path: %s", a->socket->name,
                    strchr(a->protocol, ':') + 1);
    else if (!served->address && bound->address)
        conf_refuse(x, "serve", "socket %s is to be served at %s, where socket %s listens",
                    served->socket->name, strchr(served->protocol, ':') + 1, bound->socket->name);
}

static size_t add_claims(const struct socket_conf *s, struct claim *claims, size_t n)
{
    for (size_t i = 0; i < s->n_addresses; i++) {
        struct claim *c = &claims[n++];
        address_format(c->text, sizeof c->text, &s->addresses[i]);
        c->socket = s;
        c->address = &s->addresses[i];
    }
    for (size_t i = 0; i < s->serve.n; i++) {
        struct claim *c = &claims[n++];
        cleanup_free char *text = mem_printf("unix:%s", strchr(s->serve.v[i], ':') + 1);
        str_copy(c->text, sizeof c->text, text);
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
        total += c->sockets[i].n_addresses + c->sockets[i].serve.n;
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
    unsigned number;
    const struct socket_conf *socket;
    const struct address *address;
};

static int compare_ports(const void *a, const void *b)
{
    const struct port *one = a, *other = b;
    int r = (one->number > other->number) - (one->number < other->number);
    if (r == 0)
        r = other->address->any_host - one->address->any_host; /* those on every interface first */
    return r != 0 ? r : (one->socket > other->socket) - (one->socket < other->socket);
}

/* Does WIDE, on every interface, take in OTHER? A name's family is only known when it is looked up. */
static bool takes_in(const struct address *wide, const struct address *other)
{
    bool v4 = wide->family != AF_INET6 && !wide->only_v6, v6 = wide->family != AF_INET;
    if (other->family == AF_INET || other->family == AF_INET6)
        return other->family == AF_INET ? v4 : v6;
    return v4 && v6;
}

static void check_pair_of_ports(struct check *x, const struct port *wide, const struct port *other)
{
    char one[400], two[400];
    bool is_shared = wide->socket->options.reuse_port != REUSE_PORT_NO &&
                     other->socket->options.reuse_port != REUSE_PORT_NO;

    if (is_shared || !takes_in(wide->address, other->address) ||
        address_equals(wide->address, other->address))
        return;
    x->name = other->socket->name;
    conf_refuse(x, "listen", "%s is taken in by %s of socket %s: both cannot be bound",
                address_format(one, sizeof one, other->address),
                address_format(two, sizeof two, wide->address), wide->socket->name);
}

static void check_overlaps(struct check *x)
{
    const struct conf *c = x->conf;
    size_t n = 0, total = 1;

    for (size_t i = 0; i < c->n_sockets; i++)
        total += c->sockets[i].n_addresses;
    cleanup_free struct port *ports = mem_new_array(total, sizeof *ports);
    for (size_t i = 0; i < c->n_sockets; i++)
        for (size_t k = 0; k < c->sockets[i].n_addresses; k++) {
            const struct address *a = &c->sockets[i].addresses[k];
            if (a->kind == ADDRESS_TCP && a->port != 0)
                ports[n++] = (struct port){a->port, &c->sockets[i], a};
        }
    qsort(ports, n, sizeof *ports, compare_ports);
    for (size_t i = 0, wide = 0; i < n; i++) {
        if (ports[i].number != ports[wide].number)
            wide = i;
        if (i != wide && ports[wide].address->any_host)
            check_pair_of_ports(x, &ports[wide], &ports[i]);
    }
}

void conf_check_claims(struct check *x)
{
    check_claimed(x);
    check_overlaps(x);
}
