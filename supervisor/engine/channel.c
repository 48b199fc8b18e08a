/* channel: see the header. A message is looked at first and taken off the queue when what follows from it is
 * recorded: a supervisor that dies between the two leaves it to its successor. */
#include "config.h"

#include "engine/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "core/held_name.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/spawn_kit.h"
#include "sys/fd.h"
#include "sys/fdbatch.h"
#include "wire/channel_msg.h"
#include "wire/notify_msg.h"

#define PACKETS_AT_ONCE 16        /* then others have their turn */
#define SEND_BUFFER (1024 * 1024) /* the sockets of the largest service wait in it until the worker reads */

void channel_held_name(const struct worker *w, char dst[LIMIT_HELD_NAME + 1])
{
    struct held_name h = {.kind = HELD_CHANNEL, .slot = w->slot, .serial = w->serial};
    snprintf(h.name, sizeof h.name, "%s", w->service->conf->name);
    int r = held_name_format(dst, &h);
    must(r == 0);
}

/* --- what the worker says ------------------------------------------------------------------------------ */

static void on_message(struct worker *w, const char *text, size_t n)
{
    struct notify_msg m;
    int r = notify_msg_parse(text, n, &m);
    if (r < 0) {
        worker_say(w, LOG_WARNING,
                   r == -EMSGSIZE ? "sent a message that is too long over its channel; it is ignored"
                                  : "sent a message with a NUL byte over its channel; it is ignored");
        return;
    }
    notify_apply(w, &m, NULL, 0);
}

/* False when there is nothing more to read just now. */
static bool read_one(struct worker *w)
{
    char text[LIMIT_NOTIFY + 1];
    int fds[FDBATCH_MAX];
    size_t n_fds = 0;
    ssize_t n = recv(w->channel->fd, text, sizeof text, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0)
        return errno == EINTR;
    if (n == 0) { /* its end is closed everywhere; what is queued for it is gone with it */
        ev_io_stop(w->service->engine->loop, &w->channel->readable);
        return false;
    }
    crash_point(CRASH_AT_channel_message_read);
    on_message(w, text, (size_t)n);
    if (fdbatch_recv(w->channel->fd, text, sizeof text, fds, FDBATCH_MAX, &n_fds, MSG_DONTWAIT) >= 0)
        for (size_t i = 0; i < n_fds; i++)
            close(fds[i]); /* nothing that it may say needs one */
    return true;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int revents)
{
    (void)loop, (void)revents;
    struct worker *w = watcher->data;
    for (int i = 0; i < PACKETS_AT_ONCE && w->channel && read_one(w); i++)
        continue;
}

/* --- its life ------------------------------------------------------------------------------------------ */

static int send_sockets(int fd, const struct handoff_socket *sockets, size_t total)
{
    cleanup_free struct channel_socket *all = mem_new_array(total + 1, sizeof *all);
    cleanup_free char *texts = mem_new_array(total + 1, ADDRESS_TEXT);
    cleanup_free int *fds = mem_new_array(total + 1, sizeof *fds);
    size_t first = 0;
    for (size_t i = 0; i < total; i++) {
        all[i].name = sockets[i].name;
        all[i].address = ""; /* of one that was stored we do not know */
        if (sockets[i].endpoint.family != AF_UNSPEC)
            all[i].address = endpoint_format(texts + i * ADDRESS_TEXT, ADDRESS_TEXT, &sockets[i].endpoint);
        fds[i] = sockets[i].fd;
    }
    do {
        struct buf packet;
        size_t n = total - first < CHANNEL_PACKET_FDS ? total - first : CHANNEL_PACKET_FDS;
        buf_init(&packet, SIZE_MAX);
        channel_msg_format_sockets(&packet, all, total, first, n);
        ssize_t r = fdbatch_send(fd, packet.data, packet.len, fds + first, n, MSG_DONTWAIT);
        buf_fini(&packet);
        if (r < 0)
            return (int)r;
        first += n;
    } while (first < total);
    return 0;
}

int channel_open(struct worker *w, const struct handoff_socket *sockets, size_t n, int *ret_fd,
                 struct berr *err)
{
    int pair[2], size = SEND_BUFFER;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return berr_set(err, BERR_SYSTEM, errno, "its channel could not be made: %s", strerror(errno));
    cleanup_fd int ours = pair[0], theirs = pair[1];
    setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* a smaller one does for most */
    int r = w->is_spare ? 0 : send_sockets(ours, sockets, n);
    if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r, "%zu sockets could not be put into its channel: %s", n,
                        strerror(-r));
    char name[LIMIT_HELD_NAME + 1];
    channel_held_name(w, name);
    keeper_link_put(&w->service->engine->keeper, name, ours);
    crash_point(CRASH_AT_channel_held);
    channel_adopt(w, take_fd(&ours));
    *ret_fd = take_fd(&theirs);
    return 0;
}

int channel_activate(struct worker *w, struct berr *err)
{
    struct spawn_kit *k = spawn_kit_new();
    int r = w->channel ? spawn_kit_take_sockets(k, w->service, w->slot, err)
                       : berr_set(err, BERR_SYSTEM, ENOTCONN, "it has no channel");
    if (r == 0 && (r = send_sockets(w->channel->fd, k->sockets, k->n_sockets + k->n_stored)) < 0)
        berr_set(err, BERR_SYSTEM, -r, "%s",
                 r == -EPIPE ? "it has closed its channel, or ended" : strerror(-r));
    spawn_kit_free(k);
    return r;
}

void channel_adopt(struct worker *w, int fd)
{
    w->channel = mem_new(sizeof *w->channel);
    w->channel->fd = fd;
    ev_io_init(&w->channel->readable, on_readable, fd, EV_READ);
    w->channel->readable.data = w;
    ev_io_start(w->service->engine->loop, &w->channel->readable);
}

void channel_drain(const struct worker *w)
{
    static const char text[] = "DRAIN=1\n";
    if (w->channel)
        send(w->channel->fd, text, sizeof text - 1,
             MSG_DONTWAIT | MSG_NOSIGNAL); /* the signal says it in any case */
}

void channel_close(struct worker *w)
{
    if (!w->channel)
        return;
    char name[LIMIT_HELD_NAME + 1];
    channel_held_name(w, name);
    ev_io_stop(w->service->engine->loop, &w->channel->readable);
    fd_close(&w->channel->fd);
    free(w->channel);
    w->channel = NULL;
    keeper_link_drop(&w->service->engine->keeper, name);
}
