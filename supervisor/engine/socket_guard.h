/* socket_guard: finds out when a worker harms a held socket (shuts it down, changes its backlog, removes its
 * path), puts it right, and names the worker. */
#ifndef BERTH_ENGINE_SOCKET_GUARD_H
#define BERTH_ENGINE_SOCKET_GUARD_H

#include <ev.h>
#include <stdbool.h>

struct engine;
struct held_socket;
struct worker;

struct socket_guard {
    struct engine *engine;
    int hup_fd; /* owned: an epoll in which every listener stands with no events, so that only HUP wakes it */
    int path_fd; /* owned: inotify on the folders of Unix paths */
    ev_io hup_watcher, path_watcher;
    ev_timer late_check;  /* servers often call listen(2) again a moment after their start */
    unsigned late_checks; /* that are still to come */
    ev_timer unix_check;  /* … at the backlogs of Unix sockets */
};

/* Negative errno. */
int socket_guard_start(struct socket_guard *g, struct engine *e);
void socket_guard_stop(struct socket_guard *g);
void socket_guard_add(struct socket_guard *g, struct held_socket *h);
void socket_guard_remove(struct socket_guard *g, struct held_socket *h);
/* While another berth has the sockets too (hand_over_is_shared()), its workers may do with them what servers
 * do: only what would refuse clients is put right. From now on it has them no more. */
void socket_guard_resume(struct socket_guard *g);
/* Looks at every socket of W's service: after it has ended, and SUSPECT is W itself. */
void socket_guard_check(struct socket_guard *g, const struct worker *suspect);
/* A worker was started: look again in a while. */
void socket_guard_expect(struct socket_guard *g);

#endif
