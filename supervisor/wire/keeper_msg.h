/* keeper_msg: what keeper and supervisor say to each other over their SOCK_SEQPACKET pair.
 *
 * One message a packet, at most one descriptor with it. The layout is fixed and the same for every version
 * of berth: a newer supervisor may run under an older keeper, until that has made way for a newer one. What
 * it leaves to that one are messages as well, in a file (sys/will.h). Unknown types are ignored by both sides;
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

/* Of the keeper in this binary: above 0, and another one whenever what it does has changed. A keeper whose
 * supervisor comes from a binary with another one makes way for that. A test has a binary with its own. */
#ifndef KEEPER_VERSION
#define KEEPER_VERSION 2
#endif

enum keeper_msg_type {
    /* supervisor -> keeper */
    KEEPER_PUT = 1,      /* store the descriptor under name, in place of what had the name */
    KEEPER_PROCESS = 2,  /* from a new child before it execs: pid is its own; the keeper opens the pidfd */
    KEEPER_DROP = 3,     /* forget the entry; its descriptor is closed */
    KEEPER_FINISH = 4,   /* value: the exit status with which the keeper ends once the supervisor has ended */
    KEEPER_STABLE = 5,   /* the supervisor has reconciled: its restart count starts afresh; value: the
                          * KEEPER_VERSION of its binary, 0: not known */
    KEEPER_UPGRADE = 6,  /* with the descriptor of another binary: when this supervisor ends, the next one is
                          * started from it, on trial until it is stable */
    /* keeper -> supervisor */
    KEEPER_WELCOME = 16, /* first: flags, pid the keeper's, count how often it has been started before */
    KEEPER_HELD = 17,    /* an entry, with its descriptor; pid; if FLAG_ENDED, value: its wait status */
    KEEPER_SYNC = 18,    /* every entry has been sent */
    KEEPER_ENDED = 19,   /* the process of entry name has ended; value: wait status. Sent again at restart */
    KEEPER_SIGNAL = 20,  /* value is a signal that the keeper was sent, pid the sender (0: not known), count
                          * how many TERM and INT there have been by now */
    KEEPER_REFUSED = 21, /* a PUT or PROCESS was not stored; value is the errno */
    /* keeper -> the next keeper; after them HELD, UPGRADE and SYNC, with the number of a descriptor that stays
     * open, and 1 more than that, in count (0: none) */
    KEEPER_WILL_LINK = 32,   /* its end of the pair; pid: the supervisor's (0: none runs) */
    KEEPER_WILL_BINARY = 33, /* what supervisors are started from; value: how many were, flags: the soft limit
                              * of descriptors that they get (~0: none) */
};

/* As a wait status: the supervisor did not become stable in time. */
#define KEEPER_TIMED_OUT (-1)

enum keeper_flag {
    KEEPER_FLAG_FIRST = 1,  /* WELCOME: nothing was ever started before */
    KEEPER_FLAG_SAFE = 2,   /* WELCOME: several quick crashes; do not restore the soft state */
    KEEPER_FLAG_ENDED = 4,  /* HELD: the process has ended */
    KEEPER_FLAG_PID1 = 8,   /* WELCOME: the keeper is process 1 of its pid namespace */
    KEEPER_FLAG_TRIAL = 16, /* WELCOME: this is the first supervisor from another binary (UPGRADE) */
    KEEPER_FLAG_BACK = 32,  /* WELCOME: such a one failed, this is the old binary; value: its wait status or
                             * KEEPER_TIMED_OUT */
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
