/* Who stands in the way. */
#include "config.h"

#include "sys/holder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/listener.h"
#include "sys/procfs.h"
#include "sys_test.h"

TestSuite(holder, .init = test_dir_make, .fini = test_dir_remove);

/* Opens TEXT and returns the socket; where it is bound goes into *RET. */
static int open_socket(const char *text, struct endpoint *ret)
{
    struct endpoint e = test_endpoint(text);
    struct socket_options o = test_options();
    struct berr err = {0};
    int fd = listener_open(&e, &o, &err);
    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert_eq(listener_endpoint(fd, ret), 0);
    return fd;
}

/* TEXT with the port of BOUND. */
static struct endpoint with_port(const char *text, const struct endpoint *bound)
{
    struct endpoint e = test_endpoint(text);
    ((struct sockaddr_in *)&e.sa)->sin_port = ((const struct sockaddr_in *)&bound->sa)->sin_port;
    return e;
}

static int find(const struct endpoint *e, struct holder *h)
{
    int r = holder_find(e, h);
    cr_assert_geq(r, 0, "%s", strerror(-r));
    return r;
}

Test(holder, a_listener_is_found_with_its_process)
{
    struct endpoint bound;
    struct holder h;
    cleanup_fd int fd = open_socket("tcp://127.0.0.1:0", &bound);
    cr_assert_eq(find(&bound, &h), 1);
    cr_assert_eq(h.pid, getpid());
    cr_assert_eq(h.uid, geteuid());
    struct procfs_process self;
    cr_assert_eq(procfs_process(getpid(), &self), 0);
    cr_assert_str_eq(h.command, self.command);
    char wanted[64], found[64];
    cr_assert_str_eq(endpoint_format(found, sizeof found, &h.bound),
                     endpoint_format(wanted, sizeof wanted, &bound));
}

/* Some kernels tell of sockets that are bound and no more whatever port was asked for. */
Test(holder, what_is_bound_to_another_port_does_not_stand_in_the_way)
{
    struct endpoint bound;
    struct holder h;
    int fd = open_socket("tcp://127.0.0.1:0", &bound);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cleanup_fd int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(other, (struct sockaddr *)&any, sizeof any), 0);
    close(fd); /* its port is free, and another one's by nobody's doing */
    cr_assert_eq(find(&bound, &h), 0);
}

Test(holder, every_interface_and_one_of_them_overlap_both_ways)
{
    struct endpoint bound, e;
    struct holder h;
    cleanup_fd int all = open_socket("tcp://0.0.0.0:0", &bound);
    e = with_port("tcp://127.0.0.1:0", &bound);
    cr_assert_eq(find(&e, &h), 1);
    fd_close(&all);
    cleanup_fd int one = open_socket("tcp://127.0.0.1:0", &bound);
    e = with_port("tcp://0.0.0.0:0", &bound);
    cr_assert_eq(find(&e, &h), 1);
    e = with_port("tcp://127.0.0.2:0", &bound);
    cr_assert_eq(find(&e, &h), 0);
}

Test(holder, a_dual_stack_socket_stands_in_the_way_of_ipv4)
{
    struct endpoint bound, e;
    struct holder h;
    cleanup_fd int dual = open_socket("tcp://[::]:0", &bound);
    cr_assert_eq(bound.only_v6, 0);
    e = with_port("tcp://127.0.0.1:0", &bound);
    cr_assert_eq(find(&e, &h), 1);
    cr_assert_eq(h.bound.family, AF_INET6);
    fd_close(&dual);
    cleanup_fd int v4 = open_socket("tcp://127.0.0.1:0", &bound);
    e = with_port("tcp://[::]:0", &bound);
    cr_assert_eq(find(&e, &h), 1);
    cr_assert_eq(h.bound.family, AF_INET);
}

Test(holder, an_ipv6_only_socket_does_not_stand_in_the_way_of_ipv4)
{
    struct endpoint bound, e;
    struct holder h;
    cleanup_fd int fd = open_socket("tcp6://:0", &bound);
    cr_assert_eq(bound.only_v6, 1);
    e = with_port("tcp://127.0.0.1:0", &bound);
    cr_assert_eq(find(&e, &h), 0);
}

Test(holder, udp_and_tcp_are_told_apart)
{
    struct endpoint bound, e;
    struct holder h;
    cleanup_fd int fd = open_socket("udp://127.0.0.1:0", &bound);
    cr_assert_eq(find(&bound, &h), 1);
    cr_assert_eq(h.pid, getpid());
    e = with_port("tcp://127.0.0.1:0", &bound);
    cr_assert_eq(find(&e, &h), 0);
}

Test(holder, a_unix_socket_is_found_under_another_spelling_of_its_path)
{
    char text[128];
    struct endpoint bound, e;
    struct holder h;
    snprintf(text, sizeof text, "unix:%s/a.sock", test_dir);
    cleanup_fd int fd = open_socket(text, &bound);
    snprintf(text, sizeof text, "unix:%s/./a.sock", test_dir);
    e = test_endpoint(text);
    cr_assert_eq(find(&e, &h), 1);
    cr_assert_eq(h.pid, getpid());
    cr_assert_eq(h.uid, geteuid());
}

Test(holder, an_abstract_name_is_found)
{
    char text[64];
    struct endpoint bound;
    struct holder h;
    snprintf(text, sizeof text, "unix:@berth-test-holder-%d", (int)getpid());
    cleanup_fd int fd = open_socket(text, &bound);
    cr_assert_eq(find(&bound, &h), 1);
    cr_assert_eq(h.pid, getpid());
    fd_close(&fd);
    cr_assert_eq(find(&bound, &h), 0);
}

Test(holder, the_sentence_names_process_user_age_and_address)
{
    char text[512];
    struct holder h = {
        .pid = 812,
        .uid = 33,
        .command = "nginx: master process",
        .age_seconds = 2 * 3600 + 59,
        .bound = test_endpoint("tcp://0.0.0.0:8080"),
    };
    cr_assert_str_eq(
        holder_format(text, sizeof text, &h),
        "held by nginx: master process (pid 812, uid 33, started 2h ago), bound to tcp://0.0.0.0:8080");
}

Test(holder, the_sentence_of_an_invisible_process_says_so)
{
    char text[512];
    struct holder h = {.uid = 33, .bound = test_endpoint("tcp://0.0.0.0:8080")};
    cr_assert_str_eq(holder_format(text, sizeof text, &h),
                     "held by a process that is not visible here (uid 33), bound to tcp://0.0.0.0:8080");
}
