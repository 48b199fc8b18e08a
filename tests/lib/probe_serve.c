/* probe_serve: one epoll loop that answers HTTP/1.1 on listeners and any datagram on datagram sockets, always
 * with "pid=N generation=N worker=N". To remember: with `drain`, whoever had connected before TERM is
 * answered. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

#define CONNECTIONS_MAX 1024
#define NEW_CONNECTION_GRACE_MS                                                                              \
    5000 /* a draining probe waits that long for the request of a connection that has sent none */

struct connection {
    int fd; /* ours; -1: the place is free */
    char request[4096];
    size_t len;
    unsigned served;
    long since_ms;
    long due_ms; /* when its answer goes out; 0: no request is there */
};

struct server {
    struct probe *probe;
    int epfd;
    bool draining;
    long begun_ms;
    struct connection connections[CONNECTIONS_MAX];
};

static volatile sig_atomic_t told_to_go;
static sigset_t while_waiting; /* TERM is let in only then, so that none is missed */

static void on_term(int signo)
{
    (void)signo;
    told_to_go = 1;
}

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? value : "-";
}

static int answer_format(char *dst, size_t size)
{
    return snprintf(dst, size, "pid=%d generation=%s worker=%s\n", (int)getpid(),
                    variable("BERTH_GENERATION"), variable("BERTH_WORKER"));
}

static void count_accepted(const struct server *s, long n)
{
    if (s->probe->counted != NULL)
        atomic_fetch_add(&s->probe->counted->accepted, (unsigned long)n);
}

static void count_answered(const struct server *s, long n)
{
    if (s->probe->counted != NULL)
        atomic_fetch_add(&s->probe->counted->answered, (unsigned long)n);
}

static void connection_close(struct connection *c)
{
    close(c->fd);
    c->fd = -1;
}

static void connection_answer(struct server *s, struct connection *c)
{
    char body[128], answer[512];
    int n = answer_format(body, sizeof(body));
    bool last = s->draining || strstr(c->request, "Connection: close") != NULL;
    int len =
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s",
                 n, last ? "close" : "keep-alive", body);

    c->due_ms = 0;
    c->len = 0;
    c->served++;
    c->since_ms = now_ms();
    if (send(c->fd, answer, (size_t)len, MSG_NOSIGNAL) != len || last)
        connection_close(c);
    count_answered(s, 1);
}

static void connection_read(struct server *s, struct connection *c)
{
    ssize_t n = recv(c->fd, c->request + c->len, sizeof(c->request) - 1 - c->len, 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        connection_close(c);
        return;
    }
    c->len += (size_t)n;
    c->request[c->len] = '\0';
    if (strstr(c->request, "\r\n\r\n") == NULL || s->probe->hold)
        return;
    if (s->probe->delay_ms == 0)
        connection_answer(s, c);
    else
        c->due_ms = now_ms() + s->probe->delay_ms;
}

static void listener_accept(struct server *s, int listener)
{
    struct connection *c = s->connections;
    int fd;

    count_accepted(s, 1);
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        count_accepted(s, -1);
        return;
    }
    while (c < s->connections + CONNECTIONS_MAX && c->fd >= 0)
        c++;
    if (c == s->connections + CONNECTIONS_MAX) {
        close(fd);
        return;
    }
    *c = (struct connection){.fd = fd, .since_ms = now_ms()};
    epoll_ctl(s->epfd, EPOLL_CTL_ADD, fd,
              &(struct epoll_event){.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c});
    /* Most clients have sent by now. */
    connection_read(s, c);
}

static void datagram_answer(int fd)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    char text[2048];

    if (recvfrom(fd, text, sizeof(text), MSG_DONTWAIT, (struct sockaddr *)&from, &len) >= 0 && len > 0)
        sendto(fd, text, (size_t)answer_format(text, sizeof(text)), 0, (struct sockaddr *)&from, len);
}

static void socket_ready(struct server *s, int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);

    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    if (type == SOCK_DGRAM)
        datagram_answer(fd);
    else
        listener_accept(s, fd);
}

/* Descriptors of sockets are told from connections by where their pointer leads. */
static void watch_sockets(struct server *s)
{
    struct probe *p = s->probe;

    for (size_t i = 0; i < p->n_fds && !p->deaf; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &p->fds[i]};
        fcntl(p->fds[i], F_SETFL, fcntl(p->fds[i], F_GETFL) | O_NONBLOCK);
        epoll_ctl(s->epfd, EPOLL_CTL_ADD, p->fds[i], &e);
    }
    probe_report(p, "serving", "");
}

static void begin_to_drain(struct server *s)
{
    s->draining = true;
    for (size_t i = 0; i < s->probe->n_fds; i++)
        close(s->probe->fds[i]);
    s->probe->n_fds = 0;
    probe_report(s->probe, "draining", "");
}

/* What the clock asks for. Returns how many connections there are. */
static unsigned look_at_clock(struct server *s)
{
    long now = now_ms();
    unsigned n = 0;

    for (struct connection *c = s->connections; c < s->connections + CONNECTIONS_MAX; c++) {
        if (c->fd >= 0 && c->due_ms > 0 && c->due_ms <= now)
            connection_answer(s, c);
        if (c->fd >= 0 && s->draining && c->due_ms == 0 && c->len == 0 &&
            (c->served > 0 || now - c->since_ms > NEW_CONNECTION_GRACE_MS))
            connection_close(c);
        n += c->fd >= 0;
    }
    return n;
}

static bool time_is_over(const struct server *s)
{
    const struct probe *p = s->probe;

    if (p->exit_after_ms >= 0)
        return now_ms() - s->begun_ms >= p->exit_after_ms;
    return p->exit_status >= 0 || p->abort;
}

static _Noreturn void leave(const struct probe *p)
{
    if (p->abort)
        abort();
    exit(p->exit_status >= 0 ? p->exit_status : 0);
}

/* One look at everything that is ready. */
static void wait_once(struct server *s, bool hurry)
{
    struct epoll_event events[64];
    int n = epoll_pwait(s->epfd, events, 64, hurry ? 5 : -1, &while_waiting);

    for (int i = 0; i < n; i++) {
        const char *where = events[i].data.ptr;
        struct connection *c = events[i].data.ptr;
        if (where >= (const char *)s->connections &&
            where < (const char *)(s->connections + CONNECTIONS_MAX)) {
            if (c->fd >= 0)
                connection_read(s, c);
        } else if (!s->draining) {
            socket_ready(s, *(int *)events[i].data.ptr);
        }
    }
}

void probe_heed_term(const struct probe *p)
{
    struct sigaction term = {.sa_handler = on_term};
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &while_waiting);
    if (p->drain)
        sigaction(SIGTERM, &term, NULL);
}

int probe_serve(struct probe *p)
{
    static struct server server;
    struct server *s = &server;
    bool watching = false;

    *s = (struct server){.probe = p, .epfd = epoll_create1(EPOLL_CLOEXEC), .begun_ms = now_ms()};
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        s->connections[i].fd = -1;
    for (;;) {
        unsigned busy = look_at_clock(s);
        if (time_is_over(s) || (s->draining && busy == 0))
            leave(p);
        if (!watching && now_ms() - s->begun_ms >= p->slow_start_ms) {
            watch_sockets(s);
            watching = true;
        }
        if (told_to_go && !s->draining)
            begin_to_drain(s);
        wait_once(s, busy > 0 || !watching || s->draining || p->exit_after_ms >= 0);
    }
}
