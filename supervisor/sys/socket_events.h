/* socket_events: what happens to many descriptors, without a watcher for each in the loop (epoll(7)): that one
 * hangs up, which is always reported, also when no event was asked for; the first arrival since somebody asked;
 * that there is something to read. A set is for one of the three. */
#ifndef BERTH_SYS_SOCKET_EVENTS_H
#define BERTH_SYS_SOCKET_EVENTS_H

/* An epoll descriptor, CLOEXEC, readable while there is something to tell; or negative errno. */
int socket_events_new(void);
/* FD is told from then on while it hangs up: when some holder has shut a listener down. TAG comes back from
 * socket_events_next(). Negative errno. */
int socket_events_watch_hangup(int epfd, int fd, void *tag);
/* FD is told from then on while there is something to read. Those that are told take turns. Negative errno. */
int socket_events_watch_input(int epfd, int fd, void *tag);
/* FD is told once, when a connection or a datagram arrives or one is there already. Again for the next one.
 * Negative errno. */
int socket_events_await_arrival(int epfd, int fd, void *tag);
/* Forgets FD; call it before FD is closed here, for other holders keep its registration alive. */
void socket_events_remove(int epfd, int fd);
/* Up to MAX tags; how many, or negative errno. */
int socket_events_next(int epfd, void **tags, int max);

#endif
