/* share_fdholder: what a client of s6's fd-holder may ask here: which descriptors there are, and for one of
 * them. It cannot store, delete or dump: these sockets are not its. A socket's first descriptor is called
 * NAME, the others NAME:2, NAME:3 … */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "wire/fdholder.h"

#define ID_ROOM (LIMIT_NAME + 32)

/* The identifier of SOCKETS[I]: they are in the configuration's order, so those of one name stand together.
 */
static void format_id(struct held_socket *const *sockets, size_t i, char dst[ID_ROOM])
{
    size_t number = 1;
    while (number <= i && sockets[i - number]->socket == sockets[i]->socket)
        number++;
    if (number == 1)
        snprintf(dst, ID_ROOM, "%s", sockets[i]->socket->name);
    else
        snprintf(dst, ID_ROOM, "%s:%zu", sockets[i]->socket->name, number);
}

static int reply(struct share_client *client, struct buf *frame, const int *fds, size_t n_fds)
{
    int r = share_send(client, frame->data, frame->len, fds, n_fds);
    buf_fini(frame);
    return r;
}

static int reply_result(struct share_client *client, int result)
{
    struct buf frame;
    buf_init(&frame, SIZE_MAX);
    fdholder_format_result(&frame, result, 0);
    return reply(client, &frame, NULL, 0);
}

static int reply_list(struct share_client *client, struct held_socket *const *sockets, size_t n)
{
    struct buf frame;
    struct strv ids = {NULL, 0};
    char id[ID_ROOM];
    for (size_t i = 0; i < n; i++) {
        format_id(sockets, i, id);
        strv_add(&ids, id);
    }
    buf_init(&frame, SIZE_MAX);
    fdholder_format_list(&frame, (const char *const *)ids.v, ids.n);
    strv_fini(&ids);
    return reply(client, &frame, NULL, 0);
}

static int reply_socket(struct share_client *client, struct held_socket *const *sockets, size_t n,
                        const char *wanted)
{
    struct buf frame;
    char id[ID_ROOM];
    for (size_t i = 0; i < n; i++) {
        format_id(sockets, i, id);
        if (strcmp(id, wanted) != 0)
            continue;
        buf_init(&frame, SIZE_MAX);
        fdholder_format_result(&frame, 0, 1);
        return reply(client, &frame, &sockets[i]->fd, 1);
    }
    return reply_result(client, ENOENT);
}

static ssize_t on_bytes(struct share_client *client, const char *bytes, size_t n_bytes)
{
    struct fdholder_request request;
    ssize_t used = fdholder_parse(bytes, n_bytes, &request);
    int r = 0;
    if (used <= 0)
        return used;
    size_t n = share_sockets(client->share, NULL, 0);
    cleanup_free struct held_socket **sockets = mem_new_array(n + 1, sizeof *sockets);
    share_sockets(client->share, sockets, n);
    switch (request.kind) {
    case FDHOLDER_LIST:
        r = reply_list(client, sockets, n);
        break;
    case FDHOLDER_RETRIEVE:
        r = reply_socket(client, sockets, n, request.id);
        break;
    case FDHOLDER_TAKE:
    case FDHOLDER_OTHER:
        r = reply_result(client, EPERM);
        break;
    }
    return r < 0 ? r : used;
}

const struct share_protocol share_fdholder = {"fdholder", on_bytes, NULL};
