/* control_server: accepts clients, cuts their bytes into calls, hands out one call at a time, sends the
 * replies.
 *
 * It decides who is let in and what is too much; what a call means is control_dispatch's affair, and it
 * writes no log. To remember: a client is freed in client_drop() only, and that is reached from the event
 * loop only. A reply just adds to the client's output and wakes it, so whoever replies never finds that the
 * client vanished under its hands. */
#include "config.h"

#include "engine/control_server.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/must.h"
#include "engine/control_dispatch.h"
#include "sys/fd.h"
#include "sys/fdbatch.h"
#include "wire/varlink.h"

#define CONTROL_PRIORITY (-1) /* signs of life of the workers are read first */
#define ACCEPT_AT_ONCE 16     /* then others have their turn */
#define ACCEPT_PAUSE 0.1      /* seconds, after an accept that failed for want of something */
#define READ_AT_ONCE 16384
#define LARGE_REPLY 65536 /* bytes of memory that go back at once */

#define LIMIT_EXCEEDED "io.berth.LimitExceeded"

struct control_server {
    struct ev_loop *loop;
    ev_io acceptable;
    ev_timer accept_pause;
    struct list clients; /* of control_client.link */
    const struct control_handler *handler;
    void *data;
    struct control_stats stats;
    bool has_group;
    gid_t group;
};

/* Descriptors that wait to be sent. */
struct pass {
    size_t at; /* before which byte of the output they go */
    size_t n;
    int fds[FDBATCH_MAX]; /* owned */
};

struct control_client {
    struct list link; /* in control_server.clients */
    struct control_server *server;
    int fd; /* owned */
    struct peer peer;
    ev_io readable, writable;
    ev_watcher wake; /* never started, only fed: there is something to do without any event */
    struct buf in, out;
    bool busy;           /* a call is in progress */
    bool oneway, more;   /* … of this kind */
    bool ended;          /* it will send nothing more */
    bool closing;        /* it goes when its output is sent; what it sends is not looked at */
    bool doomed;         /* it goes at the next turn of the loop */
    struct pass *passes; /* in the order of their places; owned */
    size_t n_passes;
    void *tag;
};

static void pass_drop_first(struct control_client *c)
{
    for (size_t i = 0; i < c->passes[0].n; i++)
        fd_close(&c->passes[0].fds[i]);
    c->n_passes--;
    memmove(c->passes, c->passes + 1, c->n_passes * sizeof *c->passes);
}

static void client_drop(struct control_client *c)
{
    struct control_server *s = c->server;
    bool was_large = c->out.cap >= LARGE_REPLY;

    if (s->handler->gone)
        s->handler->gone(c, s->data);
    ev_io_stop(s->loop, &c->readable);
    ev_io_stop(s->loop, &c->writable);
    ev_clear_pending(s->loop, &c->wake);
    list_remove(&c->link);
    fd_close(&c->fd);
    buf_fini(&c->in);
    buf_fini(&c->out);
    while (c->n_passes > 0)
        pass_drop_first(c);
    free(c->passes);
    free(c);
    s->stats.clients--;
    if (was_large)
        mem_trim();
}

/* Makes the loop come back to C even if it can be neither read nor written. */
static void client_wake(struct control_client *c)
{
    ev_feed_event(c->server->loop, &c->wake, EV_CUSTOM);
}

static void client_let_go(struct control_client *c)
{
    c->server->stats.let_go += !c->doomed;
    c->doomed = true;
    client_wake(c);
}

/* Makes room for one more message in the output, or gives C up. The limit is on what C has left unread: a
 * single long reply passes. */
static bool client_can_take(struct control_client *c)
{
    if (c->doomed || c->oneway)
        return false;
    if (c->out.len <= LIMIT_CONTROL_BACKLOG)
        return true;
    client_let_go(c);
    return false;
}

void control_client_reply(struct control_client *c, json_t *parameters, bool continues)
{
    must(c->busy);
    if ((c->more || !continues) && client_can_take(c))
        varlink_format_reply(&c->out, parameters, continues);
    json_decref(parameters);
    c->busy = continues;
    client_wake(c);
}

/* The place of the next reply, with duplicates: what is borrowed may be replaced before it is sent. */
static int pass_add(struct control_client *c, const int *fds, size_t n)
{
    c->passes = mem_resize_array(c->passes, c->n_passes + 1, sizeof *c->passes);
    struct pass *p = &c->passes[c->n_passes];
    p->at = c->out.len;
    for (p->n = 0; p->n < n; p->n++) {
        int fd = fcntl(fds[p->n], F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            int err = errno;
            while (p->n > 0)
                fd_close(&p->fds[--p->n]);
            return -err;
        }
        p->fds[p->n] = fd;
    }
    c->n_passes++;
    return 0;
}

int control_client_reply_with_fds(struct control_client *c, json_t *parameters, bool continues,
                                  const int *fds, size_t n)
{
    must(n <= FDBATCH_MAX);
    bool sends = (c->more || !continues) && !c->doomed && !c->oneway;
    int r = sends && n > 0 ? pass_add(c, fds, n) : 0;
    if (r < 0)
        return r;
    control_client_reply(c, parameters, continues);
    return 0;
}

void control_client_error(struct control_client *c, const char *error, json_t *parameters)
{
    must(c->busy);
    if (client_can_take(c))
        varlink_format_error(&c->out, error, parameters);
    json_decref(parameters);
    c->busy = false;
    client_wake(c);
}

size_t control_client_unread(const struct control_client *c)
{
    return c->out.len;
}

void control_client_set_tag(struct control_client *c, void *tag)
{
    c->tag = tag;
}

void *control_client_tag(const struct control_client *c)
{
    return c->tag;
}

struct peer control_client_peer(const struct control_client *c)
{
    return c->peer;
}

bool control_client_may_change(const struct control_client *c)
{
    const struct control_server *s = c->server;
    return c->peer.uid == 0 || c->peer.uid == geteuid() ||
           (s->has_group && peer_is_in_group(c->fd, s->group));
}

/* The next whole message becomes the call in progress. What is no call cannot be answered in order, so its
 * sender goes. */
static void client_next_call(struct control_client *c, size_t len)
{
    struct varlink_call call;
    struct berr err;

    int r = varlink_call_parse(buf_str(&c->in), len, &call, &err);
    buf_consume(&c->in, len + 1);
    if (r < 0) {
        client_let_go(c);
        return;
    }
    c->busy = true;
    c->oneway = call.oneway;
    c->more = call.more = call.more && !call.oneway;
    control_dispatch(c, &call, c->server->handler, c->server->data);
    varlink_call_fini(&call);
}

/* Says why, and lets C go when it has read that. */
static void client_refuse(struct control_client *c, const char *reason)
{
    json_t *parameters = json_pack("{s:s}", "reason", reason);

    varlink_format_error(&c->out, LIMIT_EXCEEDED, parameters);
    json_decref(parameters);
    c->closing = true;
}

static void client_refuse_length(struct control_client *c)
{
    cleanup_free char *reason = mem_printf("a message is longer than %d bytes", LIMIT_CONTROL_MESSAGE);

    client_refuse(c, reason);
    c->server->stats.let_go++;
}

static void set_watching(struct ev_loop *loop, ev_io *w, bool on)
{
    if (on)
        ev_io_start(loop, w);
    else
        ev_io_stop(loop, w);
}

/* What there is to do for C, then which events it waits for. Drops C where nothing is left to do.
 *
 * One call at a time, and only when the last reply is out: a client that pipelines thousands cannot fill our
 * memory with replies. */
static void client_advance(struct control_client *c)
{
    size_t len;

    bool idle = !c->busy && c->out.len == 0;
    bool has_call = idle && !c->closing && varlink_has_message(&c->in, &len);
    bool too_long = idle && !c->closing && !has_call && c->in.len > LIMIT_CONTROL_MESSAGE;
    if (c->doomed || (idle && !has_call && !too_long && (c->ended || c->closing))) {
        client_drop(c);
        return;
    }
    if (has_call)
        client_next_call(c, len);
    else if (too_long)
        client_refuse_length(c);

    set_watching(c->server->loop, &c->writable, c->out.len > 0);
    set_watching(c->server->loop, &c->readable,
                 !c->ended && !c->closing && c->in.len <= LIMIT_CONTROL_MESSAGE);
}

/* As much as goes with one call: descriptors go with the byte before which they stand. Bytes sent, or
 * negative errno. */
static ssize_t send_some(struct control_client *c)
{
    bool with_fds = c->n_passes > 0 && c->passes[0].at == 0;
    size_t next = with_fds ? 1 : 0;
    size_t end = next < c->n_passes ? c->passes[next].at : c->out.len;

    ssize_t n = fdbatch_send(c->fd, c->out.data, end, with_fds ? c->passes[0].fds : NULL,
                             with_fds ? c->passes[0].n : 0, MSG_DONTWAIT);
    if (n <= 0)
        return n;
    if (with_fds)
        pass_drop_first(c);
    for (size_t i = 0; i < c->n_passes; i++)
        c->passes[i].at -= (size_t)n;
    buf_consume(&c->out, (size_t)n);
    return n;
}

/* 0, or a negative errno that ends the client. */
static int client_send(struct control_client *c)
{
    ssize_t n = 0;

    while (c->out.len > 0 && n >= 0)
        n = send_some(c);
    return n >= 0 || n == -EAGAIN || n == -EINTR ? 0 : (int)n;
}

/* The end of a stream is either a client that will only read from now on, or none any more. */
static bool is_hung_up(int fd)
{
    struct pollfd p = {.fd = fd};

    return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR));
}

bool control_client_is_there(const struct control_client *c)
{
    return !is_hung_up(c->fd);
}

/* 0, or a negative errno that ends the client. */
static int client_receive(struct control_client *c)
{
    char bytes[READ_AT_ONCE];
    size_t room = LIMIT_CONTROL_MESSAGE + 1 - c->in.len;

    ssize_t n = recv(c->fd, bytes, room < sizeof bytes ? room : sizeof bytes, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0) {
        c->ended = true;
        return is_hung_up(c->fd) ? -ECONNRESET : 0;
    }
    buf_add(&c->in, bytes, (size_t)n);
    return 0;
}

static void on_client_writable(struct ev_loop *loop, ev_io *w, int events)
{
    struct control_client *c = w->data;

    (void)loop, (void)events;
    if (client_send(c) < 0)
        client_drop(c);
    else
        client_advance(c);
}

static void on_client_readable(struct ev_loop *loop, ev_io *w, int events)
{
    struct control_client *c = w->data;

    (void)loop, (void)events;
    if (client_receive(c) < 0)
        client_drop(c);
    else
        client_advance(c);
}

static void on_client_wake(struct ev_loop *loop, ev_watcher *w, int events)
{
    struct control_client *c = w->data;

    (void)loop, (void)events;
    /* Most replies fit into the socket at once; asking the kernel whether it is writable would be a detour.
     */
    if (client_send(c) < 0)
        client_drop(c);
    else
        client_advance(c);
}

static void client_new(struct control_server *s, int fd, const struct peer *peer)
{
    struct control_client *c = mem_new(sizeof *c);

    c->server = s;
    c->fd = fd;
    c->peer = *peer;
    buf_init(&c->in, LIMIT_CONTROL_MESSAGE + 1);
    buf_init(&c->out, SIZE_MAX);
    ev_io_init(&c->readable, on_client_readable, fd, EV_READ);
    ev_io_init(&c->writable, on_client_writable, fd, EV_WRITE);
    ev_init(&c->wake, on_client_wake);
    c->readable.data = c->writable.data = c->wake.data = c;
    ev_set_priority(&c->readable, CONTROL_PRIORITY);
    ev_set_priority(&c->writable, CONTROL_PRIORITY);
    ev_set_priority(&c->wake, CONTROL_PRIORITY);
    list_append(&s->clients, &c->link);
    s->stats.clients++;
    s->stats.accepted++;
    ev_io_start(s->loop, &c->readable);
}

/* One too many. It is told so in the place of its first reply; whether it reads that is its affair. */
static void refuse_connection(struct control_server *s, int fd)
{
    struct buf out;
    json_t *parameters = json_pack("{s:s}", "reason", "too many clients are connected");

    buf_init(&out, SIZE_MAX);
    varlink_format_error(&out, LIMIT_EXCEEDED, parameters);
    json_decref(parameters);
    if (send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        shutdown(fd, SHUT_WR);
    buf_fini(&out);
    s->stats.refused++;
}

/* True while there may be more connections. */
static bool accept_one(struct control_server *s)
{
    struct peer peer;
    cleanup_fd int fd = accept4(s->acceptable.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
        return errno != EAGAIN;
    if (fd < 0) {
        /* EMFILE, ENFILE, ENOMEM: the listener stays readable, so asking again at once would only burn the
         * processor. */
        ev_io_stop(s->loop, &s->acceptable);
        ev_timer_start(s->loop, &s->accept_pause);
        return false;
    }
    if (s->stats.clients >= LIMIT_CONTROL_CLIENTS)
        refuse_connection(s, fd);
    else if (peer_credentials(fd, &peer) == 0)
        client_new(s, take_fd(&fd), &peer);
    return true;
}

static void on_acceptable(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop, (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE && accept_one(w->data); i++)
        continue;
}

static void on_accept_pause_over(struct ev_loop *loop, ev_timer *w, int events)
{
    struct control_server *s = w->data;

    (void)events;
    ev_timer_stop(loop, w);
    ev_timer_set(w, ACCEPT_PAUSE, 0.);
    ev_io_start(loop, &s->acceptable);
}

void control_server_set_group(struct control_server *s, gid_t gid)
{
    s->has_group = true;
    s->group = gid;
}

struct control_server *control_server_new(struct ev_loop *loop, int listen_fd,
                                          const struct control_handler *handler, void *data)
{
    struct control_server *s = mem_new(sizeof *s);

    s->loop = loop;
    s->handler = handler;
    s->data = data;
    list_init(&s->clients);
    ev_io_init(&s->acceptable, on_acceptable, listen_fd, EV_READ);
    ev_timer_init(&s->accept_pause, on_accept_pause_over, ACCEPT_PAUSE, 0.);
    s->acceptable.data = s->accept_pause.data = s;
    ev_set_priority(&s->acceptable, CONTROL_PRIORITY);
    ev_io_start(loop, &s->acceptable);
    return s;
}

void control_server_flush(struct control_server *s)
{
    if (!s)
        return;
    list_each (c, &s->clients, struct control_client, link)
        (void)client_send(c); /* whoever does not read now will see the end of the connection */
}

void control_server_free(struct control_server *s)
{
    if (!s)
        return;
    ev_io_stop(s->loop, &s->acceptable);
    ev_timer_stop(s->loop, &s->accept_pause);
    list_each (c, &s->clients, struct control_client, link) {
        (void)client_send(c);
        client_drop(c);
    }
    free(s);
}

struct control_stats control_server_stats(const struct control_server *s)
{
    return s->stats;
}
