/* address: every form of the grammar, what it means, and what is said about a wrong one. */
#include "config.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

#include "base/str.h"
#include "wire/address.h"

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct address parsed(const char *text)
{
    struct address a;
    struct berr err = {0};
    int r = address_parse(text, &a, &err);
    cr_assert_eq(r, 0, "%s: %s", text, err.text);
    return a;
}

static const char *formatted(const char *text)
{
    static char dst[ADDRESS_TEXT];
    struct address a = parsed(text);
    return address_format(dst, sizeof(dst), &a);
}

/* What is said when TEXT is refused. */
static const char *refused(const char *text)
{
    static struct berr err;
    struct address a, before;
    memset(&a, 0x55, sizeof(a));
    before = a;
    err = (struct berr){0};
    cr_assert_eq(address_parse(text, &a, &err), -EINVAL, "%s", text);
    cr_assert_eq(memcmp(&a, &before, sizeof(a)), 0, "%s", text);
    cr_assert_eq(err.class, BERR_USAGE);
    return err.text;
}

static struct endpoint endpoint_of(const char *text)
{
    struct endpoint e;
    struct address a = parsed(text);
    cr_assert_eq(address_to_endpoint(&a, &e), 0, "%s", text);
    return e;
}

static const char *endpoint_text(const struct endpoint *e)
{
    static char dst[ADDRESS_TEXT];
    return endpoint_format(dst, sizeof(dst), e);
}

Test(address, a_port_alone_means_every_interface)
{
    static const char *const forms[] = {"8080", ":8080", "*:8080", "tcp://:8080", "tcp://*:8080"};
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct address a = parsed(forms[i]);
        cr_assert_eq(a.kind, ADDRESS_TCP);
        cr_assert_eq(a.type, SOCK_STREAM);
        cr_assert_eq(a.family, AF_UNSPEC);
        cr_assert(a.any_host);
        cr_assert_not(a.only_v6);
        cr_assert_str_eq(a.host, "");
        cr_assert_eq(a.port, 8080);
    }
}

Test(address, a_literal_host_decides_the_family)
{
    struct address v4 = parsed("tcp://127.0.0.1:80"), v6 = parsed("tcp://[::1]:80");
    cr_assert_eq(v4.family, AF_INET);
    cr_assert_str_eq(v4.host, "127.0.0.1");
    cr_assert_eq(v6.family, AF_INET6);
    cr_assert_str_eq(v6.host, "::1");
    cr_assert_not(v6.only_v6);
}

Test(address, a_name_leaves_the_family_open)
{
    struct address a = parsed("localhost:80");
    cr_assert_eq(a.family, AF_UNSPEC);
    cr_assert_str_eq(a.host, "localhost");
    cr_assert_not(a.any_host);
    cr_assert_eq(parsed("tcp4://localhost:80").family, AF_INET);
    cr_assert_eq(parsed("tcp6://localhost:80").family, AF_INET6);
}

Test(address, the_scheme_may_demand_a_family)
{
    struct address v4 = parsed("tcp4://:80"), v6 = parsed("tcp6://:80");
    cr_assert_eq(v4.family, AF_INET);
    cr_assert(v4.any_host);
    cr_assert_eq(v6.family, AF_INET6);
    cr_assert(v6.any_host);
    cr_assert(v6.only_v6);
    cr_assert(parsed("udp6://[::1]:80").only_v6);
}

Test(address, udp_has_the_same_hosts)
{
    struct address a = parsed("udp://10.0.0.1:53");
    cr_assert_eq(a.kind, ADDRESS_UDP);
    cr_assert_eq(a.type, SOCK_DGRAM);
    cr_assert_eq(a.family, AF_INET);
    cr_assert_eq(a.port, 53);
    cr_assert_eq(parsed("udp4://:53").family, AF_INET);
    cr_assert_eq(parsed("udp://:53").family, AF_UNSPEC);
}

Test(address, a_scope_id_stays_with_its_host)
{
    struct address a = parsed("[fe80::1%eth0]:80");
    cr_assert_eq(a.family, AF_INET6);
    cr_assert_str_eq(a.host, "fe80::1%eth0");
    cr_assert_str_eq(formatted("[fe80::1%eth0]:80"), "tcp://[fe80::1%eth0]:80");
}

Test(address, ports_range_from_0_to_65535)
{
    cr_assert_eq(parsed(":0").port, 0);
    cr_assert_eq(parsed(":65535").port, 65535);
    cr_assert_eq(parsed("65535").port, 65535);
    cr_assert(strstr(refused(":65536"), "from 0 to 65535"));
    cr_assert(strstr(refused("65536"), "from 0 to 65535"));
    cr_assert(strstr(refused("tcp://:99999999999999999999"), "from 0 to 65535"));
}

Test(address, unix_sockets_have_three_forms_and_three_types)
{
    static const char *const forms[] = {"/run/a.sock", "unix:/run/a.sock", "unix:///run/a.sock",
                                        "//run/a.sock"};
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct address a = parsed(forms[i]);
        cr_assert_eq(a.kind, ADDRESS_UNIX);
        cr_assert_eq(a.type, SOCK_STREAM);
        cr_assert_eq(a.family, AF_UNIX);
        cr_assert_not(a.abstract);
        cr_assert_str_eq(a.path, "/run/a.sock");
    }
    cr_assert_eq(parsed("unix-dgram:/a").type, SOCK_DGRAM);
    cr_assert_eq(parsed("unix-seqpacket:/a").type, SOCK_SEQPACKET);
}

Test(address, a_relative_path_needs_its_scheme)
{
    cr_assert_str_eq(parsed("unix:a.sock").path, "a.sock");
    cr_assert(strstr(refused("./a.sock"), "unix:PATH"));
    cr_assert(strstr(refused("run/a.sock"), "unix:PATH"));
}

Test(address, an_at_sign_makes_it_abstract)
{
    struct address a = parsed("unix:@name");
    cr_assert(a.abstract);
    cr_assert_str_eq(a.path, "name");
    cr_assert_str_eq(parsed("unix:@@/x").path, "@/x");
    cr_assert(strstr(refused("@name"), "unix:@NAME"));
}

Test(address, a_unix_path_has_107_bytes_at_most)
{
    char text[128] = "unix:";
    memset(text + 5, 'x', 108);
    text[5] = '/';
    text[5 + 108] = '\0';
    cr_assert(strstr(refused(text), "at most 107"));
    text[5 + 107] = '\0';
    cr_assert_str_eq(parsed(text).path, text + 5);
    text[5] = '@';
    text[5 + 108] = '\0';
    cr_assert_eq(strlen(parsed(text).path), 107 - 1);
}

Test(address, a_vsock_has_a_context_id_and_a_port)
{
    struct address a = parsed("vsock://2:1024");
    cr_assert_eq(a.kind, ADDRESS_VSOCK);
    cr_assert_eq(a.family, AF_VSOCK);
    cr_assert_eq(a.cid, 2);
    cr_assert_eq(a.vsock_port, 1024);
    cr_assert_not(a.any_host);
    cr_assert(parsed("vsock://*:5").any_host);
    cr_assert(parsed("vsock://4294967295:5").any_host);
    cr_assert(strstr(refused("vsock://:5"), "vsock://CID:PORT"));
    cr_assert(strstr(refused("vsock://2"), "vsock://CID:PORT"));
    cr_assert(strstr(refused("vsock://x:5"), "context id"));
    cr_assert(strstr(refused("vsock://4294967296:5"), "context id"));
    cr_assert(strstr(refused("vsock://2:4294967295"), "from 0 to 4294967294"));
}

Test(address, a_query_rides_on_every_form)
{
    static const char *const forms[] = {"80?a=1", ":80?a=1",     "h:80?a=1",       "tcp://[::1]:80?a=1",
                                        "/a?a=1", "unix:@n?a=1", "vsock://2:5?a=1"};
    for (size_t i = 0; i < COUNT(forms); i++)
        cr_assert_str_eq(parsed(forms[i]).query, "a=1");
    cr_assert_str_eq(parsed("80?a?b").query, "a?b");
    cr_assert_str_eq(parsed("80?").query, "");
    cr_assert_str_eq(parsed("80").query, "");
}

Test(address, a_query_too_long_is_refused_and_not_cut)
{
    char text[300] = "80?";
    memset(text + 3, 'q', 256);
    text[3 + 256] = '\0';
    cr_assert(strstr(refused(text), "255"));
    text[3 + 255] = '\0';
    cr_assert_eq(strlen(parsed(text).query), 255);
}

Test(address, a_host_too_long_is_refused_and_not_cut)
{
    char text[1200] = "tcp://";
    memset(text + 6, 'h', 1100);
    strcpy(text + 6 + 256, ":80");
    cr_assert(strstr(refused(text), "255"));
    strcpy(text + 6 + 255, ":80");
    cr_assert_eq(strlen(parsed(text).host), 255);
    memset(text + 6, 'h', 1100);
    strcpy(text + 6 + 1100, ":80");
    cr_assert(strstr(refused(text), "too long"));
}

Test(address, the_canonical_text_is_one_for_all_forms)
{
    static const char *const cases[][2] = {
        {"8080", "tcp://:8080"},
        {"*:080", "tcp://:80"},
        {"h.example:1", "tcp://h.example:1"},
        {"tcp4://*:1", "tcp4://:1"},
        {"tcp4://127.0.0.1:1", "tcp://127.0.0.1:1"},
        {"tcp4://h:1", "tcp4://h:1"},
        {"tcp6://:1", "tcp6://:1"},
        {"tcp6://[::1]:1", "tcp6://[::1]:1"},
        {"[::]:1", "tcp://[::]:1"},
        {"udp4://:1", "udp4://:1"},
        {"udp://h:1?x=1", "udp://h:1"},
        {"/a", "unix:/a"},
        {"unix:////a//b", "unix:/a//b"},
        {"unix:a", "unix:a"},
        {"unix-dgram:@a", "unix-dgram:@a"},
        {"unix-seqpacket:///a", "unix-seqpacket:/a"},
        {"vsock://*:5", "vsock://*:5"},
        {"vsock://07:5", "vsock://7:5"},
        {"tcp://tcp:80", "tcp://tcp:80"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_assert_str_eq(formatted(cases[i][0]), cases[i][1]);
        struct address a = parsed(cases[i][0]), again = parsed(cases[i][1]);
        cr_assert(address_equals(&a, &again), "%s", cases[i][0]);
    }
}

Test(address, different_declarations_are_not_equal)
{
    static const char *const forms[] = {":80",          ":81",          "tcp4://:80",       "tcp6://:80",
                                        "[::]:80",      "0.0.0.0:80",   "udp://:80",        "h:80",
                                        "tcp4://h:80",  "tcp6://h:80",  "unix:a",           "unix:@a",
                                        "unix:b",       "unix-dgram:a", "unix-seqpacket:a", "vsock://1:80",
                                        "vsock://2:80", "vsock://*:80", "vsock://1:81",     "tcp6://[::]:80"};
    for (size_t i = 0; i < COUNT(forms); i++) {
        for (size_t j = 0; j < COUNT(forms); j++) {
            struct address a = parsed(forms[i]), b = parsed(forms[j]);
            cr_assert_eq(address_equals(&a, &b), i == j, "%s and %s", forms[i], forms[j]);
        }
    }
    struct address a = parsed(":80?x=1"), b = parsed(":80");
    cr_assert(address_equals(&a, &b));
}

Test(address, a_wrong_one_is_told_what_is_expected)
{
    static const char *const cases[][2] = {
        {"", "is empty"},
        {"localhost", "has no port"},
        {"tcp://localhost", "has no port"},
        {"tcp://", "has no port"},
        {"10.0.0.1", "has no port"},
        {"localhost:", "\"\" for a port"},
        {"localhost:http", "\"http\" for a port"},
        {"tcp://h:80/", "\"80/\" for a port"},
        {":-1", "\"-1\" for a port"},
        {": 80", "\" 80\" for a port"},
        {"::1", "without a port: write [::1]:80"},
        {"::1:80", "without a port: write [::1]:80"},
        {"tcp://::1:80", "brackets"},
        {"[::1]", "has no port"},
        {"[::1]80", "has no port"},
        {"[127.0.0.1]:80", "no IPv6 address in its brackets"},
        {"[]:80", "no IPv6 address in its brackets"},
        {"[::1%]:80", "scope id"},
        {"[::1%a b]:80", "scope id"},
        {"[::1%sixteen_letters_]:80", "scope id"},
        {"tcp4://[::1]:80", "asks for IPv4"},
        {"tcp6://127.0.0.1:80", "asks for IPv6"},
        {"300.0.0.1:80", "looks like an IPv4 address"},
        {"127.1:80", "looks like an IPv4 address"},
        {"ho st:80", "no host name"},
        {"größe:80", "no host name"},
        {"a/b:80", "expected HOST:PORT, or unix:PATH"},
        {"tcp:80", "write tcp://"},
        {"udp:h:80", "write udp://"},
        {"tpc://h:80", "did you mean tcp?"},
        {"TCP://h:80", "unknown scheme"},
        {"gopher://h:80", "unknown scheme"},
        {"unix:", "has no path"},
        {"unix:@", "has no path"},
        {"unix://run/a", "a Unix socket has none"},
        {"unix-stream:/a", "expected"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *said = refused(cases[i][0]);
        cr_assert(strstr(said, cases[i][1]), "%s: %s", cases[i][0], said);
        cr_assert(str_starts_with(said, "the address \""), "%s", said);
        cr_assert(strstr(said, cases[i][0]), "%s", said);
    }
}

Test(address, foreign_text_in_an_error_is_escaped)
{
    cr_assert(strstr(refused("h:80\n"), "\"h:80\\x0a\" holds a control character"));
    cr_assert(strstr(refused("unix:/\xff"), "\\xff"));
    cr_assert(strstr(refused("unix:/\x1b[31m"), "\\x1b[31m"));
}

Test(address, any_host_needs_the_hosts_word_on_ipv6)
{
    struct endpoint e;
    static const char *const forms[] = {":80",
                                        "udp://:80",
                                        "localhost:80",
                                        "tcp4://localhost:80",
                                        "tcp6://localhost:80",
                                        "[fe80::1%eth0]:80"};
    memset(&e, 0x55, sizeof(e));
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct address a = parsed(forms[i]);
        cr_assert_eq(address_to_endpoint(&a, &e), -ENOENT, "%s", forms[i]);
        cr_assert_eq(e.family, 0x55555555);
    }
}

Test(address, an_ipv4_literal_is_an_endpoint)
{
    struct endpoint e = endpoint_of("127.0.0.1:8080");
    const struct sockaddr_in *in = (const void *)&e.sa;
    cr_assert_eq(e.family, AF_INET);
    cr_assert_eq(e.type, SOCK_STREAM);
    cr_assert_eq(e.protocol, 0);
    cr_assert_eq(e.only_v6, -1);
    cr_assert_eq(e.len, sizeof(*in));
    cr_assert_eq(in->sin_family, AF_INET);
    cr_assert_eq(ntohs(in->sin_port), 8080);
    cr_assert_eq(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
    cr_assert_str_eq(endpoint_text(&e), "tcp://127.0.0.1:8080");
}

Test(address, tcp4_wildcards_are_0_0_0_0)
{
    struct endpoint e = endpoint_of("tcp4://:80"), u = endpoint_of("udp4://*:80");
    cr_assert_str_eq(endpoint_text(&e), "tcp://0.0.0.0:80");
    cr_assert_str_eq(endpoint_text(&u), "udp://0.0.0.0:80");
}

Test(address, only_the_wildcard_and_tcp6_say_something_about_v6only)
{
    cr_assert_eq(endpoint_of("[::]:80").only_v6, 0);
    cr_assert_eq(endpoint_of("[0:0::]:80").only_v6, 0);
    cr_assert_eq(endpoint_of("tcp6://:80").only_v6, 1);
    cr_assert_eq(endpoint_of("tcp6://[::]:80").only_v6, 1);
    cr_assert_eq(endpoint_of("tcp6://[::1]:80").only_v6, 1);
    cr_assert_eq(endpoint_of("[::1]:80").only_v6, -1);
}

Test(address, a_numeric_scope_id_is_taken_over)
{
    struct endpoint e = endpoint_of("[fe80::1%7]:80");
    const struct sockaddr_in6 *in6 = (const void *)&e.sa;
    cr_assert_eq(in6->sin6_scope_id, 7);
    cr_assert_str_eq(endpoint_text(&e), "tcp://[fe80::1%7]:80");
}

Test(address, a_unix_endpoint_counts_its_bytes_as_the_kernel_does)
{
    struct endpoint path = endpoint_of("unix:/run/a.sock"), name = endpoint_of("unix-dgram:@name");
    const struct sockaddr_un *un = (const void *)&path.sa;
    cr_assert_eq(path.len, PATH_OFFSET + strlen("/run/a.sock") + 1);
    cr_assert_str_eq(un->sun_path, "/run/a.sock");
    un = (const void *)&name.sa;
    cr_assert_eq(name.len, PATH_OFFSET + 1 + strlen("name"));
    cr_assert_arr_eq(un->sun_path, "\0name", 5);
    cr_assert_str_eq(endpoint_text(&path), "unix:/run/a.sock");
    cr_assert_str_eq(endpoint_text(&name), "unix-dgram:@name");
}

Test(address, the_longest_unix_names_fit_their_sockaddr)
{
    char text[5 + 1 + 107 + 1] = "unix:@";
    memset(text + 6, 'x', 107);
    struct endpoint e = endpoint_of(text);
    cr_assert_eq(e.len, sizeof(struct sockaddr_un));
    cr_assert_str_eq(endpoint_text(&e), text);
}

Test(address, odd_bytes_of_a_unix_name_are_escaped)
{
    struct endpoint e = {.family = AF_UNIX, .type = SOCK_STREAM, .len = PATH_OFFSET + 5};
    struct sockaddr_un *un = (void *)&e.sa;
    memcpy(un->sun_path, "\0a\0\n\xff", 5);
    cr_assert_str_eq(endpoint_text(&e), "unix:@a\\x00\\x0a\\xff");
    memcpy(un->sun_path, "/a\nb", 5);
    cr_assert_str_eq(endpoint_text(&e), "unix:/a\\x0ab");
    e.len = PATH_OFFSET;
    cr_assert_str_eq(endpoint_text(&e), "unix:(unnamed)");
}

Test(address, a_path_that_fills_its_sockaddr_needs_no_nul)
{
    struct endpoint e = {.family = AF_UNIX, .type = SOCK_STREAM, .len = sizeof(struct sockaddr_un)};
    memset(&e.sa, 'x', sizeof(e.sa)); /* what is behind it is not part of the path */
    cr_assert_eq(strlen(endpoint_text(&e)), strlen("unix:") + 108);
}

Test(address, a_vsock_port_0_asks_the_kernel)
{
    struct endpoint e = endpoint_of("vsock://*:0"), fixed = endpoint_of("vsock://2:5");
    const struct sockaddr_vm *vm = (const void *)&e.sa;
    cr_assert_eq(vm->svm_cid, VMADDR_CID_ANY);
    cr_assert_eq(vm->svm_port, VMADDR_PORT_ANY);
    cr_assert_str_eq(endpoint_text(&e), "vsock://*:0");
    cr_assert_str_eq(endpoint_text(&fixed), "vsock://2:5");
}

Test(address, an_unknown_family_is_named_by_number)
{
    struct endpoint e = {.family = 12345};
    cr_assert_str_eq(endpoint_text(&e), "(address family 12345)");
}
