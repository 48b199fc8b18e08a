/* share: see the header. A client is answered within the moment or let go: nothing is kept for it but the
 * bytes of a message that is not whole yet, and these in the kernel. */
#include "config.h"

#include "engine/share.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "core/conf_schema.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "sys/fd.h"
#include "sys/fdbatch.h"
#include "sys/unix_path.h"
#include "sys/user.h"

#define MESSAGE_MAX 8192
#define ACCEPT_PAUSE 0.1 /* seconds, after an accept that failed for want of something */
#define PATIENCE 10.0    /* seconds that a client may take for a message */

static const struct share_protocol *const protocols[] = {&share_zerg, &share_fdholder, &share_einhorn};

static const struct share_protocol *find_protocol(const char *word, size_t n)
{
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (strlen(protocols[i]->word) == n && memcmp(protocols[i]->word, word, n) == 0)
            return protocols[i];
    return NULL;
}

static void say(const struct share *s, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void say(const struct share *s, enum log_level level, const char *fmt, ...)
{
    char subject[160];
    va_list ap;
    snprintf(subject, sizeof subject, "%s:%s", s->protocol->word, s->path);
    va_start(ap, fmt);
    event_log_vsay(&s->engine->log, level, subject, NULL, fmt, ap);
    va_end(ap);
}

/* --- who may come -------------------------------------------------------------------------------------- */

static bool is_user(const char *name, const struct peer *p)
{
    struct user u = {.groups = NULL};
    struct berr err;
    bool is = name && *name && user_find(name, &u, &err) == 0 && u.uid == p->uid;
    free(u.groups);
    return is;
}

static bool is_group(const char *name, const struct peer *p)
{
    struct berr err;
    gid_t gid;
    return *name && user_find_group(name, &gid, &err) == 0 && gid == p->gid;
}

/* Does a socket of this place belong to P, or is a service that uses it P's? */
static bool is_owner(const struct share *s, const struct peer *p)
{
    struct held_socket *sockets[LIMIT_HANDOFF_FDS];
    size_t n = share_sockets(s, sockets, LIMIT_HANDOFF_FDS);
    const struct engine *e = s->engine;
    for (size_t i = 0; i < n && i < LIMIT_HANDOFF_FDS; i++) {
        const struct socket_options *o = sockets[i]->socket->options;
        if (is_user(o->user, p) || is_group(o->group, p))
            return true;
        for (size_t k = 0; k < e->n_services; k++)
            if (hold_is_used_by(sockets[i], e->services[k]->conf) &&
                is_user(e->services[k]->conf->with->user, p))
                return true;
    }
    return false;
}

/* At einhorn's place every worker that speaks it may say that it is ready. */
static bool is_einhorn_worker(const struct engine *e, const struct peer *p)
{
    for (size_t i = 0; i < e->n_services; i++)
        if (handoff_has_word(&e->services[i]->conf->with->handoff, "einhorn") &&
            is_user(e->services[i]->conf->with->user, p))
            return true;
    return false;
}

static bool may_come(const struct share *s, const struct peer *p)
{
    if (p->uid == 0 || p->uid == geteuid())
        return true;
    return s->protocol == &share_einhorn ? is_einhorn_worker(s->engine, p) : is_owner(s, p);
}

/* --- clients ------------------------------------------------------------------------------------------- */

struct client {
    struct share_client self;
    struct buf in;
    ev_io readable;
    ev_timer patience;
};

static void client_drop(struct client *c)
{
    struct ev_loop *loop = c->self.share->engine->loop;
    ev_io_stop(loop, &c->readable);
    ev_timer_stop(loop, &c->patience);
    list_remove(&c->self.link);
    c->self.share->n_clients--;
    fd_close(&c->self.fd);
    buf_fini(&c->in);
    free(c);
}

/* Negative: the client is to go. Descriptors that come are nothing that we take. */
static int client_read(struct client *c)
{
    char bytes[MESSAGE_MAX];
    int fds[FDBATCH_MAX];
    size_t n_fds = 0;
    ssize_t n = fdbatch_recv(c->self.fd, bytes, sizeof bytes, fds, FDBATCH_MAX, &n_fds, MSG_DONTWAIT);
    while (n_fds > 0)
        close(fds[--n_fds]);
    if (n == -EAGAIN || n == -EINTR)
        return 0;
    if (n <= 0)
        return -ECONNRESET;
    buf_add(&c->in, bytes, (size_t)n);
    return c->in.overflown ? -EMSGSIZE : 0;
}

/* Every message that is whole. */
static int client_listen(struct client *c)
{
    ssize_t used = 0;
    while (c->in.len > 0 && (used = c->self.share->protocol->on_bytes(&c->self, c->in.data, c->in.len)) > 0)
        buf_consume(&c->in, (size_t)used);
    return used < 0 ? (int)used : 0;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int revents)
{
    (void)revents;
    struct client *c = watcher->data;
    if (client_read(c) < 0 || client_listen(c) < 0)
        client_drop(c);
    else
        ev_timer_again(loop, &c->patience);
}

static void on_patience_over(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    client_drop(t->data);
}

int share_send(struct share_client *client, const void *bytes, size_t n, const int *fds, size_t n_fds)
{
    ssize_t sent = fdbatch_send(client->fd, bytes, n, fds, n_fds, MSG_DONTWAIT);
    char who[PEER_TEXT];
    if (sent < 0)
        say(client->share, LOG_WARNING, "%s could not be sent its %zu sockets: %s",
            peer_format(who, &client->peer), n_fds, strerror((int)-sent));
    return sent < 0 ? (int)sent : (size_t)sent == n ? 0 : -ENOBUFS;
}

/* FD is taken. */
static void client_new(struct share *s, int fd, const struct peer *peer)
{
    struct client *c = mem_new(sizeof *c);
    c->self = (struct share_client){.share = s, .peer = *peer, .fd = fd};
    buf_init(&c->in, MESSAGE_MAX);
    ev_io_init(&c->readable, on_readable, fd, EV_READ);
    ev_timer_init(&c->patience, on_patience_over, PATIENCE, PATIENCE);
    c->readable.data = c->patience.data = c;
    list_append(&s->clients, &c->self.link);
    s->n_clients++;
    bool stays =
        (!s->protocol->on_connect || s->protocol->on_connect(&c->self) == 0) && s->protocol->on_bytes;
    if (!stays) {
        client_drop(c);
        return;
    }
    ev_io_start(s->engine->loop, &c->readable);
    ev_timer_start(s->engine->loop, &c->patience);
}

static void on_acceptable(struct ev_loop *loop, ev_io *watcher, int revents)
{
    (void)revents;
    struct share *s = watcher->data;
    struct peer peer;
    char who[PEER_TEXT];
    cleanup_fd int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
        ev_io_stop(loop, watcher);
        ev_timer_set(&s->accept_pause, ACCEPT_PAUSE, 0);
        ev_timer_start(loop, &s->accept_pause);
        return;
    }
    if (fd < 0 || peer_credentials(fd, &peer) < 0)
        return;
    if (!may_come(s, &peer))
        say(s, LOG_WARNING, "%s was turned away: none of these sockets is its user's",
            peer_format(who, &peer));
    else if (s->n_clients >= LIMIT_SHARE_CLIENTS)
        say(s, LOG_WARNING, "%s was turned away: there are %d clients already", peer_format(who, &peer),
            LIMIT_SHARE_CLIENTS);
    else
        client_new(s, take_fd(&fd), &peer);
}

static void on_accept_pause_over(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)revents;
    struct share *s = t->data;
    ev_io_start(loop, &s->acceptable);
}

/* --- places -------------------------------------------------------------------------------------------- */

/* Does C want to be served at S? */
static bool is_wanted_by(const struct share *s, const struct socket_conf *c)
{
    size_t n = strlen(s->protocol->word);
    for (size_t i = 0; i < c->serve.n; i++)
        if (strncmp(c->serve.v[i], s->protocol->word, n) == 0 && strcmp(c->serve.v[i] + n + 1, s->path) == 0)
            return true;
    return false;
}

size_t share_sockets(const struct share *s, struct held_socket **ret, size_t max)
{
    const struct hold *hold = &s->engine->hold;
    struct held_socket *h;
    size_t n = 0;
    hold_each(h, hold)
    {
        if (!is_wanted_by(s, h->socket))
            continue;
        if (n < max)
            ret[n] = h;
        n++;
    }
    return n;
}

static struct share *find_share(const struct engine *e, const struct share_protocol *protocol,
                                const char *path)
{
    list_each (s, &e->shares, struct share, link)
        if (s->protocol == protocol && strcmp(s->path, path) == 0)
            return s;
    return NULL;
}

void share_held_name(const struct share_protocol *protocol, const char *path, char dst[LIMIT_HELD_NAME + 1])
{
    struct held_name h = {.kind = HELD_SHARE};
    snprintf(h.name, sizeof h.name, "%s", protocol->word);
    snprintf(h.address, sizeof h.address, "%s", path);
    int r = held_name_format(dst, &h);
    must(r == 0);
}

/* The keeper's entry NAME's descriptor, or -1. */
static int take_held(struct engine *e, const char *name)
{
    struct keeper_entry *entry = keeper_link_find(&e->keeper, name);
    return entry ? take_fd(&entry->fd) : -1;
}

static int listen_at(const struct socket_options *o, const char *path, struct berr *err)
{
    struct address a;
    struct endpoint ep;
    cleanup_free char *text = mem_printf("unix:%s", path);
    int r = address_parse(text, &a, err);
    if (r < 0)
        return r;
    r = address_to_endpoint(&a, &ep);
    must(r == 0);
    r = listener_open(&ep, o, err);
    if (r >= 0)
        fd_set_nonblock(r, true);
    return r;
}

/* OWNER: the socket whose mode, user and group are the path's. */
static int open_one(struct engine *e, const struct share_protocol *protocol, const char *path,
                    const struct socket_options *owner, struct berr *err)
{
    struct socket_options options = {0};
    struct socket_conf plain = {.name = NULL, .options = &options};
    char name[LIMIT_HELD_NAME + 1];
    if (find_share(e, protocol, path))
        return 0;
    conf_set_defaults(CONF_SOCKET, &plain);
    options.mode = owner->mode;
    memcpy(options.user, owner->user, sizeof options.user);
    memcpy(options.group, owner->group, sizeof options.group);
    share_held_name(protocol, path, name);
    int fd = take_held(e, name);
    bool is_lent = fd >= 0 && take_over_is_pending(e);
    if (fd < 0 && e->is_shutting_down)
        return 0;
    if (fd < 0) {
        fd = listen_at(&options, path, err);
        if (fd < 0)
            return fd;
        keeper_link_put(&e->keeper, name, fd);
        crash_point(CRASH_AT_share_held);
    }
    struct share *s = mem_new(sizeof *s);
    s->engine = e;
    s->protocol = protocol;
    snprintf(s->path, sizeof s->path, "%s", path);
    s->fd = fd;
    s->is_lent = is_lent;
    list_init(&s->clients);
    list_append(&e->shares, &s->link);
    ev_io_init(&s->acceptable, on_acceptable, fd, EV_READ);
    ev_timer_init(&s->accept_pause, on_accept_pause_over, ACCEPT_PAUSE, 0);
    s->acceptable.data = s->accept_pause.data = s;
    ev_io_start(e->loop, &s->acceptable);
    return 0;
}

/* Beside the control socket, which the same users may reach; without one there is none. */
static bool einhorn_path(const struct engine *e, char dst[108])
{
    bool wanted = false;
    for (size_t i = 0; i < e->n_services; i++)
        wanted = wanted || handoff_has_word(&e->services[i]->conf->with->handoff, "einhorn");
    const char *control = take_over_own_place(e); /* never one that another berth's workers know */
    return wanted && *control && control[0] != '@' && snprintf(dst, 108, "%s.einhorn", control) < 108;
}

static int open_einhorn(struct engine *e, struct berr *err)
{
    struct socket_options open_to_workers = {.mode = 0666}; /* credentials decide who is one */
    char path[108];
    return einhorn_path(e, path) ? open_one(e, &share_einhorn, path, &open_to_workers, err) : 0;
}

/* What a predecessor held and nobody names any more. */
static void drop_unwanted(struct engine *e)
{
    for (size_t i = 0; i < e->keeper.n_entries; i++) {
        struct keeper_entry *entry = &e->keeper.entries[i];
        struct held_name name;
        held_name_parse(entry->name, &name);
        if (name.kind != HELD_SHARE || entry->fd < 0)
            continue;
        if (!hand_over_is_shared(e))
            unix_path_give_up(name.address, true);
        fd_close(&entry->fd);
        keeper_link_drop(&e->keeper, entry->name);
    }
}

int share_open(struct engine *e, struct berr *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < e->conf->n_sockets; i++) {
        const struct socket_conf *c = &e->conf->sockets[i];
        for (size_t k = 0; r == 0 && k < c->serve.n; k++) {
            size_t n = strcspn(c->serve.v[k], ":");
            r = open_one(e, find_protocol(c->serve.v[k], n), c->serve.v[k] + n + 1, c->options, err);
            if (r < 0)
                berr_prefix(err, "socket %s: serve", c->name);
        }
    }
    if (r == 0)
        r = open_einhorn(e, err);
    drop_unwanted(e);
    return r;
}

static void share_free(struct share *s)
{
    list_each (c, &s->clients, struct client, self.link)
        client_drop(c);
    ev_io_stop(s->engine->loop, &s->acceptable);
    ev_timer_stop(s->engine->loop, &s->accept_pause);
    list_remove(&s->link);
    fd_close(&s->fd);
    free(s);
}

static void release(struct share *s)
{
    char name[LIMIT_HELD_NAME + 1];
    share_held_name(s->protocol, s->path, name);
    if (s->path[0] != '@' && !s->is_lent && !hand_over_keeps_file(s->engine, s->path, true))
        unix_path_give_up(s->path, true);
    keeper_link_drop(&s->engine->keeper, name);
    share_free(s);
}

void share_own_all(struct engine *e)
{
    list_each (s, &e->shares, struct share, link)
        s->is_lent = false;
}

void share_release_all(struct engine *e)
{
    list_each (s, &e->shares, struct share, link)
        release(s);
}

void share_close_unwanted(struct engine *e)
{
    char einhorn[108];
    list_each (s, &e->shares, struct share, link) {
        bool is_wanted = s->protocol == &share_einhorn && einhorn_path(e, einhorn);
        for (size_t i = 0; i < e->conf->n_sockets && !is_wanted; i++)
            is_wanted = is_wanted_by(s, &e->conf->sockets[i]);
        if (!is_wanted)
            release(s);
    }
}

void share_fini(struct engine *e)
{
    list_each (s, &e->shares, struct share, link)
        share_free(s);
}

const char *share_einhorn_path(const struct engine *e)
{
    list_each (s, &e->shares, struct share, link)
        if (s->protocol == &share_einhorn)
            return s->path;
    return NULL;
}
