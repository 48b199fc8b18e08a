/* taker: for the tests of take-overs: a second berth beside the rig's, and the moment in which it becomes the
 * rig's own. */
#ifndef BERTH_TESTS_TAKER_H
#define BERTH_TESTS_TAKER_H

#include "rig.h"

struct taker {
    pid_t pid;       /* what was started */
    pid_t keeper;    /* the same, unless it runs in a container of its own */
    const char *log; /* its stdout and stderr */
};

/* Starts "berth run --take-over CONTROL ARG…" beside the rig's. */
#define taker_run(r, ...) taker_start(r, taker_run_argv(r, RIG_ARGV(__VA_ARGS__)))
const char *const *taker_run_argv(struct rig *r, const char *const *args);
/* The same with "up", of TEXT as DIR/other.ini. */
const char *const *taker_up_argv(struct rig *r, const char *text);
struct taker taker_start(struct rig *r, const char *const *argv);
/* Process 1 of pid, mount and network namespaces of its own. */
const char *const *taker_in_container(struct rig *r, const char *const *argv);
/* Waits until the rig's berth has ended, with STATUS; from then on the rig's is the taker. */
void taker_becomes(struct rig *r, struct taker *t, int status);
/* Waits for its end; its exit status. */
int taker_wait(struct rig *r, struct taker *t);
bool taker_says(struct rig *r, const struct taker *t, const char *text);
pid_t taker_supervisor(struct rig *r, const struct taker *t);
/* The rig's berth carries on: its log says so, nothing was restarted, and it does what it is told. */
void taker_has_failed(struct rig *r, pid_t worker);
/* In DIR: nothing of a taker's control socket. */
bool taker_left_nothing(struct rig *r);

#endif
