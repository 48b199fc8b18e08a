/* notify_target: see the header. The address stands in every message: a manager that is started again under
 * the same name is told as well, which a connected socket would not do. */
#include "config.h"

#include "sys/notify_target.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "sys/fd.h"

int notify_target_open(struct notify_target *t, const char *address)
{
    size_t n = strlen(address);
    *t = (struct notify_target){.fd = -1, .address.sun_family = AF_UNIX};
    if (address[0] != '/' && (address[0] != '@' || n == 1))
        return -EAFNOSUPPORT;
    if (n >= sizeof t->address.sun_path)
        return -ENAMETOOLONG;
    memcpy(t->address.sun_path, address, n);
    if (address[0] == '@')
        t->address.sun_path[0] = '\0';
    /* An abstract name has every byte that is counted, so it goes without the NUL that ends a path. */
    t->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (address[0] == '/'));
    t->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return t->fd < 0 ? -errno : 0;
}

void notify_target_close(struct notify_target *t)
{
    fd_close(&t->fd);
}

static int send_as(const struct notify_target *t, const char *text, const struct ucred *as)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } control = {0};
    struct iovec iov = {.iov_base = (void *)text, .iov_len = strlen(text)};
    struct msghdr m = {
        .msg_name = (void *)&t->address, .msg_namelen = t->address_len, .msg_iov = &iov, .msg_iovlen = 1};
    if (as) {
        control.header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS, .cmsg_len = CMSG_LEN(sizeof *as)};
        memcpy(CMSG_DATA(&control.header), as, sizeof *as);
        m.msg_control = &control;
        m.msg_controllen = sizeof control;
    }
    return sendmsg(t->fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int notify_target_send(const struct notify_target *t, const char *text, pid_t as)
{
    struct ucred credentials = {.pid = as, .uid = getuid(), .gid = getgid()};
    int r = send_as(t, text, &credentials);
    if (r == -EPERM || r == -ESRCH) /* we may not, or it is gone */
        r = send_as(t, text, NULL);
    return r;
}
