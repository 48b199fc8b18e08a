/* keeper_host: what the program and the tests that control it say to each other. */
#ifndef BERTH_TESTS_LIB_KEEPER_HOST_H
#define BERTH_TESTS_LIB_KEEPER_HOST_H

#include <stdbool.h>
#include <sys/types.h>

#define KEEPER_HOST_SOCKET                                                                                   \
    "KEEPER_HOST_SOCKET" /* an abstract Unix address without its NUL, in the environment */

/* The first packet of every supervisor; the link with the keeper goes with it. */
struct keeper_host_hello {
    pid_t pid;
    unsigned long soft_nofile;
    unsigned extra_fds;  /* that it was started with, besides 0 to 3 */
    bool leads_group;    /* its own process group */
    bool blocks_signals; /* any */
    char last_arg[32];
};

/* How a child of the supervisor behaves. */
enum keeper_host_child {
    CHILD_STAYS,
    CHILD_EXITS,           /* with status */
    CHILD_TERMS_PARENT,    /* and stays */
    CHILD_QUITS_VIA_CHILD, /* its own child sends QUIT to the keeper; and stays */
};

/* Packets to the supervisor. It answers a CHILD with its pid_t, and the others not at all. */
struct keeper_host_command {
    enum { HOST_EXIT, HOST_CHILD, HOST_ORPHANS, HOST_KILL_KEEPER } what;
    int status; /* HOST_EXIT, CHILD_EXITS */
    unsigned n; /* HOST_ORPHANS */
    enum keeper_host_child child;
    bool then_die;    /* HOST_CHILD: SIGKILL itself as soon as the child is there, without an answer */
    bool unannounced; /* HOST_CHILD */
    char name[32];
};

#endif
