/* control_methods: what each method of io.berth does (docs/man/io.berth.varlink). */
#ifndef BERTH_ENGINE_CONTROL_METHODS_H
#define BERTH_ENGINE_CONTROL_METHODS_H

#include "engine/control_server.h"

extern const struct control_handler control_methods;

struct engine;
/* Ends a call that names the service NAME, which is none; NULL: the parameter is missing. */
void control_reply_no_service(struct control_client *client, const struct engine *e, const char *name);

#endif
