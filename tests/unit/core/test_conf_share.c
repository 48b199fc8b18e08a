/* conf_share: what is the same is there once, what is not is not mixed up, and nothing else has changed. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/conf_build.h"
#include "core/conf_schema.h"

static struct conf conf;

static void set_up(void)
{
    conf_init(&conf);
}

static void tear_down(void)
{
    conf_fini(&conf);
}

TestSuite(conf_share, .init = set_up, .fini = tear_down);

static void add_service(const char *name, const char *command, const char *key, const char *value)
{
    struct berr err = {0};
    struct service_conf *s = conf_add_service(&conf, name);
    cr_assert_eq(conf_set_service(s, "command", command, &err), 0, "%s", err.text);
    cr_assert_eq(conf_set_service(s, "sockets", "web", &err), 0, "%s", err.text);
    if (key)
        cr_assert_eq(conf_set_service(s, key, value, &err), 0, "%s", err.text);
}

static void add_socket(const char *name, const char *address)
{
    struct berr err = {0};
    cr_assert_eq(conf_add_address(conf_add_socket(&conf, name), address, &err), 0, "%s", err.text);
}

static void fill(void)
{
    add_socket("web", "unix:/run/web?mode=0600");
    add_socket("admin", "unix:/run/admin?mode=0600");
    add_socket("other", ":80");
    add_service("one", "server --number 1", NULL, NULL);
    add_service("two", "server --number 2", NULL, NULL);
    add_service("three", "server --number 3", "env.A", "b");
    add_service("four", "server", "groups", "");
}

Test(conf_share, the_whole_says_the_same_as_before)
{
    struct buf before, after;
    buf_init(&before, SIZE_MAX);
    buf_init(&after, SIZE_MAX);
    fill();
    conf_print(&conf, &before);
    conf_share(&conf);
    conf_print(&conf, &after);
    cr_expect_str_eq(buf_str(&after), buf_str(&before));
    cr_expect_eq(conf_find_service(&conf, "three"), &conf.services[2]);
    cr_expect_eq(conf_find_socket(&conf, "admin"), &conf.sockets[1]);
    buf_fini(&before);
    buf_fini(&after);
}

Test(conf_share, only_what_is_the_same_is_shared)
{
    fill();
    cr_expect_neq(conf.services[0].with, conf.services[1].with);
    conf_share(&conf);
    cr_expect_eq(conf.sockets[0].options, conf.sockets[1].options);
    cr_expect_neq(conf.sockets[0].options, conf.sockets[2].options);
    cr_expect_eq(conf.services[0].with, conf.services[1].with);
    cr_expect_neq(conf.services[0].with, conf.services[2].with);
    cr_expect_neq(conf.services[0].with, conf.services[3].with, "no groups at all is not the user's groups");
    cr_expect_eq(conf.services[0].command.v[0], conf.services[3].command.v[0], "a text is there once");
}

Test(conf_share, a_copy_outlives_it)
{
    fill();
    conf_share(&conf);
    struct service_conf copy = conf_service_copy(&conf.services[2]);
    conf_fini(&conf);
    cr_expect_str_eq(copy.name, "three");
    cr_expect_str_eq(copy.command.v[2], "3");
    cr_expect_null(copy.command.v[3]);
    cr_expect_str_eq(copy.sockets.v[0], "web");
    cr_expect_str_eq(copy.with->environment.v[0], "A=b");
    conf_service_fini(&copy);
}

Test(conf_share, there_may_be_nothing_to_share)
{
    conf_share(&conf);
    cr_expect_null(conf_find_service(&conf, "one"));
}
