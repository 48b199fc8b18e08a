/* notify: sd_notify's protocol, over NOTIFY_SOCKET or the channel; and who it is that speaks. */
#include "config.h"

#include "libberth/private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 4096
#define NAME_MAX_BYTES 255

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sockaddr_un address; /* of NOTIFY_SOCKET */
static socklen_t address_len;
static int send_fd = -1; /* a datagram socket of ours, or the channel */
static int send_error;   /* what is wrong with NOTIFY_SOCKET */

static void find_listener(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || !*path) {
        send_fd = libberth_channel();
        return;
    }
    size_t n = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || n >= sizeof address.sun_path) {
        send_error = path[0] != '/' && path[0] != '@' ? -EAFNOSUPPORT : -ENAMETOOLONG;
        return;
    }
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path, n);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] == '/'));
    send_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (send_fd < 0)
        send_error = -errno;
}

void libberth_prepare_send(void)
{
    pthread_once(&once, find_listener);
}

int libberth_send(const char *text, size_t n, int fd, int flags)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {(void *)text, n};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (send_error < 0 || send_fd < 0)
        return send_error;
    if (n > MESSAGE_MAX)
        return -EMSGSIZE;
    if (address_len > 0) {
        m.msg_name = &address;
        m.msg_namelen = address_len;
    }
    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    if (sendmsg(send_fd, &m, flags | MSG_NOSIGNAL) >= 0)
        return 1;
    /* A channel that berth has let go of has nobody at its other end. */
    return address_len == 0 && (errno == EPIPE || errno == ECONNRESET) ? 0 : -errno;
}

static int vsend(int fd, const char *format, va_list ap)
{
    char text[MESSAGE_MAX + 1];
    int n = vsnprintf(text, sizeof text, format, ap);
    libberth_prepare_send();
    if (n < 0)
        return -EINVAL;
    return (size_t)n >= sizeof text ? -EMSGSIZE : libberth_send(text, (size_t)n, fd, 0);
}

static int send_text(int fd, const char *format, ...) BERTH_PRINTF(2, 3);
static int send_text(int fd, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int r = vsend(fd, format, ap);
    va_end(ap);
    return r;
}

int berth_notify(const char *text)
{
    return send_text(-1, "%s", text);
}

int berth_ready(void)
{
    return berth_notify("READY=1\n");
}

int berth_stopping(void)
{
    return berth_notify("STOPPING=1\n");
}

int berth_reloading(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return send_text(-1, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
                     (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

int berth_status(const char *format, ...)
{
    char text[MESSAGE_MAX];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n < 0 || strpbrk(text, "\n\r"))
        return -EINVAL;
    return (size_t)n >= sizeof text ? -EMSGSIZE : send_text(-1, "STATUS=%s\n", text);
}

int berth_main_pid(long pid)
{
    return pid < 1 ? -EINVAL : send_text(-1, "MAINPID=%ld\n", pid);
}

int berth_extend_timeout(unsigned long usec)
{
    return send_text(-1, "EXTEND_TIMEOUT_USEC=%lu\n", usec);
}

long berth_watchdog_ms(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    long usec = libberth_number(getenv("WATCHDOG_USEC"), 1, LONG_MAX);
    if (usec < 0 || (pid && libberth_number(pid, 1, INT_MAX) != getpid()))
        return 0;
    return usec < 1000 ? 1 : usec / 1000;
}

int berth_watchdog(void)
{
    return berth_notify("WATCHDOG=1\n");
}

static int check_name(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > NAME_MAX_BYTES)
        return -EINVAL;
    for (; *name; name++)
        if (*name < ' ' || *name > '~' || *name == ':')
            return -EINVAL;
    return 0;
}

/* Descriptors that come over a channel are closed, so nothing can be stored there. */
static int send_to_store(int fd, const char *what, const char *name)
{
    int r = check_name(name);
    libberth_prepare_send();
    if (r == 0 && send_error == 0 && send_fd >= 0 && address_len == 0)
        r = -EOPNOTSUPP;
    return r < 0 ? r : send_text(fd, "%s=1\nFDNAME=%s\n", what, name);
}

int berth_store(const char *name, int fd)
{
    return fcntl(fd, F_GETFD) < 0 ? -errno : send_to_store(fd, "FDSTORE", name);
}

int berth_unstore(const char *name)
{
    return send_to_store(-1, "FDSTOREREMOVE", name);
}

/* 1: FD's other end has been closed; 0: the time is over; or negative errno. */
static int wait_for_end(int fd, int timeout_ms)
{
    long long end = libberth_now_ms() + timeout_ms;
    for (;;) {
        struct pollfd p = {.fd = fd};
        long long left = timeout_ms < 0 ? -1 : end - libberth_now_ms();
        int r = poll(&p, 1, left < 0 && timeout_ms >= 0 ? 0 : (int)left);
        if (r >= 0 || errno != EINTR)
            return r < 0 ? -errno : r;
    }
}

/* The other side closes its end of a pipe when it has come so far. */
int berth_barrier(int timeout_ms)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int r = send_text(ends[1], "BARRIER=1");
    close(ends[1]);
    if (r > 0)
        r = wait_for_end(ends[0], timeout_ms);
    close(ends[0]);
    return r;
}

/* --- who we are ---------------------------------------------------------------------------------------- */

const char *berth_service(void)
{
    return getenv("BERTH_SERVICE");
}

int berth_worker(void)
{
    long n = libberth_number(getenv("BERTH_WORKER"), 1, INT_MAX);
    return n < 0 ? 0 : (int)n;
}

int berth_generation(void)
{
    long n = libberth_number(getenv("BERTH_GENERATION"), 1, INT_MAX);
    return n < 0 ? 0 : (int)n;
}
