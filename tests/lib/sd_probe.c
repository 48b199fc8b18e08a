/* sd_probe: an independent reader of the handoff: libsystemd's own sd_listen_fds_with_names(). One request at
 * a time, each answered with "pid=N name=NAME"; it ends with 1 when it was given no listening socket. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define SOCKETS_MAX 16

static void answer(int listener, const char *name)
{
    char request[4096], body[256], text[512];
    size_t len = 0;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    do {
        ssize_t n = recv(fd, request + len, sizeof(request) - 1 - len, 0);
        if (n <= 0) {
            close(fd);
            return;
        }
        len += (size_t)n;
        request[len] = '\0';
    } while (strstr(request, "\r\n\r\n") == NULL && len < sizeof(request) - 1);
    int n = snprintf(body, sizeof(body), "pid=%d name=%s\n", (int)getpid(), name);
    n = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
                 n, body);
    send(fd, text, (size_t)n, MSG_NOSIGNAL);
    close(fd);
}

int main(void)
{
    struct pollfd polled[SOCKETS_MAX];
    char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);

    if (n <= 0 || n > SOCKETS_MAX) {
        fprintf(stderr, "sd_probe: sd_listen_fds_with_names: %d\n", n);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        polled[i] = (struct pollfd){.fd = SD_LISTEN_FDS_START + i, .events = POLLIN};
        if (sd_is_socket(polled[i].fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
            fprintf(stderr, "sd_probe: descriptor %d does not listen\n", polled[i].fd);
            return 1;
        }
    }
    while (poll(polled, (nfds_t)n, -1) > 0)
        for (int i = 0; i < n; i++)
            if (polled[i].revents != 0)
                answer(polled[i].fd, names[i]);
    return 1;
}
