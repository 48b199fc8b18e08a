/* borrow: lends held sockets to a client of the control socket, which gets them as descriptors
 * (io.berth.Borrow). */
#ifndef BERTH_ENGINE_BORROW_H
#define BERTH_ENGINE_BORROW_H

#include <jansson.h>
#include <stdbool.h>

struct control_client;
struct held_socket;

/* A control_method's function; DATA is the engine. */
void borrow_call(struct control_client *client, json_t *parameters, bool more, void *data);

#endif
