/* held_name: a name says what it means, and what does not is left alone. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "core/held_name.h"
#include "wire/address.h"

#define N(array) (sizeof(array) / sizeof *(array))

static const char *format(const struct held_name *h)
{
    static char text[LIMIT_HELD_NAME + 1];
    cr_assert_eq(held_name_format(text, h), 0);
    return text;
}

Test(held_name, names_are_written_as_the_header_says)
{
    cr_expect_str_eq(format(&(struct held_name){.kind = HELD_CONTROL}), "control");
    cr_expect_str_eq(format(&(struct held_name){.kind = HELD_STATE}), "state");
    cr_expect_str_eq(format(&(struct held_name){.kind = HELD_SOCKET,
                                                .name = "web",
                                                .slot = 0,
                                                .part = 1,
                                                .parts = 2,
                                                .address = "tcp://localhost:80"}),
                     "socket/web/0/1.2/tcp://localhost:80");
    cr_expect_str_eq(format(&(struct held_name){
                         .kind = HELD_WORKER, .name = "api", .slot = 3, .generation = 7, .serial = 99}),
                     "worker/api/3/7/99");
}

Test(held_name, what_is_written_is_read_back)
{
    static const char *const texts[] = {
        "control",
        "passed/17/web",
        "state",
        "socket/web/0/1.1/tcp://:80",
        "socket/a.b_c-d/4096/2.2/unix:/run/a/b c.sock",
        "socket/web/0/1.1/unix:@name/with/slashes",
        "worker/api/1/1/1",
        "worker/api/4294967295/4294967295/18446744073709551615",
        "channel/api/3/99",
        "notify/api/3/99",
        "ready/api/3/99",
        "store/api/2/7.1/client of room 1",
        "store/api/2/7.0/a/b",
        "share/zerg//run/z.sock",
        "share/fdholder/@name",
        "output/api/4096/read",
        "output/api/1/write",
        "input/logger/read",
        "input/logger/write",
        "ring/api",
    };
    for (size_t i = 0; i < N(texts); i++) {
        struct held_name h;
        held_name_parse(texts[i], &h);
        cr_assert_neq(h.kind, HELD_UNKNOWN, "%s", texts[i]);
        cr_expect_str_eq(format(&h), texts[i]);
    }
}

Test(held_name, its_parts_are_told_apart)
{
    struct held_name h;
    held_name_parse("socket/web/2/3.4/unix:/a/b", &h);
    cr_assert_eq(h.kind, HELD_SOCKET);
    cr_assert_str_eq(h.name, "web");
    cr_assert_eq(h.slot, 2);
    cr_assert_eq(h.part, 3);
    cr_assert_eq(h.parts, 4);
    cr_assert_str_eq(h.address, "unix:/a/b");
}

Test(held_name, what_is_not_to_the_letter_is_unknown)
{
    static const char *const texts[] = {
        "",
        "x",
        "controls",
        "state/",
        "socket",
        "socket/",
        "socket/web",
        "socket/web/0/1.1",
        "socket/web/0/1.1/",
        "socket//0/1.1/tcp://:80",
        "socket/we b/0/1.1/tcp://:80",
        "socket/web/00/1.1/tcp://:80",
        "socket/web/0/0.1/tcp://:80",
        "socket/web/0/2.1/tcp://:80",
        "socket/web/0/1/tcp://:80",
        "socket/web/-1/1.1/tcp://:80",
        "socket/web/+1/1.1/tcp://:80",
        "socket/web/ 1/1.1/tcp://:80",
        "socket/web/4294967296/1.1/tcp://:80",
        "socket/web/x/1.1/tcp://:80",
        "worker/api/1/1",
        "worker/api/1/1/",
        "worker/api/1/1/1/",
        "worker/api/1/1/18446744073709551616",
        "worker/api/1/1/1x",
        "notify/api/1",
        "notify/api/1/1/1",
        "ready/api/1",
        "store/api/1/1/name",
        "store/api/1/1.2/name",
        "store/api/1/1.1/",
        "channel/api/1",
        "share/zerg",
        "share/zerg/",
        "share/a b//x",
        "channel/api/1/1/1",
        "channel/a b/1/1",
        "output/api/read",
        "output/api/1",
        "output/api/1/reader",
        "output/api/01/read",
        "output/api/1/both",
        "input/api",
        "input/api/1/read",
        "ring/",
        "ring/api/1",
        "worker/0123456789012345678901234567890123456789012345678901234567890123x/1/1/1",
    };
    for (size_t i = 0; i < N(texts); i++) {
        struct held_name h = {.kind = HELD_WORKER};
        held_name_parse(texts[i], &h);
        cr_expect_eq(h.kind, HELD_UNKNOWN, "%s", texts[i]);
    }
}

Test(held_name, one_byte_too_many_is_refused_and_writes_nothing)
{
    struct held_name h = {.kind = HELD_SOCKET, .name = "web", .part = 1, .parts = 1};
    char text[LIMIT_HELD_NAME + 1] = "untouched";
    size_t rest = LIMIT_HELD_NAME - strlen("socket/web/0/1.1/");

    memset(h.address, 'a', rest);
    h.address[rest] = 'a';
    cr_assert_eq(held_name_format(text, &h), -ENAMETOOLONG);
    cr_assert_str_eq(text, "untouched");
    h.address[rest] = '\0';
    cr_assert_eq(held_name_format(text, &h), 0);
    cr_assert_eq(strlen(text), LIMIT_HELD_NAME);
}

Test(held_name, the_longest_socket_and_the_longest_address_go_together)
{
    struct held_name h = {.kind = HELD_SOCKET, .slot = LIMIT_WORKERS, .part = 999, .parts = 999};
    struct address a = {.kind = ADDRESS_TCP, .family = AF_INET6, .port = 65535};
    char text[LIMIT_HELD_NAME + 1];

    memset(h.name, 's', LIMIT_NAME);
    memset(a.host, 'h', sizeof a.host - 1);
    address_format(h.address, sizeof h.address, &a);
    cr_assert_geq(strlen(h.address), sizeof a.host);
    cr_assert_eq(held_name_format(text, &h), 0);
}

Test(held_name, the_longest_service_and_the_longest_stored_name_go_together)
{
    struct held_name h = {.kind = HELD_STORED, .slot = LIMIT_WORKERS, .part = UINT_MAX, .parts = 1};
    char text[LIMIT_HELD_NAME + 1];

    memset(h.name, 's', LIMIT_NAME);
    memset(h.address, 'a', LIMIT_FD_NAME);
    cr_assert_eq(held_name_format(text, &h), 0);
}
