/* order: two lists of edges, each sorted by the service they belong to, and a sequence by Kahn's algorithm.
 * The time is that of the edges. */
#include "config.h"

#include "core/order.h"

#include <stdlib.h>

#include "base/mem.h"

struct pair {
    unsigned waiter, awaited;
    bool is_required;
};

static bool has_edge(const struct pair *pairs, size_t from, size_t to, size_t awaited)
{
    for (size_t i = from; i < to; i++)
        if (pairs[i].awaited == awaited)
            return true;
    return false;
}

static size_t add_pairs(const struct conf *c, size_t waiter, const struct strv *names, bool is_required,
                        struct pair *pairs, size_t from, size_t n)
{
    for (size_t i = 0; i < names->n; i++) {
        const struct service_conf *s = conf_find_service(c, names->v[i]);
        size_t awaited = s ? (size_t)(s - c->services) : 0;
        if (s && !has_edge(pairs, from, n, awaited))
            pairs[n++] = (struct pair){(unsigned)waiter, (unsigned)awaited, is_required};
    }
    return n;
}

/* Every pair, those of one waiter together. */
static struct pair *list_pairs(const struct conf *c, size_t *ret_n)
{
    size_t most = 0, n = 0;
    for (size_t i = 0; i < c->n_services; i++)
    most += c->services[i].with->after.n + c->services[i].with->requires.n;
    struct pair *pairs = mem_new_array(most + 1, sizeof *pairs);
    for (size_t i = 0; i < c->n_services; i++) {
        size_t from = n;
        n = add_pairs(c, i, &c->services[i].with->requires, true, pairs, from, n);
        n = add_pairs(c, i, &c->services[i].with->after, false, pairs, from, n);
    }
    *ret_n = n;
    return pairs;
}

/* The pairs as edges of their waiters, or of those that they wait for: counted, then placed. */
static void index_pairs(const struct pair *pairs, size_t n_pairs, size_t n, bool by_awaited,
                        unsigned **ret_first, struct order_edge **ret_edges)
{
    unsigned *first = mem_new_array(n + 2, sizeof *first);
    struct order_edge *edges = mem_new_array(n_pairs + 1, sizeof *edges);
    cleanup_free unsigned *next = mem_new_array(n + 1, sizeof *next);
    for (size_t i = 0; i < n_pairs; i++)
        first[(by_awaited ? pairs[i].awaited : pairs[i].waiter) + 1]++;
    for (size_t i = 0; i < n; i++) {
        first[i + 1] += first[i];
        next[i] = first[i];
    }
    for (size_t i = 0; i < n_pairs; i++) {
        size_t owner = by_awaited ? pairs[i].awaited : pairs[i].waiter;
        edges[next[owner]++] =
            (struct order_edge){by_awaited ? pairs[i].waiter : pairs[i].awaited, pairs[i].is_required};
    }
    *ret_first = first;
    *ret_edges = edges;
}

/* How many could be placed: all, or there is a circle among the rest. MISSING: those that each still waits
 * for. */
static size_t make_sequence(struct order *o, size_t *missing)
{
    size_t n = 0;
    o->sequence = mem_new_array(o->n + 1, sizeof *o->sequence);
    for (size_t i = 0; i < o->n; i++) {
        missing[i] = o->first_before[i + 1] - o->first_before[i];
        if (missing[i] == 0)
            o->sequence[n++] = (unsigned)i;
    }
    for (size_t k = 0; k < n; k++) {
        size_t i = o->sequence[k];
        for (size_t e = o->first_behind[i]; e < o->first_behind[i + 1]; e++)
            if (--missing[o->behind[e].service] == 0)
                o->sequence[n++] = o->behind[e].service;
    }
    return n;
}

static size_t awaited_in_circle(const struct order *o, size_t i, const size_t *missing)
{
    size_t e = o->first_before[i];
    while (missing[o->before[e].service] == 0)
        e++;
    return o->before[e].service;
}

/* Whoever is left waits for somebody who is left: going from one to the next ends in a circle. */
static size_t *find_circle(const struct order *o, const size_t *missing, size_t *ret_n)
{
    cleanup_free size_t *seen = mem_new_array(o->n + 1, sizeof *seen); /* step + 1 */
    size_t *path = mem_new_array(o->n + 1, sizeof *path), n = 0, i = 0;
    while (missing[i] == 0)
        i++;
    for (; seen[i] == 0; i = awaited_in_circle(o, i, missing)) {
        seen[i] = n + 1;
        path[n++] = i;
    }
    size_t from = seen[i] - 1;
    path[n++] = i;
    for (size_t k = from; k < n; k++)
        path[k - from] = path[k];
    *ret_n = n - from;
    return path;
}

bool order_make(const struct conf *c, struct order *ret, size_t **ret_circle, size_t *ret_n_circle)
{
    struct order o = {.n = c->n_services};
    size_t n_pairs;
    cleanup_free struct pair *pairs = list_pairs(c, &n_pairs);
    cleanup_free size_t *missing = mem_new_array(o.n + 1, sizeof *missing);
    index_pairs(pairs, n_pairs, o.n, false, &o.first_before, &o.before);
    index_pairs(pairs, n_pairs, o.n, true, &o.first_behind, &o.behind);
    if (make_sequence(&o, missing) == o.n) {
        *ret = o;
        return true;
    }
    *ret_circle = find_circle(&o, missing, ret_n_circle);
    order_fini(&o);
    *ret = o;
    return false;
}

void order_fini(struct order *o)
{
    free(o->first_before);
    free(o->before);
    free(o->first_behind);
    free(o->behind);
    free(o->sequence);
    *o = (struct order){0};
}
