/* spawn_child: the child's side of sys/spawn, from its first instruction to its exec. For sys/spawn.c alone.
 */
#ifndef BERTH_SYS_SPAWN_CHILD_H
#define BERTH_SYS_SPAWN_CHILD_H

#include "sys/spawn.h"

struct spawn_child {
    const struct spawn_plan *plan;
    const char *path;         /* the directories to search */
    const char **script_argv; /* room for argv with the shell in front */
    int *moved;               /* plan->n_fds places */
    int *accepted;            /* the connection, as the child has it */
    int window;               /* the first of n_fds descriptors that are set aside; -1: none are */
    struct spawn_failure *failure;
};

/* For clone(2): ARG is a struct spawn_child. Execs, or fills its failure and ends. */
int spawn_child_run(void *arg);

#endif
