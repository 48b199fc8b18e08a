/* Held sockets. */
#include "config.h"

#include "sys/listener.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/fd.h"
#include "sys_test.h"

TestSuite(listener, .init = test_dir_make, .fini = test_dir_remove);

/* An open socket for E; where it is bound goes into *E. */
static int open_with(struct endpoint *e, const struct socket_options *o)
{
    struct berr err = {0};
    int fd = listener_open(e, o, &err);
    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert_eq(listener_endpoint(fd, e), 0);
    return fd;
}

static int open_plain(struct endpoint *e)
{
    struct socket_options o = test_options();
    return open_with(e, &o);
}

static void expect_refusal(const struct endpoint *e, const struct socket_options *o, int errnum,
                           const char *part)
{
    struct berr err = {0};
    int r = listener_open(e, o, &err);
    cr_assert_eq(r, -errnum, "%d: %s", r, err.text);
    cr_assert_not_null(strstr(err.text, part), "%s", err.text);
}

static uint16_t port_of(const struct endpoint *e)
{
    return ntohs(((const struct sockaddr_in *)&e->sa)->sin_port);
}

static void expect_connect(const struct endpoint *e)
{
    int fd = test_connect(e);
    cr_assert_geq(fd, 0, "%s", strerror(-fd));
    close(fd);
}

/* --- kinds of addresses --- */

static void open_and_compare(const char *text, bool listens)
{
    struct endpoint asked = test_endpoint(text), bound = asked;
    cleanup_fd int fd = open_plain(&bound);
    cr_assert(listener_matches(fd, &asked), "%s", text);
    cr_assert(listener_matches(fd, &bound), "%s", text);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(fd_is_nonblock(fd), 0);
    cr_assert_eq(listener_type_listens(&bound), listens);
    cr_assert_eq(listener_is_listening(fd), listens, "%s", text);
    if (listens || bound.family == AF_UNIX)
        expect_connect(&bound);
}

Test(listener, every_kind_of_address_is_opened)
{
    char text[128];
    open_and_compare("tcp://127.0.0.1:0", true);
    open_and_compare("tcp4://:0", true);
    open_and_compare("udp://127.0.0.1:0", false);
    static const char *const kinds[] = {"unix", "unix-seqpacket", "unix-dgram"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%s:%s/%zu.sock", kinds[i], test_dir, i);
        open_and_compare(text, i < 2);
        snprintf(text, sizeof text, "%s:@berth-test-listener-%d", kinds[i], (int)getpid());
        open_and_compare(text, i < 2);
    }
}

Test(listener, ipv6_is_dual_stack_or_alone_as_it_is_asked)
{
    if (access("/proc/net/if_inet6", F_OK) < 0)
        test_skip("this host has no IPv6");
    open_and_compare("tcp6://:0", true);
    open_and_compare("udp6://:0", false);
    struct endpoint both = test_endpoint("tcp://[::]:0"), v4 = test_endpoint("tcp://127.0.0.1:0");
    cleanup_fd int fd = open_plain(&both);
    cr_assert_eq(both.only_v6, 0);
    ((struct sockaddr_in *)&v4.sa)->sin_port = htons(port_of(&both));
    expect_connect(&v4);

    struct socket_options o = test_options();
    struct endpoint alone = test_endpoint("tcp://[::]:0");
    o.ipv6_only = 1;
    cleanup_fd int other = open_with(&alone, &o);
    cr_assert_eq(alone.only_v6, 1);
    ((struct sockaddr_in *)&v4.sa)->sin_port = htons(port_of(&alone));
    cr_assert_eq(test_connect(&v4), -ECONNREFUSED);
}

Test(listener, vsock_is_opened_where_the_kernel_has_it)
{
    struct endpoint e = test_endpoint("vsock://*:51234");
    struct socket_options o = test_options();
    struct berr err = {0};
    cleanup_fd int fd = listener_open(&e, &o, &err);
    if (fd == -EAFNOSUPPORT) {
        cr_assert_not_null(strstr(err.text, "vsock"), "%s", err.text);
        test_skip("this kernel has no vsock");
    }
    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert(listener_matches(fd, &e));
    cr_assert_eq(listener_is_listening(fd), 1);
    struct listener_queue queue;
    cr_assert_eq(listener_queue(fd, &e, &queue), -EOPNOTSUPP);
}

Test(listener, other_sockets_do_not_match)
{
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0"), other;
    cleanup_fd int fd = open_plain(&e);
    static const char *const others[] = {"tcp://127.0.0.1:1", "tcp://127.0.0.2:0", "udp://127.0.0.1:0",
                                         "tcp4://:0",         "tcp://[::1]:0",     "unix:/run/a.sock"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        other = test_endpoint(others[i]);
        cr_assert(!listener_matches(fd, &other), "%s", others[i]);
    }
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert(!listener_matches(ends[0], &e));
    cr_assert_eq(listener_endpoint(ends[0], &other), -ENOTSOCK);
    close(ends[0]);
    close(ends[1]);
}

/* --- conflicts --- */

Test(listener, an_address_in_use_names_its_holder)
{
    char pid[32];
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0");
    struct socket_options o = test_options();
    cleanup_fd int fd = open_plain(&e);
    snprintf(pid, sizeof pid, "(pid %d,", (int)getpid());
    expect_refusal(&e, &o, EADDRINUSE, pid);
    expect_refusal(&e, &o, EADDRINUSE, "tcp://127.0.0.1:");

    struct endpoint udp = test_endpoint("udp://127.0.0.1:0");
    cleanup_fd int datagrams = open_plain(&udp);
    expect_refusal(&udp, &o, EADDRINUSE, pid);

    char text[128];
    snprintf(text, sizeof text, "unix:@berth-test-conflict-%d", (int)getpid());
    struct endpoint abstract = test_endpoint(text);
    cleanup_fd int name = open_plain(&abstract);
    expect_refusal(&abstract, &o, EADDRINUSE, pid);
}

/* Leaves the server's side of a connection in TIME_WAIT on the port of *E. */
static void leave_time_wait(struct endpoint *e, const struct socket_options *o)
{
    int fd = open_with(e, o), client = test_connect(e), server = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    char byte;
    cr_assert(client >= 0 && server >= 0 && shutdown(server, SHUT_WR) == 0);
    cr_assert_eq(read(client, &byte, 1), 0);
    close(client);
    cr_assert_eq(read(server, &byte, 1), 0, "it has heard of both ends");
    close(server);
    close(fd);
}

Test(listener, old_connections_do_not_block_a_port)
{
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0");
    struct socket_options o = test_options();
    leave_time_wait(&e, &o);
    o.reuse_address = false;
    expect_refusal(&e, &o, EADDRINUSE, "TIME_WAIT");
    expect_refusal(&e, &o, EADDRINUSE, "set reuse_address = yes");
    o.reuse_address = true;
    cleanup_fd int fd = open_with(&e, &o);
    expect_connect(&e);
}

Test(listener, old_connections_of_a_server_without_reuse_address_are_explained)
{
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0");
    struct socket_options o = test_options();
    o.reuse_address = false;
    leave_time_wait(&e, &o);
    o.reuse_address = true;
    expect_refusal(&e, &o, EADDRINUSE, "TIME_WAIT");
    expect_refusal(&e, &o, EADDRINUSE, "within a minute");
}

Test(listener, an_address_of_another_host_is_refused_but_for_free_bind)
{
    struct endpoint e = test_endpoint("tcp://192.0.2.1:0");
    struct socket_options o = test_options();
    expect_refusal(&e, &o, EADDRNOTAVAIL, "free_bind");
    o.free_bind = true;
    cleanup_fd int fd = open_with(&e, &o);
    cr_assert_eq(listener_is_listening(fd), 1);
}

static int bind_low_port(void *arg)
{
    struct socket_options o = test_options();
    struct berr err = {0};
    if (!test_become_nobody())
        return 1;
    if (listener_open(arg, &o, &err) != -EACCES)
        return 2;
    return strstr(err.text, "CAP_NET_BIND_SERVICE") && strstr(err.text, "1024") ? 0 : 3;
}

Test(listener, a_low_port_needs_a_capability)
{
    FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    int first = 0;
    bool is_read = f && fscanf(f, "%d", &first) == 1;
    if (f)
        fclose(f);
    if (geteuid() != 0 || !is_read || first < 2)
        test_skip("low ports are free here, or we are not root to become somebody else");
    struct endpoint e = test_endpoint("tcp://127.0.0.1:1");
    cr_assert_eq(test_in_child(bind_low_port, &e), 0);
}

/* --- options --- */

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    cr_assert_eq(getsockopt(fd, level, name, &value, &len), 0, "%d %d: %s", level, name, strerror(errno));
    return value;
}

Test(listener, the_options_of_tcp_are_read_back)
{
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0");
    struct socket_options o = test_options();
    o.reuse_port = REUSE_PORT_YES;
    o.defer_accept = 3;
    o.fast_open = 16;
    o.no_delay = o.keep_alive = true;
    o.keep_idle = 70;
    o.keep_interval = 7;
    o.keep_count = 3;
    o.user_timeout_ms = 12345;
    o.receive_buffer = 65536;
    o.send_buffer = 32768;
    o.priority = 5;
    o.tos = 0x10;
    o.non_blocking = NON_BLOCKING_YES;
    str_copy(o.congestion, sizeof o.congestion, "reno");
    cleanup_fd int fd = open_with(&e, &o);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
    cr_assert_geq(option(fd, SOL_TCP, TCP_DEFER_ACCEPT), 3);
    cr_assert_eq(option(fd, SOL_TCP, TCP_FASTOPEN), 16);
    cr_assert_eq(option(fd, SOL_TCP, TCP_NODELAY), 1);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    cr_assert_eq(option(fd, SOL_TCP, TCP_KEEPIDLE), 70);
    cr_assert_eq(option(fd, SOL_TCP, TCP_KEEPINTVL), 7);
    cr_assert_eq(option(fd, SOL_TCP, TCP_KEEPCNT), 3);
    cr_assert_eq(option(fd, SOL_TCP, TCP_USER_TIMEOUT), 12345);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_RCVBUF), 2 * 65536);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_SNDBUF), 2 * 32768);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_PRIORITY), 5);
    cr_assert_eq(option(fd, SOL_IP, IP_TOS), 0x10);
    cr_assert_eq(fd_is_nonblock(fd), 1);
    char congestion[16] = "";
    socklen_t len = sizeof congestion;
    cr_assert_eq(getsockopt(fd, SOL_TCP, TCP_CONGESTION, congestion, &len), 0);
    cr_assert_str_eq(congestion, "reno");
}

Test(listener, the_options_that_need_a_privilege_are_read_back)
{
    if (geteuid() != 0)
        test_skip("only root may set them");
    struct endpoint e = test_endpoint("tcp://[::]:0");
    struct socket_options o = test_options();
    o.mark = 0xfffffffe;
    o.transparent = true;
    o.tos = 0x20;
    str_copy(o.interface, sizeof o.interface, "lo");
    cleanup_fd int fd = open_with(&e, &o);
    cr_assert_eq((unsigned)option(fd, SOL_SOCKET, SO_MARK), 0xfffffffeu);
    cr_assert_eq(option(fd, SOL_IPV6, IPV6_TRANSPARENT), 1);
    cr_assert_eq(option(fd, SOL_IPV6, IPV6_TCLASS), 0x20);
    cr_assert_eq(option(fd, SOL_IP, IP_TOS), 0x20);
    char interface[16] = "";
    socklen_t len = sizeof interface;
    cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, &len), 0);
    cr_assert_str_eq(interface, "lo");
}

Test(listener, a_unix_socket_takes_its_own_options_and_passes_over_the_others)
{
    char text[128];
    struct socket_options o = test_options();
    snprintf(text, sizeof text, "unix:%s/a.sock", test_dir);
    struct endpoint e = test_endpoint(text);
    o.pass_credentials = o.no_delay = o.keep_alive = true;
    o.defer_accept = 5;
    cleanup_fd int fd = open_with(&e, &o);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_PASSCRED), 1);
}

Test(listener, udp_never_shares_its_address)
{
    struct endpoint e = test_endpoint("udp://127.0.0.1:0");
    cleanup_fd int fd = open_plain(&e);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_REUSEADDR), 0);
}

Test(listener, mptcp_is_asked_for_by_its_protocol)
{
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0");
    struct socket_options o = test_options();
    struct berr err = {0};
    o.mptcp = true;
    cleanup_fd int fd = listener_open(&e, &o, &err);
    if (fd == -EPROTONOSUPPORT || fd == -ENOPROTOOPT) {
        cr_assert_not_null(strstr(err.text, "MPTCP"), "%s", err.text);
        test_skip("this kernel has no MPTCP");
    }
    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert_eq(listener_endpoint(fd, &e), 0);
    cr_assert_eq(e.protocol, IPPROTO_MPTCP);
    cr_assert_neq(port_of(&e), 0);
    expect_connect(&e);
}

Test(listener, an_option_that_is_refused_is_named_with_a_way_out)
{
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0");
    struct socket_options o = test_options();
    str_copy(o.congestion, sizeof o.congestion, "nonsense");
    expect_refusal(&e, &o, ENOENT, "tcp_available_congestion_control");
    expect_refusal(&e, &o, ENOENT, "the option congestion");
    o = test_options();
    str_copy(o.interface, sizeof o.interface, "no-such-if0");
    expect_refusal(&e, &o, ENODEV, "the option interface");
    o = test_options();
    o.user_timeout_ms = INT64_C(1) << 40;
    expect_refusal(&e, &o, ERANGE, "user_timeout");
}

Test(listener, options_change_on_a_live_socket)
{
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0");
    struct socket_options o = test_options();
    struct berr err = {0};
    o.no_delay = true;
    o.defer_accept = 3;
    cleanup_fd int fd = open_with(&e, &o);
    o = test_options();
    o.keep_alive = true;
    o.non_blocking = NON_BLOCKING_YES;
    cr_assert_eq(listener_set_options(fd, &e, &o, &err), 0, "%s", err.text);
    cr_assert_eq(option(fd, SOL_TCP, TCP_NODELAY), 0);
    cr_assert_eq(option(fd, SOL_TCP, TCP_DEFER_ACCEPT), 0);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    cr_assert_eq(fd_is_nonblock(fd), 1);
    o.non_blocking = NON_BLOCKING_NO;
    cr_assert_eq(listener_set_options(fd, &e, &o, &err), 0, "%s", err.text);
    cr_assert_eq(fd_is_nonblock(fd), 0);
    o.non_blocking = NON_BLOCKING_AUTO;
    fd_set_nonblock(fd, true);
    cr_assert_eq(listener_set_options(fd, &e, &o, &err), 0, "%s", err.text);
    cr_assert_eq(fd_is_nonblock(fd), 1);
}

/* --- mending --- */

static void shut_down_and_revive(int fd, const struct endpoint *e)
{
    struct endpoint now;
    cr_assert_eq(shutdown(fd, SHUT_RDWR), 0);
    cr_assert_eq(listener_is_listening(fd), 0);
    cr_assert_eq(test_connect(e), -ECONNREFUSED);
    cr_assert_eq(listener_listen(fd, 64), 0);
    cr_assert_eq(listener_is_listening(fd), 1);
    cr_assert_eq(listener_endpoint(fd, &now), 0);
    cr_assert_eq(port_of(&now), port_of(e));
    expect_connect(e);
}

Test(listener, a_tcp_socket_that_was_shut_down_is_revived_on_its_port)
{
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0");
    cleanup_fd int chosen = open_plain(&e);
    shut_down_and_revive(chosen, &e);
    fd_close(&chosen);
    /* The same port, asked for by number. */
    cleanup_fd int asked = open_plain(&e);
    shut_down_and_revive(asked, &e);
}

Test(listener, a_chosen_port_is_kept_also_without_reuse_address)
{
    struct endpoint e = test_endpoint("tcp://[::]:0");
    struct socket_options o = test_options();
    o.reuse_address = false;
    cleanup_fd int fd = open_with(&e, &o);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_REUSEADDR), 0);
    cr_assert_neq(port_of(&e), 0);
    cr_assert_eq(shutdown(fd, SHUT_RDWR), 0);
    cr_assert_eq(listener_listen(fd, 64), 0);
    struct endpoint now;
    cr_assert_eq(listener_endpoint(fd, &now), 0);
    cr_assert_eq(port_of(&now), port_of(&e));
}

Test(listener, clients_are_refused_and_taken_again)
{
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0");
    cleanup_fd int fd = open_plain(&e);
    cr_assert_eq(listener_refuse(fd), 0);
    cr_assert_eq(test_connect(&e), -ECONNREFUSED);
    cr_assert_eq(listener_listen(fd, 64), 0);
    expect_connect(&e);
}

Test(listener, a_unix_listener_that_was_shut_down_listens_no_more)
{
    char text[128];
    snprintf(text, sizeof text, "unix:%s/a.sock", test_dir);
    struct endpoint e = test_endpoint(text);
    cleanup_fd int fd = open_plain(&e);
    cr_assert_eq(listener_is_listening(fd), 1);
    cr_assert_eq(shutdown(fd, SHUT_RDWR), 0);
    cr_assert_eq(listener_is_listening(fd), 0);
}

/* --- queues --- */

static void expect_queue(const char *text)
{
    struct endpoint e = test_endpoint(text);
    struct socket_options o = test_options();
    struct listener_queue queue;
    int clients[3];
    o.backlog = 17;
    cleanup_fd int fd = open_with(&e, &o);
    for (int i = 0; i < 3; i++)
        cr_assert_geq(clients[i] = test_connect(&e), 0);
    cr_assert_eq(listener_queue(fd, &e, &queue), 0);
    cr_assert_eq(queue.depth, 3, "%s: %u", text, queue.depth);
    cr_assert_eq(queue.limit, 17, "%s: %u", text, queue.limit);
    close(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
    cr_assert_eq(listener_queue(fd, &e, &queue), 0);
    cr_assert_eq(queue.depth, 2);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
}

Test(listener, the_accept_queue_is_counted)
{
    char text[128];
    expect_queue("tcp://127.0.0.1:0");
    snprintf(text, sizeof text, "unix:%s/a.sock", test_dir);
    expect_queue(text);
    snprintf(text, sizeof text, "unix-seqpacket:%s/b.sock", test_dir);
    expect_queue(text);
}

static struct listener_queue queue_after(int fd, const struct endpoint *e, int datagrams)
{
    struct listener_queue queue;
    cleanup_fd int client = test_connect(e);
    cr_assert_geq(client, 0);
    for (int i = 0; i < datagrams; i++)
        cr_assert_eq(send(client, "1234567", 7, 0), 7);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (datagrams > 0)
        cr_assert_eq(poll(&p, 1, 20000), 1);
    cr_assert_eq(listener_queue(fd, e, &queue), 0);
    return queue;
}

Test(listener, waiting_datagrams_are_counted_in_bytes)
{
    char text[128];
    struct endpoint udp = test_endpoint("udp://127.0.0.1:0");
    cleanup_fd int fd = open_plain(&udp);
    cr_assert_eq(queue_after(fd, &udp, 0).depth, 0);
    struct listener_queue queue = queue_after(fd, &udp, 2);
    cr_assert_geq(queue.depth, 14);
    cr_assert_gt(queue.limit, queue.depth);

    snprintf(text, sizeof text, "unix-dgram:%s/a.sock", test_dir);
    struct endpoint local = test_endpoint(text);
    cleanup_fd int other = open_plain(&local);
    cr_assert_eq(queue_after(other, &local, 0).depth, 0);
    cr_assert_eq(queue_after(other, &local, 2).depth, 7);
}

Test(listener, what_does_not_listen_has_no_accept_queue)
{
    struct endpoint e = test_endpoint("tcp://127.0.0.1:0");
    struct listener_queue queue;
    cleanup_fd int fd = open_plain(&e);
    cr_assert_eq(listener_refuse(fd), 0);
    cr_assert_eq(listener_queue(fd, &e, &queue), -EINVAL);
}
