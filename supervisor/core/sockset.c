/* sockset: wants and held ones are matched through a sorted index, so a thousand sockets cost no more than
 * their sorting. Nothing is closed here: an address that is wanted and wholly held is kept, whatever else has
 * changed around it. */
#include "config.h"

#include "core/sockset.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Held sockets in an order in which the parts of one declared address are neighbours, 1 to N. */
static int compare_address(const struct held_name *a, const char *name, unsigned slot, const char *address)
{
    int r = strcmp(a->name, name);
    if (r == 0)
        r = (a->slot > slot) - (a->slot < slot);
    return r != 0 ? r : strcmp(a->address, address);
}

static int compare_held(const void *pa, const void *pb, void *held)
{
    size_t ia = *(const size_t *)pa, ib = *(const size_t *)pb;
    const struct held_name *a = (const struct held_name *)held + ia, *b = (const struct held_name *)held + ib;
    int r = compare_address(a, b->name, b->slot, b->address);

    if (r == 0)
        r = (a->parts > b->parts) - (a->parts < b->parts);
    if (r == 0)
        r = (a->part > b->part) - (a->part < b->part);
    return r != 0 ? r : (ia > ib) - (ia < ib);
}

/* The held sockets, sorted, and which of them a want has taken. */
struct index {
    const struct held_name *held;
    size_t *order;
    bool *taken; /* by place in `order` */
    size_t n;
};

static void index_init(struct index *x, const struct held_name *held, size_t n_held)
{
    *x = (struct index){held, mem_new_array(n_held + 1, sizeof *x->order), NULL, 0};
    for (size_t i = 0; i < n_held; i++)
        if (held[i].kind == HELD_SOCKET)
            x->order[x->n++] = i;
    qsort_r(x->order, x->n, sizeof *x->order, compare_held, (void *)held);
    x->taken = mem_new_array(x->n + 1, sizeof *x->taken);
}

static void index_fini(struct index *x)
{
    free(x->order);
    free(x->taken);
}

/* The first place whose held socket is not before the one looked for. */
static size_t index_lower_bound(const struct index *x, const char *name, unsigned slot, const char *address)
{
    size_t from = 0, to = x->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare_address(&x->held[x->order[middle]], name, slot, address) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Do the PARTS places from AT on hold the parts 1 to PARTS of one address? */
static bool is_run_of_parts(const struct index *x, size_t at, const char *name, unsigned slot,
                            const char *address)
{
    unsigned parts = x->held[x->order[at]].parts;

    if (parts == 0 || parts > x->n - at)
        return false;
    for (unsigned i = 0; i < parts; i++) {
        const struct held_name *h = &x->held[x->order[at + i]];
        if (compare_address(h, name, slot, address) != 0 || h->parts != parts || h->part != i + 1)
            return false;
    }
    return true;
}

/* What one want has taken no other gets, even where a configuration that nobody checked declares an address
 * twice. */
static void take(struct index *x, size_t at, struct sockset_want *w)
{
    w->n_held = x->held[x->order[at]].parts;
    w->held = mem_new_array(w->n_held, sizeof *w->held);
    w->complete = true;
    for (size_t i = 0; i < w->n_held; i++) {
        w->held[i] = x->order[at + i];
        x->taken[at + i] = true;
    }
}

static void match(struct index *x, struct sockset_want *w)
{
    size_t at = index_lower_bound(x, w->socket->name, w->slot, w->address);

    for (; at < x->n; at++) {
        if (compare_address(&x->held[x->order[at]], w->socket->name, w->slot, w->address) != 0)
            return;
        if (!x->taken[at] && is_run_of_parts(x, at, w->socket->name, w->slot, w->address)) {
            take(x, at, w);
            return;
        }
    }
}

static bool uses(const struct service_conf *s, const char *socket)
{
    for (size_t i = 0; i < s->sockets.n; i++)
        if (str_eq(s->sockets.v[i], socket))
            return true;
    return false;
}

/* The most workers of any service that uses it; at least one, so that the address stays ours with none. */
static unsigned per_worker_slots(const struct conf *c, const unsigned *workers, const struct socket_conf *s)
{
    unsigned most = 1;
    for (size_t i = 0; i < c->n_services; i++) {
        unsigned n = workers ? workers[i] : c->services[i].with->workers;
        if (n > most && uses(&c->services[i], s->name))
            most = n;
    }
    return most;
}

static void add_wants(const struct conf *c, const unsigned *workers, const struct socket_conf *s,
                      struct sockset_plan *plan)
{
    bool per_worker = s->options->reuse_port == REUSE_PORT_PER_WORKER;
    unsigned first = per_worker ? 1 : 0, last = per_worker ? per_worker_slots(c, workers, s) : 0;
    size_t more = s->listen.n * (last - first + 1);

    plan->wants = mem_resize_array(plan->wants, plan->n_wants + more, sizeof *plan->wants);
    for (size_t a = 0; a < s->listen.n; a++)
        for (unsigned slot = first; slot <= last; slot++)
            plan->wants[plan->n_wants++] =
                (struct sockset_want){.socket = s, .address = s->listen.v[a], .slot = slot};
}

void sockset_compare(const struct conf *c, const unsigned *workers, const struct held_name *held,
                     size_t n_held, struct sockset_plan *ret)
{
    struct sockset_plan plan = {0};
    struct index x;

    for (size_t i = 0; i < c->n_sockets; i++)
        add_wants(c, workers, &c->sockets[i], &plan);
    index_init(&x, held, n_held);
    for (size_t i = 0; i < plan.n_wants; i++)
        match(&x, &plan.wants[i]);
    plan.drops = mem_new_array(x.n + 1, sizeof *plan.drops);
    for (size_t i = 0; i < x.n; i++)
        if (!x.taken[i])
            plan.drops[plan.n_drops++] = x.order[i];
    index_fini(&x);
    *ret = plan;
}

void sockset_plan_fini(struct sockset_plan *p)
{
    for (size_t i = 0; i < p->n_wants; i++)
        free(p->wants[i].held);
    free(p->wants);
    free(p->drops);
    *p = (struct sockset_plan){0};
}
