/* keeper_link: the supervisor's end of the pair with the keeper.
 *
 * At the start it takes over everything that is held, in one go; afterwards it is told ends and signals as
 * they come. Sending may block for the moment that the keeper needs to read; the keeper itself never waits
 * for us. */
#ifndef BERTH_ENGINE_KEEPER_LINK_H
#define BERTH_ENGINE_KEEPER_LINK_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/berr.h"
#include "base/name_table.h"
#include "sys/spawn.h"
#include "wire/keeper_msg.h"

struct keeper_entry {
    char *name; /* owned */
    int fd;     /* owned; whoever wants it takes it with take_fd() */
    pid_t pid;  /* 0: no process */
    bool ended;
    bool is_foreign; /* a process that is not the keeper's child: only its pidfd tells its end */
    int status;      /* wait status, once ended */
};

struct keeper_handlers {
    void (*on_ended)(void *data, const char *name, int wait_status);
    /* COUNT tells the first TERM or INT from the second. */
    void (*on_signal)(void *data, int signo, pid_t sender, unsigned count);
    void (*on_refused)(void *data, const char *name, int err);
    void (*on_lost)(void *data); /* the keeper is gone */
};

struct keeper_link {
    int fd; /* owned; -1 once the keeper is gone */
    pid_t keeper_pid;
    bool is_first;     /* nothing was ever started before */
    bool is_safe_mode; /* the soft state is not to be restored */
    bool is_pid1;
    bool is_on_trial;             /* we are the first from another binary, and not yet stable */
    bool is_back;                 /* such a one failed, … */
    int failure;                  /* … with this wait status or KEEPER_TIMED_OUT */
    unsigned starts;              /* supervisors before this one */
    struct keeper_entry *entries; /* owned */
    size_t n_entries;
    struct name_table names; /* of the entries */
    struct ev_loop *loop;
    ev_io watcher;
    const struct keeper_handlers *handlers;
    void *data;
};

/* Takes FD over and receives WELCOME to SYNC. Negative errno and a sentence. */
int keeper_link_open(struct keeper_link *k, int fd, struct berr *err);
/* The entry NAME, or NULL. */
struct keeper_entry *keeper_link_find(const struct keeper_link *k, const char *name);
/* From now on the handlers are called from LOOP. */
void keeper_link_watch(struct keeper_link *k, struct ev_loop *loop, const struct keeper_handlers *handlers,
                       void *data);
/* Closes what nobody took, and forgets the entries. */
void keeper_link_forget_entries(struct keeper_link *k);
void keeper_link_close(struct keeper_link *k);

/* FD stays the caller's. Without a keeper these do nothing: there is nobody to tell. */
void keeper_link_put(struct keeper_link *k, const char *name, int fd);
void keeper_link_drop(struct keeper_link *k, const char *name);
/* The keeper gets FD, which is taken, and its entry is here as though it had held it from the start. */
void keeper_link_adopt(struct keeper_link *k, const char *name, int fd);
/* The child PID of the keeper is what it holds as NAME from now on; it refuses one that is none (ECHILD). */
void keeper_link_process(struct keeper_link *k, const char *name, pid_t pid);
void keeper_link_stable(struct keeper_link *k);
/* When we end, the next supervisor is to come from BINARY. */
void keeper_link_upgrade(struct keeper_link *k, int binary);
void keeper_link_finish(struct keeper_link *k, int exit_status);

/* Fills *RET so that a child announces itself as NAME; MSG is its storage and must live through the spawn. */
void keeper_link_prepare_announce(const struct keeper_link *k, const char *name, struct keeper_msg *msg,
                                  struct spawn_announce *ret);

#endif
