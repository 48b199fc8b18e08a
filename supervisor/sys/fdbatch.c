/* fdbatch: see the header. The kernel says MSG_CTRUNC both for a short buffer and for a full descriptor
 * table; with a buffer for as many as can come at all it is the table. */
#include "config.h"

#include "sys/fdbatch.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(FDBATCH_MAX * sizeof(int))];
};

ssize_t fdbatch_send(int sock, const void *bytes, size_t n, const int *fds, size_t n_fds, int flags)
{
    union control control = {.bytes = {0}};
    struct iovec iov = {(void *)bytes, n};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    if (n_fds > FDBATCH_MAX)
        return -E2BIG;
    if (n_fds > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
    }
    ssize_t sent = sendmsg(sock, &m, flags | MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

static size_t collect(struct msghdr *m, int *fds)
{
    size_t n = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds + n, CMSG_DATA(c), here * sizeof(int));
        n += here;
    }
    return n;
}

ssize_t fdbatch_recv(int sock, void *bytes, size_t n, int *ret_fds, size_t max, size_t *ret_n_fds, int flags)
{
    union control control;
    int fds[FDBATCH_MAX];
    struct iovec iov = {bytes, n};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};

    ssize_t got = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return -errno;
    size_t n_fds = collect(&m, fds);
    int err = m.msg_flags & MSG_TRUNC    ? EMSGSIZE
              : m.msg_flags & MSG_CTRUNC ? EMFILE
              : n_fds > max              ? ENOBUFS
                                         : 0;
    if (err != 0) {
        for (size_t i = 0; i < n_fds; i++)
            close(fds[i]);
        return -err;
    }
    memcpy(ret_fds, fds, n_fds * sizeof(int));
    *ret_n_fds = n_fds;
    return got;
}
