/* Serves HTTP with a thread a connection, on the socket that is called "web", and finishes what it has begun when it is told to end. */
#define _GNU_SOURCE /* accept4() */
#include <berth/berth.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void *answer(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char request[4096], reply[200], body[32];
    size_t n = 0;
    ssize_t got;

    do {
        got = recv(fd, request + n, sizeof request - 1 - n, 0);
        n += got > 0 ? (size_t)got : 0;
        request[n] = '\0';
    } while (got > 0 && !strstr(request, "\r\n\r\n") && n < sizeof request - 1);
    int body_len = snprintf(body, sizeof body, "pid=%d\n", (int)getpid());
    int len = snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", body_len, body);
    if (got > 0 && send(fd, reply, (size_t)len, MSG_NOSIGNAL) != len)
        perror("send");
    close(fd);
    berth_idle();
    return NULL;
}

static void serve_one(int listener)
{
    pthread_t thread;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return; /* it has gone, or another worker has taken it */
    berth_busy();
    if (pthread_create(&thread, NULL, answer, (void *)(intptr_t)fd) != 0)
        answer((void *)(intptr_t)fd);
    else
        pthread_detach(thread);
}

int main(void)
{
    int r = berth_drain_on(SIGTERM);

    if (r < 0 || (r = berth_wait(-1)) != 1) {
        fprintf(stderr, "no sockets came from berth: %s\n", strerror(-r));
        return 1;
    }
    struct pollfd fds[2] = {{.fd = berth_socket_find("web", 0), .events = POLLIN}, {.fd = berth_drain_fd(), .events = POLLIN}};
    if (fds[0].fd < 0) {
        fprintf(stderr, "there is no socket called web\n");
        return 1;
    }
    fcntl(fds[0].fd, F_SETFL, O_NONBLOCK); /* a client may be gone before it is accepted */
    berth_status("serving");
    berth_ready();
    while (!berth_is_draining())
        if (poll(fds, 2, -1) > 0 && (fds[0].revents & POLLIN) && !(fds[1].revents & POLLIN))
            serve_one(fds[0].fd);
    berth_status("finishing what has begun");
    return berth_drain_wait(-1) == 1 ? 0 : 1;
}
