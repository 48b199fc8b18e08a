/* Serves HTTP, one connection after the other, on the socket that sd_listen_fds(3) finds; ends after the one in hand when it is told
 * to. */
#define _GNU_SOURCE /* ppoll() */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static volatile sig_atomic_t is_told_to_end;

static void on_term(int signo)
{
    (void)signo;
    is_told_to_end = 1;
}

static void answer(int fd)
{
    char request[4096], reply[200], body[32];
    size_t n = 0;
    ssize_t got;

    do {
        got = read(fd, request + n, sizeof request - 1 - n);
        if (got <= 0)
            return;
        n += (size_t)got;
        request[n] = '\0';
    } while (!strstr(request, "\r\n\r\n") && n < sizeof request - 1);
    int body_len = snprintf(body, sizeof body, "pid=%d\n", (int)getpid());
    int len = snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", body_len, body);
    if (send(fd, reply, (size_t)len, MSG_NOSIGNAL) != len)
        perror("send");
}

int main(void)
{
    sigset_t term, usual;
    struct pollfd p = {.fd = SD_LISTEN_FDS_START, .events = POLLIN};

    if (sd_listen_fds(1) != 1) {
        fprintf(stderr, "there is not one socket in LISTEN_FDS\n");
        return 1;
    }
    fcntl(p.fd, F_SETFL, O_NONBLOCK); /* a client may be gone before it is accepted */
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &usual); /* only the wait is interrupted */
    signal(SIGTERM, on_term);
    while (!is_told_to_end) {
        if (ppoll(&p, 1, NULL, &usual) != 1)
            continue;
        int fd = accept4(p.fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            answer(fd);
            close(fd);
        }
    }
    return 0;
}
