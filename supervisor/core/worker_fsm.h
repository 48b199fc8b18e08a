/* worker_fsm: the life of one worker slot as a table.
 *
 * It decides which state follows and which effects are due; it does not know processes, clocks or policy. Whether an end is
 * followed by another start is decided before (core/restart, and what is wanted) and arrives as one of the END_ events. What is
 * wanted (up or down) is not in here: the slot holds it beside its state. */
#ifndef BERTH_CORE_WORKER_FSM_H
#define BERTH_CORE_WORKER_FSM_H

#include <stdbool.h>

/*        state     name        has it a process? */
#define WORKER_STATES(X)                                                                                     \
    X(DOWN, "stopped", false)     /* not wanted, or not yet */                                               \
    X(SPAWNING, "spawning", false) /* from the decision to start until the exec is known */                  \
    X(STARTING, "starting", true) /* it runs, and is not ready */                                            \
    X(READY, "ready", true)                                                                                  \
    X(STOPPING, "stopping", true) /* was sent its stop signal */                                             \
    X(KILLING, "killing", true)   /* was sent KILL */                                                        \
    X(BACKOFF, "backoff", false)  /* waits to be started again */                                            \
    X(DONE, "done", false)        /* ran to its end, and is not to be started again */                       \
    X(FAILED, "failed", false)    /* is not started again until somebody asks */                             \
    X(WAITING, "waiting", false)  /* start = on-demand: the next connection starts it */                     \
    X(STANDBY, "standby", true)   /* a spare that has booted, and waits to be activated */

#define WORKER_EVENTS(X)                                                                                     \
    X(START)      /* is wanted up */                                                                         \
    X(STOP)       /* is to end in order: wanted down, or to be started anew after it */                      \
    X(KILL)       /* is to end at once */                                                                    \
    X(SPAWNED)    /* the process execed */                                                                   \
    X(READY)      /* it says, or we conclude, that it serves */                                              \
    X(TIMEOUT)    /* the timer of the state ran out */                                                       \
    X(END_AGAIN)  /* no process any more (or none came to be): start again at once */                        \
    X(END_LATER)  /* … start again after a delay */                                                          \
    X(END_DONE)   /* … do not start again, nothing went wrong */                                             \
    X(END_FAILED) /* … do not start again, it failed */                                                      \
    X(END_WAIT)   /* … start again when there is demand */                                                   \
    X(WAIT)       /* is wanted up when there is demand */                                                    \
    X(DEMAND)     /* a connection or a datagram is there */                                                  \
    X(BOOTED)     /* a spare says that it has booted */                                                      \
    X(ACTIVATE)   /* a spare is to serve from now on */

#define X(id, name, process) WORKER_##id,
enum worker_state { WORKER_STATES(X) WORKER_STATE_COUNT };
#undef X
#define X(id) WORKER_EV_##id,
enum worker_event { WORKER_EVENTS(X) WORKER_EVENT_COUNT };
#undef X

enum worker_effect {
    WORKER_DO_SPAWN = 1,
    WORKER_DO_SIGNAL = 2, /* send the stop signal */
    WORKER_DO_KILL = 4,   /* send KILL */
    WORKER_DO_ACTIVATE = 8, /* send it its sockets */
};

enum worker_cell {
    WORKER_CELL_UNDECIDED, /* nobody filled it: a test fails */
    WORKER_CELL_GO,        /* to `next`, with `effects` */
    WORKER_CELL_STAY,      /* ignored on purpose */
    WORKER_CELL_BUG,       /* cannot come: the engine's invariant is broken */
};

struct worker_step {
    enum worker_cell cell;
    enum worker_state next;
    unsigned effects;
};

struct worker_step worker_fsm_step(enum worker_state state, enum worker_event event);
bool worker_state_has_process(enum worker_state state);
/* "ready": the user's word. */
const char *worker_state_name(enum worker_state state);
/* "END_AGAIN": for the log at debug level and for tests. */
const char *worker_event_name(enum worker_event event);

#endif
