/* take_over_call: see the header. One call at a time; whatever breaks the connection, it is made again and
 * the other one asked again, until nobody answers there any more: then what we have is ours. */
#include "config.h"

#include "engine/take_over_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/mem.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "sys/control_socket.h"
#include "sys/fd.h"
#include "sys/fdbatch.h"
#include "wire/varlink.h"

#define SUBJECT "take-over"
#define AGAIN 0.05               /* seconds between two tries to connect */
#define LATE 30.0                /* seconds within which everything is to be received */
#define SILENT 5.0               /* … within which it usually lets go */
#define REPLY_MAX (1024u * 1024) /* a page is much shorter */

void take_over_hang_up(struct engine *e)
{
    struct take_over *t = &e->take_over;
    struct ev_loop *loop = e->loop;
    ev_timer_stop(loop, &t->again);
    ev_timer_stop(loop, &t->late);
    if (t->is_connected)
        ev_io_stop(loop, &t->readable);
    t->is_connected = false;
    t->call = CALL_NONE;
    fd_close(&t->fd);
    buf_fini(&t->in);
    buf_init(&t->in, REPLY_MAX);
    while (t->n_fds > 0)
        fd_close(&t->fds[--t->n_fds]);
}

/* --- calls --------------------------------------------------------------------------------------------- */

static void lost(struct engine *e);

static void send_call(struct engine *e, enum take_over_call call, const char *method, json_t *parameters)
{
    struct take_over *t = &e->take_over;
    struct buf out;
    buf_init(&out, REPLY_MAX);
    varlink_format_call(&out, method, parameters, false);
    json_decref(parameters);
    ssize_t n = send(t->fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    bool is_whole = n == (ssize_t)out.len;
    buf_fini(&out);
    t->call = call;
    if (!is_whole)
        lost(e);
}

static void ask_page(struct engine *e)
{
    send_call(e, CALL_PAGE, "io.berth.TakeOver",
              json_pack("{s:I, s:i}", "id", (json_int_t)e->take_over.id, "first", (int)e->take_over.list.n));
}

static void ask(struct engine *e)
{
    if (e->take_over.state == TAKE_OVER_ASKING) {
        passed_list_fini(&e->take_over.list);
        ask_page(e);
    } else {
        send_call(e, CALL_RESUME, "io.berth.TakeOver",
                  json_pack("{s:I, s:b}", "id", (json_int_t)e->take_over.id, "resumes", 1));
    }
}

static void send_end(struct engine *e, bool is_done, bool is_in_place)
{
    send_call(e, CALL_END, "io.berth.EndTakeOver",
              json_pack("{s:I, s:b, s:b}", "id", (json_int_t)e->take_over.id, "done", (int)is_done,
                        "in_place", (int)is_in_place));
}

void take_over_tell_end(struct engine *e, bool is_done)
{
    if (is_done) {
        ev_timer_set(&e->take_over.late, SILENT, 0);
        ev_timer_start(e->loop, &e->take_over.late);
    }
    send_end(e, is_done, false);
}

/* --- answers ------------------------------------------------------------------------------------------- */

/* Everything is here: into the keeper with it, and then it is as after a crash. */
static void on_all(struct engine *e, const char *version)
{
    struct take_over *t = &e->take_over;
    char quoted[40];
    ev_timer_stop(e->loop, &t->late);
    event_log_say(&e->log, LOG_INFO, SUBJECT, NULL,
                  "was passed %zu sockets and %zu stored descriptors by berth %s at %s",
                  passed_count(&t->list, HELD_SOCKET), passed_count(&t->list, HELD_STORED),
                  str_escape(quoted, sizeof quoted, version, strlen(version)), t->path);
    take_over_keep(e);
    crash_point(CRASH_AT_take_over_kept);
    t->state = TAKE_OVER_HAS_ALL;
    engine_save(e);
    crash_point(CRASH_AT_take_over_has_all);
    engine_open_sockets(e);
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* As many descriptors as names, or something was lost on the way. */
static bool take_page(struct take_over *t, const json_t *reply)
{
    const json_t *passed = json_object_get(reply, "passed"), *o;
    size_t i, n = json_array_size(passed);
    bool is_good = n == t->n_fds && (size_t)json_integer_value(json_object_get(reply, "first")) == t->list.n;
    if (is_good)
        json_array_foreach (passed, i, o)
            is_good = passed_parse(&t->list, o, take_fd(&t->fds[i])) == 0 && is_good;
    while (t->n_fds > 0)
        fd_close(&t->fds[--t->n_fds]);
    return is_good;
}

static void on_page(struct engine *e, const json_t *reply)
{
    struct take_over *t = &e->take_over;
    json_int_t total = json_integer_value(json_object_get(reply, "total"));
    size_t before = t->list.n;
    if (!take_page(t, reply) || total > LIMIT_HELD || (json_int_t)t->list.n > total ||
        (t->list.n == before && (json_int_t)before < total)) {
        take_over_refused(e, BERR_PROTOCOL, "what it sent is not what it said");
        return;
    }
    if ((json_int_t)t->list.n < total)
        ask_page(e);
    else
        on_all(e, text_of(reply, "version"));
}

static void on_reply(struct engine *e, const json_t *reply)
{
    struct take_over *t = &e->take_over;
    enum take_over_call call = t->call;
    t->call = CALL_NONE;
    t->has_been_answered = true;
    if (t->state != TAKE_OVER_ASKING)
        ev_timer_stop(e->loop, &t->late);
    if (call == CALL_PAGE && t->state == TAKE_OVER_ASKING && !e->is_shutting_down) {
        on_page(e, reply);
    } else if (call == CALL_RESUME) {
        take_over_follow(e);
    } else if (call == CALL_END && !t->is_given_up && take_over_is_pending(e)) {
        take_over_conclude(e);
        event_log_say(&e->log, LOG_INFO, SUBJECT, NULL,
                      "has taken over from the berth at %s, which drains and ends", t->path);
        send_end(e, true, true); /* … and may go, now that its place is taken */
    }
}

static void on_error(struct engine *e, const struct varlink_reply *reply)
{
    char quoted[600];
    const char *reason = text_of(reply->parameters, "reason");
    const char *why = strstr(reply->error, ".MethodNotFound")
                          ? "it is too old for that; end it, and start without --take-over"
                      : *reason ? reason
                                : reply->error;
    take_over_hang_up(e); /* it has nothing to do with us */
    if (!e->take_over.is_given_up)
        take_over_refused(e, BERR_FAILED, str_escape_controls(quoted, sizeof quoted, why, strlen(why)));
}

/* One message; false when there is none that is whole, or no more connection. */
static bool read_message(struct engine *e)
{
    struct take_over *t = &e->take_over;
    struct varlink_reply reply;
    struct berr err;
    size_t len;
    if (!t->is_connected || !varlink_has_message(&t->in, &len))
        return false;
    int r = varlink_reply_parse(buf_str(&t->in), len, &reply, &err);
    buf_consume(&t->in, len + 1);
    if (r < 0) {
        take_over_refused(e, BERR_PROTOCOL, "what answers there is no berth");
        return false;
    }
    if (reply.error)
        on_error(e, &reply);
    else
        on_reply(e, reply.parameters);
    varlink_reply_fini(&reply);
    return true;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)revents;
    struct engine *e = io->data;
    struct take_over *t = &e->take_over;
    char bytes[16384];
    int fds[FDBATCH_MAX];
    size_t n_fds = 0;
    ssize_t n = fdbatch_recv(t->fd, bytes, sizeof bytes, fds, FDBATCH_MAX, &n_fds, MSG_DONTWAIT);
    if (n == -EAGAIN || n == -EINTR)
        return;
    if (n == -EMFILE) {
        take_over_refused(e, BERR_FAILED,
                          "its descriptors find no room here: raise the limit of open files (ulimit -n)");
        return;
    }
    t->fds = mem_resize_array(t->fds, t->n_fds + n_fds + 1, sizeof *t->fds);
    memcpy(t->fds + t->n_fds, fds, n_fds * sizeof *fds);
    t->n_fds += n_fds;
    if (n <= 0) {
        lost(e);
        return;
    }
    buf_add(&t->in, bytes, (size_t)n);
    if (t->in.overflown || t->n_fds > FDBATCH_MAX) {
        take_over_refused(e, BERR_PROTOCOL, "what answers there is no berth");
        return;
    }
    while (read_message(e))
        continue;
}

/* --- the connection ------------------------------------------------------------------------------------ */

/* 0, or the negative errno of connect(2) and a sentence. */
static int connect_now(struct engine *e, struct berr *err)
{
    struct take_over *t = &e->take_over;
    int fd = control_socket_dial(t->path, err);
    if (fd < 0)
        return fd;
    t->fd = fd;
    t->is_connected = true;
    ev_io_init(&t->readable, on_readable, fd, EV_READ);
    t->readable.data = e;
    ev_io_start(e->loop, &t->readable);
    ask(e);
    return 0;
}

/* Nobody is there any more who could carry on. */
static void on_nobody(struct engine *e)
{
    struct take_over *t = &e->take_over;
    bool has_all = t->state != TAKE_OVER_ASKING;
    take_over_hang_up(e);
    event_log_say(&e->log, LOG_WARNING, SUBJECT, NULL, "the berth at %s is gone%s", t->path,
                  has_all ? ", and what it held is here" : " before it passed anything on");
    take_over_conclude(e);
    if (!has_all)
        engine_open_sockets(e);
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct engine *e = timer->data;
    struct berr err;
    if (e->is_shutting_down || !take_over_is_pending(e) || e->take_over.is_connected) {
        ev_timer_stop(loop, timer);
        return;
    }
    int r = connect_now(e, &err);
    if (r == -ECONNREFUSED || r == -ENOENT)
        on_nobody(e);
}

/* The keeper of the other one holds its control socket, so as long as there is anything of it, that can be
 * connected to. */
static void lost(struct engine *e)
{
    struct take_over *t = &e->take_over;
    bool was_late = ev_is_active(&t->late);
    double late = ev_timer_remaining(e->loop, &t->late);
    take_over_hang_up(e);
    if (t->state == TAKE_OVER_DONE)
        event_log_say(&e->log, LOG_INFO, SUBJECT, NULL, "the berth before this one has ended");
    if (!take_over_is_pending(e) || e->is_shutting_down)
        return;
    event_log_say(&e->log, LOG_DEBUG, SUBJECT, NULL, "the connection to %s is lost: asking again", t->path);
    ev_timer_again(e->loop, &t->again);
    if (was_late) {
        ev_timer_set(&t->late, late, 0);
        ev_timer_start(e->loop, &t->late);
    }
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    struct engine *e = timer->data;
    if (e->take_over.state == TAKE_OVER_ASKING)
        take_over_refused(e, BERR_FAILED, "it does not answer; it may be stopped, or very busy");
    else
        event_log_say(&e->log, LOG_WARNING, SUBJECT, NULL,
                      "all is ready, and the berth at %s does not answer; it may be stopped, or very busy: "
                      "waiting for it, while both serve",
                      e->take_over.path);
}

/* The first try of all is the one that tells whether there is anything to take over from. */
void take_over_call_first(struct engine *e)
{
    struct berr err, told;
    int r = connect_now(e, &err);
    bool is_nobody = r == -ECONNREFUSED || r == -ENOENT;
    bool goes_on = e->take_over.state != TAKE_OVER_ASKING || (is_nobody && !e->keeper.is_first);
    if (r < 0 && (r == -EAGAIN || goes_on))
        ev_timer_again(e->loop, &e->take_over.again);
    if (r == 0 || r == -EAGAIN || goes_on)
        return;
    berr_set(&told, err.class, -r, "%s; where there is nothing to take over, start without --take-over",
             err.text);
    engine_fail_start(e, &told, e->conf->is_run ? engine_failure_status(e) : berr_exit_status(&told));
}

void take_over_call_init(struct engine *e)
{
    struct take_over *t = &e->take_over;
    buf_init(&t->in, REPLY_MAX);
    ev_init(&t->again, on_again);
    t->again.repeat = AGAIN;
    ev_timer_init(&t->late, on_late, LATE, 0);
    t->again.data = t->late.data = e;
}
