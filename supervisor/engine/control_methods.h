/* control_methods: what each method of io.berth does (docs/man/io.berth.varlink). */
#ifndef BERTH_ENGINE_CONTROL_METHODS_H
#define BERTH_ENGINE_CONTROL_METHODS_H

#include <stdint.h>

#include "engine/control_server.h"

extern const struct control_handler control_methods;

struct engine;
/* Ends a call that names the service NAME, which is none; NULL: the parameter is missing. */
void control_reply_no_service(struct control_client *client, const struct engine *e, const char *name);

struct service;
struct service_conf;
/* The services of parameter "services": all of them when it is missing or empty. NULL when the client has
 * been told what is wrong; else an array to be freed. */
struct service **control_find_services(struct control_client *client, const struct engine *e,
                                       json_t *parameters, size_t *ret_n);
#define CONTROL_TIME 64
/* RFC 3339 in UTC, with milliseconds. */
void control_format_time(char dst[CONTROL_TIME], int64_t wall_ms);

#endif
