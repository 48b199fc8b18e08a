/* explain: every variable has its source, every descriptor its place, and nothing is hidden. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/conf_schema.h"
#include "core/explain.h"

static struct conf conf;
static struct service_conf *service;
static struct handoff_socket sockets[2];
static struct handoff_input in;
static struct explanation x;

static void set_socket(size_t i, const char *name, const char *address)
{
    struct address a;
    struct berr err;
    struct socket_conf *s = conf_add_socket(&conf, name);
    cr_assert_eq(conf_add_address(s, address, &err), 0);
    cr_assert_eq(address_parse(address, &a, &err), 0);
    sockets[i] = (struct handoff_socket){.name = name, .fd = 9, .declared = address, .parts = 1};
    cr_assert_eq(address_to_endpoint(&a, &sockets[i].endpoint), 0);
    strv_add(&service->sockets, name);
}

static void set_up(void)
{
    conf_init(&conf);
    service = conf_add_service(&conf, "api");
    strv_add(&service->command, "server");
    set_socket(0, "web", "tcp://127.0.0.1:80");
    set_socket(1, "admin", "unix:/run/a.sock");
    in = (struct handoff_input){
        .service = "api", .worker = 2, .generation = 5, .sockets = sockets, .n_sockets = 2};
}

static void tear_down(void)
{
    explanation_fini(&x);
    conf_fini(&conf);
}

TestSuite(explain, .init = set_up, .fini = tear_down);

static void set(const char *key, const char *value)
{
    struct berr err;
    cr_assert_eq(conf_set_service(service, key, value, &err), 0, "%s", key);
}

static const char *const inherited[] = {"PATH=/bin",  "NOTIFY_SOCKET=/x", "COLOUR=red",
                                        "HOME=/root", "EMPTY=",           NULL};
static char home[] = "HOME=/home/me", colour[] = "COLOUR=red", shape[] = "SHAPE=round";
static char *user_variables[] = {home, NULL}, *file_variables[] = {colour, shape, NULL};
static const struct strv user = {user_variables, 1}, files = {file_variables, 2};

static void explain(void)
{
    struct berr err;
    cr_assert_eq(explain_worker(&conf, service, &in, inherited, &user, &files, &x, &err), 0);
}

static void expect_variable(const char *name, const char *value, const char *source)
{
    for (size_t i = 0; i < x.n_variables; i++)
        if (strcmp(x.variables[i].name, name) == 0) {
            cr_expect_str_eq(x.variables[i].value, value, "%s", name);
            cr_expect_str_eq(x.variables[i].source, source, "%s", name);
            return;
        }
    cr_expect_fail("there is no %s", name);
}

Test(explain, every_variable_has_its_source)
{
    set("env.COLOUR", "blue");
    explain();
    expect_variable("PATH", "/bin", "inherited");
    expect_variable("SHAPE", "round", "env_file");
    expect_variable("EMPTY", "", "inherited");
    expect_variable("COLOUR", "blue", "env");
    expect_variable("HOME", "/home/me", "user");
    expect_variable("LISTEN_FDS", "2", "listen-fds");
    expect_variable("LISTEN_PID", "(the worker's own pid)", "listen-fds");
    expect_variable("SERVER_STARTER_PORT", "127.0.0.1:80=3;/run/a.sock=4", "server-starter");
    expect_variable("BERTH_WORKER", "2", "berth");
    cr_expect_str_eq(x.told_by, "LISTEN_FDS, SERVER_STARTER_PORT");
}

Test(explain, what_is_taken_away_is_named)
{
    explain();
    cr_assert_eq(x.taken_away.n, 1);
    cr_expect_str_eq(x.taken_away.v[0], "NOTIFY_SOCKET");
}

Test(explain, descriptors_stand_in_their_order)
{
    set("handoff", "listen-fds,stdin");
    explain();
    cr_assert_eq(x.n_descriptors, 5);
    cr_expect_str_eq(x.descriptors[0].name, "web");
    cr_expect_str_eq(x.descriptors[2].what, "inherited");
    cr_expect_eq(x.descriptors[4].number, 4);
    cr_expect_str_eq(x.descriptors[4].address, "unix:/run/a.sock");
    cr_expect_eq(x.descriptors[4].options.n, 0);
}

Test(explain, options_that_differ_from_their_defaults_are_told)
{
    struct berr err;
    cr_assert_eq(conf_set_socket(&conf.sockets[0], "backlog", "77", &err), 0);
    explain();
    cr_assert_eq(x.descriptors[3].options.n, 1);
    cr_expect_str_eq(x.descriptors[3].options.v[0], "backlog = 77");
}

Test(explain, over_a_channel_there_is_one_descriptor_and_sockets_come_later)
{
    set("handoff", "channel");
    explain();
    cr_assert_eq(x.n_descriptors, 6);
    cr_expect_str_eq(x.descriptors[3].what, "channel");
    cr_expect_eq(x.descriptors[4].number, -1);
    expect_variable("BERTH_CHANNEL", "3", "channel");
}

Test(explain, the_descriptor_of_readiness_is_told)
{
    set("ready", "fd:7");
    explain();
    cr_assert_eq(x.n_descriptors, 6);
    cr_expect_eq(x.descriptors[5].number, 7);
    cr_expect_str_eq(x.descriptors[5].what, "ready");
}

Test(explain, a_connection_is_standard_input_and_output)
{
    in.is_connection = true;
    in.n_sockets = 0;
    explain();
    cr_assert_eq(x.n_descriptors, 3);
    cr_expect_str_eq(x.descriptors[0].what, "connection");
    cr_expect_str_eq(x.descriptors[2].what, "inherited");
    expect_variable("REMOTE_ADDR", "(the client's)", "berth");
    cr_expect_str_eq(x.told_by, "");
}

Test(explain, output_tells_where_it_goes)
{
    set("output", "file:/var/log/api");
    explain();
    cr_expect_str_eq(x.descriptors[0].what, "inherited");
    for (int i = 1; i <= 2; i++) {
        cr_expect_str_eq(x.descriptors[i].what, "output");
        cr_expect_str_eq(x.descriptors[i].name, "file:/var/log/api");
    }
}

Test(explain, standard_input_may_be_what_others_write)
{
    struct berr err;
    struct service_conf *source = conf_add_service(&conf, "source");
    service = conf_find_service(&conf, "api");
    cr_assert_eq(conf_set_service(source, "output", "pipe:api", &err), 0);
    conf_mark_sinks(&conf);
    explain();
    cr_expect_str_eq(x.descriptors[0].what, "input");
    cr_expect_str_eq(x.descriptors[1].what, "inherited");
}

Test(explain, what_cannot_be_filled_is_an_error_for_a_worker_and_a_word_in_a_preview)
{
    struct berr err = {0};
    strv_add(&service->command, "{port:admin}");
    cr_assert_eq(explain_worker(&conf, service, &in, inherited, &user, &files, &x, &err), -EINVAL);
    in.is_preview = true;
    explain();
    cr_expect_str_eq(x.argv.v[1], "{port:admin}");
    cr_assert_eq(x.left_out.n, 1);
    cr_expect(strstr(x.left_out.v[0], "{port:admin} cannot be filled") != NULL, "%s", x.left_out.v[0]);
}
