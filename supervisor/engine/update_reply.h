/* update_reply: what an update tells: to the client that asked for it, or to the log. Private to
 * engine/update. */
#ifndef BERTH_ENGINE_UPDATE_REPLY_H
#define BERTH_ENGINE_UPDATE_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "core/conf_diff.h"
#include "core/conf_source.h"

struct control_client;
struct engine;

/* An update that is under way, or waits for its turn. */
struct update {
    struct list link;              /* engine.updates, while it waits */
    struct control_client *client; /* NULL: nobody, or gone */
    char *path;                    /* owned */
    bool is_dry, waits;
    bool is_proceeding; /* sockets are done, services have been told */
    struct conf_diff diff;
    struct strv failures; /* a sentence each */
    struct strv touched;  /* names of services whose workers are started anew */
    size_t n_watched;     /* services whose outcome is not known yet */
};

/* Before the services are told: which of them will have other workers. What has failed may not again. */
void update_note_touched(struct engine *e, struct update *u);
void update_reply_refused(struct engine *e, struct control_client *client, const char *why);
void update_reply_mistakes(struct engine *e, struct update *u, struct conf_source *source);
/* Is there a change that cannot be made? Then that is told. */
bool update_reply_impossible(struct engine *e, struct update *u);
/* For a client that does not wait; it is answered with that. */
void update_reply_started(const struct engine *e, struct update *u);
void update_reply_done(struct engine *e, struct update *u);

#endif
