/* explanation: what core/explain tells, as JSON: the reply of io.berth.Explain, and what `berth run
 * --explain` prints. */
#ifndef BERTH_ENGINE_EXPLANATION_H
#define BERTH_ENGINE_EXPLANATION_H

#include <jansson.h>
#include <stdbool.h>

#include "core/explain.h"

struct control_client;

/* A new reference. */
json_t *explanation_to_json(const struct explanation *x, const struct handoff_input *in);
/* A control_method's function; DATA is the engine. */
void explanation_call(struct control_client *client, json_t *parameters, bool more, void *data);

#endif
