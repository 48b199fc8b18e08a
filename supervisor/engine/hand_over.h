/* hand_over: this berth is taken over by another one (`--take-over`), in this container or another.
 *
 * The other one asks for all that can move, page by page; while it starts its services our guard lets it do
 * with the sockets what servers do. When it is ready it says so: that everything is its own from then on is
 * written down before it is answered, and then comes the orderly end, without a file or a socket being
 * touched. Until then nothing has happened: when it gives up, or is not heard of for a few seconds, we go on.
 * It is known by a number, so that a successor of its supervisor, or of ours, goes on where it was. */
#ifndef BERTH_ENGINE_HAND_OVER_H
#define BERTH_ENGINE_HAND_OVER_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/str.h"
#include "engine/passed.h"

struct control_client;
struct engine;
struct service;

/* Kept in the soft state. */
enum hand_over_state {
    HAND_OVER_NONE,
    HAND_OVER_UNDER_WAY,
    HAND_OVER_DONE, /* everything is the other one's */
    HAND_OVER_LEFT, /* … and its control socket is in the place of ours */
};

struct hand_over {
    enum hand_over_state state;
    int64_t id;
    struct control_client *client; /* the one that takes; NULL: it is not there just now */
    struct passed_list list;       /* what it is being sent */
    struct strv files;             /* of our sockets, that stayed */
    ev_timer patience;             /* until it is there again; at the end, until it has our place */
    struct mono since;             /* we end because it has everything */
    ev_timer connections;          /* until a service's time to finish them is over */
};

/* The methods TakeOver and EndTakeOver. */
void hand_over_call(struct control_client *client, json_t *parameters, bool more, void *data);
void hand_over_end_call(struct control_client *client, json_t *parameters, bool more, void *data);
void hand_over_on_client_gone(struct engine *e, const struct control_client *client);
/* At the start: a predecessor was being taken over. */
void hand_over_resume(struct engine *e);
/* Why nothing is to be changed just now: somebody else is about to have it, or to give it; NULL. */
const char *hand_over_obstacle(const struct engine *e);
/* Our end begins: from now on services with accept = yes finish what they are at. */
void hand_over_begin_end(struct engine *e);
/* Is S still to be let alone, because it does that and has time? */
bool hand_over_lets_finish(const struct service *s);
/* Is everything the other one's? */
static inline bool hand_over_is_done(const struct hand_over *h)
{
    return h->state == HAND_OVER_DONE || h->state == HAND_OVER_LEFT;
}
/* Does another berth have what we hold as well, so that it is not ours alone to change or to remove? */
bool hand_over_is_shared(const struct engine *e);
/* It is, but who asks at our control socket would find nobody yet. */
bool hand_over_is_awaited(const struct engine *e);
/* Does the file of a Unix socket that we let go stay, because another berth may have the socket? If that
 * turns out to have let go of it too, the file goes in the end, with UNLINK. */
bool hand_over_keeps_file(struct engine *e, const char *path, bool unlink);
/* The very end: every process of ours is gone. */
void hand_over_remove_files(struct engine *e);
void hand_over_fini(struct engine *e);

#endif
