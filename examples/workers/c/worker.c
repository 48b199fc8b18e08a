/* A worker of berth in C: answers HTTP/1.1 on every socket that it is given, in one thread, and tells who it
 * is. It takes its sockets from LISTEN_FDS as well as over a channel, says when it is ready, and when it is
 * told to end it finishes the requests that it has begun, so that a restart loses none. See README.md. */
#define _GNU_SOURCE /* accept4() */
#include <berth/berth.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS_MAX 16
#define CLIENTS_MAX 256
#define FIRST_CLIENT (2 + SOCKETS_MAX) /* poll()'s table: berth, draining, sockets, clients */

struct client {
    int socket; /* the number of the socket by which it came */
    size_t n;
    char request[4096];
};

static struct pollfd watched[FIRST_CLIENT + CLIENTS_MAX];
static struct client clients[CLIENTS_MAX];
static int n_sockets, n_clients;

static void drop_client(int i)
{
    close(watched[FIRST_CLIENT + i].fd);
    watched[FIRST_CLIENT + i].fd = -1;
    n_clients--;
    berth_idle();
}

static void answer(int i)
{
    struct berth_socket from;
    char body[512], text[800];

    berth_socket_get(clients[i].socket, &from);
    int n =
        snprintf(body, sizeof body, "pid=%d name=%s address=%s\n", (int)getpid(), from.name, from.address);
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", n, body);
    if (send(watched[FIRST_CLIENT + i].fd, text, (size_t)len, MSG_NOSIGNAL) != len)
        fprintf(stderr, "a client went away before its answer\n");
}

static void read_client(int i)
{
    struct client *c = &clients[i];
    ssize_t n = recv(watched[FIRST_CLIENT + i].fd, c->request + c->n, sizeof c->request - 1 - c->n, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->n += n > 0 ? (size_t)n : 0;
    c->request[c->n] = '\0';
    if (n > 0 && !strstr(c->request, "\r\n\r\n") && c->n < sizeof c->request - 1)
        return; /* there is more to come */
    if (n > 0)
        answer(i);
    drop_client(i);
}

/* Other workers may have the same socket, so that the client may have been taken: the socket must not block.
 */
static void accept_client(int socket)
{
    int fd = accept4(watched[2 + socket].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), i = 0;

    if (fd < 0)
        return;
    while (watched[FIRST_CLIENT + i].fd >= 0)
        i++;
    watched[FIRST_CLIENT + i] = (struct pollfd){.fd = fd, .events = POLLIN};
    clients[i] = (struct client){.socket = socket};
    n_clients++;
    berth_busy();
    read_client(i); /* most have asked by now */
}

static int take_sockets(void)
{
    struct berth_socket s;
    int r = berth_drain_on(SIGTERM);

    if (r == 0)
        r = berth_wait(-1);
    if (r >= 0)
        r = n_sockets = berth_socket_count();
    if (r <= 0 || r > SOCKETS_MAX) {
        fprintf(stderr, "worker: there are no sockets to serve: %s\n",
                r < 0    ? strerror(-r)
                : r == 0 ? "start it with berth run --listen ADDRESS"
                         : "too many");
        return -1;
    }
    for (int i = 0; i < FIRST_CLIENT + CLIENTS_MAX; i++)
        watched[i].fd = -1; /* which poll() passes over */
    watched[0] = (struct pollfd){.fd = berth_wait_fd(), .events = POLLIN};
    watched[1] = (struct pollfd){.fd = berth_drain_fd(), .events = POLLIN};
    for (int i = 0; i < n_sockets && berth_socket_get(i, &s) == 0; i++) {
        fcntl(s.fd, F_SETFL, fcntl(s.fd, F_GETFL) | O_NONBLOCK);
        watched[2 + i] = (struct pollfd){.fd = s.fd, .events = POLLIN};
    }
    return 0;
}

/* When there is no room for another client, and when it drains, clients wait in the queue of the socket,
 * which is berth's: another worker takes them. */
static void step(void)
{
    int may_accept = n_clients < CLIENTS_MAX && !berth_is_draining();

    for (int i = 0; i < n_sockets; i++)
        watched[2 + i].events = may_accept ? POLLIN : 0;
    if (poll(watched, FIRST_CLIENT + CLIENTS_MAX, -1) < 0)
        return; /* a signal */
    if (watched[0].revents && berth_wait(0) < 0)
        watched[0].fd = -1; /* berth has let go of this worker; its sockets it keeps */
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (watched[FIRST_CLIENT + i].fd >= 0 && watched[FIRST_CLIENT + i].revents)
            read_client(i);
    for (int i = 0; i < n_sockets && n_clients < CLIENTS_MAX && !berth_is_draining(); i++)
        if (watched[2 + i].revents & POLLIN)
            accept_client(i);
}

int main(void)
{
    if (take_sockets() < 0)
        return 1;
    berth_status("serving %d sockets", n_sockets);
    berth_ready();
    while (!berth_is_draining())
        step();
    watched[1].fd = -1; /* readable from now on */
    berth_status("finishing %d requests", n_clients);
    while (n_clients > 0)
        step();
    return 0;
}
