/* conf: what no single key can tell. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/conf_check.h"
#include "core/conf_schema.h"

static struct conf conf;
static struct service_conf *service;

static void set_up(void)
{
    conf_init(&conf);
    service = conf_add_service(&conf, "api");
    strv_add(&service->command, "server");
}

static void tear_down(void)
{
    conf_fini(&conf);
}

TestSuite(conf, .init = set_up, .fini = tear_down);

static struct socket_conf *listen_on(const char *name, const char *address)
{
    struct socket_conf *s = conf_find_socket(&conf, name);
    struct berr err = {0};
    if (!s)
        s = conf_add_socket(&conf, name);
    cr_assert_eq(conf_add_address(s, address, &err), 0, "%s", err.text);
    return s;
}

static void set(const char *key, const char *value)
{
    struct berr err = {0};
    cr_assert_eq(conf_set_service(service, key, value, &err), 0, "%s", err.text);
}

static void expect_good(void)
{
    struct berr err = {0};
    cr_expect_eq(conf_check(&conf, &err), 0, "%s", err.text);
}

static void expect_refused(const char *sentence)
{
    struct berr err = {0};
    cr_expect_eq(conf_check(&conf, &err), -EINVAL);
    cr_expect_eq(err.class, BERR_CONFIG);
    cr_expect(strstr(err.text, sentence), "%s", err.text);
}

Test(conf, what_is_added_is_found_with_its_defaults)
{
    conf_add_socket(&conf, "web");
    conf_add_service(&conf, "other");
    cr_assert_str_eq(conf_find_socket(&conf, "web")->name, "web");
    cr_assert_null(conf_find_socket(&conf, "we"));
    cr_assert_null(conf_find_service(&conf, "web"));
    cr_assert_eq(conf_find_service(&conf, "other")->with->workers, 1);
    cr_assert_eq(conf_find_service(&conf, "other")->with->ready_fd, -1);
    cr_assert_eq(conf.control_mode, 0600);
    cr_assert_eq(conf.log_level, LOG_INFO);
}

Test(conf, one_that_is_sound_passes)
{
    listen_on("web", ":80");
    listen_on("web", "unix:/run/web");
    listen_on("admin", "127.0.0.1:81");
    set("sockets", "admin, web");
    set("env.A", "{port:web} {fd:admin} {worker} {unknown}");
    expect_good();
}

Test(conf, a_service_needs_a_command)
{
    strv_fini(&service->command);
    expect_refused("service api: there is no command");
}

Test(conf, a_socket_needs_an_address)
{
    conf_add_socket(&conf, "web");
    expect_refused("socket web: there is no address");
}

Test(conf, an_unknown_socket_is_named)
{
    set("sockets", "web");
    expect_refused("service api: it wants socket web, which is not declared");
}

Test(conf, a_socket_is_named_once)
{
    listen_on("web", ":80");
    set("sockets", "web, web");
    expect_refused("service api: it names socket web twice");
}

Test(conf, two_sockets_cannot_have_one_address)
{
    listen_on("a", ":80");
    listen_on("b", ":81");
    listen_on("c", "tcp://*:80");
    expect_refused("has the same address tcp://:80");
}

Test(conf, a_socket_cannot_have_an_address_twice)
{
    listen_on("a", "unix:/x");
    listen_on("a", "/x");
    expect_refused("socket a: it has the address unix:/x twice");
}

Test(conf, port_0_is_another_port_each_time)
{
    listen_on("a", ":0");
    listen_on("b", ":0");
    listen_on("c", "127.0.0.1:0");
    expect_good();
    listen_on("b", ":0");
    expect_refused("socket b: it has the address tcp://:0 twice");
}

Test(conf, per_worker_needs_a_fixed_port_of_tcp_or_udp)
{
    struct socket_conf *s = listen_on("a", "udp://:53");
    s->options->reuse_port = REUSE_PORT_PER_WORKER;
    expect_good();
    listen_on("a", ":0");
    expect_refused("socket a: reuse_port = per-worker needs a fixed port");
    strv_fini(&s->listen);
    listen_on("a", "unix:/run/a");
    expect_refused("works for TCP and UDP only, not for unix:/run/a");
}

Test(conf, a_placeholder_must_name_a_socket_of_the_service)
{
    listen_on("web", ":80");
    listen_on("admin", "unix:/run/a");
    set("sockets", "admin");
    strv_add(&service->command, "{fd:web}");
    expect_refused("service api: {fd:web} cannot be filled: no socket web is handed over");
}

Test(conf, a_placeholder_must_ask_what_the_socket_has)
{
    listen_on("admin", "unix:@admin");
    set("sockets", "admin");
    set("env.A", "{path:admin}");
    expect_good();
    set("env.B", "{port:admin}");
    expect_refused("socket admin has no port");
}

Test(conf, delays_that_contradict_each_other_are_refused)
{
    set("restart_delay", "40s");
    expect_refused("restart_delay is longer than restart_delay_max");
    set("restart_delay_max", "40s");
    expect_good();
    set("ready", "delay:60s");
    expect_refused("ready = delay is not shorter than start_timeout");
    set("start_timeout", "none");
    expect_good();
}

Test(conf, a_descriptor_of_readiness_is_none_that_is_something_else)
{
    set("ready", "fd:3");
    expect_good();
    listen_on("web", ":80");
    listen_on("web", "unix:/run/web");
    set("sockets", "web");
    expect_refused("ready = fd:3 is the descriptor of its sockets; the first that is free is 5");
    set("ready", "fd:5");
    expect_good();
    set("handoff", "channel");
    set("ready", "fd:3");
    expect_refused("ready = fd:3 is the descriptor of its channel; the first that is free is 4");
    set("ready", "fd:4");
    expect_good();
}

Test(conf, a_watchdog_is_for_what_runs_on)
{
    set("watchdog", "1s");
    expect_good();
    set("type", "oneshot");
    expect_refused("watchdog has no meaning with type = oneshot");
}

Test(conf, spares_wait_for_sockets_that_are_sent_to_them)
{
    listen_on("web", ":80");
    set("sockets", "web");
    set("standby", "2");
    expect_refused("standby needs handoff = channel, by which a spare waits for its sockets");
    set("handoff", "channel");
    expect_good();
    set("workers", "4095");
    expect_refused("workers and standby are 4097 together, and 4096 are the most");
    set("workers", "4094");
    expect_good();
    set("type", "oneshot");
    expect_refused("standby contradicts type = oneshot");
    set("type", "daemon");
    set("start", "on-demand");
    expect_refused("standby contradicts start = on-demand");
}

Test(conf, spares_have_no_socket_of_their_own)
{
    listen_on("web", ":80?reuse_port=per-worker");
    set("sockets", "web");
    set("handoff", "channel");
    set("standby", "1");
    expect_refused("standby contradicts reuse_port = per-worker of socket web");
    set("standby", "0");
    expect_good();
}

Test(conf, handoff_none_stands_alone)
{
    set("handoff", "none");
    expect_good();
    set("handoff", "listen-fds");
    expect_refused("handoff = none cannot stand beside another word");
}

static void add_sockets(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char name[32], address[32];
        snprintf(name, sizeof name, "s%u", i);
        snprintf(address, sizeof address, "unix:/run/%u", i);
        listen_on(name, address);
    }
}

Test(conf, as_many_sockets_as_the_limit_and_no_more)
{
    add_sockets(LIMIT_SOCKETS);
    expect_good();
    listen_on("more", ":80");
    expect_refused("there are 16385 sockets, and 16384 are the most");
}

Test(conf, a_worker_is_handed_no_more_than_the_limit)
{
    add_sockets(LIMIT_HANDOFF_FDS);
    for (unsigned i = 0; i < LIMIT_HANDOFF_FDS; i++)
        strv_add(&service->sockets, conf.sockets[i].name);
    expect_good();
    listen_on("s0", ":80");
    expect_refused("service api: it has 1025 addresses, and 1024 are the most");
}

Test(conf, as_many_addresses_as_the_limit_and_no_more)
{
    struct berr err = {0};
    struct socket_conf *s = conf_add_socket(&conf, "web");
    for (int i = 0; i < LIMIT_ADDRESSES; i++) {
        char address[32];
        snprintf(address, sizeof address, ":%d", 1000 + i);
        cr_assert_eq(conf_add_address(s, address, &err), 0);
    }
    expect_good();
    cr_assert_eq(conf_add_address(s, ":1", &err), -E2BIG);
    cr_assert(strstr(err.text, "socket web has more than 64 addresses"), "%s", err.text);
}

/* --- output -------------------------------------------------------------------------------------------- */

static struct service_conf *add_sink(void)
{
    conf_add_service(&conf, "logger");
    service = conf_find_service(&conf, "api"); /* adding may have moved it */
    struct service_conf *sink = conf_find_service(&conf, "logger");
    strv_add(&sink->command, "logger");
    return sink;
}

Test(conf, a_service_without_a_word_about_its_output_has_nothing_stored_of_it)
{
    cr_expect_null(service->with->output);
    cr_expect_not(conf_captures(service));
    set("output", "prefix");
    cr_expect(conf_captures(service));
    set("output", "file:/x");
    cr_expect(conf_captures(service));
    set("output", "null");
    cr_expect_not(conf_captures(service));
    set("output", "inherit");
    cr_expect_null(service->with->output);
    set("output_max", "1M");
    set("output_max", "10M");
    cr_expect_null(service->with->output);
}

Test(conf, output_max_and_output_keep_need_a_file)
{
    set("output_max", "1M");
    expect_refused("service api: output_max needs output = file:PATH");
    set("output", "prefix");
    expect_refused("output_max needs");
    set("output", "file:/var/log/api");
    set("output_keep", "0");
    expect_good();
    set("output_max", "10M");
    set("output", "null");
    expect_refused("output_keep needs");
}

Test(conf, output_goes_into_another_service)
{
    set("output", "pipe:logger");
    expect_refused("service api: output = pipe:logger names no service");
    add_sink();
    expect_good();
    set("output", "pipe:api");
    expect_refused("would feed it what it wrote itself");
    struct berr err = {0};
    set("output", "pipe:logger");
    cr_assert_eq(conf_set_service(conf_find_service(&conf, "logger"), "output", "pipe:api", &err), 0);
    expect_refused("service api: output = pipe:logger comes back to it in a circle");
}

Test(conf, output_does_not_go_where_standard_input_is_a_socket)
{
    struct service_conf *sink = add_sink();
    listen_on("web", ":80");
    strv_add(&sink->sockets, "web");
    set("output", "pipe:logger");
    expect_good();
    strv_add(&sink->with->handoff, "stdin");
    expect_refused("needs that service's standard input, which is a socket already");
    strv_fini(&sink->with->handoff);
    conf_find_socket(&conf, "web")->options->accept = true;
    expect_refused("which is a connection already");
}

Test(conf, two_services_do_not_share_a_file)
{
    struct service_conf *other = add_sink();
    struct berr err = {0};
    set("output", "file:/var/log/all");
    expect_good();
    cr_assert_eq(conf_set_service(other, "output", "file:/var/log/all", &err), 0);
    expect_refused("service logger: service api has the same file for its output");
}

static void expect_cgroup(const char *wanted)
{
    const char *cgroup = conf_cgroup(service);
    cr_expect(wanted ? cgroup && strcmp(cgroup, wanted) == 0 : !cgroup, "%s", cgroup ? cgroup : "none");
    expect_good();
}

Test(conf, limits_and_kill_bring_a_cgroup_with_them)
{
    expect_cgroup(NULL);
    set("kill", "cgroup");
    expect_cgroup("auto");
    set("cgroup", "a/b");
    expect_cgroup("a/b");
    set("cgroup", "no");
    expect_refused("service api: cgroup = no contradicts kill = cgroup");
    set("kill", "group");
    expect_cgroup(NULL);
    set("pids_max", "5");
    expect_refused("cgroup = no contradicts pids_max");
    set("cpu_max", "50%");
    set("memory_max", "1G");
    expect_refused("cgroup = no contradicts memory_max");
    set("cgroup", "auto");
    expect_cgroup("auto");
}

Test(conf, two_services_cannot_share_a_cgroup)
{
    struct service_conf *other = conf_add_service(&conf, "web");
    struct berr err;
    service = conf_find_service(&conf, "api");
    strv_add(&other->command, "server");
    cr_assert_eq(conf_set_service(other, "cgroup", "auto", &err), 0);
    set("cgroup", "auto");
    expect_good();
    set("cgroup", "auto/x");
    expect_good();
    cr_assert_eq(conf_set_service(other, "cgroup", "a/b", &err), 0);
    set("cgroup", "a/bc");
    expect_good();
    set("cgroup", "a/b");
    expect_refused("the cgroup a/b and a/b of service web are one or lie in each other");
    set("cgroup", "a");
    expect_refused("the cgroup a/b and a of service api are one or lie in each other: each service needs one "
                   "of its own");
}
