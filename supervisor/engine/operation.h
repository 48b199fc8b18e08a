/* operation: a control call that waits until what it asked for has come about, or cannot. */
#ifndef BERTH_ENGINE_OPERATION_H
#define BERTH_ENGINE_OPERATION_H

#include <stdbool.h>

#include "base/list.h"
#include "core/worker_fsm.h"

struct control_client;
struct engine;
struct service;
struct worker;

enum operation_kind {
    OPERATION_START,
    OPERATION_STOP,
    OPERATION_RESTART,
    OPERATION_RELOAD,
    OPERATION_SCALE,
    OPERATION_SHUTDOWN
};

/* Begins KIND on the services (all of them are the engine's; the array is copied) and answers CLIENT: at once
 * without WAIT, else when the outcome is known, with progress before that where it asked for more. N is for
 * SCALE. */
void operation_begin(struct engine *e, struct control_client *client, enum operation_kind kind,
                     struct service *const *services, size_t n_services, unsigned n, bool wait);
/* W has changed its state: tells those who wait. */
void operation_on_change(struct engine *e, const struct worker *w);
/* The process of W has ended, W is still as it was before that, and EVENT is what it comes to. */
void operation_on_end(const struct worker *w, enum worker_event event);
/* S has changed as a whole: it has begun, or cannot. */
void operation_on_service_change(struct service *s);
/* The before_start of S, or its command that reloads, has ended. */
void operation_on_hook_failed(struct service *s, const char *how);
void operation_on_reloaded(struct service *s, unsigned number, bool is_good, const char *how);
/* Waits on, where a predecessor had told the workers of S of a reload by a signal. */
void operation_resume(struct service *s);
/* S goes out of the configuration: nobody waits for it any more. */
void operation_on_service_leaving(struct service *s);
/* The client has gone; its operation goes on without anybody to tell. */
void operation_on_client_gone(struct engine *e, const struct control_client *client);
/* Everything has ended: answers whoever waits for the shutdown. */
void operation_on_over(struct engine *e);

#endif
