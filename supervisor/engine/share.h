/* share: places, each a Unix socket of its own, at which programs fetch held sockets in a protocol that they
 * speak already (serve = zerg:PATH, fdholder:PATH), or tell that they are ready (einhorn). The keeper holds
 * the listeners: while a supervisor is replaced, clients wait. */
#ifndef BERTH_ENGINE_SHARE_H
#define BERTH_ENGINE_SHARE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/berr.h"
#include "base/limits.h"
#include "base/list.h"
#include "sys/peer.h"

struct engine;
struct held_socket;
struct share_client;

/* What is spoken at a place. */
struct share_protocol {
    const char *word;
    /* Takes a message off the N bytes that came and deals with it: how many it had; 0: it is not whole yet;
     * negative: the client is to go. NULL: clients are not listened to. */
    ssize_t (*on_bytes)(struct share_client *client, const char *bytes, size_t n);
    /* A client has come. Negative: it is to go. NULL: nothing is done then. */
    int (*on_connect)(struct share_client *client);
};

extern const struct share_protocol share_zerg, share_fdholder, share_einhorn;

struct share {        /* a place */
    struct list link; /* engine.shares */
    struct engine *engine;
    const struct share_protocol *protocol;
    char path[108]; /* "@NAME": abstract */
    int fd;         /* owned */
    bool is_lent;   /* another berth held it, and may still, as in a held_socket */
    ev_io acceptable;
    ev_timer accept_pause;
    struct list clients;
    unsigned n_clients;
};

struct share_client {
    struct list link; /* share.clients */
    struct share *share;
    struct peer peer;
    int fd; /* owned */
};

/* Opens every place that the configuration names, or takes it from the keeper's entries, and drops those that
 * it does not name any more. Negative errno and a sentence. May be called again. */
int share_open(struct engine *e, struct berr *err);
/* Closes all of them for good; their paths are removed. */
void share_release_all(struct engine *e);
/* What was another berth's is ours. */
void share_own_all(struct engine *e);
void share_held_name(const struct share_protocol *protocol, const char *path, char dst[LIMIT_HELD_NAME + 1]);
/* Closes the places that the configuration does not name any more. */
void share_close_unwanted(struct engine *e);
/* Closes our copies only. */
void share_fini(struct engine *e);
/* The path at which einhorn's acks are taken, or NULL. */
const char *share_einhorn_path(const struct engine *e);

/* The held sockets that are to be had at S, in the configuration's order: how many there are; at most MAX
 * into RET. */
size_t share_sockets(const struct share *s, struct held_socket **ret, size_t max);
/* Sends all of it at once, or the client is to go: negative errno. */
int share_send(struct share_client *client, const void *bytes, size_t n, const int *fds, size_t n_fds);

#endif
