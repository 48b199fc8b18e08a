/* worker_fsm: the table. Read a row as "in this state, when …". */
#include "config.h"

#include "core/worker_fsm.h"

#include "base/must.h"

#define GO(to, fx) {WORKER_CELL_GO, WORKER_##to, (fx)}
#define STAY {WORKER_CELL_STAY, 0, 0}
#define BUG {WORKER_CELL_BUG, 0, 0}

#define SPAWN WORKER_DO_SPAWN
#define SIGNAL WORKER_DO_SIGNAL
#define KILL WORKER_DO_KILL
#define HAND_OVER WORKER_DO_ACTIVATE

/* A running worker ended: the same for every state in which it was not asked to end. */
#define ENDED_UNASKED                                                                                        \
    [WORKER_EV_END_AGAIN] = GO(SPAWNING, SPAWN), [WORKER_EV_END_LATER] = GO(BACKOFF, 0),                     \
    [WORKER_EV_END_DONE] = GO(DONE, 0), [WORKER_EV_END_FAILED] = GO(FAILED, 0),                              \
    [WORKER_EV_END_WAIT] = GO(WAITING, 0)

/* It ended after it was asked to: END_DONE is then simply down. */
#define ENDED_ASKED                                                                                          \
    [WORKER_EV_END_AGAIN] = GO(SPAWNING, SPAWN), [WORKER_EV_END_LATER] = GO(BACKOFF, 0),                     \
    [WORKER_EV_END_DONE] = GO(DOWN, 0), [WORKER_EV_END_FAILED] = GO(FAILED, 0),                              \
    [WORKER_EV_END_WAIT] = GO(WAITING, 0)

/* It is up, or on its way: demand changes nothing. */
#define DEMAND_IS_MET [WORKER_EV_WAIT] = STAY, [WORKER_EV_DEMAND] = STAY

/* It is no spare that boots or waits. A late BOOTED is a message that was under way. */
#define NO_SPARE [WORKER_EV_BOOTED] = STAY, [WORKER_EV_ACTIVATE] = BUG

/* There is no process, so nothing can come from one. A late READY is a message that was under way. */
#define NO_PROCESS                                                                                           \
    [WORKER_EV_SPAWNED] = BUG, [WORKER_EV_READY] = STAY, [WORKER_EV_END_AGAIN] = BUG,                        \
    [WORKER_EV_END_LATER] = BUG, [WORKER_EV_END_DONE] = BUG, [WORKER_EV_END_FAILED] = BUG,                   \
    [WORKER_EV_END_WAIT] = BUG

static const struct worker_step table[WORKER_STATE_COUNT][WORKER_EVENT_COUNT] = {
    [WORKER_DOWN] = {
        [WORKER_EV_START] = GO(SPAWNING, SPAWN),
        [WORKER_EV_STOP] = STAY,
        [WORKER_EV_KILL] = STAY,
        [WORKER_EV_TIMEOUT] = BUG,
        NO_PROCESS,
        [WORKER_EV_WAIT] = GO(WAITING, 0),
        [WORKER_EV_DEMAND] = STAY,
        NO_SPARE,
    },
    /* Spawning is over before the engine looks at the next event; the only other way out of here is a supervisor that died in it
     * and a successor that finds either the process (SPAWNED) or none (END_…). */
    [WORKER_SPAWNING] = {
        [WORKER_EV_START] = STAY,
        [WORKER_EV_STOP] = BUG,
        [WORKER_EV_KILL] = BUG,
        [WORKER_EV_SPAWNED] = GO(STARTING, 0),
        [WORKER_EV_READY] = STAY,
        [WORKER_EV_TIMEOUT] = BUG,
        ENDED_ASKED,
        DEMAND_IS_MET,
        NO_SPARE,
    },
    [WORKER_STARTING] = {
        [WORKER_EV_START] = STAY,
        [WORKER_EV_STOP] = GO(STOPPING, SIGNAL),
        [WORKER_EV_KILL] = GO(KILLING, KILL),
        [WORKER_EV_SPAWNED] = BUG,
        [WORKER_EV_READY] = GO(READY, 0),
        [WORKER_EV_TIMEOUT] = GO(STOPPING, SIGNAL),
        ENDED_UNASKED,
        DEMAND_IS_MET,
        [WORKER_EV_BOOTED] = GO(STANDBY, 0),
        [WORKER_EV_ACTIVATE] = GO(STARTING, HAND_OVER),
    },
    [WORKER_READY] = {
        [WORKER_EV_START] = STAY,
        [WORKER_EV_STOP] = GO(STOPPING, SIGNAL),
        [WORKER_EV_KILL] = GO(KILLING, KILL),
        [WORKER_EV_SPAWNED] = BUG,
        [WORKER_EV_READY] = STAY,
        [WORKER_EV_TIMEOUT] = BUG,
        ENDED_UNASKED,
        DEMAND_IS_MET,
        NO_SPARE,
    },
    [WORKER_STOPPING] = {
        [WORKER_EV_START] = STAY,
        [WORKER_EV_STOP] = STAY,
        [WORKER_EV_KILL] = GO(KILLING, KILL),
        [WORKER_EV_SPAWNED] = BUG,
        [WORKER_EV_READY] = STAY,
        [WORKER_EV_TIMEOUT] = GO(KILLING, KILL),
        ENDED_ASKED,
        DEMAND_IS_MET,
        NO_SPARE,
    },
    /* KILL is sent again when its timer runs out: a process in an uninterruptible wait may take its time. */
    [WORKER_KILLING] = {
        [WORKER_EV_START] = STAY,
        [WORKER_EV_STOP] = STAY,
        [WORKER_EV_KILL] = STAY,
        [WORKER_EV_SPAWNED] = BUG,
        [WORKER_EV_READY] = STAY,
        [WORKER_EV_TIMEOUT] = GO(KILLING, KILL),
        ENDED_ASKED,
        DEMAND_IS_MET,
        NO_SPARE,
    },
    [WORKER_BACKOFF] = {
        [WORKER_EV_START] = GO(SPAWNING, SPAWN),
        [WORKER_EV_STOP] = GO(DOWN, 0),
        [WORKER_EV_KILL] = GO(DOWN, 0),
        [WORKER_EV_TIMEOUT] = GO(SPAWNING, SPAWN),
        NO_PROCESS,
        [WORKER_EV_WAIT] = GO(WAITING, 0),
        [WORKER_EV_DEMAND] = STAY,
        NO_SPARE,
    },
    [WORKER_DONE] = {
        [WORKER_EV_START] = GO(SPAWNING, SPAWN),
        [WORKER_EV_STOP] = GO(DOWN, 0),
        [WORKER_EV_KILL] = GO(DOWN, 0),
        [WORKER_EV_TIMEOUT] = BUG,
        NO_PROCESS,
        [WORKER_EV_WAIT] = GO(WAITING, 0),
        [WORKER_EV_DEMAND] = STAY,
        NO_SPARE,
    },
    [WORKER_FAILED] = {
        [WORKER_EV_START] = GO(SPAWNING, SPAWN),
        [WORKER_EV_STOP] = GO(DOWN, 0),
        [WORKER_EV_KILL] = GO(DOWN, 0),
        [WORKER_EV_TIMEOUT] = BUG,
        NO_PROCESS,
        [WORKER_EV_WAIT] = GO(WAITING, 0),
        [WORKER_EV_DEMAND] = STAY,
        NO_SPARE,
    },
    [WORKER_WAITING] = {
        [WORKER_EV_START] = GO(SPAWNING, SPAWN),
        [WORKER_EV_STOP] = GO(DOWN, 0),
        [WORKER_EV_KILL] = GO(DOWN, 0),
        [WORKER_EV_TIMEOUT] = BUG,
        NO_PROCESS,
        [WORKER_EV_WAIT] = STAY,
        [WORKER_EV_DEMAND] = GO(SPAWNING, SPAWN),
        NO_SPARE,
    },
    [WORKER_STANDBY] = {
        [WORKER_EV_START] = STAY,
        [WORKER_EV_STOP] = GO(STOPPING, SIGNAL),
        [WORKER_EV_KILL] = GO(KILLING, KILL),
        [WORKER_EV_SPAWNED] = BUG,
        [WORKER_EV_READY] = STAY,
        [WORKER_EV_TIMEOUT] = BUG,
        ENDED_UNASKED,
        DEMAND_IS_MET,
        [WORKER_EV_BOOTED] = STAY,
        [WORKER_EV_ACTIVATE] = GO(STARTING, HAND_OVER),
    },
};

struct worker_step worker_fsm_step(enum worker_state state, enum worker_event event)
{
    must(state < WORKER_STATE_COUNT && event < WORKER_EVENT_COUNT);
    return table[state][event];
}

bool worker_state_has_process(enum worker_state state)
{
#define X(id, name, process) [WORKER_##id] = process,
    static const bool has_process[] = {WORKER_STATES(X)};
#undef X
    return has_process[state];
}

const char *worker_state_name(enum worker_state state)
{
#define X(id, name, process) [WORKER_##id] = name,
    static const char *const names[] = {WORKER_STATES(X)};
#undef X
    return names[state];
}

const char *worker_event_name(enum worker_event event)
{
#define X(id) [WORKER_EV_##id] = #id,
    static const char *const names[] = {WORKER_EVENTS(X)};
#undef X
    return names[event];
}
