/* notify_socket: see the header. The name has random bits: one that the kernel gives (unix(7), autobind) is
 * given again, and then a process of an earlier worker would speak for a later one. */
#include "config.h"

#include "sys/notify_socket.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fd.h"

static int choose_name(char name[NOTIFY_SOCKET_NAME])
{
    unsigned char bits[12];
    if (getrandom(bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        return -errno;
    size_t n = (size_t)snprintf(name, NOTIFY_SOCKET_NAME, "@berth/");
    for (size_t i = 0; i < sizeof bits; i++)
        n += (size_t)snprintf(name + n, NOTIFY_SOCKET_NAME - n, "%02x", bits[i]);
    return 0;
}

int notify_socket_open(char name[NOTIFY_SOCKET_NAME])
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int on = 1, r = choose_name(name);
    if (r < 0)
        return r;
    size_t n = strlen(name);
    memcpy(un.sun_path + 1, name + 1, n - 1);
    cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The sender is noted as it sends only if we have asked by then, so before there is a name to send to. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
        bind(fd, (const struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
        return -errno;
    return take_fd(&fd);
}

static void take_control(struct msghdr *m, struct notify_packet *p)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(p->fds + p->n_fds, CMSG_DATA(c), here * sizeof(int));
            p->n_fds += here;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred sender;
            memcpy(&sender, CMSG_DATA(c), sizeof sender);
            p->pid = sender.pid;
            p->uid = sender.uid;
        }
    }
}

int notify_socket_peek(int fd, struct notify_packet *ret)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDBATCH_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec iov = {ret->text, sizeof ret->text};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;

    do
        n = recvmsg(fd, &m, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    ret->n = (size_t)n;
    ret->n_fds = 0;
    ret->pid = 0;
    ret->uid = (uid_t)-1;
    take_control(&m, ret);
    if (!(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return 0;
    notify_packet_close(ret);
    return m.msg_flags & MSG_TRUNC ? -EMSGSIZE : -EMFILE;
}

void notify_socket_discard(int fd)
{
    struct msghdr m = {.msg_iovlen = 0};
    while (recvmsg(fd, &m, MSG_DONTWAIT) < 0 && errno == EINTR)
        continue;
}

void notify_packet_close(struct notify_packet *p)
{
    for (size_t i = 0; i < p->n_fds; i++)
        fd_close(&p->fds[i]);
    p->n_fds = 0;
}
