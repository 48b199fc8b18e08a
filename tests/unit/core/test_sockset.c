/* sockset: for every subset of what could be held, what is kept, opened and dropped. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/conf_schema.h"
#include "core/sockset.h"

#define N(array) (sizeof(array) / sizeof *(array))

static struct conf conf;

static void set_up(void)
{
    conf_init(&conf);
}

static void tear_down(void)
{
    conf_fini(&conf);
}

TestSuite(sockset, .init = set_up, .fini = tear_down);

static void want(const char *name, const char *address)
{
    struct socket_conf *s = conf_find_socket(&conf, name);
    struct berr err;
    cr_assert_eq(conf_add_address(s ? s : conf_add_socket(&conf, name), address, &err), 0);
}

static void parse_all(const char *const *texts, size_t n, struct held_name *held)
{
    for (size_t i = 0; i < n; i++)
        held_name_parse(texts[i], &held[i]);
}

Test(sockset, with_nothing_held_everything_is_opened)
{
    struct sockset_plan plan;
    want("web", ":80");
    want("web", "unix:/a");
    sockset_compare(&conf, NULL, NULL, 0, &plan);
    cr_assert_eq(plan.n_wants, 2);
    cr_assert_eq(plan.n_drops, 0);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_not(plan.wants[i].complete);
        cr_assert_null(plan.wants[i].held);
        cr_assert_eq(plan.wants[i].socket, &conf.sockets[0]);
        cr_assert_str_eq(plan.wants[i].address, conf.sockets[0].listen.v[i]);
    }
    sockset_plan_fini(&plan);
}

Test(sockset, with_nothing_wanted_every_socket_is_dropped_and_nothing_else)
{
    static const char *const texts[] = {"control", "state", "socket/web/0/1.1/tcp://:80", "worker/web/1/1/1",
                                        "notify/x"};
    struct held_name held[N(texts)];
    struct sockset_plan plan;
    parse_all(texts, N(texts), held);
    sockset_compare(&conf, NULL, held, N(held), &plan);
    cr_assert_eq(plan.n_wants, 0);
    cr_assert_eq(plan.n_drops, 1);
    cr_assert_eq(plan.drops[0], 2);
    sockset_plan_fini(&plan);
}

Test(sockset, parts_come_in_their_order_however_they_are_held)
{
    static const char *const texts[] = {"socket/web/0/3.3/tcp://host:80", "socket/web/0/1.3/tcp://host:80",
                                        "socket/web/0/2.3/tcp://host:80"};
    struct held_name held[N(texts)];
    struct sockset_plan plan;
    want("web", "host:80");
    parse_all(texts, N(texts), held);
    sockset_compare(&conf, NULL, held, N(held), &plan);
    cr_assert(plan.wants[0].complete);
    cr_assert_eq(plan.wants[0].n_held, 3);
    cr_assert_eq(plan.wants[0].held[0], 1);
    cr_assert_eq(plan.wants[0].held[1], 2);
    cr_assert_eq(plan.wants[0].held[2], 0);
    sockset_plan_fini(&plan);
}

Test(sockset, a_part_held_twice_does_not_stand_for_a_missing_one)
{
    static const char *const texts[] = {"socket/web/0/1.2/tcp://host:80", "socket/web/0/1.2/tcp://host:80",
                                        "socket/web/0/2.2/tcp://host:80"};
    struct held_name held[N(texts)];
    struct sockset_plan plan;
    want("web", "host:80");
    parse_all(texts, N(texts), held);
    sockset_compare(&conf, NULL, held, 2, &plan);
    cr_assert_not(plan.wants[0].complete);
    cr_assert_eq(plan.n_drops, 2);
    sockset_plan_fini(&plan);
    sockset_compare(&conf, NULL, held, 3, &plan);
    cr_assert(plan.wants[0].complete);
    cr_assert_eq(plan.n_drops, 1);
    sockset_plan_fini(&plan);
}

/* Everything that one small configuration could find in the keeper. */
static const char *const universe[] = {
    "socket/web/0/1.1/tcp://:80",     /* 0: wanted */
    "socket/web/0/1.2/tcp://host:81", /* 1: half of a wanted one */
    "socket/web/0/2.2/tcp://host:81", /* 2: the other half */
    "socket/web/0/1.1/tcp://host:81", /* 3: the same address, when the name had one address */
    "socket/web/1/1.1/tcp://:80",     /* 4: of a slot that is not wanted */
    "socket/old/0/1.1/tcp://:80",     /* 5: of a socket that is gone */
    "socket/web/0/1.1/tcp://:82",     /* 6: an address that is gone */
    "socket/adm/0/1.1/unix:/run/a",   /* 7: wanted */
    "worker/web/1/1/1",               /* 8: no socket */
    "who/knows/what",                 /* 9: of a newer version */
};
#define UNIVERSE N(universe)

struct answer {
    bool kept[UNIVERSE], dropped[UNIVERSE];
};

static struct answer compare_subset(unsigned subset, struct sockset_plan *plan)
{
    struct held_name held[UNIVERSE];
    size_t at[UNIVERSE], n = 0;
    struct answer a = {0};

    for (size_t i = 0; i < UNIVERSE; i++)
        if (subset & 1u << i) {
            held_name_parse(universe[i], &held[n]);
            at[n++] = i;
        }
    sockset_compare(&conf, NULL, held, n, plan);
    for (size_t w = 0; w < plan->n_wants; w++)
        for (size_t i = 0; i < plan->wants[w].n_held; i++) {
            size_t which = at[plan->wants[w].held[i]];
            cr_assert_not(a.kept[which], "%s is kept twice", universe[which]);
            a.kept[which] = true;
        }
    for (size_t i = 0; i < plan->n_drops; i++) {
        size_t which = at[plan->drops[i]];
        cr_assert_not(a.dropped[which], "%s is dropped twice", universe[which]);
        a.dropped[which] = true;
    }
    return a;
}

Test(sockset, every_subset_of_what_may_be_held_is_kept_or_dropped_rightly)
{
    want("web", ":80");
    want("web", "host:81");
    want("adm", "unix:/run/a");
    for (unsigned subset = 0; subset < 1u << UNIVERSE; subset++) {
        struct sockset_plan plan;
        struct answer a = compare_subset(subset, &plan);
#define HAS(i) (!!(subset & 1u << (i)))
        bool single = HAS(3), both = HAS(1) && HAS(2);
        cr_assert_eq(plan.wants[0].complete, HAS(0));
        cr_assert_eq(plan.wants[1].complete, single || both, "subset %x", subset);
        cr_assert_eq(plan.wants[2].complete, HAS(7));
        cr_assert_eq(a.kept[0], HAS(0));
        cr_assert_eq(a.kept[7], HAS(7));
        cr_assert_eq(a.kept[3], single);
        cr_assert_eq(a.kept[1], both && !single);
        for (size_t i = 0; i < UNIVERSE; i++) {
            bool is_socket = i < 8;
            cr_assert_eq(a.dropped[i], HAS(i) && is_socket && !a.kept[i], "subset %x: %s", subset,
                         universe[i]);
        }
        sockset_plan_fini(&plan);
    }
}

Test(sockset, per_worker_wants_one_for_each_worker)
{
    static const char *const texts[] = {"socket/web/2/1.1/tcp://:80", "socket/web/4/1.1/tcp://:80",
                                        "socket/web/0/1.1/tcp://:80"};
    struct held_name held[N(texts)];
    struct sockset_plan plan;
    want("web", ":80");
    conf.sockets[0].options->reuse_port = REUSE_PORT_PER_WORKER;
    strv_add(&conf_add_service(&conf, "few")->sockets, "web");
    conf.services[0].with->workers = 2;
    strv_add(&conf_add_service(&conf, "many")->sockets, "web");
    conf.services[1].with->workers = 3;
    conf_add_service(&conf, "other")->with->workers = 9;
    parse_all(texts, N(texts), held);
    sockset_compare(&conf, NULL, held, N(held), &plan);
    cr_assert_eq(plan.n_wants, 3);
    for (unsigned slot = 1; slot <= 3; slot++) {
        cr_expect_eq(plan.wants[slot - 1].slot, slot);
        cr_expect_eq(plan.wants[slot - 1].complete, slot == 2);
    }
    cr_expect_eq(plan.n_drops, 2, "the slot of a worker that is gone, and the shared one");
    sockset_plan_fini(&plan);
}

Test(sockset, the_number_of_workers_now_counts_and_not_the_configured_one)
{
    static const unsigned now[] = {4, 2};
    struct sockset_plan plan;
    want("web", ":80");
    conf.sockets[0].options->reuse_port = REUSE_PORT_PER_WORKER;
    strv_add(&conf_add_service(&conf, "scaled")->sockets, "web");
    strv_add(&conf_add_service(&conf, "shrunk")->sockets, "web");
    conf.services[0].with->workers = 1;
    conf.services[1].with->workers = 9;
    sockset_compare(&conf, now, NULL, 0, &plan);
    cr_assert_eq(plan.n_wants, 4);
    sockset_plan_fini(&plan);
}

Test(sockset, a_per_worker_socket_without_workers_keeps_its_address)
{
    struct sockset_plan plan;
    want("web", ":80");
    conf.sockets[0].options->reuse_port = REUSE_PORT_PER_WORKER;
    sockset_compare(&conf, NULL, NULL, 0, &plan);
    cr_assert_eq(plan.n_wants, 1);
    cr_assert_eq(plan.wants[0].slot, 1);
    sockset_plan_fini(&plan);
}

Test(sockset, a_thousand_sockets_find_their_own)
{
    enum { MANY = 1000 };
    cleanup_free struct held_name *held = mem_new_array(MANY, sizeof *held);
    struct sockset_plan plan;
    char name[32], text[64];

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "s%u", i);
        snprintf(text, sizeof text, "unix:/run/%u", i);
        want(name, text);
        snprintf(text, sizeof text, "socket/s%u/0/1.1/unix:/run/%u", MANY - 1 - i, MANY - 1 - i);
        held_name_parse(text, &held[i]);
    }
    sockset_compare(&conf, NULL, held, MANY, &plan);
    cr_assert_eq(plan.n_drops, 0);
    for (unsigned i = 0; i < MANY; i++) {
        cr_assert(plan.wants[i].complete);
        cr_assert_eq(plan.wants[i].held[0], MANY - 1 - i);
    }
    sockset_plan_fini(&plan);
}
