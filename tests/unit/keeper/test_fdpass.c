/* fdpass: a packet and its descriptor arrive together or not at all, and nothing leaks. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fdpass.h"

static int pair[2];

static void open_pair(void)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(void)
{
    close(pair[0]);
    close(pair[1]);
}

TestSuite(fdpass, .init = open_pair, .fini = close_pair);

/* The lowest free number: the same before and after, if nothing was left open. */
static int next_fd(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(fd);
    return fd;
}

static void send_many(int n)
{
    int fds[16];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof fds)];
    } control = {0};
    control.header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN((size_t)n * sizeof fds[0])};
    for (int i = 0; i < n; i++)
        fds[i] = STDERR_FILENO;
    memcpy(CMSG_DATA(&control.header), fds, (size_t)n * sizeof fds[0]);
    struct iovec iov = {.iov_base = (char[]){"many"}, .iov_len = 4};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof fds[0])};
    cr_assert_eq(sendmsg(pair[0], &m, 0), 4);
}

Test(fdpass, a_descriptor_arrives_with_its_packet_and_is_close_on_exec)
{
    struct stat sent, got;
    char bytes[16];
    int fd = -1;
    cr_assert_eq(fdpass_send(pair[0], "hello", 5, STDERR_FILENO, 0), 5);
    cr_assert_eq(fdpass_recv(pair[1], bytes, sizeof bytes, &fd, 0), 5);
    cr_assert_geq(fd, 0);
    cr_expect_eq(memcmp(bytes, "hello", 5), 0);
    cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(fstat(STDERR_FILENO, &sent), 0);
    cr_assert_eq(fstat(fd, &got), 0);
    cr_expect_eq(sent.st_ino, got.st_ino);
    close(fd);
}

Test(fdpass, a_packet_without_a_descriptor_gives_none)
{
    char bytes[16];
    int fd = 77;
    cr_assert_eq(fdpass_send(pair[0], "hello", 5, -1, 0), 5);
    cr_expect_eq(fdpass_recv(pair[1], bytes, sizeof bytes, &fd, 0), 5);
    cr_expect_eq(fd, -1);
}

Test(fdpass, further_descriptors_are_closed)
{
    char bytes[16];
    int fd = -1, before = next_fd();
    send_many(16);
    cr_assert_eq(fdpass_recv(pair[1], bytes, sizeof bytes, &fd, 0), 4);
    cr_expect_eq(fd, before);
    close(fd);
    cr_expect_eq(next_fd(), before);
}

Test(fdpass, a_packet_that_is_too_long_is_an_error_and_leaves_no_descriptor)
{
    char bytes[4];
    int fd = 77, before = next_fd();
    cr_assert_eq(fdpass_send(pair[0], "hello", 5, STDERR_FILENO, 0), 5);
    cr_expect_eq(fdpass_recv(pair[1], bytes, sizeof bytes, &fd, 0), -EMSGSIZE);
    cr_expect_eq(fd, 77, "untouched");
    cr_expect_eq(next_fd(), before);
}

Test(fdpass, a_descriptor_beyond_the_limit_is_an_error_and_the_packet_is_there)
{
    struct rlimit nofile;
    char bytes[16] = "";
    int fd = 77;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &nofile), 0);
    cr_assert_eq(fdpass_send(pair[0], "hello", 5, STDERR_FILENO, 0), 5);
    struct rlimit none_left = {.rlim_cur = (rlim_t)next_fd(), .rlim_max = nofile.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none_left), 0);
    ssize_t r = fdpass_recv(pair[1], bytes, sizeof bytes, &fd, 0);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &nofile), 0);
    cr_expect_eq(r, -EMFILE);
    cr_expect_eq(fd, 77);
    cr_expect_str_eq(bytes, "hello");
}

Test(fdpass, the_end_is_zero_and_an_empty_queue_is_eagain)
{
    char bytes[4];
    int fd = -1;
    cr_expect_eq(fdpass_recv(pair[1], bytes, sizeof bytes, &fd, MSG_DONTWAIT), -EAGAIN);
    shutdown(pair[0], SHUT_WR);
    cr_expect_eq(fdpass_recv(pair[1], bytes, sizeof bytes, &fd, 0), 0);
}

Test(fdpass, sending_to_nobody_is_epipe_and_no_signal)
{
    close(pair[1]);
    cr_expect_eq(fdpass_send(pair[0], "x", 1, -1, 0), -EPIPE);
    pair[1] = -1;
}
