/* output_logs: the method Logs: the last lines of what workers wrote, from the ring, and those that follow.
 *
 * A client that reads more slowly than a worker writes misses lines, which it is told; it holds up neither
 * the worker nor us. */
#ifndef BERTH_ENGINE_OUTPUT_LOGS_H
#define BERTH_ENGINE_OUTPUT_LOGS_H

#include "engine/control_server.h"

struct engine;
struct output;

void output_logs_call(struct control_client *client, json_t *parameters, bool more, void *data);
/* SLOT has written something, which the ring has. */
void output_logs_tell(struct output *o, unsigned place);
/* The last N lines that were written in PLACE after SINCE_MS (wall time), with " | " between them; "" where
 * there are none. O may be NULL. The caller's. */
char *output_last_lines(const struct output *o, unsigned place, int64_t since_ms, size_t n);
void output_logs_on_client_gone(struct engine *e, const struct control_client *client);
/* Nothing more will be written. */
void output_logs_on_over(struct engine *e);

#endif
