/* client: a command's end of the control socket. Calls are made one after the other; reads block, for as long
 * as an operation takes. */
#ifndef BERTH_CMD_CLIENT_H
#define BERTH_CMD_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/berr.h"
#include "base/buf.h"
#include "base/mono.h"

struct client {
    int fd; /* owned; -1: not connected */
    struct buf in;
    int *fds; /* that came with replies and were not taken yet; owned */
    size_t n_fds;
    struct mono give_up; /* a read fails at this moment; MONO_NEVER at first */
    char path[256];
};

/* Connects to the supervisor at CONTROL (--control, or NULL). Negative errno and BERR_UNREACHABLE, say. */
int client_open(struct client *c, const char *control, struct berr *err);
void client_close(struct client *c);
/* After a lost connection: tries to connect for as long as DURATION_NS. BERR_UNREACHABLE. */
int client_reopen(struct client *c, int64_t duration_ns, struct berr *err);

/* Sends a call of io.berth; METHOD without the interface's name. Takes the reference PARAMETERS, which may be
 * NULL. That the other side is gone shows at the next read. */
void client_send(struct client *c, const char *method, json_t *parameters, bool more);
/* Waits for the next reply: its parameters (a new reference) and whether more will follow. An error of the
 * other side is a negative errno and a sentence. -ECONNRESET and BERR_UNREACHABLE when the connection is
 * lost, -ETIMEDOUT when GIVE_UP has come. */
int client_receive(struct client *c, json_t **ret, bool *ret_continues, struct berr *err);
/* Takes the first N descriptors that came, CLOEXEC, into RET; false when there are fewer. */
bool client_take_fds(struct client *c, int *ret, size_t n);
/* Is a whole reply here already, without reading? */
bool client_has_reply(const struct client *c);
/* Both, for a call with one reply. */
int client_call(struct client *c, const char *method, json_t *parameters, json_t **ret, struct berr *err);

/* Did the call fail because the other side is gone, rather than because it refused? */
bool client_is_lost(const struct berr *err);

#endif
