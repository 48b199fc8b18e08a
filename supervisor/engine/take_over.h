/* take_over: this berth takes everything over from another one (`--take-over CONTROL`), in this container or
 * another: sockets, stored descriptors, their names; and in the end the place of its control socket.
 *
 * It asks the other one for what it holds, and puts it into its own keeper, under the names that it would
 * have given it itself: from there on it is as after a crash. Until it says that all of its services are
 * ready, it changes nothing that both have: no option, no file, no mode. It may die or give up before that;
 * the other one then carries on. How far it has come is written down; the number by which the other one knows
 * it as well. */
#ifndef BERTH_ENGINE_TAKE_OVER_H
#define BERTH_ENGINE_TAKE_OVER_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/berr.h"
#include "base/buf.h"
#include "engine/passed.h"

struct engine;
struct service;

/* Kept in the soft state. */
enum take_over_state {
    TAKE_OVER_NONE,
    TAKE_OVER_ASKING,
    TAKE_OVER_HAS_ALL, /* everything is in our keeper, and still the other one's */
    TAKE_OVER_READY,   /* … and we have said that we are ready: only the other one knows whose it is */
    TAKE_OVER_DONE,    /* everything is ours, and as we want it */
    TAKE_OVER_OURS,    /* before that: it is ours, and may still have the other one's options */
};

/* What the other one was asked and has not answered. */
enum take_over_call { CALL_NONE, CALL_PAGE, CALL_RESUME, CALL_END };

struct take_over {
    const char *path; /* where the other one's control socket is; borrowed, NULL: there is none to take */
    enum take_over_state state;
    int64_t id;
    bool replaces;       /* our control socket is to be where the other one's is */
    char temporary[108]; /* until then it is there */
    enum take_over_call call;
    bool is_given_up, is_connected, has_been_answered;
    int fd; /* owned, while is_connected */
    ev_io readable;
    ev_timer again, late, look;
    struct buf in;
    int *fds; /* that came, and belong to what is in `in`; owned */
    size_t n_fds;
    struct passed_list list;
};

/* Before the control socket is opened: is there one to take over from, and how far had a predecessor come? */
void take_over_prepare(struct engine *e, const char *path);
/* Where our control socket is to be made, once it is known where it is to be in the end (engine.control_path;
 * IS_CHOSEN: the user said so). Negative errno and a sentence. */
int take_over_place(struct engine *e, bool is_chosen, struct berr *err);
/* Where it is just now. */
const char *take_over_own_control(const struct engine *e);
/* A path that is and stays ours alone, for what stands beside the control socket. */
const char *take_over_own_place(const struct engine *e);
/* Begins, or goes on. True when the start waits for it: engine_open_sockets() comes later. */
bool take_over_begin(struct engine *e);
/* Is what we hold still the other one's too, who may carry on with it? */
bool take_over_is_pending(const struct engine *e);
/* May the other one's workers still use it? */
bool take_over_shares(const struct engine *e);
/* A service has changed: are all of them ready, or has one failed? */
void take_over_follow(struct engine *e);
/* A command of S that is to come before its start has failed. */
void take_over_on_hook_failed(struct service *s, const char *how);
/* Everything ends: if the take-over is still pending, the other one is told that it carries on. */
void take_over_abandon(struct engine *e);
/* What a taker of that number has left behind beside our control socket, if it is gone for good. */
void take_over_clear_up(const struct engine *e, int64_t id);
void take_over_fini(struct engine *e);

/* engine/take_over_keep: puts what was received into the keeper, and lets go of what is not wanted here. */
void take_over_keep(struct engine *e);

#endif
