/* libberth_test: see the header. */
#include "config.h"

#include "tests/unit/libberth/libberth_test.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void worker_clean_environment(void)
{
    clearenv();
}

int worker_listener(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&in, sizeof in) == 0 && listen(fd, 1) == 0);
    return fd;
}

void worker_set_number(const char *name, long long n)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", n);
    setenv(name, text, 1);
}

int worker_channel(void)
{
    int pair[2];

    cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
    worker_set_number("BERTH_CHANNEL", pair[0]);
    return pair[1];
}

void worker_send(int channel, const char *text, int n_fds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(253 * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec iov = {(void *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    int fd = n_fds > 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

    if (n_fds > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN((size_t)n_fds * sizeof(int));
        for (int i = 0; i < n_fds; i++)
            memcpy(CMSG_DATA(c) + (size_t)i * sizeof fd, &fd, sizeof fd);
    }
    cr_assert(sendmsg(channel, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)strlen(text));
    if (fd >= 0)
        close(fd);
}

int worker_notify_socket(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t n = offsetof(struct sockaddr_un, sun_path);
    char variable[sizeof un.sun_path + 1];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (path) {
        snprintf(variable, sizeof variable, "%s", path);
        strcpy(un.sun_path, path);
        n += (socklen_t)strlen(path) + 1;
    } else {
        int len = snprintf(un.sun_path + 1, sizeof un.sun_path - 1, "libberth-test-%d", (int)getpid());
        snprintf(variable, sizeof variable, "@%s", un.sun_path + 1);
        n += (socklen_t)len + 1;
    }
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&un, n) == 0);
    setenv("NOTIFY_SOCKET", variable, 1);
    return fd;
}

int worker_fill_notify_socket(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), sent = 0;

    memcpy(un.sun_path + 1, name + 1, strlen(name) - 1);
    while (sendto(fd, "X=1", 3, MSG_DONTWAIT, (struct sockaddr *)&un, n) == 3)
        sent++;
    cr_assert(fd >= 0 && sent > 0);
    return fd;
}

const char *worker_read(int sock, int *ret_fd)
{
    static char text[8192];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {text, sizeof text - 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
    int fd = -1;

    text[n > 0 ? n : 0] = '\0';
    if (c)
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    if (ret_fd)
        *ret_fd = fd;
    else if (fd >= 0)
        close(fd);
    return text;
}

int worker_count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    cr_assert(dir != NULL);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

int worker_is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 0) == 1 && p.revents & POLLIN;
}
