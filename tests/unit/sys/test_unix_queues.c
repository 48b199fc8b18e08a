/* unix_queues: all of them at once say what each says by itself. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/unix_queues.h"
#include "sys_test.h"

#define LISTENERS 20

Test(unix_queues, every_listener_is_found)
{
    struct unix_queues all;
    struct listener_queue queue, alone;
    int fds[LISTENERS], clients[3];
    for (int i = 0; i < LISTENERS; i++) {
        char text[128];
        struct berr err;
        snprintf(text, sizeof text, "unix:@berth-test-%d-%d", getpid(), i);
        struct endpoint e = test_endpoint(text);
        struct socket_options o = test_options();
        o.backlog = 5 + i;
        cr_assert_geq(fds[i] = listener_open(&e, &o, &err), 0, "%s", err.text);
        for (int k = 0; i == 7 && k < 3; k++)
            cr_assert_geq(clients[k] = test_connect(&e), 0);
    }
    cr_assert_eq(unix_queues_read(&all), 0);
    cr_assert_geq(all.n, LISTENERS);
    for (int i = 0; i < LISTENERS; i++) {
        struct endpoint e;
        cr_assert_eq(listener_endpoint(fds[i], &e), 0);
        cr_assert_eq(listener_queue(fds[i], &e, &alone), 0);
        cr_assert_eq(unix_queues_find(&all, fds[i], &queue), 0);
        cr_assert_eq(queue.limit, (unsigned)(5 + i));
        cr_assert_eq(queue.limit, alone.limit);
        cr_assert_eq(queue.depth, i == 7 ? 3 : 0);
    }
    cr_assert_eq(unix_queues_find(&all, clients[0], &queue), -ENOENT);
    cr_assert_eq(unix_queues_find(&all, -1, &queue), -EBADF);
    unix_queues_fini(&all);
    cr_assert_eq(unix_queues_find(&all, fds[0], &queue), -ENOENT);
    for (int i = 0; i < LISTENERS; i++)
        close(fds[i]);
    for (int k = 0; k < 3; k++)
        close(clients[k]);
}
