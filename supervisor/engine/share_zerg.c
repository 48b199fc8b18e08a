/* share_zerg: uWSGI's zerg pool (core/socket.c and core/io.c of uWSGI). Whoever connects is sent one message:
 * ten bytes, the number of sockets as a native int, and the descriptors; then the connection is closed. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "engine/engine.h"
#include "sys/fdbatch.h"

#define GREETING "uwsgi-zerg"
#define GREETING_LEN (sizeof GREETING - 1)

static int on_connect(struct share_client *client)
{
    struct held_socket *sockets[FDBATCH_MAX];
    char message[GREETING_LEN + sizeof(int)] = GREETING;
    int fds[FDBATCH_MAX];
    size_t n = share_sockets(client->share, sockets, FDBATCH_MAX);
    int count = (int)n;
    if (n > FDBATCH_MAX) {
        event_log_say(&client->share->engine->log, LOG_ERROR, "berth", NULL,
                      "%zu sockets at %s are more than go with one message, which is all that uWSGI reads: "
                      "%d are the most",
                      n, client->share->path, FDBATCH_MAX);
        return -E2BIG;
    }
    memcpy(message + GREETING_LEN, &count, sizeof count);
    for (size_t i = 0; i < n; i++)
        fds[i] = sockets[i]->fd;
    return share_send(client, message, sizeof message, fds, n);
}

const struct share_protocol share_zerg = {"zerg", NULL, on_connect};
