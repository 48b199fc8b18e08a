/* control_methods: see the header. They read the engine, or begin an operation; they decide nothing. */
#include "config.h"

#include "engine/control_methods.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/signame.h"
#include "core/diagnose.h"
#include "engine/borrow.h"
#include "engine/engine.h"
#include "engine/explanation.h"
#include "engine/operation.h"
#include "engine/output_logs.h"
#include "engine/said.h"
#include "engine/standby.h"
#include "engine/update.h"
#include "sys/clock.h"

/* --- Status -------------------------------------------------------------------------------------------- */

static void set_optional(json_t *object, const char *key, json_t *value)
{
    if (value)
        json_object_set_new(object, key, value);
}

static int64_t ms_between(struct mono from, struct mono to)
{
    int64_t ns = mono_between(from, to);
    return ns > 0 ? ns / NSEC_PER_MSEC : 0;
}

static json_t *describe_worker(const struct worker *w)
{
    struct mono now = clock_mono();
    char end[96];
    json_t *o = json_pack("{s:i, s:i, s:s, s:I, s:i}", "worker", (int)w->slot, "generation",
                          (int)w->generation, "state", worker_state_name(w->state), "since_ms",
                          (json_int_t)ms_between(w->since, now), "restarts", (int)w->restarts);
    set_optional(o, "pid", w->pid ? json_integer(w->pid) : NULL);
    set_optional(o, "next_start_ms",
                 w->state == WORKER_BACKOFF ? json_integer(ms_between(now, w->due)) : NULL);
    set_optional(o, "last_end",
                 w->has_last_status ? json_string(diagnose_wait_status(end, sizeof end, w->last_status))
                                    : NULL);
    set_optional(o, "role", w->role == WORKER_CURRENT ? NULL : json_string(worker_role_name(w->role)));
    set_optional(o, "spare", w->is_spare ? json_true() : NULL);
    set_optional(o, "peer", w->connection && w->connection->peer ? json_string(w->connection->peer) : NULL);
    set_optional(o, "status", w->status ? json_string(w->status) : NULL);
    said_describe(w, o);
    size_t n_stored = fd_store_count(w->service, w->slot);
    set_optional(o, "stored", n_stored > 0 ? json_integer((json_int_t)n_stored) : NULL);
    set_optional(o, "note", w->note ? json_string(w->note) : NULL);
    return o;
}

static json_t *strings(const struct strv *sv)
{
    json_t *array = json_array();
    for (size_t i = 0; i < sv->n; i++) {
        json_t *s = json_string(sv->v[i]);
        json_array_append_new(array, s ? s : json_string("(not UTF-8)"));
    }
    return array;
}

/* What is under way, or why what was under way last was given up; NULL where there is nothing to tell. */
static json_t *describe_reload(const struct service *s)
{
    const struct rolling *r = s->rolling;
    if (rolling_is_active(s))
        return json_pack("{s:i, s:s}", "generation", (int)r->target, "state", "rolling");
    if (!r || !r->has_failed)
        return NULL;
    json_t *o = json_pack("{s:i, s:s}", "generation", (int)r->last_target, "state", "failed");
    set_optional(o, "reason", r->reason ? json_string(r->reason) : NULL);
    return o;
}

static json_t *describe_service(const struct service *s)
{
    unsigned ready = 0, spares = 0, restarts = 0;
    json_t *workers = json_array();
    const struct worker *w;
    service_each_worker (w, s) {
        bool is_current = w->role == WORKER_CURRENT;
        ready += is_current && w->state == WORKER_READY;
        spares += is_current && w->state == WORKER_STANDBY;
        restarts += is_current ? w->restarts : 0;
        json_array_append_new(workers, describe_worker(w));
    }
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:o, s:o, s:o}", "name", s->conf->name, "state",
                  service_state_name(service_state(s)), "wanted", s->is_wanted ? "up" : "down", "generation",
                  (int)s->generation, "ready", (int)ready, "wanted_workers", (int)s->n_wanted, "restarts",
                  (int)restarts, "command", strings(&s->conf->command), "sockets", strings(&s->conf->sockets),
                  "workers", workers);
    unsigned wanted_spares = standby_slots(s) - s->n_wanted;
    set_optional(o, "spares", wanted_spares + spares > 0 ? json_integer(spares) : NULL);
    set_optional(o, "wanted_spares", wanted_spares + spares > 0 ? json_integer(wanted_spares) : NULL);
    set_optional(o, "reload", describe_reload(s));
    set_optional(o, "told", told_describe(s));
    return o;
}

/* --- parameters ---------------------------------------------------------------------------------------- */

void control_reply_no_service(struct control_client *client, const struct engine *e, const char *name)
{
    if (!name) {
        control_client_invalid_parameter(client, "service");
        return;
    }
    json_t *known = json_array();
    for (size_t i = 0; i < e->n_services; i++)
        json_array_append_new(known, json_string(e->services[i]->conf->name));
    control_client_error(client, "io.berth.NoSuchService",
                         json_pack("{s:s, s:o}", "service", name, "known", known));
}

/* Puts the services that NAME is, or as a pattern of a shell matches, behind the N in FOUND, each once. False
 * when there is none. */
static bool take_matches(const struct engine *e, const char *name, struct service **found, bool *taken,
                         size_t *n)
{
    const struct service_conf *c = conf_find_service(e->conf, name);
    bool is_pattern = name[strcspn(name, "*?[")] != '\0', any = false;
    size_t first = c ? (size_t)(c - e->conf->services) : 0, end = c            ? first + 1
                                                                  : is_pattern ? e->n_services
                                                                               : 0;
    for (size_t i = first; i < end; i++) {
        if (!c && fnmatch(name, e->services[i]->conf->name, 0) != 0)
            continue;
        any = true;
        if (!taken[i])
            found[(*n)++] = e->services[i];
        taken[i] = true;
    }
    return any;
}

/* The services of parameter "services", names and patterns: all of them when it is missing or empty. NULL
 * when the client has been told what is wrong; else an array to be freed. */
struct service **control_find_services(struct control_client *client, const struct engine *e,
                                       json_t *parameters, size_t *ret_n)
{
    json_t *names = json_object_get(parameters, "services");
    if (names && !json_is_null(names) && !json_is_array(names)) {
        control_client_invalid_parameter(client, "services");
        return NULL;
    }
    struct service **found = mem_new_array(e->n_services + 1, sizeof(struct service *));
    cleanup_free bool *taken = mem_new_array(e->n_services + 1, sizeof *taken);
    size_t n_names = json_array_size(names), n = 0;
    for (size_t i = 0; i < n_names; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name && take_matches(e, name, found, taken, &n))
            continue;
        if (name)
            control_reply_no_service(client, e, name);
        else
            control_client_invalid_parameter(client, "services");
        free(found);
        return NULL;
    }
    if (n_names == 0)
        take_matches(e, "*", found, taken, &n);
    *ret_n = n;
    return found;
}

static struct service *find_service(struct control_client *client, const struct engine *e, json_t *parameters)
{
    const char *name = json_string_value(json_object_get(parameters, "service"));
    struct service *s = name ? engine_find_service(e, name) : NULL;
    if (s && s->leaving)
        s = NULL;
    if (!s)
        control_reply_no_service(client, e, name);
    return s;
}

/* "wait", which is true unless it says false. */
static bool wants_to_wait(json_t *parameters)
{
    return !json_is_false(json_object_get(parameters, "wait"));
}

/* --- methods ------------------------------------------------------------------------------------------- */

static void do_status(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    struct engine *e = data;
    size_t n;
    cleanup_free struct service **found = control_find_services(client, e, parameters, &n);
    if (!found)
        return;
    json_t *services = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(services, describe_service(found[i]));
    json_t *reply =
        json_pack("{s:o, s:i, s:i, s:b, s:s}", "services", services, "pid", (int)getpid(), "keeper_pid",
                  (int)e->keeper.keeper_pid, "protected", (int)e->is_protected, "version", PACKAGE_VERSION);
    set_optional(reply, "upgrade", upgrade_describe(e));
    const char *moving = take_over_is_pending(e)                     ? "taking-over"
                         : e->hand_over.state == HAND_OVER_UNDER_WAY ? "being-taken-over"
                         : hand_over_is_done(&e->hand_over)          ? "taken-over"
                                                                     : NULL;
    set_optional(reply, "take_over", moving ? json_string(moving) : NULL);
    control_client_reply(client, reply, false);
}

/* Not once everything is ending, and not while a socket is still waited for: a worker would start without it.
 */
static bool may_operate(struct control_client *client, const struct engine *e, const struct service *s)
{
    const char *reason = e->is_shutting_down ? "berth is shutting down"
                         : !e->has_begun     ? "its sockets cannot be bound yet (on_conflict = wait)"
                                             : NULL;
    if (reason)
        control_client_error(client, "io.berth.Failed",
                             json_pack("{s:s, s:s}", "service", s->conf->name, "reason", reason));
    return reason == NULL;
}

static void operate(struct control_client *client, json_t *parameters, struct engine *e,
                    enum operation_kind kind)
{
    size_t n;
    cleanup_free struct service **found = control_find_services(client, e, parameters, &n);
    if (found && n == 0)
        control_client_reply(client, json_pack("{s:b}", "done", 1), false);
    else if (found && may_operate(client, e, found[0]))
        operation_begin(e, client, kind, found, n, 0, wants_to_wait(parameters));
}

static void do_start(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    operate(client, parameters, data, OPERATION_START);
}

static void do_stop(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    operate(client, parameters, data, OPERATION_STOP);
}

static void do_restart(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    operate(client, parameters, data, OPERATION_RESTART);
}

/* Why S cannot be reloaded just now, or NULL. */
static const char *unreloadable(const struct service *s)
{
    return !s->is_wanted || s->is_blocked ? "it does not run; start it instead" : NULL;
}

/* Each in its own way: those that take a signal for it are sent it, the others get new workers. */
static void do_reload(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    struct engine *e = data;
    size_t n;
    cleanup_free struct service **found = control_find_services(client, e, parameters, &n);
    if (!found || (n > 0 && !may_operate(client, e, found[0])))
        return;
    for (size_t i = 0; i < n; i++)
        if (unreloadable(found[i])) {
            control_client_error(
                client, "io.berth.Failed",
                json_pack("{s:s, s:s}", "service", found[i]->conf->name, "reason", unreloadable(found[i])));
            return;
        }
    if (n > 0)
        operation_begin(e, client, OPERATION_RELOAD, found, n, 0, wants_to_wait(parameters));
    else
        control_client_reply(client, json_pack("{s:b}", "done", 1), false);
}

static void do_scale(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    struct engine *e = data;
    json_t *workers = json_object_get(parameters, "workers");
    json_int_t n = json_integer_value(workers);
    struct service *s = find_service(client, e, parameters);
    if (!s)
        return;
    if (!json_is_integer(workers) || n < 0 || n > LIMIT_WORKERS) {
        control_client_invalid_parameter(client, "workers");
        return;
    }
    if (s->accepts)
        control_client_error(
            client, "io.berth.Failed",
            json_pack("{s:s, s:s}", "service", s->conf->name, "reason",
                      "it has a worker for each connection (accept = yes); max_connections bounds them"));
    else if (may_operate(client, e, s))
        operation_begin(e, client, OPERATION_SCALE, &s, 1, (unsigned)n, wants_to_wait(parameters));
}

static void do_signal(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    const char *name = json_string_value(json_object_get(parameters, "signal"));
    int signo = name ? signame_parse(name) : -EINVAL;
    struct service *s = find_service(client, data, parameters);
    if (!s)
        return;
    if (signo <= 0) {
        control_client_invalid_parameter(client, "signal");
        return;
    }
    control_client_reply(client, json_pack("{s:i}", "signalled", (int)engine_signal(s, signo)), false);
}

static void do_update(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    bool is_dry = json_is_true(json_object_get(parameters, "dry"));
    update_begin(data, client, json_string_value(json_object_get(parameters, "path")), is_dry,
                 wants_to_wait(parameters));
}

static void do_upgrade(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    json_t *binary = json_object_get(parameters, "binary");
    if (binary && !json_is_null(binary) && !json_is_string(binary))
        control_client_invalid_parameter(client, "binary");
    else
        upgrade_begin(data, client, json_string_value(binary), wants_to_wait(parameters));
}

static void do_shutdown(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    operation_begin(data, client, OPERATION_SHUTDOWN, NULL, 0, 0, wants_to_wait(parameters));
}

static const char *type_name(int type)
{
    return type == SOCK_STREAM ? "stream" : type == SOCK_DGRAM ? "dgram" : "seqpacket";
}

static json_t *describe_socket(const struct held_socket *h, const struct unix_queues *unix_queues)
{
    json_t *services = json_array();
    for (size_t i = 0; i < h->group->n_users; i++)
        json_array_append_new(services, json_string(h->group->users[i]->conf->name));
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:b, s:o}", "name", h->socket->name, "address", h->bound,
                          "declared", h->declared, "type", type_name(h->type), "slot", (int)h->slot,
                          "listening", h->listens && listener_is_listening(h->fd) == 1, "services", services);
    struct listener_queue q;
    if (hold_queue(h, unix_queues, &q) == 0) {
        set_optional(o, "depth", json_integer(q.depth));
        set_optional(o, "backlog", q.limit ? json_integer(q.limit) : NULL);
    }
    return o;
}

static void do_sockets(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)parameters, (void)more;
    struct engine *e = data;
    socket_guard_check(&e->guard, NULL); /* what is shown is then true */
    json_t *sockets = json_array();
    struct unix_queues all;
    struct held_socket *h;
    bool is_known = unix_queues_read(&all) == 0;
    hold_each(h, &e->hold) json_array_append_new(sockets, describe_socket(h, is_known ? &all : NULL));
    unix_queues_fini(&all);
    control_client_reply(client, json_pack("{s:o}", "sockets", sockets), false);
}

/* --- Events -------------------------------------------------------------------------------------------- */

struct follower {
    struct event_listener listener;
    struct control_client *client;
    json_t *services; /* owned; NULL: all */
};

static bool follows(const struct follower *f, const struct event *e)
{
    size_t n = json_array_size(f->services);
    for (size_t i = 0; i < n; i++)
        if (e->service && fnmatch(json_string_value(json_array_get(f->services, i)), e->service, 0) == 0)
            return true;
    return n == 0;
}

void control_format_time(char dst[CONTROL_TIME], int64_t wall_ms)
{
    time_t seconds = wall_ms / 1000;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(dst, CONTROL_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(dst + n, CONTROL_TIME - n, ".%03dZ", (int)(wall_ms % 1000));
}

static void on_event(struct event_listener *self, const struct event *e)
{
    struct follower *f = (struct follower *)self;
    char now[CONTROL_TIME];
    if (!follows(f, e))
        return;
    control_format_time(now, clock_wall_ms());
    json_t *message = json_string(e->text);
    json_t *event =
        json_pack("{s:s, s:s, s:s, s:o}", "time", now, "level", log_level_name(e->level), "subject",
                  e->subject, "message", message ? message : json_string("(not UTF-8)"));
    control_client_reply(f->client, json_pack("{s:o}", "event", event), true);
}

static void do_events(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    struct engine *e = data;
    size_t n;
    cleanup_free struct service **checked = control_find_services(client, e, parameters, &n);
    if (!checked)
        return;
    struct follower *f = mem_new(sizeof *f);
    f->client = client;
    f->services = json_incref(json_object_get(parameters, "services"));
    f->listener.on_event = on_event;
    event_log_add(&e->log, &f->listener);
    control_client_set_tag(client, f);
}

static void on_gone(struct control_client *client, void *data)
{
    struct follower *f = control_client_tag(client);
    if (f) {
        event_log_remove(&f->listener);
        json_decref(f->services);
        free(f);
    }
    output_logs_on_client_gone(data, client);
    operation_on_client_gone(data, client);
    update_on_client_gone(data, client);
    upgrade_on_client_gone(data, client);
    hand_over_on_client_gone(data, client);
}

static const struct control_method methods[] = {
    {.name = "Status", .call = do_status},
    {.name = "Start", .changes = true, .call = do_start},
    {.name = "Stop", .changes = true, .call = do_stop},
    {.name = "Restart", .changes = true, .call = do_restart},
    {.name = "Reload", .changes = true, .call = do_reload},
    {.name = "Scale", .changes = true, .call = do_scale},
    {.name = "Signal", .changes = true, .call = do_signal},
    {.name = "Sockets", .call = do_sockets},
    {.name = "Update", .changes = true, .call = do_update},
    {.name = "Upgrade", .changes = true, .call = do_upgrade},
    {.name = "TakeOver", .changes = true, .call = hand_over_call},
    {.name = "EndTakeOver", .changes = true, .call = hand_over_end_call},
    {.name = "Borrow", .changes = true, .call = borrow_call},
    {.name = "Explain", .changes = true, .call = explanation_call},
    {.name = "Logs", .changes = true, .call = output_logs_call},
    {.name = "Events", .needs_more = true, .call = do_events},
    {.name = "Shutdown", .changes = true, .call = do_shutdown},
    {0},
};

const struct control_handler control_methods = {.methods = methods, .gone = on_gone};
