/* order: whoever waits comes behind; a circle is found, and is one. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/order.h"

static struct conf conf;
static struct order order;
static size_t *circle, n_circle;

static void set_up(void)
{
    conf_init(&conf);
    circle = NULL;
}

static void tear_down(void)
{
    order_fini(&order);
    conf_fini(&conf);
    free(circle);
}

TestSuite(order, .init = set_up, .fini = tear_down);

static const char *name_of(size_t i)
{
    static char name[32];
    snprintf(name, sizeof name, "s%zu", i);
    return name;
}

static void add_services(size_t n)
{
    for (size_t i = 0; i < n; i++)
        conf_add_service(&conf, name_of(i));
}

static void wait_for(size_t waiter, size_t awaited, bool is_required)
{
    struct service_conf *s = &conf.services[waiter];
    strv_add(is_required ? &s->with->requires : &s->with->after, name_of(awaited));
}

static bool make(void)
{
    return order_make(&conf, &order, &circle, &n_circle);
}

static bool waits(size_t waiter, size_t awaited)
{
    const struct service_conf *s = &conf.services[waiter];
    for (size_t i = 0; i < s->with->after.n; i++)
        if (str_eq(s->with->after.v[i], name_of(awaited)))
            return true;
    for (size_t i = 0; i < s->with->requires.n; i++)
        if (str_eq(s->with->requires.v[i], name_of(awaited)))
            return true;
    return false;
}

/* Everything is there once, and behind all that it waits for; and the edges are those of the configuration.
 */
static void expect_sound(void)
{
    size_t *place = calloc(order.n + 1, sizeof *place), n_before = 0, n_behind = 0;
    cr_assert_eq(order.n, conf.n_services);
    for (size_t k = 0; k < order.n; k++) {
        cr_assert_lt(order.sequence[k], order.n);
        cr_assert_eq(place[order.sequence[k]], 0, "a service is there twice");
        place[order.sequence[k]] = k + 1;
    }
    for (size_t i = 0; i < order.n; i++) {
        n_before += order.first_before[i + 1] - order.first_before[i];
        n_behind += order.first_behind[i + 1] - order.first_behind[i];
        for (size_t e = order.first_before[i]; e < order.first_before[i + 1]; e++) {
            cr_assert(waits(i, order.before[e].service));
            cr_assert_lt(place[order.before[e].service], place[i]);
        }
        for (size_t e = order.first_behind[i]; e < order.first_behind[i + 1]; e++)
            cr_assert(waits(order.behind[e].service, i));
        for (size_t k = 0; k < order.n; k++)
            cr_assert(!waits(i, k) || place[k] < place[i]);
    }
    cr_assert_eq(n_before, n_behind);
    free(place);
}

static void expect_circle(void)
{
    cr_assert_not_null(circle);
    cr_assert_geq(n_circle, 2);
    cr_assert_eq(circle[0], circle[n_circle - 1]);
    for (size_t i = 0; i + 1 < n_circle; i++)
        cr_assert(waits(circle[i], circle[i + 1]), "%zu does not wait for %zu", circle[i], circle[i + 1]);
    cr_assert_eq(order.n, 0);
    cr_assert_null(order.sequence);
}

Test(order, without_a_word_it_is_that_of_the_configuration)
{
    add_services(5);
    cr_assert(make());
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(order.sequence[i], i);
}

Test(order, of_nothing_is_empty)
{
    cr_assert(make());
    cr_expect_eq(order.n, 0);
}

Test(order, required_beats_after_where_both_are_said)
{
    add_services(2);
    wait_for(0, 1, false);
    wait_for(0, 1, true);
    cr_assert(make());
    cr_assert_eq(order.first_before[1] - order.first_before[0], 1);
    cr_expect(order.before[0].is_required);
    cr_expect(order.behind[order.first_behind[1]].is_required);
    cr_expect_eq(order.behind[order.first_behind[1]].service, 0);
    expect_sound();
}

Test(order, names_that_are_not_there_are_left_out)
{
    add_services(2);
    wait_for(0, 7, true);
    cr_assert(make());
    cr_expect_eq(order.first_before[2], 0);
}

Test(order, a_circle_is_found_behind_a_tail)
{
    add_services(6);
    wait_for(0, 1, false); /* 0 and 1 lead to the circle and are not in it */
    wait_for(1, 2, true);
    wait_for(2, 3, false);
    wait_for(3, 4, true);
    wait_for(4, 2, false);
    wait_for(5, 0, false);
    cr_assert_not(make());
    expect_circle();
    cr_expect_eq(n_circle, 4);
}

Test(order, a_service_that_waits_for_itself_is_a_circle)
{
    add_services(1);
    wait_for(0, 0, false);
    cr_assert_not(make());
    expect_circle();
}

/* A number that is the same in every run. */
static unsigned next(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16;
}

/* Edges only go from a service to one before it in a shuffled order, so there is no circle. */
static void add_random_edges(unsigned *state, size_t n, size_t n_edges, bool may_circle)
{
    size_t *rank = calloc(n, sizeof *rank);
    for (size_t i = 0; i < n; i++)
        rank[i] = i;
    for (size_t i = n; i > 1; i--) {
        size_t k = next(state) % i, kept = rank[i - 1];
        rank[i - 1] = rank[k];
        rank[k] = kept;
    }
    for (size_t i = 0; i < n_edges; i++) {
        size_t a = next(state) % n, b = next(state) % n;
        if (a != b && (may_circle || rank[a] > rank[b]))
            wait_for(a, b, next(state) % 2);
    }
    free(rank);
}

Test(order, a_sequence_respects_every_edge_of_any_graph, .timeout = 60)
{
    for (unsigned seed = 0; seed < 300; seed++) {
        unsigned state = seed;
        size_t n = 1 + next(&state) % 30;
        add_services(n);
        add_random_edges(&state, n, next(&state) % (4 * n), false);
        cr_assert(make(), "seed %u: a circle where there is none", seed);
        expect_sound();
        tear_down();
        set_up();
    }
}

Test(order, what_is_called_a_circle_is_one_and_the_rest_is_sound, .timeout = 60)
{
    unsigned n_circles = 0;
    for (unsigned seed = 0; seed < 300; seed++) {
        unsigned state = seed;
        size_t n = 2 + next(&state) % 20;
        add_services(n);
        add_random_edges(&state, n, next(&state) % (2 * n), true);
        if (make()) {
            expect_sound();
        } else {
            expect_circle();
            n_circles++;
        }
        tear_down();
        set_up();
    }
    cr_expect(n_circles > 50 && n_circles < 290, "%u", n_circles);
}

Test(order, a_long_chain_is_no_matter, .timeout = 60)
{
    add_services(LIMIT_SERVICES);
    for (size_t i = 0; i + 1 < LIMIT_SERVICES; i++)
        wait_for(i, i + 1, true);
    cr_assert(make());
    for (size_t i = 0; i < LIMIT_SERVICES; i++)
        cr_assert_eq(order.sequence[i], LIMIT_SERVICES - 1 - i);
}
