/* control_dispatch: from a call to the function that answers it. */
#ifndef BERTH_ENGINE_CONTROL_DISPATCH_H
#define BERTH_ENGINE_CONTROL_DISPATCH_H

#include "engine/control_server.h"
#include "wire/varlink.h"

/* Answers CALL, or has HANDLER's method do so with DATA. */
void control_dispatch(struct control_client *client, const struct varlink_call *call,
                      const struct control_handler *handler, void *data);

#endif
