/* conf_claims: which two sockets want one place. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/conf_check.h"
#include "core/conf_schema.h"

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

TestSuite(conf_claims, .init = set_up, .fini = tear_down);

static void listen_on(const char *name, const char *address)
{
    struct socket_conf *s = conf_find_socket(&conf, name);
    struct berr err = {0};
    s = s ? s : conf_add_socket(&conf, name);
    cr_assert_eq(conf_add_address(s, address, &err), 0, "%s", err.text);
}

static void serve(const char *name, const char *place)
{
    struct berr err = {0};
    cr_assert_eq(conf_set_socket(conf_find_socket(&conf, name), "serve", place, &err), 0, "%s", err.text);
}

static bool collide(const char *one, const char *other)
{
    struct berr err = {0};
    listen_on("a", one);
    listen_on("b", other);
    bool is_refused = conf_check(&conf, &err) < 0;
    tear_down();
    return is_refused;
}

Test(conf_claims, these_collide_whichever_comes_first)
{
    static const char *const pairs[][2] = {
        {":80", "tcp://*:80"},
        {":80", "127.0.0.1:80"},
        {":80", "[::1]:80"},
        {":80", "localhost:80"},
        {":80", "tcp4://:80"},
        {":80", "tcp6://:80"},
        {":80", "0.0.0.0:80"},
        {":80", "[::]:80"},
        {"tcp4://:80", "127.0.0.1:80"},
        {"tcp4://:80", "0.0.0.0:80"},
        {"0.0.0.0:80", "127.0.0.1:80"},
        {"tcp6://:80", "[::1]:80"},
        {"[::]:80", "[::1]:80"},
        {"[::]:80", "tcp6://:80"},
        {":80?ipv6_only=yes", "[::1]:80"},
        {":80?reuse_port=yes", "127.0.0.1:80"},
        {"unix:/a", "unix-dgram:/a"},
        {"unix:/a", "/a"},
        {"unix:@a", "unix:@a"},
        {"vsock://*:5", "vsock://*:5"},
        {"udp://:53", "udp://:53"},
    };
    for (size_t i = 0; i < N(pairs); i++) {
        cr_expect(collide(pairs[i][0], pairs[i][1]), "%s and %s", pairs[i][0], pairs[i][1]);
        cr_expect(collide(pairs[i][1], pairs[i][0]), "%s and %s", pairs[i][1], pairs[i][0]);
    }
}

Test(conf_claims, these_do_not)
{
    static const char *const pairs[][2] = {
        {":80", ":81"},
        {":80", "127.0.0.1:81"},
        {":0", ":0"},
        {":0", "127.0.0.1:0"},
        {"tcp4://:80", "tcp6://:80"},
        {"tcp4://:80", "[::1]:80"},
        {"tcp4://:80", "localhost:80"},
        {"0.0.0.0:80", "[::]:80"}, /* where bindv6only says so */
        {"0.0.0.0:80", "tcp6://:80"},
        {":80?ipv6_only=yes", "tcp4://:80"},
        {":80?ipv6_only=yes", "127.0.0.1:80"},
        {"127.0.0.1:80", "[::1]:80"},
        {"127.0.0.1:80", "127.0.0.2:80"},
        {":80?reuse_port=yes", "127.0.0.1:80?reuse_port=yes"},
        {":53", "udp://:53"},
        {"udp://:53", "udp://127.0.0.1:53"},
        {"unix:/a", "unix:/b"},
        {"unix:@a", "unix-dgram:@a"},
        {"unix:/a", "unix:@/a"},
        {"vsock://*:0", "vsock://*:0"},
        {"vsock://1:5", "vsock://2:5"},
    };
    for (size_t i = 0; i < N(pairs); i++) {
        cr_expect_not(collide(pairs[i][0], pairs[i][1]), "%s and %s", pairs[i][0], pairs[i][1]);
        cr_expect_not(collide(pairs[i][1], pairs[i][0]), "%s and %s", pairs[i][1], pairs[i][0]);
    }
}

static unsigned n_told;

static void count(struct conf_report *self, enum conf_section section, const char *name, const char *key,
                  const char *sentence)
{
    (void)self, (void)section, (void)name, (void)key, (void)sentence;
    n_told++;
}

static unsigned count_problems(void)
{
    struct conf_report report = {count};
    n_told = 0;
    conf_check_all(&conf, &report);
    return n_told;
}

Test(conf_claims, every_one_that_is_taken_in_is_told_once)
{
    listen_on("v6", "tcp6://:80");
    listen_on("v4", "tcp4://:80");
    listen_on("a", "127.0.0.1:80");
    listen_on("b", "[::1]:80");
    listen_on("c", "localhost:80");
    cr_expect_eq(count_problems(), 2);
    listen_on("all", ":80");
    cr_expect_eq(count_problems(), 5);
}

Test(conf_claims, a_place_may_serve_several_sockets_in_one_protocol)
{
    listen_on("a", ":80");
    listen_on("b", ":81");
    serve("a", "zerg:/run/z");
    serve("b", "zerg:///run/z");
    cr_expect_eq(count_problems(), 0);
    serve("b", "fdholder:/run/z");
    cr_expect_eq(count_problems(), 1);
    listen_on("c", "unix-dgram:/run/z");
    cr_expect_geq(count_problems(), 2);
}

Test(conf_claims, thousands_are_compared_in_no_time, .timeout = 20)
{
    for (unsigned i = 0; i < LIMIT_SOCKETS; i++) {
        char name[32], address[32];
        snprintf(name, sizeof name, "s%u", i);
        snprintf(address, sizeof address, "127.%u.%u.1:80", i >> 8, i & 255);
        listen_on(name, address);
    }
    cr_expect_eq(count_problems(), 0);
    listen_on("s0", ":80");
    cr_expect_eq(count_problems(), LIMIT_SOCKETS);
}
