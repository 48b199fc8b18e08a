/* passed: what one berth says of a thing, another one understands; and nothing else than what may move. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/passed.h"

static void goes_over(const char *held, const char *bound, uint64_t device, uint64_t inode)
{
    struct passed_list from = {NULL, 0}, to = {NULL, 0};
    passed_add(&from, held, bound, device, inode, -1);
    json_t *o = passed_describe(&from.items[0]);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(passed_parse(&to, o, fd), 0, "%s", held);
    cr_assert_eq(to.n, 1);
    cr_expect_str_eq(to.items[0].held, held);
    cr_expect((!bound && !to.items[0].bound) || strcmp(bound, to.items[0].bound) == 0);
    cr_expect_eq(to.items[0].device, device);
    cr_expect_eq(to.items[0].inode, inode);
    cr_expect_eq(to.items[0].fd, fd);
    json_decref(o);
    passed_list_fini(&from);
    passed_list_fini(&to);
    cr_expect_eq(fcntl(fd, F_GETFD), -1, "it is closed with its list");
}

Test(passed, what_is_said_is_understood)
{
    goes_over("socket/web/0/1.2/tcp://localhost:80", "tcp://127.0.0.1:80", 0, 0);
    goes_over("socket/web/7/1.1/unix:/run/a/b.sock", "unix:/run/a/b.sock", UINT64_MAX, UINT64_MAX - 1);
    goes_over("store/api/3/12.1/a connection", NULL, 0, 0);
    goes_over("share/zerg/@abstract", NULL, 0, 0);
}

static void is_refused(const char *text)
{
    struct passed_list list = {NULL, 0};
    json_error_t error;
    json_t *o = json_loads(text, JSON_DECODE_ANY, &error);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_assert(o, "%s", error.text);
    cr_expect_eq(passed_parse(&list, o, fd), -EBADMSG, "%s", text);
    cr_expect_eq(list.n, 0);
    cr_expect_eq(fcntl(fd, F_GETFD), -1, "%s: its descriptor is left", text);
    json_decref(o);
    passed_list_fini(&list);
}

Test(passed, nothing_else_is_taken)
{
    is_refused("{}");
    is_refused("7");
    is_refused("{\"kind\": \"state\"}");
    is_refused("{\"kind\": \"worker\", \"name\": \"web\", \"slot\": 1, \"part\": 1, \"parts\": 1, "
               "\"address\": \"\"}");
    is_refused("{\"kind\": \"socket\", \"name\": \"web\"}");
    is_refused("{\"kind\": \"socket\", \"name\": \"../x\", \"slot\": 0, \"part\": 1, \"parts\": 1, "
               "\"address\": \"a\"}");
    is_refused("{\"kind\": \"socket\", \"name\": \"web\", \"slot\": 0, \"part\": 3, \"parts\": 2, "
               "\"address\": \"a\"}");
    is_refused("{\"kind\": \"socket\", \"name\": \"web\", \"slot\": -1, \"part\": 1, \"parts\": 1, "
               "\"address\": \"\"}");
    is_refused("{\"kind\": \"stored\", \"name\": \"web\", \"slot\": 1, \"part\": 1, \"parts\": 2, "
               "\"address\": \"a\"}");
    is_refused("{\"kind\": 1, \"name\": [], \"slot\": \"x\", \"part\": null, \"parts\": {}, \"address\": 7}");
}

Test(passed, kinds_are_counted)
{
    struct passed_list list = {NULL, 0};
    for (int i = 0; i < 5; i++)
        passed_add(&list, "socket/web/0/1.1/tcp://:80", "tcp://[::]:80", 0, 0, -1);
    passed_add(&list, "store/web/1/1.1/x", NULL, 0, 0, -1);
    cr_expect_eq(passed_count(&list, HELD_SOCKET), 5);
    cr_expect_eq(passed_count(&list, HELD_STORED), 1);
    cr_expect_eq(passed_count(&list, HELD_SHARE), 0);
    passed_list_fini(&list);
}
