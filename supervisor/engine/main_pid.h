/* main_pid: a worker that has handed over to another process of its own (MAINPID=N): a daemon that forks, a
 * server that replaces itself. When the process that berth started ends, berth follows that one. */
#ifndef BERTH_ENGINE_MAIN_PID_H
#define BERTH_ENGINE_MAIN_PID_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct notify_msg;
struct worker;

/* M, which came with FDS, tells which process is W's main one. NULL, or a sentence why that cannot be;
 * static. */
const char *main_pid_take(struct worker *w, const struct notify_msg *m, const int *fds, size_t n_fds);
/* W's process has ended with WAIT_STATUS. Is there another one that is W's from now on? */
bool main_pid_follow(struct worker *w, int wait_status);

#endif
