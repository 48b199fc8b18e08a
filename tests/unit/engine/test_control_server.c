/* The control server with a real loop and real sockets, in one process: clients are descriptors of the test
 * itself. The loop is turned without waiting, which is enough because a Unix socket delivers at once; only
 * the accept pause is waited for. */
#include "config.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "engine/control_server.h"
#include "sys/fd.h"
#include "sys/fdbatch.h"
#include "wire/varlink.h"

static struct ev_loop *loop;
static int listen_fd;
static struct sockaddr_un address;
static socklen_t address_len;
static struct control_server *server;

static int calls, gones;
static struct control_client *waiting; /* whose call is in progress */
static void *gone_tag;

static void call_echo(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    cr_assert_eq(data, &server);
    calls++;
    control_client_reply(client, json_incref(parameters), false);
}

static void call_later(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)parameters, (void)more, (void)data;
    calls++;
    waiting = client;
}

static void call_count(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)parameters, (void)more, (void)data;
    for (int i = 1; i <= 3; i++)
        control_client_reply(client, json_pack("{s:i}", "n", i), i < 3);
}

static void call_fail(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)parameters, (void)more, (void)data;
    control_client_error(client, "io.berth.Failed", json_pack("{s:s}", "reason", "no"));
}

/* A reply without descriptors, then one with two, then one with three. */
static void call_lend(struct control_client *client, json_t *parameters, bool more, void *data)
{
    int fds[3] = {listen_fd, listen_fd, listen_fd};
    (void)parameters, (void)more, (void)data;
    control_client_reply(client, json_pack("{s:i}", "n", 0), true);
    cr_assert_eq(control_client_reply_with_fds(client, json_pack("{s:i}", "n", 2), true, fds, 2), 0);
    cr_assert_eq(control_client_reply_with_fds(client, json_pack("{s:i}", "n", 3), false, fds, 3), 0);
}

static const struct control_method methods[] = {
    {"Lend", false, false, call_lend},   {"Echo", false, false, call_echo},
    {"Change", true, false, call_echo},  {"Later", false, false, call_later},
    {"Count", false, false, call_count}, {"Follow", false, true, call_later},
    {"Fail", false, false, call_fail},   {"Planned", false, false, NULL},
    {NULL, false, false, NULL},
};

static void on_gone(struct control_client *client, void *data)
{
    (void)data;
    gones++;
    gone_tag = control_client_tag(client);
    if (waiting == client)
        waiting = NULL;
}

static const struct control_handler handler = {methods, on_gone};

static void set_up(void)
{
    loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    address.sun_family = AF_UNIX;
    address_len = sizeof address;
    cr_assert_eq(bind(listen_fd, (struct sockaddr *)&address, sizeof(sa_family_t)),
                 0); /* the kernel picks an abstract name */
    cr_assert_eq(getsockname(listen_fd, (struct sockaddr *)&address, &address_len), 0);
    cr_assert_eq(listen(listen_fd, 128), 0);
    server = control_server_new(loop, listen_fd, &handler, &server);
}

static void tear_down(void)
{
    control_server_free(server);
    close(listen_fd);
    ev_loop_destroy(loop);
}

TestSuite(control_server, .init = set_up, .fini = tear_down, .timeout = 30);

static void turn(void)
{
    for (int i = 0; i < 4; i++)
        ev_run(loop, EVRUN_NOWAIT);
}

static int connect_client(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    cr_assert_eq(connect(fd, (struct sockaddr *)&address, address_len), 0);
    return fd;
}

/* Sends all of it, letting the server read in between. */
static void send_bytes(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
        } else {
            cr_assert_eq(errno, EAGAIN);
        }
        turn();
    }
}

static void send_text(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text) + 1);
}

/* The next message of the server, or NULL when there is none. The bytes behind it stay in the socket. */
static char *receive_text(int fd)
{
    struct buf text;
    char c;

    buf_init(&text, SIZE_MAX);
    for (int idle = 0; idle < 3;) {
        ssize_t n = recv(fd, &c, 1, 0);
        if (n == 1 && c == '\0')
            return buf_take(&text);
        if (n == 1) {
            buf_add_char(&text, c);
            idle = 0;
        } else {
            turn();
            idle++;
        }
    }
    cr_assert_eq(text.len, 0, "half a message: %s", buf_str(&text));
    buf_fini(&text);
    return NULL;
}

static void assert_reply(int fd, const char *expected)
{
    char *text = receive_text(fd);
    cr_assert_not_null(text, "no reply, expected %s", expected);
    json_t *got = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *wanted = json_loads(expected, 0, NULL);

    cr_assert_not_null(wanted);
    cr_assert(json_equal(got, wanted), "got %s, expected %s", text, expected);
    json_decref(got);
    json_decref(wanted);
    free(text);
}

static void assert_silent(int fd)
{
    char *text = receive_text(fd);

    cr_assert_null(text, "%s", text);
}

/* The server closed the connection, and nothing is left to read. */
static void assert_closed(int fd)
{
    char c;

    assert_silent(fd);
    ssize_t n = recv(fd, &c, 1, 0);
    cr_assert(n == 0 || (n < 0 && errno == ECONNRESET), "the connection is still open");
}

Test(control_server, a_call_gets_its_reply)
{
    cleanup_fd int fd = connect_client();

    send_text(fd, "{\"method\":\"io.berth.Echo\",\"parameters\":{\"a\":[1,true,\"x\"]}}");
    assert_reply(fd, "{\"parameters\":{\"a\":[1,true,\"x\"]}}");
    send_text(fd, "{\"method\":\"io.berth.Fail\"}");
    assert_reply(fd, "{\"error\":\"io.berth.Failed\",\"parameters\":{\"reason\":\"no\"}}");
}

Test(control_server, a_call_may_come_byte_by_byte)
{
    cleanup_fd int fd = connect_client();
    const char *text = "{\"method\":\"io.berth.Echo\",\"parameters\":{\"a\":1}}";

    for (size_t i = 0; i < strlen(text); i++) {
        send_bytes(fd, text + i, 1);
        cr_assert_eq(calls, 0);
    }
    send_bytes(fd, "", 1);
    assert_reply(fd, "{\"parameters\":{\"a\":1}}");
}

Test(control_server, calls_of_one_client_are_made_one_after_the_other)
{
    cleanup_fd int fd = connect_client();
    const char two[] = "{\"method\":\"io.berth.Later\"}\0{\"method\":\"io.berth.Echo\"}";

    send_bytes(fd, two, sizeof two);
    cr_assert_eq(calls, 1);
    control_client_reply(waiting, json_pack("{s:i}", "n", 1), false);
    turn();
    cr_assert_eq(calls, 2);
    assert_reply(fd, "{\"parameters\":{\"n\":1}}");
    assert_reply(fd, "{\"parameters\":{}}");
}

Test(control_server, thousands_of_pipelined_calls_are_all_answered)
{
    cleanup_fd int fd = connect_client();
    char text[80];
    int sent = 0;

    for (int i = 0; i < 3000; i++) {
        int n = snprintf(text, sizeof text, "{\"method\":\"io.berth.Echo\",\"parameters\":{\"n\":%d}}", i);
        if (send(fd, text, (size_t)n + 1, MSG_NOSIGNAL) == n + 1)
            sent++;
        else
            break;
    }
    cr_assert_gt(sent, 100);
    for (int i = 0; i < sent; i++) {
        snprintf(text, sizeof text, "{\"parameters\":{\"n\":%d}}", i);
        assert_reply(fd, text);
    }
    cr_assert_eq(calls, sent);
}

Test(control_server, a_oneway_call_gets_no_reply)
{
    cleanup_fd int fd = connect_client();

    send_text(fd, "{\"method\":\"io.berth.Echo\",\"oneway\":true}");
    send_text(fd, "{\"method\":\"io.berth.Fail\",\"oneway\":true}");
    send_text(fd, "{\"method\":\"io.berth.Nonsense\",\"oneway\":true}");
    send_text(fd, "{\"method\":\"io.berth.Count\",\"oneway\":true,\"more\":true}");
    assert_silent(fd);
    send_text(fd, "{\"method\":\"io.berth.Echo\",\"parameters\":{\"a\":2}}");
    assert_reply(fd, "{\"parameters\":{\"a\":2}}");
    cr_assert_eq(calls, 2);
}

Test(control_server, oneway_calls_count_even_when_the_client_closes_at_once)
{
    int fd = connect_client();
    const char two[] =
        "{\"method\":\"io.berth.Echo\",\"oneway\":true}\0{\"method\":\"io.berth.Echo\",\"oneway\":true}";

    cr_assert_eq(send(fd, two, sizeof two, 0), (ssize_t)sizeof two);
    close(fd);
    turn();
    cr_assert_eq(calls, 2);
    cr_assert_eq(control_server_stats(server).clients, 0);
}

Test(control_server, replies_that_continue_are_for_those_who_asked_for_more)
{
    cleanup_fd int fd = connect_client();

    send_text(fd, "{\"method\":\"io.berth.Count\"}");
    assert_reply(fd, "{\"parameters\":{\"n\":3}}");
    assert_silent(fd);
    send_text(fd, "{\"method\":\"io.berth.Count\",\"more\":true}");
    assert_reply(fd, "{\"parameters\":{\"n\":1},\"continues\":true}");
    assert_reply(fd, "{\"parameters\":{\"n\":2},\"continues\":true}");
    assert_reply(fd, "{\"parameters\":{\"n\":3}}");
}

Test(control_server, a_method_without_end_needs_more)
{
    cleanup_fd int fd = connect_client();

    send_text(fd, "{\"method\":\"io.berth.Follow\"}");
    assert_reply(fd, "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}");
    cr_assert_eq(calls, 0);
    send_text(fd, "{\"method\":\"io.berth.Follow\",\"more\":true}");
    cr_assert_eq(calls, 1);
}

Test(control_server, what_is_no_call_ends_the_connection)
{
    static const char *const garbage[] = {
        "GET / HTTP/1.1",
        "",
        "[]",
        "{}",
        "{\"method\":7}",
        "{\"method\":\"Echo\"}",
        "{\"method\":\"io.berth.Echo\"} x",
        "{\"method\":\"io.berth.Echo\",\"parameters\":[]}",
        "{\"method\":\"\xff\"}",
    };

    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        cleanup_fd int fd = connect_client();
        send_text(fd, garbage[i]);
        assert_closed(fd);
        cr_assert_eq(control_server_stats(server).let_go, i + 1, "%s", garbage[i]);
    }
    cr_assert_eq(calls, 0);
    cr_assert_eq(control_server_stats(server).clients, 0);
}

Test(control_server, a_client_may_vanish_in_the_middle_of_a_message)
{
    int fd = connect_client();

    send_bytes(fd, "{\"method\":", 10);
    cr_assert_eq(control_server_stats(server).clients, 1);
    close(fd);
    turn();
    cr_assert_eq(control_server_stats(server).clients, 0);
    cr_assert_eq(gones, 1);
}

Test(control_server, a_client_that_vanishes_during_its_call_is_reported_with_its_tag)
{
    int fd = connect_client(), mark;

    send_text(fd, "{\"method\":\"io.berth.Later\"}");
    cr_assert_null(control_client_tag(waiting));
    control_client_set_tag(waiting, &mark);
    close(fd);
    turn();
    cr_assert_eq(gones, 1);
    cr_assert_eq(gone_tag, &mark);
    cr_assert_null(waiting);
}

Test(control_server, replying_to_a_client_that_has_just_vanished_is_harmless)
{
    int fd = connect_client();

    send_text(fd, "{\"method\":\"io.berth.Later\",\"more\":true}");
    close(fd);
    control_client_reply(waiting, NULL, true);
    control_client_reply(waiting, NULL, false);
    cr_assert_eq(gones, 0, "only the loop may drop a client");
    turn();
    cr_assert_eq(gones, 1);
}

Test(control_server, a_client_that_only_reads_from_now_on_gets_its_reply)
{
    cleanup_fd int fd = connect_client();
    const char two[] = "{\"method\":\"io.berth.Later\"}\0{\"method\":\"io.berth.Echo\"}";

    cr_assert_eq(send(fd, two, sizeof two, 0), (ssize_t)sizeof two);
    shutdown(fd, SHUT_WR);
    turn();
    cr_assert_eq(gones, 0);
    control_client_reply(waiting, NULL, false);
    assert_reply(fd, "{\"parameters\":{}}");
    assert_reply(fd, "{\"parameters\":{}}");
    assert_closed(fd);
    cr_assert_eq(gones, 1);
}

/* A call of exactly N bytes without its NUL. */
static char *long_call(size_t n)
{
    static const char head[] = "{\"method\":\"io.berth.Fail\",\"parameters\":{\"a\":\"", tail[] = "\"}}";
    char *text = malloc(n + 1);

    memset(text, 'x', n);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + n - (sizeof tail - 1), tail, sizeof tail);
    return text;
}

Test(control_server, the_longest_message_passes_and_one_byte_more_does_not)
{
    cleanup_fd int fd = connect_client();

    char *text = long_call(LIMIT_CONTROL_MESSAGE);
    send_text(fd, text);
    assert_reply(fd, "{\"error\":\"io.berth.Failed\",\"parameters\":{\"reason\":\"no\"}}");
    free(text);

    text = long_call(LIMIT_CONTROL_MESSAGE + 1);
    send_bytes(fd, text, LIMIT_CONTROL_MESSAGE + 1);
    free(text);
    assert_reply(fd, "{\"error\":\"io.berth.LimitExceeded\",\"parameters\":{\"reason\":\"a message is longer "
                     "than 65536 bytes\"}}");
    assert_closed(fd);
    cr_assert_eq(control_server_stats(server).let_go, 1);
}

Test(control_server, one_client_too_many_is_told_so)
{
    int fds[LIMIT_CONTROL_CLIENTS];

    for (int i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        fds[i] = connect_client();
        turn();
    }
    cr_assert_eq(control_server_stats(server).clients, LIMIT_CONTROL_CLIENTS);
    cleanup_fd int late = connect_client();
    assert_reply(late, "{\"error\":\"io.berth.LimitExceeded\",\"parameters\":{\"reason\":\"too many clients "
                       "are connected\"}}");
    assert_closed(late);
    cr_assert_eq(control_server_stats(server).refused, 1);

    close(fds[0]);
    turn();
    fds[0] = connect_client();
    send_text(fds[0], "{\"method\":\"io.berth.Echo\"}");
    assert_reply(fds[0], "{\"parameters\":{}}");
    for (int i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        close(fds[i]);
}

static json_t *long_parameters(size_t n)
{
    char *text = malloc(n + 1);

    memset(text, 'y', n);
    text[n] = '\0';
    json_t *parameters = json_pack("{s:s}", "text", text);
    free(text);
    return parameters;
}

Test(control_server, a_client_that_does_not_read_is_let_go)
{
    cleanup_fd int fd = connect_client(), other = connect_client();

    send_text(fd, "{\"method\":\"io.berth.Follow\",\"more\":true}");
    for (int i = 0; i < 10000 && waiting; i++) {
        control_client_reply(waiting, long_parameters(1000), true);
        turn();
    }
    cr_assert_null(waiting, "it was not let go");
    cr_assert_eq(control_server_stats(server).let_go, 1);
    send_text(other, "{\"method\":\"io.berth.Echo\"}");
    assert_reply(other, "{\"parameters\":{}}");
}

Test(control_server, a_client_without_a_turn_of_the_loop_is_let_go_all_the_same)
{
    cleanup_fd int fd = connect_client();

    send_text(fd, "{\"method\":\"io.berth.Follow\",\"more\":true}");
    for (int i = 0; i < 3000; i++)
        control_client_reply(waiting, long_parameters(1000), true);
    cr_assert_eq(gones, 0);
    turn();
    cr_assert_eq(gones, 1);
    cr_assert_eq(control_server_stats(server).let_go, 1);
}

Test(control_server, one_reply_may_be_longer_than_the_backlog)
{
    cleanup_fd int fd = connect_client();

    send_text(fd, "{\"method\":\"io.berth.Later\"}");
    control_client_reply(waiting, long_parameters(2 * LIMIT_CONTROL_BACKLOG), false);
    char *text = receive_text(fd);
    cr_assert_not_null(text);
    cr_assert_gt(strlen(text), 2 * LIMIT_CONTROL_BACKLOG);
    free(text);
}

Test(control_server, unknown_names_are_told_apart)
{
    cleanup_fd int fd = connect_client();

    send_text(fd, "{\"method\":\"io.berth.Nonsense\"}");
    assert_reply(fd, "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"io."
                     "berth.Nonsense\"}}");
    send_text(fd, "{\"method\":\"org.varlink.service.Nonsense\"}");
    assert_reply(fd, "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"org."
                     "varlink.service.Nonsense\"}}");
    send_text(fd, "{\"method\":\"io.berth.Planned\"}");
    assert_reply(fd, "{\"error\":\"org.varlink.service.MethodNotImplemented\",\"parameters\":{\"method\":"
                     "\"io.berth.Planned\"}}");
    send_text(fd, "{\"method\":\"io.birth.Status\"}");
    assert_reply(
        fd,
        "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"io.birth\"}}");
}

Test(control_server, it_tells_what_it_is)
{
    cleanup_fd int fd = connect_client();

    send_text(fd, "{\"method\":\"org.varlink.service.GetInfo\"}");
    assert_reply(fd,
                 "{\"parameters\":{\"vendor\":\"berth\",\"product\":\"berth\",\"version\":\"" PACKAGE_VERSION
                 "\",\"url\":\"" PACKAGE_URL "\",\"interfaces\":[\"org.varlink.service\",\"io.berth\"]}}");
}

static void assert_describes(int fd, const char *interface)
{
    char text[200];

    snprintf(
        text, sizeof text,
        "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"%s\"}}",
        interface);
    send_text(fd, text);
    char *reply = receive_text(fd);
    json_t *got = json_loads(reply, 0, NULL);
    const char *description =
        json_string_value(json_object_get(json_object_get(got, "parameters"), "description"));
    cr_assert_not_null(description, "%s", reply);
    snprintf(text, sizeof text, "\ninterface %s\n", interface);
    cr_assert_not_null(strstr(description, text), "%s", description);
    json_decref(got);
    free(reply);
}

Test(control_server, it_describes_its_interfaces)
{
    cleanup_fd int fd = connect_client();

    assert_describes(fd, "io.berth");
    assert_describes(fd, "org.varlink.service");
    send_text(fd, "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":"
                  "\"io.birth\"}}");
    assert_reply(
        fd,
        "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"io.birth\"}}");
    send_text(fd, "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}");
    assert_reply(
        fd,
        "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"interface\"}}");
}

Test(control_server, the_description_is_the_documented_one)
{
    FILE *f = fopen(TOP_SRCDIR "/docs/man/io.berth.varlink", "re");

    cr_assert_not_null(f);
    char *text = calloc(1, 65536);
    size_t n = fread(text, 1, 65535, f);
    fclose(f);
    cr_assert_gt(n, 0);
    cr_assert_str_eq(control_interface_text, text);
    free(text);
}

Test(control_server, only_our_own_user_and_root_may_change_something)
{
    if (geteuid() != 0)
        cr_skip_test("needs root, to be somebody else for a moment");

    cr_assert_eq(seteuid(65534), 0);
    cleanup_fd int stranger = connect_client();
    cr_assert_eq(seteuid(0), 0);
    send_text(stranger, "{\"method\":\"io.berth.Change\"}");
    assert_reply(stranger, "{\"error\":\"io.berth.PermissionDenied\",\"parameters\":"
                           "{\"reason\":\"only root and the supervisor's own user may do that\"}}");
    send_text(stranger, "{\"method\":\"io.berth.Later\"}");
    cr_assert_eq(control_client_peer(waiting).uid, 65534);
    cr_assert_eq(control_client_peer(waiting).pid, getpid());
    cr_assert_not(control_client_may_change(waiting));

    cleanup_fd int root = connect_client();
    send_text(root, "{\"method\":\"io.berth.Change\"}");
    assert_reply(root, "{\"parameters\":{}}");
}

Test(control_server, out_of_descriptors_it_waits_and_goes_on)
{
    struct rlimit limit, none;

    cleanup_fd int fd = connect_client();
    int next = dup(fd);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    close(next);
    none = (struct rlimit){(rlim_t)next, limit.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    turn();
    cr_assert_eq(control_server_stats(server).accepted, 0);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    turn();
    cr_assert_eq(control_server_stats(server).accepted, 0, "it did not pause");
    ev_run(loop, EVRUN_ONCE);
    send_text(fd, "{\"method\":\"io.berth.Echo\"}");
    assert_reply(fd, "{\"parameters\":{}}");
}

Test(control_server, the_last_replies_leave_before_it_ends)
{
    cleanup_fd int fd = connect_client();

    send_text(fd, "{\"method\":\"io.berth.Later\"}");
    control_client_reply(waiting, json_pack("{s:b}", "done", 1), false);
    control_server_free(server);
    server = NULL;
    assert_reply(fd, "{\"parameters\":{\"done\":true}}");
    assert_closed(fd);
    cr_assert_eq(gones, 1);
}

static size_t count_open(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

Test(control_server, descriptors_come_with_the_reply_that_they_belong_to)
{
    static const char call[] = "{\"method\": \"io.berth.Lend\", \"more\": true}";
    size_t n_replies = 0, n_fds = 0;
    int fd = connect_client();
    turn();
    size_t before = count_open();
    send_bytes(fd, call, sizeof call);
    turn();
    while (n_replies < 3) {
        static const size_t due[] = {0, 0, 2, 5};
        char bytes[256];
        int fds[FDBATCH_MAX];
        size_t got = 0;
        ssize_t n = fdbatch_recv(fd, bytes, sizeof bytes, fds, FDBATCH_MAX, &got, 0);
        cr_assert_gt(n, 0);
        for (ssize_t i = 0; i < n; i++)
            n_replies += bytes[i] == '\0';
        n_fds += got;
        cr_assert_geq(n_fds, due[n_replies], "%zu descriptors with %zu replies", n_fds, n_replies);
        while (got > 0)
            close(fds[--got]);
    }
    cr_assert_eq(n_fds, 5);
    cr_assert_eq(count_open(), before, "the server keeps no duplicate");
    close(fd);
    turn();
}

Test(control_server, descriptors_that_nobody_reads_are_closed_with_the_client)
{
    static const char call[] = "{\"method\": \"io.berth.Lend\", \"more\": true}";
    size_t before = count_open();
    int fd = connect_client();
    send_bytes(fd, call, sizeof call);
    close(fd);
    turn();
    cr_assert_eq(count_open(), before);
}
