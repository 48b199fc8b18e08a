/* keeper_rig: a keeper for a test, with a supervisor that does as the test says (keeper_host.c). The test
 * speaks with the keeper itself, over the supervisor's end of the link. Everything here fails the test rather
 * than return an error. */
#ifndef BERTH_TESTS_LIB_KEEPER_RIG_H
#define BERTH_TESTS_LIB_KEEPER_RIG_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "tests/lib/keeper_host.h"
#include "wire/keeper_msg.h"

extern struct host {
    int listener, errors; /* errors: what the keeper says on stderr */
    pid_t keeper;         /* 0: none */
    int control, link;    /* of the present supervisor */
    struct keeper_host_hello hello;
} host;

/* Of the suite. Whatever a test leaves behind becomes its own child, and ends with it. */
void host_set_up(void);
void host_clean_up(void);

const char *host_path(void);
/* Starts a keeper and meets its first supervisor. */
void host_start(void);
/* The same with another binary, CLONE_FLAGS and at most NOFILE descriptors (0: as we have). */
void host_start_as(const char *path, int clone_flags, rlim_t nofile);
/* Accepts the next supervisor. */
void host_meet(void);
/* The same, once the present one has ended: the keeper waits for whoever else has its end of the link. */
void host_meet_next(void);
void host_kill_supervisor(void);
/* Waits for the keeper's end. */
int host_status(void);

/* The keeper's next message; its descriptor is the caller's when RET_FD is not NULL. */
struct keeper_msg host_receive(int *ret_fd);
struct keeper_msg host_expect(enum keeper_msg_type type);
struct keeper_msg host_expect_named(enum keeper_msg_type type, const char *name);
/* WELCOME and SYNC: nothing is held. */
void host_begin(void);
void host_tell(enum keeper_msg_type type, const char *name, int fd, int value, pid_t pid);

void host_command(struct keeper_host_command c);
pid_t host_start_child(const char *name, enum keeper_host_child child, int status);

void host_wait_readable(int fd, const char *what);
/* Waits until PID, a child of the keeper, is reaped. */
void host_wait_reaped(pid_t pid);
/* Does the keeper say something with TEXT in it? */
bool host_says(const char *text);

#endif
