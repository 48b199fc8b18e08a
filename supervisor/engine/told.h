/* told: reloads of which the workers are told, by a signal or a command (reload = signal:…, command:…). What
 * became of the latest one is in the service's row: a successor goes on with it, and whoever had asked for it
 * finds it in Status. Its outcome is engine/operation's to tell, the command engine/hooks' to run. */
#ifndef BERTH_ENGINE_TOLD_H
#define BERTH_ENGINE_TOLD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/mono.h"
#include "wire/soft_state.h"

struct service;
struct worker;

/* Kept in the soft state. */
enum told_state {
    TOLD_NONE,
    TOLD_BEGUN, /* the signal is about to be sent, or the command to be run */
    TOLD_SENT,  /* the signal was sent */
    TOLD_AGAIN, /* as BEGUN, and then the command once more */
    TOLD_DONE,
    TOLD_FAILED,
};

struct told {
    unsigned number; /* of the latest; 0: there was none */
    enum told_state state;
    struct mono since; /* it was begun */
    char *reason;      /* why it failed; owned, may be NULL */
};

/* The number of the next one that is asked for. */
unsigned told_next(const struct service *s);
void told_begin(struct service *s);
/* Once more, behind the command that runs. */
void told_again(struct service *s);
/* Its outcome: WHY it failed, or NULL. True when the command is to be run once more, which is begun by that.
 */
bool told_end(struct service *s, const char *why);
/* The workers of S are sent its reload's signal; one that boots is sent it later. False: none of them is
 * ready.
 */
bool told_send(struct service *s);
/* W has booted. Where a reload's signal was sent meanwhile, it is sent it now. */
void told_send_late(struct worker *w);
/* Does a worker of S say that it is reloading? */
bool told_says_reloading(const struct service *s);
/* Have they taken the signal that was sent at SINCE? One that tells of its reloading is waited for. Of
 * another one no more can be known than that it did not end of the signal; one that was started behind it had
 * none to take. */
bool told_is_taken(const struct service *s, struct mono since);
bool told_is_under_way(const struct service *s);
/* For Status; NULL: there never was one. */
json_t *told_describe(const struct service *s);
/* Reads or writes the columns of S's row that are about it. */
void told_load(struct service *s, const struct soft_state_row *row);
void told_store(const struct service *s, struct soft_state_row *row);
void told_free(struct service *s);

#endif
