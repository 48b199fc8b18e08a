/* hangup: tells when a listening socket stops to listen, without waking for its connections: epoll(7) always reports EPOLLHUP, also when
 * no event was asked for, and a listener hangs up when some holder shuts it down. */
#ifndef BERTH_SYS_HANGUP_H
#define BERTH_SYS_HANGUP_H

/* An epoll descriptor, CLOEXEC, readable while any watched socket hangs up; or negative errno. */
int hangup_new(void);
/* TAG comes back from hangup_next(). Negative errno. */
int hangup_add(int epfd, int fd, void *tag);
/* Forgets FD; call it before FD is closed here, for other holders keep its registration alive. */
void hangup_remove(int epfd, int fd);
/* Up to MAX tags of sockets that hang up now; how many, or negative errno. */
int hangup_next(int epfd, void **tags, int max);

#endif
