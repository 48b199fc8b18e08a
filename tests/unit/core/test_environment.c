/* environment: what one worker is given in words, and which of two variables wins. */
#include "config.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "core/conf_schema.h"
#include "core/environment.h"

static struct conf conf;
static struct service_conf *service;
static struct handoff_socket sockets[2];
static struct handoff_input in;

static struct endpoint tcp6(const char *host, unsigned short port, unsigned scope)
{
    struct endpoint e = {.family = AF_INET6, .type = SOCK_STREAM, .len = sizeof(struct sockaddr_in6)};
    struct sockaddr_in6 *sa = (struct sockaddr_in6 *)&e.sa;
    sa->sin6_family = AF_INET6;
    sa->sin6_port = htons(port);
    sa->sin6_scope_id = scope;
    inet_pton(AF_INET6, host, &sa->sin6_addr);
    return e;
}

static struct endpoint tcp4(const char *host, unsigned short port)
{
    struct endpoint e = {
        .family = AF_INET, .type = SOCK_STREAM, .only_v6 = -1, .len = sizeof(struct sockaddr_in)};
    struct sockaddr_in *sa = (struct sockaddr_in *)&e.sa;
    sa->sin_family = AF_INET;
    sa->sin_port = htons(port);
    inet_pton(AF_INET, host, &sa->sin_addr);
    return e;
}

static struct endpoint unix_of(const char *bytes, size_t n)
{
    struct endpoint e = {.family = AF_UNIX, .type = SOCK_STREAM, .only_v6 = -1};
    struct sockaddr_un *sa = (struct sockaddr_un *)&e.sa;
    sa->sun_family = AF_UNIX;
    memcpy(sa->sun_path, bytes, n);
    e.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    return e;
}

static void set_up(void)
{
    conf_init(&conf);
    service = conf_add_service(&conf, "api");
    strv_add(&service->command, "/usr/bin/server");
    sockets[0] = (struct handoff_socket){
        .name = "web", .fd = 20, .declared = "tcp://:8080", .parts = 1, .endpoint = tcp6("::", 8080, 0)};
    sockets[1] = (struct handoff_socket){.name = "admin",
                                         .fd = 21,
                                         .declared = "unix:/run/a.sock",
                                         .parts = 1,
                                         .endpoint = unix_of("/run/a.sock", 12)};
    in = (struct handoff_input){
        .service = "api", .worker = 2, .generation = 5, .sockets = sockets, .n_sockets = 2};
}

static void tear_down(void)
{
    conf_fini(&conf);
}

TestSuite(environment, .init = set_up, .fini = tear_down);

static void set(const char *key, const char *value)
{
    struct berr err;
    cr_assert_eq(conf_set_service(service, key, value, &err), 0, "%s", key);
}

static struct worker_invocation make(const char *const *inherited, const char *const *extra)
{
    struct worker_invocation w = {0};
    struct berr err = {0};
    cr_assert_eq(worker_invocation_make(service, &in, inherited, extra, &w, &err), 0, "%s", err.text);
    return w;
}

/* The value of NAME; fails where it stands more than once. */
static const char *value_of(const struct worker_invocation *w, const char *name)
{
    int times = 0;
    for (size_t i = 0; i < w->environment.n; i++)
        times +=
            strncmp(w->environment.v[i], name, strlen(name)) == 0 && w->environment.v[i][strlen(name)] == '=';
    cr_assert_leq(times, 1, "%s stands %d times", name, times);
    return times ? strv_find_env(&w->environment, name) : NULL;
}

Test(environment, inherited_variables_reach_the_worker_and_foreign_ones_do_not)
{
    static const char *const inherited[] = {"PATH=/bin",
                                            "LISTEN_FDS=9",
                                            "LISTEN_PID=1",
                                            "NOTIFY_SOCKET=/run/n",
                                            "WATCHDOG_USEC=1",
                                            "EINHORN_FD_0=3",
                                            "HOME=/root",
                                            "BERTH_WORKER=77",
                                            "no assignment",
                                            "LISTEN_ADDR=:80",
                                            NULL};
    struct worker_invocation w = make(inherited, NULL);
    cr_expect_str_eq(value_of(&w, "PATH"), "/bin");
    cr_expect_str_eq(value_of(&w, "HOME"), "/root");
    cr_expect_str_eq(value_of(&w, "LISTEN_ADDR"), ":80");
    cr_expect_null(value_of(&w, "NOTIFY_SOCKET"));
    cr_expect_null(value_of(&w, "WATCHDOG_USEC"));
    cr_expect_null(value_of(&w, "EINHORN_FD_0"));
    cr_expect_str_eq(value_of(&w, "LISTEN_FDS"), "2");
    cr_expect_str_eq(value_of(&w, "BERTH_WORKER"), "2");
    worker_invocation_fini(&w);
}

Test(environment, foreign_ones_stay_away_without_any_socket_too)
{
    static const char *const inherited[] = {"LISTEN_FDS=9", "LISTEN_PID=1", "LISTEN_FDNAMES=a", NULL};
    struct worker_invocation w;
    in.n_sockets = 0;
    w = make(inherited, NULL);
    cr_expect_null(value_of(&w, "LISTEN_FDS"));
    cr_expect_null(value_of(&w, "LISTEN_PID"));
    cr_expect_null(w.listen_pid);
    worker_invocation_fini(&w);
}

Test(environment, a_later_source_wins)
{
    static const char *const inherited[] = {"HOME=/root", "USER=root", "SHELL=/bin/sh", NULL};
    static const char *const extra[] = {"HOME=/home/web", "USER=web", NULL};
    struct worker_invocation w;
    set("env.HOME", "/srv");
    set("env.LISTEN_FDS", "99");
    set("env.BERTH_SERVICE", "other");
    w = make(inherited, extra);
    cr_expect_str_eq(value_of(&w, "SHELL"), "/bin/sh");
    cr_expect_str_eq(value_of(&w, "USER"), "web");
    cr_expect_str_eq(value_of(&w, "HOME"), "/srv");
    cr_expect_str_eq(value_of(&w, "LISTEN_FDS"), "2");
    cr_expect_str_eq(value_of(&w, "BERTH_SERVICE"), "api");
    cr_expect_str_eq(value_of(&w, "BERTH_GENERATION"), "5");
    worker_invocation_fini(&w);
}

Test(environment, a_cleared_one_inherits_nothing)
{
    static const char *const inherited[] = {"PATH=/bin", "SECRET=x", NULL};
    static const char *const extra[] = {"HOME=/home/web", NULL};
    struct worker_invocation w;
    set("clear_env", "yes");
    set("env.A", "1");
    w = make(inherited, extra);
    cr_expect_null(value_of(&w, "PATH"));
    cr_expect_null(value_of(&w, "SECRET"));
    cr_expect_str_eq(value_of(&w, "HOME"), "/home/web");
    cr_expect_str_eq(value_of(&w, "A"), "1");
    cr_expect_str_eq(value_of(&w, "BERTH_SERVICE"), "api");
    worker_invocation_fini(&w);
}

Test(environment, the_reserved_places_are_in_the_final_environment)
{
    struct worker_invocation w;
    in.knows_pidfdid = true;
    set("env.LISTEN_PID", "7");
    w = make(NULL, NULL);
    strcpy(w.listen_pid, "2147483647");
    strcpy(w.listen_pidfdid, "18446744073709551615");
    cr_expect_str_eq(value_of(&w, "LISTEN_PID"), "2147483647");
    cr_expect_str_eq(value_of(&w, "LISTEN_PIDFDID"), "18446744073709551615");
    worker_invocation_fini(&w);
    cr_assert_null(w.listen_pid);
}

Test(environment, placeholders_are_filled_in_arguments_and_variables)
{
    struct worker_invocation w;
    strv_add(&service->command, "--fd={fd:web},{fd:admin}");
    strv_add(&service->command, "{host:web} {port:web} {path:admin} {address:web} {address:admin}");
    set("env.PORT", "{port:web}");
    set("env.NAME", "api-{worker}.{generation}");
    w = make(NULL, NULL);
    cr_expect_eq(w.argv.n, 3);
    cr_expect_str_eq(w.argv.v[0], "/usr/bin/server");
    cr_expect_str_eq(w.argv.v[1], "--fd=3,4");
    cr_expect_str_eq(w.argv.v[2], ":: 8080 /run/a.sock tcp://[::]:8080 unix:/run/a.sock");
    cr_expect_str_eq(value_of(&w, "PORT"), "8080");
    cr_expect_str_eq(value_of(&w, "NAME"), "api-2.5");
    worker_invocation_fini(&w);
}

static void expect_filled(struct endpoint e, const char *text, const char *filled)
{
    struct worker_invocation w;
    sockets[0].endpoint = e;
    strv_fini(&service->command);
    strv_add(&service->command, text);
    w = make(NULL, NULL);
    cr_expect_str_eq(w.argv.v[0], filled);
    worker_invocation_fini(&w);
}

Test(environment, every_kind_of_endpoint_answers_for_itself)
{
    struct endpoint vsock = {.family = AF_VSOCK, .type = SOCK_STREAM, .len = sizeof(struct sockaddr_vm)};
    ((struct sockaddr_vm *)&vsock.sa)->svm_port = 99;
    ((struct sockaddr_vm *)&vsock.sa)->svm_cid = VMADDR_CID_ANY;
    expect_filled(tcp4("127.0.0.1", 80), "{host:web}:{port:web}", "127.0.0.1:80");
    expect_filled(tcp6("fe80::1", 80, 2), "{host:web}", "fe80::1%2");
    expect_filled(unix_of("\0name", 5), "{path:web}", "@name");
    expect_filled(vsock, "{host:web}:{port:web}", "*:99");
}

Test(environment, a_path_of_full_length_needs_no_nul)
{
    char path[108];
    memset(path, 'p', sizeof path);
    path[0] = '/';
    sockets[0].endpoint = unix_of(path, sizeof path);
    strv_add(&service->command, "{path:web}");
    struct worker_invocation w = make(NULL, NULL);
    cr_expect_eq(strlen(w.argv.v[1]), sizeof path);
    worker_invocation_fini(&w);
}

static void expect_refused(const char *part)
{
    char mark[] = "untouched";
    struct worker_invocation w = {.listen_pid = mark};
    struct berr err = {0};
    cr_expect_eq(worker_invocation_make(service, &in, NULL, NULL, &w, &err), -EINVAL);
    cr_expect_eq(w.listen_pid, mark);
    cr_expect(strstr(err.text, part), "%s", err.text);
}

Test(environment, what_cannot_be_filled_is_refused_and_leaves_nothing)
{
    strv_add(&service->command, "{fd:nosuch}");
    expect_refused("command: {fd:nosuch} cannot be filled");
}

Test(environment, a_variable_that_cannot_be_filled_is_refused_too)
{
    set("env.P", "{port:admin}");
    expect_refused("env: {port:admin} cannot be filled: socket admin has no port");
}

Test(environment, an_abstract_name_with_nul_bytes_has_no_path)
{
    sockets[1].endpoint = unix_of("\0a\0b", 4);
    set("env.P", "{path:admin}");
    expect_refused("socket admin has no path");
}

Test(environment, a_worker_is_told_where_to_say_how_it_is_and_how_often)
{
    static const char *const inherited[] = {"WATCHDOG_PID=1", "NOTIFY_SOCKET=/run/n", NULL};
    set("env.NOTIFY_SOCKET", "/elsewhere");
    set("env.WATCHDOG_PID", "7");
    in.notify_socket = "@berth/1";
    in.watchdog_us = 2500000;
    struct worker_invocation w = make(inherited, NULL);
    cr_expect_str_eq(value_of(&w, "NOTIFY_SOCKET"), "@berth/1");
    cr_expect_str_eq(value_of(&w, "WATCHDOG_USEC"), "2500000");
    cr_assert_not_null(w.watchdog_pid);
    memcpy(w.watchdog_pid, "1234567890", 11);
    cr_expect_str_eq(value_of(&w, "WATCHDOG_PID"), "1234567890");
    worker_invocation_fini(&w);
    in.listen_pid = LISTEN_PID_OMIT; /* a wrapper: whoever it runs gives the signs of life */
    w = make(inherited, NULL);
    cr_expect_null(value_of(&w, "WATCHDOG_PID"));
    cr_expect_null(w.watchdog_pid);
    worker_invocation_fini(&w);
}

Test(environment, what_was_stored_stands_behind_the_sockets)
{
    struct handoff_socket all[3] = {sockets[0], sockets[1], {.name = "client 7", .fd = 22, .declared = ""}};
    in.sockets = all;
    in.n_stored = 1;
    in.store_max = 64;
    struct worker_invocation w = make(NULL, NULL);
    cr_expect_str_eq(value_of(&w, "LISTEN_FDS"), "3");
    cr_expect_str_eq(value_of(&w, "LISTEN_FDNAMES"), "web:admin:client 7");
    cr_expect_str_eq(value_of(&w, "FDSTORE"), "64");
    cr_expect_null(strstr(value_of(&w, "SERVER_STARTER_PORT"), "=5"), "other dialects know of sockets only");
    worker_invocation_fini(&w);
    in.n_sockets = 0;
    in.sockets = all + 2;
    w = make(NULL, NULL);
    cr_expect_str_eq(value_of(&w, "LISTEN_FDS"), "1");
    cr_expect_null(value_of(&w, "SERVER_STARTER_PORT"));
    worker_invocation_fini(&w);
}
