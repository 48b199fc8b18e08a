/* state_store: the soft state in its memfd, row by row.
 *
 * The meaning of a column never changes and a column is never taken away: another version of berth reads
 * them. What is in here may be lost (safe mode): then workers are taken for ready and services for wanted. */
#ifndef BERTH_ENGINE_STATE_STORE_H
#define BERTH_ENGINE_STATE_STORE_H

#include <stdbool.h>

#include "base/berr.h"
#include "base/name_table.h"
#include "engine/keeper_link.h"
#include "sys/shared_memory.h"
#include "wire/soft_state.h"

/* Columns of a "worker/SERVICE/SLOT" row; behind the SLOT, ".LANE" where that is not 0. */
enum worker_column {
    WORKER_COL_STATE, /* enum stored_worker_state */
    WORKER_COL_FLAGS, /* WORKER_FLAG_… */
    WORKER_COL_GENERATION,
    WORKER_COL_SERIAL,
    WORKER_COL_SINCE, /* moments are CLOCK_MONOTONIC nanoseconds */
    WORKER_COL_STARTED,
    WORKER_COL_DUE,
    WORKER_COL_UNSTABLE,
    WORKER_COL_IN_PERIOD,
    WORKER_COL_PERIOD_START,
    WORKER_COL_RESTARTS,
    WORKER_COL_LAST_STATUS,
    WORKER_COL_SOCKET, /* of a connection: which of the service's sockets, from 1 */
    WORKER_COL_SOURCE, /* of a connection: who it is */
    WORKER_COL_ROLE,   /* enum worker_role */
    WORKER_COL_COUNT
};

enum worker_flag {
    WORKER_FLAG_WANTED = 1,
    WORKER_FLAG_HAS_LAST = 2,     /* LAST_STATUS means something */
    WORKER_FLAG_SIGNALLED = 4,    /* the signal that its state calls for was sent */
    WORKER_FLAG_START_FAILED = 8, /* it is being stopped because it did not become ready in time */
    WORKER_FLAG_EVER_RAN = 16,    /* its command could be executed once */
    WORKER_FLAG_IDLE_STOP = 32,   /* it is being stopped because nobody needs it */
    WORKER_FLAG_DUE = 64,         /* it is to be replaced by another one */
    WORKER_FLAG_LATE = 256,       /* … because it gave no sign of life */
    WORKER_FLAG_SPARE = 512,      /* its process is a spare, or the next one is to be */
    WORKER_FLAG_UNSENT = 1024,    /* it is to serve, and may not have been sent its sockets yet */
    WORKER_FLAG_UNTOLD = 2048,    /* it booted when a reload's signal was sent to the others */
};

/* Columns of a "service/NAME" row. */
enum service_column {
    SERVICE_COL_WANTED,  /* 1: up */
    SERVICE_COL_WORKERS, /* how many are wanted */
    SERVICE_COL_GENERATION,
    SERVICE_COL_BEGUN,        /* 1: its workers were told to start */
    SERVICE_COL_FINGERPRINT,  /* of the configuration that they were started with */
    SERVICE_COL_CONF_WORKERS, /* `workers` when WORKERS was taken from it */
    SERVICE_COL_PHASE,        /* enum hook_phase */
    SERVICE_COL_TARGET,       /* the generation that replaces the workers; 0: none is on its way */
    SERVICE_COL_TARGET_FINGERPRINT,
    SERVICE_COL_LAST_TARGET, /* of the replacement that is over … */
    SERVICE_COL_ROLLING,     /* ROLLING_FLAG_… */
    SERVICE_COL_TOLD,        /* how many reloads the workers were told of … */
    SERVICE_COL_TOLD_STATE,  /* … enum told_state, of the latest … */
    SERVICE_COL_TOLD_SINCE,  /* … and when it was begun */
    SERVICE_COL_COUNT
};

enum rolling_flag {
    ROLLING_FLAG_FAILED = 1, /* … and was given up */
    ROLLING_FLAG_AGAIN = 2,  /* it was asked for once more */
};

/* Columns of a "said/SERVICE/SERIAL" row: of a process that has said something that is to last. */
enum said_column {
    SAID_COL_FLAGS, /* SAID_FLAG_… */
    SAID_COL_RELOADING_SINCE,
    SAID_COL_UNTIL,      /* the moment up to which it asked for time */
    SAID_COL_UNTIL_SAID, /* … and when it did */
    SAID_COL_INTERVAL,   /* WATCHDOG_USEC in nanoseconds; 0: as configured */
    SAID_COL_MAIN,       /* the pid that it calls its main process's; 0: none */
    SAID_COL_MAIN_START, /* … and the time of that one's start, in clock ticks since boot */
    SAID_COL_ACCESS,     /* enum notify_access */
    SAID_COL_COUNT
};

enum said_flag {
    SAID_FLAG_RELOADING = 1,
    SAID_FLAG_STOPPING = 2,
};

/* Columns of an "output/SERVICE/PLACE" row; PLACE: worker_place(). */
enum output_column {
    OUTPUT_COL_GIVEN,  /* how many bytes of the slot's stream the sink has */
    OUTPUT_COL_LOST,   /* bytes that were dropped before, and the sink was not told */
    OUTPUT_COL_OPEN,   /* 1: the last byte that it has is not a line's end */
    OUTPUT_COL_INTENT, /* not 0: the next bytes are about to be appended to a file of this many bytes, less 1
                        */
    OUTPUT_COL_COUNT
};

/* Columns of the "berth" row. */
enum berth_column {
    BERTH_COL_SERIAL,       /* the last serial given to a worker */
    BERTH_COL_SHUTDOWN,     /* 1: everything is to end */
    BERTH_COL_STATUS,       /* of the essential service that ended everything */
    BERTH_COL_READY,        /* 1: the service manager was told READY=1 */
    BERTH_COL_UPGRADES,     /* how many upgrades were begun */
    BERTH_COL_UPGRADE,      /* enum upgrade_state, of the latest */
    BERTH_COL_FAILURE,      /* … why it failed: core/upgrade.h */
    BERTH_COL_TAKE_OVER,    /* enum take_over_state */
    BERTH_COL_TAKE_OVER_ID, /* … by which the other berth knows it */
    BERTH_COL_HAND_OVER,    /* enum hand_over_state */
    BERTH_COL_HAND_OVER_ID,
    BERTH_COL_COUNT
};

struct state_store {
    struct shared_memory memory;
    struct soft_state state;
    struct name_table keys;     /* of its records, by number */
    struct keeper_link *keeper; /* borrowed */
};

/* Opens what the keeper holds (the entry "state", if there is one and it is to be restored), or begins an
 * empty one and gives it to the keeper. *RET_RESTORED says which. Negative errno and a sentence. */
int state_store_open(struct state_store *s, struct keeper_link *k, bool *ret_restored, struct berr *err);
void state_store_close(struct state_store *s);

/* Reads KEY's row; false if there is none. */
bool state_store_load(const struct state_store *s, const char *key, struct soft_state_row *ret);
/* Writes KEY's row; *INDEX remembers its number between calls and begins as -1. */
void state_store_save(struct state_store *s, const char *key, int *index, const struct soft_state_row *row);
/* Changes one column of the row numbered INDEX. Touches memory only: the child of a spawn may call it. */
void state_store_set(struct state_store *s, int index, size_t column, int64_t value);
void state_store_remove(struct state_store *s, const char *key);

#endif
