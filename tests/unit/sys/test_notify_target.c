/* notify_target: messages to a service manager's socket. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/notify_target.h"
#include "sys_test.h"

/* A manager's socket at ADDRESS, a path or @name. */
static int manager(const char *address)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = strlen(address);
    int on = 1, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    memcpy(un.sun_path, address, n);
    if (*address == '@')
        un.sun_path[0] = '\0';
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    cr_assert_eq(bind(fd, (struct sockaddr *)&un, len), 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    return fd;
}

/* The next message into TEXT; whose it is. */
static pid_t receive(int fd, char *text, size_t size)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec iov = {text, size - 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct ucred whose;
    ssize_t n = recvmsg(fd, &m, 0);
    cr_assert_geq(n, 0);
    text[n] = '\0';
    memcpy(&whose, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof whose);
    return whose.pid;
}

static const char *name(char type)
{
    static char text[64];
    snprintf(text, sizeof text, "%c%sberth-notify-%d", type, type == '/' ? "tmp/" : "", getpid());
    return text;
}

Test(notify_target, a_message_arrives_at_a_path_and_at_an_abstract_name)
{
    for (const char *type = "/@"; *type; type++) {
        cleanup_fd int fd = manager(name(*type));
        struct notify_target t;
        char text[32];
        cr_assert_eq(notify_target_open(&t, name(*type)), 0);
        cr_assert_eq(notify_target_send(&t, "READY=1\n", getpid()), 0);
        cr_assert_eq(receive(fd, text, sizeof text), getpid());
        cr_assert_str_eq(text, "READY=1\n");
        notify_target_close(&t);
        cr_assert_eq(t.fd, -1);
    }
    unlink(name('/'));
}

Test(notify_target, root_speaks_for_another_process_and_others_for_themselves)
{
    cleanup_fd int fd = manager(name('@'));
    struct notify_target t;
    char text[32];
    cr_assert_eq(notify_target_open(&t, name('@')), 0);
    cr_assert_eq(notify_target_send(&t, "READY=1\n", getppid()), 0);
    bool may = geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) == 1;
    cr_assert_eq(receive(fd, text, sizeof text), may ? getppid() : getpid());
    notify_target_close(&t);
}

Test(notify_target, in_the_name_of_one_that_is_gone_we_speak_ourselves)
{
    cleanup_fd int fd = manager(name('@'));
    struct notify_target t;
    char text[32];
    cr_assert_eq(notify_target_open(&t, name('@')), 0);
    cr_assert_eq(notify_target_send(&t, "READY=1\n", 0x3fffffff), 0);
    cr_assert_eq(receive(fd, text, sizeof text), getpid());
    notify_target_close(&t);
}

Test(notify_target, a_full_queue_and_nobody_there_are_told_at_once)
{
    int fd = manager(name('@')), r = 0;
    struct notify_target t;
    cr_assert_eq(notify_target_open(&t, name('@')), 0);
    for (int i = 0; i < 100000 && r == 0; i++)
        r = notify_target_send(&t, "STATUS=so\n", getpid());
    cr_assert_eq(r, -EAGAIN);
    close(fd);
    cr_assert_eq(notify_target_send(&t, "STATUS=so\n", getpid()), -ECONNREFUSED);
    notify_target_close(&t);
}

Test(notify_target, what_is_no_unix_address_is_refused)
{
    char most[sizeof((struct sockaddr_un *)0)->sun_path + 1];
    struct notify_target t;
    memset(most, 'x', sizeof most - 1);
    most[0] = '@';
    most[sizeof most - 1] = '\0';
    cr_expect_eq(notify_target_open(&t, "vsock:2:1"), -EAFNOSUPPORT);
    cr_expect_eq(notify_target_open(&t, "run/notify"), -EAFNOSUPPORT);
    cr_expect_eq(notify_target_open(&t, "@"), -EAFNOSUPPORT);
    cr_expect_eq(notify_target_open(&t, most), -ENAMETOOLONG);
    cr_expect_eq(t.fd, -1);
    most[sizeof most - 2] = '\0';
    cr_expect_eq(notify_target_open(&t, most), 0);
    notify_target_close(&t);
}
