/* Addresses to endpoints. No test here asks a name server: each runs in a network namespace of its own. */
#include "config.h"

#include "sys/resolve.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "sys_test.h"

static struct endpoint *resolve(const char *text, size_t *ret_n)
{
    struct address a;
    struct endpoint *all = NULL;
    struct berr err = {0};
    cr_assert_eq(address_parse(text, &a, &err), 0, "%s", err.text);
    cr_assert_eq(resolve_address(&a, &all, ret_n, &err), 0, "%s", err.text);
    return all;
}

static uint16_t port_of(const struct endpoint *e)
{
    return ntohs(((const struct sockaddr_in *)&e->sa)->sin_port);
}

Test(resolve, a_literal_address_is_itself)
{
    size_t n;
    struct endpoint *all = resolve("tcp://127.0.0.1:8080", &n);
    cr_assert_eq(n, 1);
    cr_assert_eq(all[0].family, AF_INET);
    cr_assert_eq(all[0].type, SOCK_STREAM);
    cr_assert_eq(port_of(&all[0]), 8080);
    free(all);
}

Test(resolve, a_port_alone_is_one_dual_stack_endpoint)
{
    size_t n;
    struct endpoint *all = resolve(":8080", &n);
    cr_assert_eq(n, 1);
    if (all[0].family != AF_INET6) {
        free(all);
        test_skip("this host has no IPv6");
    }
    cr_assert_eq(all[0].only_v6, 0);
    cr_assert(IN6_IS_ADDR_UNSPECIFIED(&((struct sockaddr_in6 *)&all[0].sa)->sin6_addr));
    cr_assert_eq(port_of(&all[0]), 8080);
    free(all);
}

Test(resolve, a_port_alone_is_ipv4_where_the_host_has_no_ipv6)
{
    size_t n;
    if (!test_refuse_call(SYS_socket, AF_INET6, EAFNOSUPPORT))
        test_skip("seccomp filters are refused here");
    struct endpoint *all = resolve("udp://*:53", &n);
    cr_assert_eq(n, 1);
    cr_assert_eq(all[0].family, AF_INET);
    cr_assert_eq(all[0].type, SOCK_DGRAM);
    cr_assert_eq(((struct sockaddr_in *)&all[0].sa)->sin_addr.s_addr, htonl(INADDR_ANY));
    cr_assert_eq(port_of(&all[0]), 53);
    free(all);
}

Test(resolve, localhost_is_every_loopback_address_once)
{
    size_t n;
    struct endpoint *all = resolve("localhost:80", &n);
    bool has_v4 = false;
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(port_of(&all[i]), 80);
        has_v4 |= all[i].family == AF_INET;
        for (size_t j = 0; j < i; j++)
            cr_assert(all[i].len != all[j].len || memcmp(&all[i].sa, &all[j].sa, all[i].len) != 0);
    }
    cr_assert(has_v4);
    free(all);
}

Test(resolve, localhost_leaves_out_an_ipv6_loopback_that_is_not_there)
{
    size_t n;
    if (unshare(CLONE_NEWNET) < 0)
        test_skip("network namespaces are refused here");
    struct endpoint *all = resolve("localhost:80", &n);
    cr_assert_eq(n, 1);
    cr_assert_eq(all[0].family, AF_INET);
    free(all);
}

Test(resolve, one_family_can_be_demanded)
{
    size_t n;
    struct endpoint *all = resolve("tcp4://localhost:80", &n);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(all[i].family, AF_INET);
    free(all);
}

Test(resolve, an_unknown_host_is_named)
{
    struct address a;
    struct endpoint *all = NULL;
    size_t n = 77;
    struct berr err = {0};
    if (unshare(CLONE_NEWNET) < 0)
        test_skip("network namespaces are refused here");
    cr_assert_eq(address_parse("tcp://nowhere.invalid:80", &a, &err), 0);
    cr_assert_lt(resolve_address(&a, &all, &n, &err), 0);
    cr_assert_not_null(strstr(err.text, "\"nowhere.invalid\""), "%s", err.text);
    cr_assert_null(all);
    cr_assert_eq(n, 77);
}

Test(resolve, a_unix_path_needs_no_resolver)
{
    size_t n;
    struct endpoint *all = resolve("unix-dgram:/run/a.sock", &n);
    cr_assert_eq(n, 1);
    cr_assert_eq(all[0].family, AF_UNIX);
    cr_assert_eq(all[0].type, SOCK_DGRAM);
    free(all);
}
