/* update: see the header. The order: compare, commit, sockets, services. Whatever is asked here can be asked
 * again by a successor: what is due follows from fingerprints and from what is held, never from a note that
 * an update was under way. */
#include "config.h"

#include "engine/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/pointers.h"
#include "core/conf_diff.h"
#include "engine/conf_load.h"
#include "engine/control_server.h"
#include "engine/crash_point.h"
#include "engine/demand.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "engine/operation.h"
#include "engine/output.h"
#include "engine/sequence.h"
#include "engine/standby.h"
#include "engine/update_reply.h"
#include "sys/control_socket.h"

/* --- reading and comparing ----------------------------------------------------------------------------- */

/* Reads it and sees whether it can come into force. False when CLIENT, or the log, has been told why not. */
static bool prepare(struct engine *e, struct update *u, struct conf *ret)
{
    struct conf_source source;
    int r = conf_load_file(u->path, ret, &source);
    if (r < 0) {
        update_reply_mistakes(e, u, &source);
    } else {
        conf_diff_make(e->conf, ret, &u->diff);
        if (!update_reply_impossible(e, u))
            r = 0;
        else
            r = -EINVAL;
    }
    conf_source_fini(&source);
    if (r < 0)
        conf_fini(ret);
    return r == 0;
}

/* --- services ------------------------------------------------------------------------------------------ */

/* S is of the configuration that goes: it lives on with a copy of its own until it is down. */
static void leave(struct service *s)
{
    struct engine *e = s->engine;
    s->leaving = mem_new(sizeof *s->leaving);
    s->leaving->service = s;
    s->leaving->conf = conf_service_copy(s->conf);
    s->conf = &s->leaving->conf;
    s->is_wanted = s->is_blocked = false;
    s->index = 0; /* it has no place any more, and none of its neighbours is asked for */
    pointers_free(s->groups, s->n_groups, s->one_group);
    operation_on_service_leaving(s);
    list_append(&e->leaving, &s->leaving->link);
}

/* The old service of that name with its new configuration, or a new one. */
static struct service *take_over(struct engine *e, struct service *old, const struct conf *c, size_t index)
{
    struct service *s = old;
    if (s)
        service_set_conf(s, c, &c->services[index]);
    else
        s = service_new(e, c, &c->services[index]);
    s->index = index;
    return s;
}

static void exchange_services(struct engine *e, struct conf *after)
{
    struct service **services = mem_new_array(after->n_services + 1, sizeof(struct service *));
    for (size_t i = 0; i < after->n_services; i++) {
        const struct service_conf *old = conf_find_service(e->conf, after->services[i].name);
        struct service *s = old ? e->services[old - e->conf->services] : NULL;
        if (s)
            e->services[s->index] = NULL;
        services[i] = s;
    }
    for (size_t i = 0; i < e->n_services; i++)
        if (e->services[i])
            leave(e->services[i]);
    for (size_t i = 0; i < after->n_services; i++)
        services[i] = take_over(e, services[i], after, i);
    free(e->services);
    e->services = services;
    e->n_services = after->n_services;
}

/* Everything that points into the configuration points into AFTER from now on; AFTER is taken. */
static void exchange(struct engine *e, const struct conf *after)
{
    struct conf *before = e->conf, *now = mem_new(sizeof *now);
    *now = *after;
    exchange_services(e, now);
    e->conf = now;
    hold_link(e);
    sequence_link(e);
    output_mark_sinks(e);
    for (size_t i = 0; i < e->n_services; i++)
        output_follow_conf(e->services[i]);
    for (size_t i = 0; i < e->n_services; i++)
        e->services[i]->next_fingerprint = conf_fingerprint(now, e->services[i]->conf);
    e->log.level = now->log_level;
    e->log.format = now->log_format;
    engine_apply_env_file(e);
    if (*e->control_path && now->control_mode != before->control_mode)
        control_socket_set_mode(e->control_path, now->control_mode);
    conf_fini(before);
    free(before);
}

/* --- steps that a successor takes as well -------------------------------------------------------------- */

bool update_renews(const struct service *s)
{
    return s->is_wanted && s->has_begun && s->fingerprint != s->next_fingerprint && !s->accepts &&
           !s->is_kept_back && !update_holds_back(s) && service_state(s) != SERVICE_WAITING &&
           !(rolling_is_active(s) && s->rolling->fingerprint == s->next_fingerprint);
}

bool update_concerns(const struct service *s)
{
    return s->is_wanted && !s->accepts && !s->is_kept_back &&
           ((s->has_begun && s->fingerprint != s->next_fingerprint) ||
            s->conf_workers != s->conf->with->workers);
}

bool update_holds_back(const struct service *s)
{
    return !hold_is_complete(s);
}

/* Connections, and whoever is started on demand, get the new one by themselves. */
static void follow_fingerprint(struct service *s)
{
    bool comes_by_itself = s->accepts || service_state(s) == SERVICE_WAITING;
    if (!comes_by_itself || !s->has_begun || s->fingerprint == s->next_fingerprint)
        return;
    s->fingerprint = s->next_fingerprint;
    service_save(s);
}

void update_follow_count(struct service *s)
{
    bool is_same = s->conf_workers == s->conf->with->workers;
    if (s->accepts || update_renews(s) || rolling_is_active(s) || s->is_kept_back)
        return;
    s->conf_workers = s->conf->with->workers;
    if (!is_same && s->n_wanted != s->conf->with->workers)
        engine_scale(s, s->conf->with->workers);
    else if (!is_same)
        service_save(s);
    standby_follow_conf(s);
}

/* What waits for somebody to come, and need not any more. */
static void follow_start(struct service *s)
{
    if (s->conf->with->start != START_ON_DEMAND && service_state(s) == SERVICE_WAITING && !s->accepts)
        engine_bring_up(s);
}

static void follow_services(struct engine *e)
{
    for (size_t i = 0; i < e->n_services; i++) {
        struct service *s = e->services[i];
        follow_fingerprint(s);
        update_follow_count(s);
        follow_start(s);
        hold_follow_service(s);
        demand_follow(s);
        idle_follow(s);
        upkeep_follow_ready(s);
    }
    sequence_follow_all(e);
}

static void stop_leaving(struct engine *e)
{
    list_each (l, &e->leaving, struct leaving, link) {
        if (l->service->has_begun)
            sequence_stop(l->service);
        update_let_go(l->service);
    }
}

/* --- the end of it ------------------------------------------------------------------------------------- */

static void update_free(struct update *u)
{
    conf_diff_fini(&u->diff);
    strv_fini(&u->failures);
    strv_fini(&u->touched);
    free(u->path);
    free(u);
}

/* Is the outcome of S known? A failure is noted. */
static bool is_settled(struct update *u, struct service *s)
{
    enum service_state state = service_state(s);
    if (update_renews(s) || rolling_is_active(s))
        return false; /* it waits for its turn, or is at it */
    if (s->is_wanted && s->is_kept_back) {
        strv_put(&u->failures,
                 mem_printf("service %s: %s; the workers that serve go on", s->conf->name,
                            s->rolling && s->rolling->reason ? s->rolling->reason : "before_start failed"));
        return true;
    }
    if (!s->is_wanted || state == SERVICE_RUNNING || state == SERVICE_WAITING || state == SERVICE_DONE)
        return true;
    if (s->is_wanted && !s->has_begun && update_holds_back(s))
        return true; /* the socket that it lacks has been told of */
    if (state != SERVICE_BACKOFF && state != SERVICE_DEGRADED && state != SERVICE_FAILED && !s->has_died)
        return false;
    const char *note = s->is_blocked ? "one that it requires has failed" : "did not stay up";
    for (size_t i = 0; i < s->n_workers && !s->is_blocked; i++)
        if (s->workers[i]->note)
            note = s->workers[i]->note;
    strv_put(&u->failures, mem_printf("service %s: %s", s->conf->name, note));
    return true;
}

static void on_due(struct ev_loop *loop, ev_timer *t, int revents);

/* Whoever tells us of a change is in the middle of something with the service that has changed: what would
 * free it, end the update or begin the next one is done when they have come back. */
static void look_soon(struct engine *e)
{
    if (ev_is_active(&e->update_timer))
        return;
    ev_timer_init(&e->update_timer, on_due, 0, 0);
    e->update_timer.data = e;
    ev_timer_start(e->loop, &e->update_timer);
}

void update_on_service_change(struct service *s)
{
    struct engine *e = s->engine;
    if (!e->update || !s->is_watched || !is_settled(e->update, s))
        return;
    s->is_watched = false;
    if (--e->update->n_watched == 0)
        look_soon(e);
}

/* From now on the outcome of every service that is not yet up counts. */
static void watch_services(struct engine *e)
{
    for (size_t i = 0; i < e->n_services; i++) {
        struct service *s = e->services[i];
        s->is_watched = s->was_touched;
        s->has_died = false;
        e->update->n_watched += s->is_watched;
    }
    for (size_t i = 0; i < e->n_services; i++)
        update_on_service_change(e->services[i]);
}

void update_proceed(struct engine *e)
{
    struct update *u = e->update;
    if (!list_is_empty(&e->hold.retired) || e->is_shutting_down)
        return;
    bool is_first = u && !u->is_proceeding; /* until then it cannot end; later it may, in what follows */
    if (is_first)
        update_note_touched(e, u);
    stop_leaving(e);
    follow_services(e);
    if (is_first) {
        u->is_proceeding = true;
        if (!u->waits && u->client)
            update_reply_started(e, u);
        watch_services(e);
    }
    look_soon(e);
}

void update_let_go(struct service *s)
{
    struct engine *e = s->engine;
    if (!s->leaving || s->n_processes > 0 || s->has_begun || s->states[WORKER_SPAWNING] > 0 ||
        hooks_are_busy(s))
        return;
    list_remove(&s->leaving->link);
    list_append(&e->gone, &s->leaving->link);
    look_soon(e);
}

static void forget(struct service *s)
{
    event_log_say(&s->engine->log, LOG_INFO, s->conf->name, s->conf->name, "is gone from the configuration");
    service_forget(s);
    service_free(s);
}

static bool is_over(const struct engine *e)
{
    const struct update *u = e->update;
    return u && u->is_proceeding && u->n_watched == 0 && list_is_empty(&e->leaving) &&
           list_is_empty(&e->gone) && list_is_empty(&e->hold.retired);
}

static void finish(struct engine *e)
{
    struct update *u = e->update;
    e->update = NULL;
    update_reply_done(e, u);
    update_free(u);
    mem_trim();
    announce_reloaded(e);
}

static void begin_next(struct engine *e);

static void on_due(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct engine *e = t->data;
    list_each (l, &e->gone, struct leaving, link)
        forget(l->service);
    engine_proceed_shutdown(e);
    if (is_over(e))
        finish(e);
    begin_next(e);
}

void update_free_leaving(struct engine *e)
{
    list_each (l, &e->leaving, struct leaving, link)
        service_free(l->service);
    list_each (l, &e->gone, struct leaving, link)
        service_free(l->service);
}

void update_on_client_gone(struct engine *e, const struct control_client *client)
{
    if (e->update && e->update->client == client)
        e->update->client = NULL;
    list_each (u, &e->updates, struct update, link)
        if (u->client == client) {
            list_remove(&u->link);
            update_free(u);
        }
}

void update_resume(struct engine *e)
{
    if (!e->is_shutting_down && e->config)
        follow_services(e);
}

/* --- the beginning ------------------------------------------------------------------------------------- */

/* From here on AFTER is in force. */
static void apply(struct engine *e, struct update *u, const struct conf *after, int fd)
{
    struct berr err;
    crash_point(CRASH_AT_update_before);
    keeper_link_put(&e->keeper, "config", fd);
    crash_point(CRASH_AT_update_committed);
    e->update = u;
    exchange(e, after);
    crash_point(CRASH_AT_update_exchanged);
    if (hold_reconcile(e, &u->failures, &err) < 0 && !ev_is_active(&e->socket_timer))
        ev_timer_start(e->loop, &e->socket_timer); /* it is tried again, as at the start */
    for (size_t i = 0; i < e->hold.n_groups; i++)
        hold_apply_options(e->hold.groups[i], &u->failures);
    hold_learn_backlogs(e);
    if (share_open(e, &err) < 0)
        strv_add(&u->failures, err.text);
    share_close_unwanted(e);
    crash_point(CRASH_AT_update_sockets_done);
    update_proceed(e);
}

static struct update *update_new(struct engine *e, struct control_client *client, const char *path,
                                 bool is_dry, bool waits)
{
    struct update *u = mem_new(sizeof *u);
    list_init(&u->link);
    u->client = client;
    u->path = mem_strdup(path && *path ? path : e->config);
    u->is_dry = is_dry;
    u->waits = waits;
    return u;
}

/* U ends, having changed nothing. A dry one may have come while another one is under way. */
static void drop(struct engine *e, struct update *u)
{
    bool was_announced = !u->is_dry;
    update_free(u);
    if (was_announced)
        announce_reloaded(e);
}

static void refuse_at_end(struct engine *e, struct update *u)
{
    update_reply_refused(e, u->client, "berth is shutting down");
    update_free(u);
}

/* Is what an earlier one asked for still to come about: it failed, or its supervisor died? */
static bool has_rest(const struct engine *e)
{
    bool has = !list_is_empty(&e->leaving) || !list_is_empty(&e->hold.retired);
    for (size_t i = 0; i < e->n_services && !has; i++)
        has = e->services[i]->is_kept_back || update_concerns(e->services[i]);
    return has;
}

static void begin(struct engine *e, struct update *u)
{
    struct conf after;
    if (e->is_shutting_down) {
        refuse_at_end(e, u);
        return;
    }
    if (!u->is_dry)
        announce_reloading(e);
    if (!prepare(e, u, &after)) {
        drop(e, u);
        return;
    }
    if (!u->is_dry && u->diff.n == 0 && has_rest(e)) {
        conf_fini(&after);
        e->update = u;
        update_proceed(e);
        return;
    }
    int fd = u->is_dry || u->diff.n == 0 ? 0 : conf_load_store(&after, u->path);
    if (fd <= 0) {
        if (fd < 0)
            update_reply_refused(e, u->client, "there is no memory for the configuration");
        else
            update_reply_done(e, u);
        conf_fini(&after);
        drop(e, u);
        return;
    }
    apply(e, u, &after, fd);
    close(fd);
}

void update_abandon_all(struct engine *e)
{
    struct update *current = e->update;
    e->update = NULL;
    if (current)
        refuse_at_end(e, current);
    list_each (u, &e->updates, struct update, link) {
        list_remove(&u->link);
        refuse_at_end(e, u);
    }
}

static void begin_next(struct engine *e)
{
    while (!e->update && !list_is_empty(&e->updates)) {
        struct update *u = list_entry(e->updates.next, struct update, link);
        list_remove(&u->link);
        begin(e, u);
    }
}

/* Any number of HUPs are as good as one that is still to be obeyed. */
static bool is_hangup_waiting(const struct engine *e)
{
    list_each (u, &e->updates, struct update, link)
        if (!u->client)
            return true;
    return false;
}

void update_begin(struct engine *e, struct control_client *client, const char *path, bool is_dry, bool waits)
{
    const char *why = !e->config      ? "this berth has no configuration file: it was started by berth run"
                      : !e->has_begun ? "its sockets cannot be bound yet (on_conflict = wait)"
                                      : hand_over_obstacle(e);
    if (why) {
        update_reply_refused(e, client, why);
        return;
    }
    if (is_dry || (!e->update && list_is_empty(&e->updates)))
        begin(e, update_new(e, client, path, is_dry, waits));
    else if (client || !is_hangup_waiting(e))
        list_append(&e->updates, &update_new(e, client, path, is_dry, waits)->link);
}
