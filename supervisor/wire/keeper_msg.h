/* keeper_msg: what keeper and supervisor say to each other over their SOCK_SEQPACKET pair.
 *
 * One message a packet, at most one descriptor with it. The layout is fixed and the same for every version
 * of berth: a newer supervisor may run under an older keeper. Unknown types are ignored by both sides;
 * that is the one rule that lets it grow. Host byte order: both ends are one machine.
 *
 * The keeper stores entries. An entry has a name, usually a descriptor, and perhaps a process: then the
 * keeper, its parent, reports the process's end by that name, and keeps the status until the entry is
 * dropped. */
#ifndef BERTH_WIRE_KEEPER_MSG_H
#define BERTH_WIRE_KEEPER_MSG_H

#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"

#define KEEPER_MAGIC 0x62727468u /* "brth" */

enum keeper_msg_type {
    /* supervisor -> keeper */
    KEEPER_PUT = 1,      /* store the descriptor under name, in place of what had the name */
    KEEPER_PROCESS = 2,  /* from a new child before it execs: pid is its own; the keeper opens the pidfd */
    KEEPER_DROP = 3,     /* forget the entry; its descriptor is closed */
    KEEPER_FINISH = 4,   /* value: the exit status with which the keeper ends once the supervisor has ended */
    KEEPER_STABLE = 5,   /* the supervisor has reconciled: its restart count starts afresh */
    /* keeper -> supervisor */
    KEEPER_WELCOME = 16, /* first: flags, pid the keeper's, count how often it has been started before */
    KEEPER_HELD = 17,    /* an entry, with its descriptor; pid; if FLAG_ENDED, value: its wait status */
    KEEPER_SYNC = 18,    /* every entry has been sent */
    KEEPER_ENDED = 19,   /* the process of entry name has ended; value: wait status. Sent again at restart */
    KEEPER_SIGNAL = 20,  /* value is a signal that the keeper was sent, pid the sender (0: not known), count
                          * how many TERM and INT there have been by now */
    KEEPER_REFUSED = 21, /* a PUT or PROCESS was not stored; value is the errno */
};

enum keeper_flag {
    KEEPER_FLAG_FIRST = 1,  /* WELCOME: nothing was ever started before */
    KEEPER_FLAG_SAFE = 2,   /* WELCOME: several quick crashes; do not restore the soft state */
    KEEPER_FLAG_ENDED = 4,  /* HELD: the process has ended */
    KEEPER_FLAG_PID1 = 8,   /* WELCOME: the keeper is process 1 of its pid namespace */
};

struct keeper_msg {
    uint32_t magic;
    uint16_t type;
    uint16_t name_len; /* without a NUL */
    int32_t pid;
    int32_t value;
    uint32_t flags;
    uint32_t count;
    char name[LIMIT_HELD_NAME + 1]; /* NUL-terminated */
};

#define KEEPER_MSG_MIN (sizeof(struct keeper_msg) - LIMIT_HELD_NAME - 1)

/* Makes a message; NAME may be NULL. -ENAMETOOLONG if NAME is longer than LIMIT_HELD_NAME. */
int keeper_msg_make(struct keeper_msg *ret, enum keeper_msg_type type, const char *name);
/* Bytes that go over the wire. */
size_t keeper_msg_size(const struct keeper_msg *m);
/* Checks and copies N received bytes: magic, length, a name without NUL bytes. -EBADMSG. */
int keeper_msg_parse(const void *bytes, size_t n, struct keeper_msg *ret);

#endif
