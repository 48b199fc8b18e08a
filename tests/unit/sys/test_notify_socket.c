/* notify_socket: what comes to a worker's socket, and who has sent it. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/fdbatch.h"
#include "sys/notify_socket.h"
#include "sys_test.h"

static int open_socket(char name[NOTIFY_SOCKET_NAME])
{
    int fd = notify_socket_open(name);
    cr_assert_geq(fd, 0);
    return fd;
}

/* A worker's end, connected. */
static int sender(const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), room = 1 << 20;
    memcpy(un.sun_path, name, strlen(name));
    un.sun_path[0] = '\0';
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    cr_assert_eq(connect(fd, (struct sockaddr *)&un,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                 0);
    return fd;
}

static struct notify_packet packet;

Test(notify_socket, no_two_have_the_same_name)
{
    char one[NOTIFY_SOCKET_NAME], other[NOTIFY_SOCKET_NAME];
    cleanup_fd int a = open_socket(one), b = open_socket(other);
    cr_expect_str_neq(one, other);
    cr_expect_eq(one[0], '@');
    cr_expect(a != b);
}

Test(notify_socket, a_message_is_looked_at_as_often_as_one_likes_and_then_taken_off)
{
    char name[NOTIFY_SOCKET_NAME];
    cleanup_fd int fd = open_socket(name), to = sender(name);
    cr_expect_eq(notify_socket_peek(fd, &packet), -EAGAIN);
    send(to, "READY=1", 7, 0);
    send(to, "", 0, 0);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(notify_socket_peek(fd, &packet), 0);
        cr_expect_eq(packet.n, 7);
        cr_expect(memcmp(packet.text, "READY=1", 7) == 0);
        cr_expect_eq(packet.pid, getpid());
        cr_expect_eq(packet.uid, getuid());
    }
    notify_socket_discard(fd);
    cr_assert_eq(notify_socket_peek(fd, &packet), 0);
    cr_expect_eq(packet.n, 0);
    notify_socket_discard(fd);
    cr_expect_eq(notify_socket_peek(fd, &packet), -EAGAIN);
    notify_socket_discard(fd);
}

Test(notify_socket, descriptors_come_as_duplicates_until_the_message_is_taken_off)
{
    char name[NOTIFY_SOCKET_NAME], byte;
    int pair[2];
    cr_assert_eq(pipe(pair), 0);
    cleanup_fd int fd = open_socket(name), to = sender(name);
    int before = fdbatch_send(to, "FDSTORE=1", 9, pair + 1, 1, 0) == 9 ? 0 : -1;
    cr_assert_eq(before, 0);
    close(pair[1]);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(notify_socket_peek(fd, &packet), 0);
        cr_assert_eq(packet.n_fds, 1);
        cr_expect_eq(write(packet.fds[0], "x", 1), 1);
        notify_packet_close(&packet);
        cr_expect_eq(packet.n_fds, 0);
        cr_expect_eq(read(pair[0], &byte, 1), 1);
    }
    notify_socket_discard(fd);
    cr_expect_eq(read(pair[0], &byte, 1), 0, "nobody has the writing end any more");
    close(pair[0]);
}

Test(notify_socket, one_byte_too_many_or_no_room_for_a_descriptor_fails_as_a_whole)
{
    static char text[LIMIT_NOTIFY + 1];
    char name[NOTIFY_SOCKET_NAME];
    int none = STDIN_FILENO;
    struct rlimit before, least;
    cleanup_fd int fd = open_socket(name), to = sender(name);
    send(to, text, LIMIT_NOTIFY, 0);
    cr_expect_eq(notify_socket_peek(fd, &packet), 0);
    notify_socket_discard(fd);
    cr_assert_eq(fdbatch_send(to, text, LIMIT_NOTIFY + 1, &none, 1, 0), LIMIT_NOTIFY + 1);
    cr_expect_eq(notify_socket_peek(fd, &packet), -EMSGSIZE);
    cr_expect_eq(packet.n_fds, 0);
    notify_socket_discard(fd);
    cr_assert_eq(fdbatch_send(to, "FDSTORE=1", 9, &none, 1, 0), 9);
    getrlimit(RLIMIT_NOFILE, &before);
    least = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &least);
    int r = notify_socket_peek(fd, &packet);
    setrlimit(RLIMIT_NOFILE, &before);
    cr_expect_eq(r, -EMFILE);
    cr_expect_eq(packet.n_fds, 0);
}
