/* socket_events: see the header. */
#include "config.h"

#include "sys/socket_events.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#define BATCH 16

int socket_events_new(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int socket_events_watch_hangup(int epfd, int fd, void *tag)
{
    struct epoll_event ev = {.events = 0, .data.ptr = tag};
    return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int socket_events_watch_input(int epfd, int fd, void *tag)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = tag};
    return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int socket_events_await_arrival(int epfd, int fd, void *tag)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET | EPOLLONESHOT, .data.ptr = tag};
    if (epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &ev) == 0)
        return 0;
    return errno == ENOENT && epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

void socket_events_remove(int epfd, int fd)
{
    epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL);
}

int socket_events_next(int epfd, void **tags, int max)
{
    struct epoll_event events[BATCH];
    int n = epoll_wait(epfd, events, max < BATCH ? max : BATCH, 0);
    for (int i = 0; i < n; i++)
        tags[i] = events[i].data.ptr;
    return n < 0 ? -errno : n;
}
