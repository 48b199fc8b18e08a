/* sockets: finds what this worker was handed, by whatever dialect, once; and waits for what comes over the
 * channel. One lock guards all of it, and is never held while something is waited for. */
#include "config.h"

#include "libberth/private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define FIRST_FD 3
#define SOCKETS_MAX 4096
#define PIDFS_MAGIC 0x50494446 /* PID_FS_MAGIC; Debian 12's linux/magic.h does not have it */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    bool is_loaded; /* the variables have been read */
    bool is_active; /* it may serve */
    int error;      /* what is wrong with them; 0 */
    struct berth_socket *sockets;
    size_t n;
    bool has_said; /* … that it waits for them */
    bool is_begun; /* a packet with sockets has come */
    size_t total;  /* how many it announced */
    int channel;   /* -1 */
    int settled;   /* an eventfd for those who wait while another thread reads the last packet; -1 */
} state = {.channel = -1, .settled = -1};

/* --- the list ------------------------------------------------------------------------------------------ */

static void format_inet(char *dst, size_t size, const char *scheme, const struct sockaddr_storage *sa)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (sa->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(dst, size, "%s://%s:%u", scheme, host, ntohs(in->sin_port));
    } else {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(dst, size, "%s://[%s]:%u", scheme, host, ntohs(in6->sin6_port));
    }
}

static void format_unix(char *dst, size_t size, int type, const struct sockaddr_un *un, socklen_t len)
{
    const char *scheme = type == SOCK_DGRAM       ? "unix-dgram"
                         : type == SOCK_SEQPACKET ? "unix-seqpacket"
                                                  : "unix";
    size_t n =
        len > offsetof(struct sockaddr_un, sun_path) ? len - offsetof(struct sockaddr_un, sun_path) : 0;
    bool is_abstract = n > 0 && un->sun_path[0] == '\0';
    snprintf(dst, size, "%s:%s%.*s", scheme, is_abstract ? "@" : "", (int)(is_abstract ? n - 1 : n),
             un->sun_path + is_abstract);
}

/* To be freed; NULL without memory. */
static char *address_of(int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa, type_len = sizeof(int);
    char text[200] = "";
    int type = 0;
    memset(&sa, 0, sizeof sa);
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0) {
        if (sa.ss_family == AF_INET || sa.ss_family == AF_INET6)
            format_inet(text, sizeof text, type == SOCK_DGRAM ? "udp" : "tcp", &sa);
        else if (sa.ss_family == AF_UNIX)
            format_unix(text, sizeof text, type, (const struct sockaddr_un *)&sa, len);
    }
    return strdup(text);
}

/* Adds FD with copies of the texts; ADDRESS NULL: what the kernel says. */
static int add(int fd, const char *name, size_t name_len, const char *address)
{
    if (state.n >= SOCKETS_MAX)
        return -E2BIG;
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
        return -errno;
    struct berth_socket *grown = realloc(state.sockets, (state.n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    state.sockets = grown;
    struct berth_socket *s = &grown[state.n];
    s->fd = fd;
    s->name = strndup(name, name_len);
    s->address = address ? strdup(address) : address_of(fd);
    if (!s->name || !s->address) {
        free((char *)s->name);
        free((char *)s->address);
        return -ENOMEM;
    }
    state.n++;
    return 0;
}

/* Forgets those from N on, which the caller closes or leaves. */
static void cut(size_t n)
{
    while (state.n > n) {
        state.n--;
        free((char *)state.sockets[state.n].name);
        free((char *)state.sockets[state.n].address);
    }
}

/* --- the dialects -------------------------------------------------------------------------------------- */

/* Is the variable's pidfd id ours? Where the kernel does not tell, it cannot be said, and counts as ours:
 * before pidfs every pidfd has the same inode. */
static bool has_our_pidfdid(void)
{
    const char *text = getenv("LISTEN_PIDFDID");
    struct statfs fs;
    struct stat st;
    char own[24];
    if (!text)
        return true;
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0)
        return true;
    bool told = fstatfs(fd, &fs) == 0 && fs.f_type == PIDFS_MAGIC && fstat(fd, &st) == 0;
    close(fd);
    if (!told)
        return true;
    snprintf(own, sizeof own, "%llu", (unsigned long long)st.st_ino);
    return strcmp(own, text) == 0;
}

/* The length of the name at *CURSOR, which moves behind its colon. */
static size_t next_name(const char **cursor)
{
    size_t n = strcspn(*cursor, ":");
    *cursor += n + ((*cursor)[n] == ':');
    return n;
}

static size_t count_names(const char *names)
{
    size_t n = 1;
    for (; *names; names++)
        n += *names == ':';
    return n;
}

/* Whatever else is said of descriptors was said to the process that LISTEN_PID names, in the same breath. */
static bool is_told_to_another(void)
{
    const char *pid = getenv("LISTEN_PID");
    return pid && (libberth_number(pid, 1, INT_MAX) != getpid() || !has_our_pidfdid());
}

/* 1: this dialect is spoken; 0: it is not; negative: and wrongly. */
static int load_listen_fds(void)
{
    const char *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    if (!count || !getenv("LISTEN_PID") || is_told_to_another())
        return 0;
    long n = libberth_number(count, 1, SOCKETS_MAX);
    if (n < 0 || (names && count_names(names) != (size_t)n))
        return -EINVAL;
    for (long i = 0; i < n; i++) {
        const char *name = names ? names : "";
        int r = add(FIRST_FD + (int)i, name, names ? next_name(&names) : 0, NULL);
        if (r < 0)
            return r;
    }
    return 1;
}

/* Numbers without a guard may be an ancestor's, and the descriptor another one by now. */
static int add_number(long fd)
{
    int type;
    socklen_t len = sizeof type;
    if (fd < 0)
        return -EINVAL;
    if (getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
        return -errno;
    return add((int)fd, "", 0, NULL);
}

static int load_einhorn(void)
{
    const char *count = getenv("EINHORN_FD_COUNT");
    if (!count || libberth_number(getenv("EINHORN_MASTER_PID"), 1, INT_MAX) != getppid())
        return 0;
    long n = libberth_number(count, 0, SOCKETS_MAX);
    if (n < 0)
        return -EINVAL;
    for (long i = 0; i < n; i++) {
        char variable[32];
        snprintf(variable, sizeof variable, "EINHORN_FD_%ld", i);
        long fd = libberth_number(getenv(variable), 0, INT_MAX);
        int r = add_number(fd);
        if (r < 0)
            return r;
    }
    return 1;
}

static int load_server_starter(void)
{
    const char *entry = getenv("SERVER_STARTER_PORT");
    if (!entry)
        return 0;
    while (*entry) {
        char number[16];
        size_t n = strcspn(entry, ";");
        const char *equals = memchr(entry, '=', n);
        if (!equals || entry + n - equals - 1 >= (long)sizeof number)
            return -EINVAL;
        snprintf(number, sizeof number, "%.*s", (int)(entry + n - equals - 1), equals + 1);
        long fd = libberth_number(number, 0, INT_MAX);
        int r = add_number(fd);
        if (r < 0)
            return r;
        entry += n + (entry[n] == ';');
    }
    return 1;
}

static bool is_channel(int fd)
{
    int domain = 0, type = 0;
    socklen_t domain_len = sizeof domain, type_len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) == 0 && domain == AF_UNIX &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_SEQPACKET;
}

/* The variable may be an ancestor's, whose channel was closed at an exec: the number then is nothing, or
 * something else. */
static void find_channel(void)
{
    long fd = libberth_number(getenv("BERTH_CHANNEL"), 0, INT_MAX);
    if (fd < 0 || !is_channel((int)fd) || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
        return;
    state.channel = (int)fd;
    state.settled = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (state.settled < 0)
        state.error = -errno;
}

/* With the lock. */
static void load(void)
{
    if (state.is_loaded)
        return;
    state.is_loaded = true;
    find_channel();
    int r = load_listen_fds();
    if (r == 0 && state.channel < 0 && !is_told_to_another())
        r = load_einhorn();
    if (r == 0 && state.channel < 0 && !is_told_to_another())
        r = load_server_starter();
    state.is_active = r != 0 || state.channel < 0;
    if (r < 0) {
        state.error = r;
        cut(0);
    }
}

/* --- the channel --------------------------------------------------------------------------------------- */

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

static void settle(void)
{
    uint64_t one = 1;
    if (state.settled >= 0 && write(state.settled, &one, sizeof one) < 0)
        return; /* it is readable already */
}

/* Gives up what came of an activation that is not whole. */
static int fail_activation(int r)
{
    for (size_t i = 0; i < state.n; i++)
        close(state.sockets[i].fd);
    cut(0);
    state.error = r;
    settle();
    return r;
}

/* From the first again: berth's supervisor has died while it sent them. */
static void begin_again(void)
{
    for (size_t i = 0; i < state.n; i++)
        close(state.sockets[i].fd);
    cut(0);
    state.is_begun = false;
}

/* Does P, with N_FDS descriptors, go on where the packets before it ended? */
static bool is_next(const struct libberth_packet *p, size_t n_fds)
{
    return p->n == n_fds && p->first == state.n && (!state.is_begun || p->total == state.total);
}

static int take_packet(char *text, size_t len, const int *fds, size_t n_fds, int problem)
{
    static struct libberth_packet p; /* guarded by the lock */
    if (state.is_active && problem == -EMFILE)
        problem = 0; /* nothing that is wanted was lost */
    int r = problem ? problem : libberth_packet_parse(text, len, &p);
    size_t taken = 0;
    if (state.is_active) /* it has them: they were sent twice, to be sure, and are closed below */
        p.has_sockets = false;
    else if (r == 0 && p.has_sockets && p.first == 0)
        begin_again();
    if (r == 0 && !state.is_active && (p.has_sockets ? !is_next(&p, n_fds) : n_fds > 0))
        r = -EPROTO;
    if (r == 0 && p.has_sockets) {
        state.is_begun = true;
        state.total = p.total;
    }
    for (; r == 0 && p.has_sockets && taken < n_fds; taken++)
        r = add(fds[taken], p.names[taken], strlen(p.names[taken]), p.addresses[taken]);
    for (size_t i = taken - (r < 0 && taken > 0); i < n_fds; i++)
        close(fds[i]);
    if (r < 0)
        return state.is_active ? r : fail_activation(r);
    if (p.activates) {
        state.is_active = true;
        settle();
    }
    if (p.drains)
        berth_drain_begin();
    return 0;
}

/* One packet, with the lock. 1: one was dealt with, or there may be one yet: a reset is told once, before
 * what is queued; 0: there is none just now; negative errno. */
static int receive(void)
{
    static char text[LIBBERTH_PACKET + 1]; /* guarded by the lock, as is the other */
    static union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(LIBBERTH_FDS * sizeof(int))];
    } control;
    struct iovec iov = {text, LIBBERTH_PACKET};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    int fds[LIBBERTH_FDS];
    ssize_t n = recvmsg(state.channel, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EAGAIN ? 0 : errno == EINTR || errno == ECONNRESET ? 1 : -errno;
    size_t n_fds = collect(&m, fds);
    if (n == 0 && n_fds == 0)
        return state.is_active ? -EPIPE : fail_activation(-EPIPE);
    int problem = m.msg_flags & MSG_CTRUNC ? -EMFILE : m.msg_flags & MSG_TRUNC ? -EPROTO : 0;
    int r = take_packet(text, (size_t)n, fds, n_fds, problem);
    return r < 0 ? r : 1;
}

long long libberth_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* All that is there; then 1, 0 (not yet to serve) or negative errno. RET_FDS: what tells that there may be
 * more. */
static int advance(struct pollfd ret_fds[2])
{
    pthread_mutex_lock(&lock);
    load();
    int r = state.channel >= 0 && state.error == 0 ? 1 : 0;
    while (r > 0)
        r = receive();
    if (state.error < 0)
        r = state.error;
    else if (r == 0)
        r = state.is_active;
    ret_fds[0] = (struct pollfd){.fd = state.channel, .events = POLLIN};
    ret_fds[1] = (struct pollfd){.fd = state.settled, .events = POLLIN};
    pthread_mutex_unlock(&lock);
    return r;
}

/* A spare is counted on once it has said so. What cannot be said now is said the next time. */
static void say_waiting(void)
{
    static const char text[] = "WAITING=1\n";
    pthread_mutex_lock(&lock);
    if (!state.has_said && send(state.channel, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        state.has_said = true;
    pthread_mutex_unlock(&lock);
}

int berth_wait(int timeout_ms)
{
    long long end = timeout_ms < 0 ? -1 : libberth_now_ms() + timeout_ms;
    for (;;) {
        struct pollfd p[3];
        int r = advance(p);
        if (r != 0)
            return r;
        p[2] = (struct pollfd){.fd = berth_drain_fd(), .events = POLLIN};
        if (p[2].fd < 0 || berth_is_draining())
            return p[2].fd < 0 ? p[2].fd : -ECANCELED;
        say_waiting();
        long long left = end < 0 ? -1 : end - libberth_now_ms();
        if (end >= 0 && left <= 0)
            return 0;
        if (poll(p, 3, (int)(left < 0 ? -1 : left)) < 0 && errno != EINTR)
            return -errno;
    }
}

int libberth_channel(void)
{
    pthread_mutex_lock(&lock);
    load();
    int fd = state.channel;
    pthread_mutex_unlock(&lock);
    return fd;
}

int berth_wait_fd(void)
{
    int fd = libberth_channel();
    return fd >= 0 ? fd : -ENOENT;
}

/* --- asking -------------------------------------------------------------------------------------------- */

int berth_socket_count(void)
{
    pthread_mutex_lock(&lock);
    load();
    int n = state.error < 0 ? state.error : state.is_active ? (int)state.n : 0;
    pthread_mutex_unlock(&lock);
    return n;
}

int berth_socket_get(int index, struct berth_socket *ret)
{
    int n = berth_socket_count();
    if (n < 0)
        return n;
    if (index < 0 || index >= n)
        return -ENOENT;
    pthread_mutex_lock(&lock);
    *ret = state.sockets[index];
    pthread_mutex_unlock(&lock);
    return 0;
}

int berth_socket_find(const char *name, int index)
{
    struct berth_socket s;
    int n = berth_socket_count();
    for (int i = 0; i < n; i++)
        if (berth_socket_get(i, &s) == 0 && strcmp(s.name, name) == 0 && index-- == 0)
            return s.fd;
    return n < 0 ? n : -ENOENT;
}
