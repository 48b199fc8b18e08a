/* control_server: the supervisor's end of the control socket: clients, messages, limits. What the methods do
 * is the handler's business; org.varlink.service and everything that is wrong with a call as such is answered
 * by control_dispatch.
 *
 * A client has at most one call in progress. What it sends meanwhile waits. No function here calls the
 * handler back: `call` and `gone` come from the event loop only (and `gone` from control_server_free()), so a
 * client may be kept and replied to until `gone`. */
#ifndef BERTH_ENGINE_CONTROL_SERVER_H
#define BERTH_ENGINE_CONTROL_SERVER_H

#include <jansson.h>
#include <stdbool.h>

#include "sys/peer.h"

struct ev_loop;
struct control_server;
struct control_client;

struct control_method {
    const char *name; /* "Status", of the interface io.berth */
    bool changes;     /* only those who may change something may call it; others get PermissionDenied */
    bool needs_more;  /* it goes on for ever; without `more` the client gets ExpectedMore */
    /* PARAMETERS is an object, borrowed. Ends, now or later, with one control_client_reply() without
     * CONTINUES or one control_client_error(). NULL: MethodNotImplemented. */
    void (*call)(struct control_client *client, json_t *parameters, bool more, void *data);
};

struct control_handler {
    const struct control_method *methods; /* ends with a NULL name */
    /* The client is not there any more, a call of it in progress or not; the pointer is dead afterwards. May
     * be NULL. */
    void (*gone)(struct control_client *client, void *data);
};

struct control_stats {
    unsigned clients;            /* now */
    unsigned long long accepted; /* ever */
    unsigned long long refused;  /* one too many */
    unsigned long long let_go;   /* sent what is no message, too much, or did not read */
};

/* Serves on LISTEN_FD: listening, non-blocking, borrowed. HANDLER is borrowed. */
struct control_server *control_server_new(struct ev_loop *loop, int listen_fd,
                                          const struct control_handler *handler, void *data);
/* Takes NULL. Replies that are not sent yet are tried once more, without waiting. */
void control_server_free(struct control_server *server);
/* Before this process ends without notice: sends what can be sent at once. Takes NULL. */
void control_server_flush(struct control_server *server);
/* Members of the group GID may change things, besides root and our own user. */
void control_server_set_group(struct control_server *server, gid_t gid);
struct control_stats control_server_stats(const struct control_server *server);

/* PARAMETERS may be NULL; the reference is taken. With CONTINUES more replies follow: such a one is dropped
 * where the client did not ask for `more`, so progress may always be told. To a oneway call nothing is ever
 * sent. */
void control_client_reply(struct control_client *client, json_t *parameters, bool continues);
/* The same, with N descriptors (at most FDBATCH_MAX) that go with the reply's first byte; they stay the
 * caller's. A negative errno when they could not be duplicated until then: nothing is replied then, and
 * PARAMETERS is still the caller's. */
int control_client_reply_with_fds(struct control_client *client, json_t *parameters, bool continues,
                                  const int *fds, size_t n);
/* ERROR: "io.berth.NoSuchService". Ends the call; PARAMETERS as above. */
void control_client_error(struct control_client *client, const char *error, json_t *parameters);
/* org.varlink.service.InvalidParameter: ends the call. */
void control_client_invalid_parameter(struct control_client *client, const char *parameter);

/* How many bytes of replies it has not read yet. */
size_t control_client_unread(const struct control_client *client);

/* Something of the handler's, NULL at first. */
void control_client_set_tag(struct control_client *client, void *tag);
void *control_client_tag(const struct control_client *client);
/* Who was there when it connected. */
struct peer control_client_peer(const struct control_client *client);
/* Is it still there, as far as the kernel knows? */
bool control_client_is_there(const struct control_client *client);
/* Root, our own uid, and the group. */
bool control_client_may_change(const struct control_client *client);

/* The text of io.berth, made from docs/man/io.berth.varlink at build time. */
extern const char control_interface_text[];

#endif
