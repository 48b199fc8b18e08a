/* store: what the keeper holds: at most LIMIT_HELD entries by name, and the running processes among them by pid.
 *
 * Each entry is either told or untold, as far as the present supervisor is concerned; that is all there is of a send queue. */
#ifndef BERTH_KEEPER_STORE_H
#define BERTH_KEEPER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"
#include "base/list.h"

struct entry {
    struct list link; /* told, untold or, without a name, unused */
    uint16_t next_by_name, next_by_pid; /* numbers; 0: none */
    bool ended;
    bool known; /* to the present supervisor: only its end may remain to be told */
    int fd;     /* owned; -1: none */
    pid_t pid;  /* 0: no process */
    int status; /* wait status, once ended */
    char *name; /* in the store; NULL while the entry is unused */
};

/* Takes FD (-1: none) over, and the running process PID (0: none). What had the name is forgotten. -ENOSPC: full; -EINVAL: no
 * name; then FD is still the caller's. */
int store_put(const char *name, int fd, pid_t pid);
/* Forgets NAME and closes its descriptor; nothing where there is none. */
void store_drop(const char *name);
/* A running process, or NULL. */
struct entry *store_find_process(pid_t pid);
/* The process of E has ended: that is untold now. */
void store_end(struct entry *e, int wait_status);

/* There is a new supervisor, which knows nothing. */
void store_forget_told(void);
/* The next of which something is to be told, those that are not known first; or NULL. */
struct entry *store_first_untold(void);
void store_tell(struct entry *e);

/* The one after E, the first one for NULL, NULL after the last; in no order. */
struct entry *store_next(struct entry *e);
size_t store_count_fds(void);

#endif
