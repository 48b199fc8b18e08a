/* standby: which of a service's slots serve, and which hold a spare that has booted and waits.
 *
 * No process ever changes its slot. A service has more slots than workers; what a slot's process is, it is
 * told at its start, and a spare that is activated serves from then on. The plan is one step at a time, from
 * what is there now, so whoever asks again, or asks in another's place, goes on. */
#ifndef BERTH_CORE_STANDBY_H
#define BERTH_CORE_STANDBY_H

#include <stdbool.h>
#include <stddef.h>

enum standby_state {
    STANDBY_LOST,      /* no process, and none is to come */
    STANDBY_NONE,      /* no process yet, or one that ends: the next one may be either */
    STANDBY_RETURNING, /* a worker that is restarted: it ends, and somebody serves for it once it has ended */
    STANDBY_BOOTING,   /* a spare that has not booted yet */
    STANDBY_WAITING,   /* a spare that has */
    STANDBY_COMING,    /* a worker that is about to serve */
    STANDBY_SERVING,
    STANDBY_OVER, /* a worker that has run to its end, and that nobody is to follow */
};

struct standby_slot {
    enum standby_state state;
    bool is_spare; /* what it counts as; with a process, what that is */
    bool has_left; /* descriptors are stored for who serves there next */
};

struct standby_facts {
    const struct standby_slot *slots;
    size_t n_slots;
    size_t workers;    /* how many are to serve; at most as many as there are slots */
    bool is_replacing; /* workers are being replaced: more may serve than are to */
};

enum standby_verdict {
    STANDBY_REST,     /* all is as it is to be, or will be without us */
    STANDBY_ACTIVATE, /* the spare of `slot` is to serve */
    STANDBY_STOP, /* more serve than are to: the worker of `slot` is told to go, and comes back as a spare */
    STANDBY_MAKE_SPARE, /* `slot`, which has none, counts as a spare from now on */
    STANDBY_MAKE_WORKER /* … as a worker */
};

struct standby_plan {
    enum standby_verdict verdict;
    size_t slot; /* from 0 */
};

struct standby_plan standby_decide(const struct standby_facts *f);
/* A process is about to be started in SLOT: is it to be a spare? */
bool standby_starts_as_spare(const struct standby_facts *f, size_t slot);
/* SLOT is to serve, as nobody does in some other one: where is what was left for it? SLOT itself, where it is
 * no other one. */
size_t standby_predecessor(const struct standby_facts *f, size_t slot);

#endif
