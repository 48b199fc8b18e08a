/* said: what a worker's process has said of itself and what follows from it for as long as it lives. Most say
 * nothing, so it is there only for those that do; what a successor needs to know is a row of its own in the
 * soft state, by the process's serial. */
#ifndef BERTH_ENGINE_SAID_H
#define BERTH_ENGINE_SAID_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/str.h"
#include "wire/notify_msg.h"

struct engine;
struct worker;

struct said {
    int row; /* in the soft state; -1: none */
    bool is_reloading;
    bool is_stopping; /* for good: nothing that it says of being ready counts any more */
    bool has_errno, has_exit_status;
    int errno_value, exit_status;
    char *error;                 /* the name of one; owned, may be NULL */
    struct mono reloading_since; /* as it says itself */
    struct mono until;           /* it asked for so much time … */
    struct mono until_said;      /* … then: for the state that it was in */
    int64_t interval_ns;         /* WATCHDOG_USEC; 0: as configured, INT64_MAX: none */
    struct mono alive;           /* when it gave a sign of life: engine/watchdog */
    ev_timer *watchdog;          /* engine/alarm */
    enum notify_access access;   /* whom it lets speak for it; NOTIFY_ACCESS_UNSAID: all of its own */
    pid_t main_pid;              /* what it calls its main process; 0: none but the one that berth started */
    uint64_t main_start;         /* when that one was started: sys/procfs */
    ev_timer *follow;            /* engine/alarm: the one that berth started has ended, but … */
    struct mono ended;           /* … then, and others still stand between its main process and us */
    int wait_status;             /* with this */
    struct mono complained;      /* when the log was last told of a message that was dropped */
};

/* What W has said, perhaps nothing yet. */
struct said *said_get(struct worker *w);
/* Its row of the soft state. */
void said_save(struct worker *w);
/* Takes in what a message says of being alive, reloading, stopping, in trouble. */
void said_take(struct worker *w, const struct notify_msg *m);
/* The moment AT at which the time of W's state is up, or the later one that it asked for in that state. */
struct mono said_extend(const struct worker *w, struct mono at);
/* Does the next complaint about what W sends go into the log? One in ten seconds does. */
bool said_may_complain(struct worker *w);
/* Adds what it has said to O, which describes W. */
void said_describe(const struct worker *w, json_t *o);
/* "", or what it said last, to be put behind how it ended: "; it said: …". Returns DST. */
char *said_last_words(const struct worker *w, char *dst, size_t size);
/* The row of W's process, if our predecessor has left one. */
void said_load(struct worker *w);
/* The process is gone. */
void said_forget(struct worker *w);
/* Takes away the rows of processes that no worker has. */
void said_forget_gone(struct engine *e);

#endif
