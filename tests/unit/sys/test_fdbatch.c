/* fdbatch: all of the descriptors or an error, over packets and streams. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/fdbatch.h"

TestSuite(fdbatch, .timeout = 30);

static int pair[2];
static int all[FDBATCH_MAX + 1];

static void open_pair(int type)
{
    cr_assert_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
    for (size_t i = 0; i < FDBATCH_MAX + 1; i++)
        all[i] = pair[0];
}

static size_t count_open(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

Test(fdbatch, as_many_as_the_kernel_takes_arrive)
{
    int got[FDBATCH_MAX];
    size_t n = 0;
    char text[8];
    open_pair(SOCK_SEQPACKET);
    cr_assert_eq(fdbatch_send(pair[0], "hello", 5, all, FDBATCH_MAX, 0), 5);
    cr_assert_eq(fdbatch_recv(pair[1], text, sizeof text, got, FDBATCH_MAX, &n, 0), 5);
    cr_assert_eq(n, FDBATCH_MAX);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(fcntl(got[i], F_GETFD), FD_CLOEXEC);
}

Test(fdbatch, one_more_is_refused_at_once)
{
    open_pair(SOCK_SEQPACKET);
    cr_assert_eq(fdbatch_send(pair[0], "x", 1, all, FDBATCH_MAX + 1, 0), -E2BIG);
}

Test(fdbatch, more_than_the_receiver_wants_leave_nothing_behind)
{
    int got[2];
    size_t n = 77;
    char text[8];
    open_pair(SOCK_SEQPACKET);
    size_t before = count_open();
    cr_assert_eq(fdbatch_send(pair[0], "x", 1, all, 3, 0), 1);
    cr_assert_eq(fdbatch_recv(pair[1], text, sizeof text, got, 2, &n, 0), -ENOBUFS);
    cr_assert_eq(n, 77);
    cr_assert_eq(count_open(), before);
}

Test(fdbatch, a_full_table_is_an_error_and_leaves_nothing_behind)
{
    int got[FDBATCH_MAX];
    size_t n = 0;
    char text[8];
    open_pair(SOCK_SEQPACKET);
    cr_assert_eq(fdbatch_send(pair[0], "x", 1, all, 100, 0), 1);
    size_t before = count_open();
    int next = dup(pair[0]);
    cr_assert(next >= 0);
    close(next);
    struct rlimit usual, few;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
    few = (struct rlimit){.rlim_cur = (rlim_t)next + 3, .rlim_max = usual.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ssize_t r = fdbatch_recv(pair[1], text, sizeof text, got, FDBATCH_MAX, &n, 0);
    setrlimit(RLIMIT_NOFILE, &usual); /* Criterion needs some as well */
    cr_assert_eq(r, -EMFILE);
    cr_assert_eq(count_open(), before);
}

Test(fdbatch, a_packet_that_is_too_long_is_an_error_and_leaves_nothing_behind)
{
    int got[2];
    size_t n = 0;
    char text[2];
    open_pair(SOCK_SEQPACKET);
    size_t before = count_open();
    cr_assert_eq(fdbatch_send(pair[0], "long", 4, all, 2, 0), 4);
    cr_assert_eq(fdbatch_recv(pair[1], text, sizeof text, got, 2, &n, 0), -EMSGSIZE);
    cr_assert_eq(count_open(), before);
}

Test(fdbatch, on_a_stream_descriptors_come_with_their_first_byte)
{
    int got[2];
    size_t n = 0;
    char text[16];
    open_pair(SOCK_STREAM);
    cr_assert_eq(fdbatch_send(pair[0], "one", 3, NULL, 0, 0), 3);
    cr_assert_eq(fdbatch_send(pair[0], "two", 3, all, 2, 0), 3);
    ssize_t first = fdbatch_recv(pair[1], text, sizeof text, got, 2, &n, 0);
    cr_assert_geq(first, 3);
    if (first == 3) {
        cr_assert_eq(n, 0);
        cr_assert_eq(fdbatch_recv(pair[1], text, sizeof text, got, 2, &n, 0), 3);
    }
    cr_assert_eq(n, 2);
    close(got[0]);
    close(got[1]);
    close(pair[0]);
    cr_assert_eq(fdbatch_recv(pair[1], text, sizeof text, got, 2, &n, 0), 0);
}
