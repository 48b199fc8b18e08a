/* hangup: see the header. */
#include "config.h"

#include "sys/hangup.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#define BATCH 16

int hangup_new(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int hangup_add(int epfd, int fd, void *tag)
{
    struct epoll_event ev = {.events = 0, .data.ptr = tag};
    return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

void hangup_remove(int epfd, int fd)
{
    epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL);
}

int hangup_next(int epfd, void **tags, int max)
{
    struct epoll_event events[BATCH];
    int n = epoll_wait(epfd, events, max < BATCH ? max : BATCH, 0);
    for (int i = 0; i < n; i++)
        tags[i] = events[i].data.ptr;
    return n < 0 ? -errno : n;
}
