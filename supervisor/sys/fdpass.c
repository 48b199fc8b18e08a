/* fdpass: see the header. The room for descriptors is the most that the kernel ever sends at once, so
 * MSG_CTRUNC can only mean that this process may open no more: the kernel then closes what did not fit and
 * says nothing else. */
#include "config.h"

#include "sys/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_FDS 253 /* SCM_MAX_FD of the kernel */

ssize_t fdpass_send(int sock, const void *bytes, size_t n, int fd, int flags)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = (void *)bytes, .iov_len = n};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        control.header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
        m.msg_control = &control;
        m.msg_controllen = sizeof control;
    }
    ssize_t sent = sendmsg(sock, &m, flags | MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

/* The first descriptor of M, or -1; all others are closed. */
static int take_first_fd(struct msghdr *m)
{
    int first = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (first < 0)
                first = fd;
            else
                close(fd);
        }
    }
    return first;
}

ssize_t fdpass_recv(int sock, void *bytes, size_t n, int *ret_fd, int flags)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(MOST_FDS * sizeof(int))];
    } control;
    struct iovec iov = {.iov_base = bytes, .iov_len = n};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return -errno;
    int fd = take_first_fd(&m);
    int problem = m.msg_flags & MSG_TRUNC ? EMSGSIZE : m.msg_flags & MSG_CTRUNC ? EMFILE : 0;
    if ((problem || got == 0) && fd >= 0) {
        close(fd);
        fd = -1;
    }
    if (problem)
        return -problem;
    *ret_fd = fd;
    return got;
}
