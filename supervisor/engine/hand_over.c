/* hand_over: see the header. */
#include "config.h"

#include "engine/hand_over.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/crash_point.h"
#include "engine/engine.h"
#include "sys/clock.h"
#include "sys/fdbatch.h"
#include "sys/unix_path.h"

#define PATIENCE 5.0 /* seconds; a supervisor that was killed is back within one */
#define SUBJECT "take-over"

static void record(struct engine *e, enum hand_over_state state)
{
    e->hand_over.state = state;
    engine_save(e);
}

static void refuse(struct engine *e, struct control_client *client, const char *why)
{
    event_log_say(&e->log, LOG_ERROR, SUBJECT, NULL, "another berth wants to take over, and cannot: %s", why);
    control_client_error(client, "io.berth.Failed", json_pack("{s:s, s:s}", "service", "", "reason", why));
}

/* --- going on as before -------------------------------------------------------------------------------- */

/* What the other one's workers did to the sockets is put right. */
static void carry_on(struct engine *e, const char *why)
{
    struct hand_over *h = &e->hand_over;
    ev_timer_stop(e->loop, &h->patience);
    passed_list_fini(&h->list);
    h->client = NULL;
    record(e, HAND_OVER_NONE);
    event_log_say(&e->log, LOG_WARNING, SUBJECT, NULL, "the other berth %s: this one carries on", why);
    take_over_clear_up(e, h->id);
    if (e->is_shutting_down)
        return;
    socket_guard_resume(&e->guard);
    hold_follow_refusals(e);
    socket_guard_check(&e->guard, NULL);
}

/* Its control socket is in the place of ours, or will not be. */
static void leave(struct engine *e)
{
    ev_timer_stop(e->loop, &e->hand_over.patience);
    record(e, HAND_OVER_LEFT);
    engine_proceed_shutdown(e);
}

bool hand_over_is_shared(const struct engine *e)
{
    return e->hand_over.state != HAND_OVER_NONE || take_over_is_pending(e);
}

bool hand_over_is_awaited(const struct engine *e)
{
    return e->hand_over.state == HAND_OVER_DONE;
}

static void on_patience_over(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct engine *e = t->data;
    if (e->hand_over.state == HAND_OVER_DONE)
        leave(e);
    else
        carry_on(e, "was not heard of any more");
}

static void await_taker(struct engine *e)
{
    ev_timer *t = &e->hand_over.patience;
    ev_timer_stop(e->loop, t);
    ev_timer_init(t, on_patience_over, PATIENCE, 0);
    t->data = e;
    ev_now_update(e->loop);
    ev_timer_start(e->loop, t);
}

void hand_over_on_client_gone(struct engine *e, const struct control_client *client)
{
    struct hand_over *h = &e->hand_over;
    if (h->client != client)
        return;
    h->client = NULL;
    passed_list_fini(&h->list);
    if ((h->state == HAND_OVER_UNDER_WAY || h->state == HAND_OVER_DONE) && !e->is_over)
        await_taker(e);
}

void hand_over_resume(struct engine *e)
{
    if (e->hand_over.state == HAND_OVER_UNDER_WAY || e->hand_over.state == HAND_OVER_DONE)
        await_taker(e);
}

/* --- connections that we have accepted ----------------------------------------------------------------- */

static int64_t time_left(const struct service *s)
{
    int64_t most = s->conf->with->stop_timeout_ns; /* without an end they would not be told to end at all */
    return most == INT64_MAX ? 0 : most - mono_between(s->engine->hand_over.since, clock_mono());
}

bool hand_over_lets_finish(const struct service *s)
{
    return hand_over_is_done(&s->engine->hand_over) && !s->engine->is_hurried && s->accepts &&
           service_has_process(s) && time_left(s) > 0;
}

static void await_connections(struct engine *e)
{
    struct hand_over *h = &e->hand_over;
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < e->n_services; i++)
        if (hand_over_lets_finish(e->services[i]) && time_left(e->services[i]) < next)
            next = time_left(e->services[i]);
    if (next == INT64_MAX)
        return;
    ev_now_update(e->loop);
    ev_timer_set(&h->connections, (double)next / NSEC_PER_SEC + 0.001, 0);
    ev_timer_start(e->loop, &h->connections);
}

static void on_time_over(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    engine_proceed_shutdown(t->data);
    await_connections(t->data);
}

void hand_over_begin_end(struct engine *e)
{
    struct hand_over *h = &e->hand_over;
    if (!hand_over_is_done(h))
        return;
    h->since = clock_mono();
    ev_timer_init(&h->connections, on_time_over, 0, 0);
    h->connections.data = e;
    await_connections(e);
}

void hand_over_fini(struct engine *e)
{
    ev_timer_stop(e->loop, &e->hand_over.patience);
    ev_timer_stop(e->loop, &e->hand_over.connections);
    passed_list_fini(&e->hand_over.list);
    strv_fini(&e->hand_over.files);
}

/* --- what is held -------------------------------------------------------------------------------------- */

/* A duplicate, for what is held may change until it is sent. Negative errno. */
static int add(struct engine *e, const char *held, int fd, const char *bound, const char *path)
{
    uint64_t device = 0, inode = 0;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return -errno;
    if (path)
        unix_path_file(path, &device, &inode);
    passed_add(&e->hand_over.list, held, bound, device, inode, copy);
    return 0;
}

struct collection {
    struct engine *engine;
    int r;
};

static void add_stored(void *data, const char *held, int fd)
{
    struct collection *c = data;
    c->r = c->r < 0 ? c->r : add(c->engine, held, fd, NULL, NULL);
}

/* Not the place where einhorn's workers say that they are ready: ours would say it to the other one. */
static int add_shares(struct engine *e)
{
    char held[LIMIT_HELD_NAME + 1];
    int r = 0;
    list_each (s, &e->shares, struct share, link) {
        if (r < 0 || s->protocol == &share_einhorn)
            continue;
        share_held_name(s->protocol, s->path, held);
        r = add(e, held, s->fd, NULL, s->path[0] == '@' ? NULL : s->path);
    }
    return r;
}

static int collect(struct engine *e)
{
    struct collection c = {e, 0};
    struct held_socket *h;
    char held[LIMIT_HELD_NAME + 1];
    passed_list_fini(&e->hand_over.list);
    hold_each(h, &e->hold)
    {
        hold_held_name(h, held);
        c.r = c.r < 0 ? c.r : add(e, held, h->fd, h->bound, hold_unix_path(h));
    }
    for (size_t i = 0; i < e->n_services; i++)
        fd_store_each(e->services[i], add_stored, &c);
    return c.r < 0 ? c.r : add_shares(e);
}

/* --- TakeOver ------------------------------------------------------------------------------------------ */

const char *hand_over_obstacle(const struct engine *e)
{
    return e->hand_over.state == HAND_OVER_UNDER_WAY ? "another berth is taking over just now"
           : hand_over_is_done(&e->hand_over)        ? "another berth has taken over"
           : take_over_is_pending(e)                 ? "it is itself taking over from another berth just now"
                                                     : NULL;
}

/* Also where we are ended while the other one has them all, and has not said so yet. */
bool hand_over_keeps_file(struct engine *e, const char *path, bool unlink)
{
    if (e->hand_over.state == HAND_OVER_NONE)
        return false;
    if (unlink)
        strv_add(&e->hand_over.files, path);
    return true;
}

void hand_over_remove_files(struct engine *e)
{
    const struct strv *files = &e->hand_over.files;
    for (size_t i = 0; i < files->n; i++)
        if (unix_path_is_live(files->v[i]) == 0)
            unix_path_give_up(files->v[i], true);
}

static const char *impossible(const struct engine *e, int64_t id, bool resumes)
{
    if (id == e->take_over.id)
        return "that is the very berth that asks; name the control socket of another one";
    if (e->hand_over.state != HAND_OVER_NONE && id == e->hand_over.id)
        return NULL;
    if (hand_over_obstacle(e))
        return hand_over_obstacle(e);
    return e->is_shutting_down  ? "it is shutting down"
           : !e->has_begun      ? "it is still starting: its sockets cannot be bound yet"
           : e->update          ? "an update is under way"
           : e->upgrades.asking ? "an upgrade is under way"
           : resumes            ? "it has waited for it in vain, and carries on"
                                : NULL;
}

static void begin(struct engine *e, struct control_client *client, int64_t id)
{
    struct hand_over *h = &e->hand_over;
    struct peer peer = control_client_peer(client);
    char who[PEER_TEXT];
    /* What a killed supervisor has sent may be read behind what its successor has. */
    if (!h->client || control_client_is_there(client))
        h->client = client;
    if (h->state == HAND_OVER_UNDER_WAY)
        ev_timer_stop(e->loop, &h->patience);
    if (h->state != HAND_OVER_NONE)
        return;
    h->id = id;
    record(e, HAND_OVER_UNDER_WAY);
    crash_point(CRASH_AT_hand_over_begun);
    event_log_say(&e->log, LOG_INFO, SUBJECT, NULL, "another berth takes over (%s)", peer_format(who, &peer));
}

/* As many as go with one reply, from FIRST on. */
static int reply_page(struct engine *e, struct control_client *client, size_t first)
{
    const struct passed_list *l = &e->hand_over.list;
    int fds[FDBATCH_MAX];
    size_t n = l->n - first < FDBATCH_MAX ? l->n - first : FDBATCH_MAX;
    json_t *passed = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(passed, passed_describe(&l->items[first + i]));
        fds[i] = l->items[first + i].fd;
    }
    json_t *reply = json_pack("{s:o, s:i, s:i, s:s}", "passed", passed, "first", (int)first, "total",
                              (int)l->n, "version", PACKAGE_VERSION);
    int r = control_client_reply_with_fds(client, reply, false, fds, n);
    if (r < 0)
        json_decref(reply);
    else if (first + n == l->n && l->n > 0)
        event_log_say(
            &e->log, LOG_INFO, SUBJECT, NULL,
            "passes on %zu sockets and %zu stored descriptors, and keeps them until the other one is "
            "ready",
            passed_count(l, HELD_SOCKET), passed_count(l, HELD_STORED));
    crash_point(CRASH_AT_hand_over_sent);
    return r;
}

static void tell_exhausted(struct engine *e, struct control_client *client, int r)
{
    event_log_say(&e->log, LOG_ERROR, SUBJECT, NULL, "there is no room for the descriptors: %s",
                  strerror(-r));
    control_client_error(client, "io.berth.LimitExceeded",
                         json_pack("{s:s}", "reason",
                                   "it has no room for so many descriptors: raise its limit of open files "
                                   "(ulimit -n, with which it is started)"));
    if (e->hand_over.state == HAND_OVER_UNDER_WAY)
        carry_on(e, "cannot be sent everything");
}

void hand_over_call(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    struct engine *e = data;
    json_t *id = json_object_get(parameters, "id"), *first = json_object_get(parameters, "first");
    bool resumes = json_is_true(json_object_get(parameters, "resumes"));
    size_t from = (size_t)json_integer_value(first);
    if (!json_is_integer(id) || json_integer_value(id) == 0) {
        control_client_invalid_parameter(client, "id");
        return;
    }
    const char *why = impossible(e, json_integer_value(id), resumes);
    if (why) {
        refuse(e, client, why);
        return;
    }
    if (from > (e->hand_over.client == client ? e->hand_over.list.n : 0)) {
        control_client_invalid_parameter(client, "first"); /* it has not been sent what comes before */
        return;
    }
    begin(e, client, json_integer_value(id));
    int r = resumes || from > 0 ? 0 : collect(e);
    if (r < 0 || (r = reply_page(e, client, from)) < 0)
        tell_exhausted(e, client, r);
}

/* --- EndTakeOver --------------------------------------------------------------------------------------- */

/* From here on it is the other one's, whoever of us dies. */
static void let_go(struct engine *e, struct control_client *client)
{
    record(e, HAND_OVER_DONE);
    crash_point(CRASH_AT_hand_over_recorded);
    passed_list_fini(&e->hand_over.list);
    control_client_reply(client, NULL, false);
    control_server_flush(e->control);
    crash_point(CRASH_AT_hand_over_answered);
    event_log_say(&e->log, LOG_INFO, SUBJECT, NULL, "the other berth has taken over; what runs here drains");
    await_taker(e);
    engine_shutdown(e, false);
}

void hand_over_end_call(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    struct engine *e = data;
    struct hand_over *h = &e->hand_over;
    bool is_done = json_is_true(json_object_get(parameters, "done"));
    if (h->state == HAND_OVER_NONE || json_integer_value(json_object_get(parameters, "id")) != h->id)
        refuse(e, client, "no take-over of that number is under way");
    else if (h->state == HAND_OVER_UNDER_WAY && is_done && control_client_is_there(client))
        let_go(e, client);
    else if (h->state == HAND_OVER_UNDER_WAY && is_done)
        refuse(e, client, "it has gone before this could be answered");
    else {
        if (!is_done && h->state == HAND_OVER_UNDER_WAY)
            carry_on(e, "has given up");
        control_client_reply(client, NULL, false);
        if (h->state == HAND_OVER_DONE && json_is_true(json_object_get(parameters, "in_place")))
            leave(e);
    }
}
