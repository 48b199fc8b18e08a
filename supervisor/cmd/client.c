/* client: carries calls and replies, and turns what a supervisor refuses into sentences and classes (the exit
 * statuses).
 *
 * It prints nothing and knows no method. To remember: what the supervisor sends is foreign text, so it is
 * escaped before it becomes part of a sentence. */
#include "config.h"

#include "cmd/client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/clock.h"
#include "sys/control_socket.h"
#include "sys/fd.h"
#include "sys/fdbatch.h"
#include "wire/varlink.h"

#define REPLY_MAX (256u * 1024 * 1024) /* a supervisor that sends more in one reply is not one */
#define RETRY_MS 50

int client_open(struct client *c, const char *control, struct berr *err)
{
    bool is_chosen;

    *c = (struct client){.fd = -1, .give_up = MONO_NEVER};
    buf_init(&c->in, REPLY_MAX);
    int r = control_socket_path(c->path, sizeof c->path, control, &is_chosen, err);
    if (r < 0)
        return r;
    int fd = control_socket_connect(c->path, err);
    if (fd < 0)
        return fd;
    c->fd = fd;
    return 0;
}

void client_close(struct client *c)
{
    fd_close(&c->fd);
    buf_fini(&c->in);
    while (c->n_fds > 0)
        fd_close(&c->fds[--c->n_fds]);
    free(c->fds);
    c->fds = NULL;
}

int client_reopen(struct client *c, int64_t duration_ns, struct berr *err)
{
    struct mono end = mono_add(clock_mono(), duration_ns);

    client_close(c);
    buf_init(&c->in, REPLY_MAX);
    for (;;) {
        int fd = control_socket_connect(c->path, err);
        if (fd >= 0 || !mono_is_before(clock_mono(), end)) {
            c->fd = fd >= 0 ? fd : -1;
            return fd >= 0 ? 0 : fd;
        }
        /* Nothing tells of a socket that begins to listen. */
        poll(NULL, 0, RETRY_MS);
    }
}

static int fail_lost(const struct client *c, int errnum, const char *what, struct berr *err)
{
    char path[300];

    return berr_set(err, BERR_UNREACHABLE, errnum, "the supervisor at '%s' %s",
                    str_escape(path, sizeof path, c->path, strlen(c->path)), what);
}

void client_send(struct client *c, const char *method, json_t *parameters, bool more)
{
    struct buf out;
    cleanup_free char *name = mem_printf("io.berth.%s", method);

    buf_init(&out, REPLY_MAX);
    varlink_format_call(&out, name, parameters, more);
    json_decref(parameters);
    while (out.len > 0) {
        ssize_t n = send(c->fd, out.data, out.len, MSG_NOSIGNAL);
        if (n >= 0) {
            buf_consume(&out, (size_t)n);
        } else if (errno != EINTR) {
            /* The read will tell, perhaps even why: one client too many is sent an error and then closed.
             * Half a call must not keep both sides waiting. */
            shutdown(c->fd, SHUT_WR);
            break;
        }
    }
    buf_fini(&out);
}

/* Waits until there is something to read, or the client gives up. */
static int await_bytes(const struct client *c, struct berr *err)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};

    while (!mono_is_never(c->give_up)) {
        int64_t ms = mono_between(clock_mono(), c->give_up) / NSEC_PER_MSEC + 1;
        if (ms <= 0)
            return fail_lost(c, ETIMEDOUT, "does not answer; it may be stopped, or very busy", err);
        int n = poll(&p, 1, ms < INT_MAX ? (int)ms : INT_MAX);
        if (n > 0 || (n < 0 && errno != EINTR))
            break;
    }
    return 0;
}

static void keep_fds(struct client *c, const int *fds, size_t n)
{
    c->fds = mem_resize_array(c->fds, c->n_fds + n + 1, sizeof *c->fds);
    memcpy(c->fds + c->n_fds, fds, n * sizeof *fds);
    c->n_fds += n;
}

bool client_take_fds(struct client *c, int *ret, size_t n)
{
    if (n > c->n_fds)
        return false;
    memcpy(ret, c->fds, n * sizeof *ret);
    c->n_fds -= n;
    memmove(c->fds, c->fds + n, c->n_fds * sizeof *ret);
    return true;
}

static int read_more(struct client *c, struct berr *err)
{
    char bytes[16384];

    int r = await_bytes(c, err);
    if (r < 0)
        return r;
    int fds[FDBATCH_MAX];
    size_t n_fds = 0;
    ssize_t n = fdbatch_recv(c->fd, bytes, sizeof bytes, fds, FDBATCH_MAX, &n_fds, 0);
    if (n == -EINTR)
        return 0;
    if (n == -EMFILE)
        return berr_set(
            err, BERR_FAILED, EMFILE,
            "descriptors that the supervisor sent found no room: raise the limit of open files (ulimit -n)");
    keep_fds(c, fds, n_fds);
    if (n <= 0)
        return fail_lost(c, ECONNRESET, "closed the connection before it answered; see its log for why", err);
    buf_add(&c->in, bytes, (size_t)n);
    if (c->in.overflown)
        return berr_set(err, BERR_PROTOCOL, EBADMSG,
                        "the supervisor's reply is longer than %u bytes; is it a berth?", REPLY_MAX);
    return 0;
}

/* Escaped into DST; "" when it is missing or no string. */
static const char *string_member(char *dst, size_t size, const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return str_escape(dst, size, s ? s : "", s ? strlen(s) : 0);
}

/* WHAT is "service" or "socket", and the member that names it. */
static int fail_unknown(const json_t *parameters, const char *what, struct berr *err)
{
    char quoted[160], all[512] = "";
    const json_t *known = json_object_get(parameters, "known");
    const char *name = json_string_value(json_object_get(parameters, what));
    struct strv names = {NULL, 0};
    size_t used = 0;

    for (size_t i = 0; i < json_array_size(known); i++) {
        const char *s = json_string_value(json_array_get(known, i));
        if (s && str_is_name(s))
            strv_add(&names, s);
    }
    for (size_t i = 0; i < names.n && used < sizeof all; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "", names.v[i]);
    const char *nearest = name && names.n > 0 ? str_nearest(name, (const char *const *)names.v) : NULL;
    string_member(quoted, sizeof quoted, parameters, what);
    int r = nearest ? berr_set(err, BERR_NO_SERVICE, ENOENT, "there is no %s '%s', did you mean '%s'?", what,
                               quoted, nearest)
                    : berr_set(err, BERR_NO_SERVICE, ENOENT, "there is no %s '%s' (there is: %s)", what,
                               quoted, names.n > 0 ? all : "none");
    strv_fini(&names);
    return r;
}

static int fail_no_service(const json_t *parameters, struct berr *err)
{
    return fail_unknown(parameters, "service", err);
}

static int fail_no_socket(const json_t *parameters, struct berr *err)
{
    return fail_unknown(parameters, "socket", err);
}

static int fail_operation(const json_t *parameters, struct berr *err)
{
    char service[160], reason[800];

    string_member(service, sizeof service, parameters, "service");
    string_member(reason, sizeof reason, parameters, "reason");
    return berr_set(err, BERR_FAILED, ECANCELED, "%s%s%s", service, service[0] ? ": " : "", reason);
}

static int fail_denied(const json_t *parameters, struct berr *err)
{
    char reason[800];

    return berr_set(err, BERR_DENIED, EACCES, "the supervisor does not let you do that: %s",
                    string_member(reason, sizeof reason, parameters, "reason"));
}

static int fail_limit(const json_t *parameters, struct berr *err)
{
    char reason[800];

    return berr_set(err, BERR_FAILED, EAGAIN, "the supervisor turned the call away: %s; try again later",
                    string_member(reason, sizeof reason, parameters, "reason"));
}

static int fail_parameter(const json_t *parameters, struct berr *err)
{
    char name[160];

    return berr_set(err, BERR_PROTOCOL, EINVAL,
                    "the supervisor does not accept the value of '%s'; it may be of another version",
                    string_member(name, sizeof name, parameters, "parameter"));
}

static int fail_method(const json_t *parameters, struct berr *err)
{
    char method[160];

    return berr_set(err, BERR_PROTOCOL, ENOSYS,
                    "the supervisor does not know '%s'; it is of another version than this command",
                    string_member(method, sizeof method, parameters, "method"));
}

static const struct {
    const char *error;
    int (*fail)(const json_t *parameters, struct berr *err);
} errors[] = {
    {"io.berth.NoSuchService", fail_no_service},
    {"io.berth.NoSuchSocket", fail_no_socket},
    {"io.berth.Failed", fail_operation},
    {"io.berth.PermissionDenied", fail_denied},
    {"io.berth.LimitExceeded", fail_limit},
    {"org.varlink.service.InvalidParameter", fail_parameter},
    {"org.varlink.service.MethodNotFound", fail_method},
    {"org.varlink.service.MethodNotImplemented", fail_method},
};

static int fail_by_error(const char *error, const json_t *parameters, struct berr *err)
{
    char name[160];

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (str_eq(errors[i].error, error))
            return errors[i].fail(parameters, err);
    }
    return berr_set(err, BERR_PROTOCOL, EPROTO, "the supervisor answered with the error %s",
                    str_escape(name, sizeof name, error, strlen(error)));
}

bool client_has_reply(const struct client *c)
{
    size_t len;

    return varlink_has_message(&c->in, &len);
}

int client_receive(struct client *c, json_t **ret, bool *ret_continues, struct berr *err)
{
    struct varlink_reply reply;
    size_t len;
    int r = 0;

    while (r == 0 && !varlink_has_message(&c->in, &len))
        r = read_more(c, err);
    if (r == 0) {
        r = varlink_reply_parse(buf_str(&c->in), len, &reply, err);
        buf_consume(&c->in, len + 1);
    }
    if (r < 0)
        return r;
    if (reply.error) {
        r = fail_by_error(reply.error, reply.parameters, err);
    } else {
        *ret = json_incref(reply.parameters);
        *ret_continues = reply.continues;
    }
    varlink_reply_fini(&reply);
    return r;
}

int client_call(struct client *c, const char *method, json_t *parameters, json_t **ret, struct berr *err)
{
    bool continues;

    client_send(c, method, parameters, false);
    return client_receive(c, ret, &continues, err);
}

bool client_is_lost(const struct berr *err)
{
    return err->class == BERR_UNREACHABLE;
}
