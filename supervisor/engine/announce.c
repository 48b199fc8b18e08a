/* announce: see the header. Whatever has changed only starts a timer that is due at once: so a burst of
 * changes within one turn of the loop is looked at once. */
#include "config.h"

#include "engine/announce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/update.h"
#include "sys/clock.h"

/* A sentence alone is told at most so often; what it is said with never waits for that. */
#define STATUS_PACE_NS NSEC_PER_SEC
/* The manager's queue is full: until the next try. */
#define RETRY_NS (NSEC_PER_SEC / 4)
#define NOTHING_DUE INT64_MAX
#define WATCHDOG_LEAST_US 1000

/* --- the sentence -------------------------------------------------------------------------------------- */

static void make_status(const struct engine *e, char dst[SUMMARY_ROOM])
{
    cleanup_free struct summary_service *services = mem_new_array(e->n_services + 1, sizeof *services);
    for (size_t i = 0; i < e->n_services; i++) {
        const struct service *s = e->services[i];
        services[i] =
            (struct summary_service){s->conf->name, service_state(s), s->conf->with->type == TYPE_ONESHOT};
    }
    if (e->is_shutting_down)
        summary_format_shutdown(dst, services, e->n_services);
    else
        summary_format(dst, services, e->n_services);
}

/* --- sending ------------------------------------------------------------------------------------------- */

/* A failure that will not go away by waiting is told once, and then as if the message had been sent. */
static int send_text(struct engine *e, const char *text)
{
    struct announce *a = &e->announce;
    int r = notify_target_send(&a->target, text, e->is_protected ? e->keeper.keeper_pid : getpid());
    if (r == -EAGAIN || r == -ENOBUFS)
        return -EAGAIN;
    if (r < 0 && !a->has_complained)
        event_log_say(&e->log, LOG_WARNING, "berth", NULL,
                      "the service manager could not be told how berth is (NOTIFY_SOCKET): %s", strerror(-r));
    a->has_complained = r < 0;
    return 0;
}

/* WHAT ("READY=1\n", or "") with the present sentence; false when it has to be tried again. */
static bool tell(struct engine *e, const char *what, const char *status)
{
    struct announce *a = &e->announce;
    char text[SUMMARY_ROOM + 128];
    snprintf(text, sizeof text, "%sSTATUS=%s\n", what, status);
    if (send_text(e, text) < 0)
        return false;
    str_copy(a->status, sizeof a->status, status);
    a->status_told = clock_mono();
    return true;
}

/* --- what is due --------------------------------------------------------------------------------------- */

/* One that comes up only when somebody asks for it, or cannot just now, holds up nobody. */
static bool is_awaited(struct service *s)
{
    announce_on_service_change(s);
    return !s->has_had_its_try && s->is_wanted && s->conf->with->start != START_MANUAL &&
           !(!s->has_begun && update_holds_back(s));
}

static bool may_be_ready(const struct engine *e)
{
    if (!e->has_begun || e->is_shutting_down || e->announce.is_reloading || take_over_is_pending(e))
        return false;
    for (size_t i = 0; i < e->n_services; i++)
        if (is_awaited(e->services[i]))
            return false;
    return true;
}

static bool tell_reloading(struct engine *e, const char *status)
{
    struct announce *a = &e->announce;
    char what[96];
    snprintf(what, sizeof what, "RELOADING=1\nMONOTONIC_USEC=%lld\n", (long long)(a->reload_began.ns / 1000));
    if (!tell(e, what, status))
        return false;
    a->owes_reloading = false;
    a->owes_ready = true;
    return true;
}

static bool tell_stopping(struct engine *e, const char *status)
{
    if (!tell(e, "STOPPING=1\n", status))
        return false;
    e->announce.owes_stopping = false;
    return true;
}

static bool tell_ready(struct engine *e, const char *status)
{
    struct announce *a = &e->announce;
    if (!tell(e, "READY=1\n", status))
        return false;
    a->owes_ready = false;
    if (!a->was_ready) {
        a->was_ready = true;
        engine_save(e);
    }
    return true;
}

/* Tells what is to be told, in the order in which it came about. Returns after which time more is due. */
static int64_t tell_due(struct engine *e)
{
    struct announce *a = &e->announce;
    char status[SUMMARY_ROOM];
    make_status(e, status);
    if ((a->owes_stopping && !tell_stopping(e, status)) ||
        (a->owes_reloading && !tell_reloading(e, status)) ||
        (a->owes_ready && may_be_ready(e) && !tell_ready(e, status)))
        return RETRY_NS;
    if (str_eq(status, a->status))
        return NOTHING_DUE;
    int64_t waited = *a->status ? mono_between(a->status_told, clock_mono()) : STATUS_PACE_NS;
    if (waited < STATUS_PACE_NS)
        return STATUS_PACE_NS - waited;
    return tell(e, "", status) ? NOTHING_DUE : RETRY_NS;
}

static void look_again(struct engine *e, int64_t after)
{
    struct announce *a = &e->announce;
    ev_timer_stop(e->loop, &a->timer);
    if (after == NOTHING_DUE)
        return;
    ev_timer_set(&a->timer, (double)after / NSEC_PER_SEC, 0);
    ev_timer_start(e->loop, &a->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    look_again(t->data, tell_due(t->data));
}

/* --- what has happened --------------------------------------------------------------------------------- */

void announce_follow(struct engine *e)
{
    if (e->announce.is_on)
        look_again(e, 0);
}

void announce_on_service_change(struct service *s)
{
    if (service_state(s) != SERVICE_STARTING)
        s->has_had_its_try = true;
}

void announce_await_services(struct engine *e)
{
    for (size_t i = 0; i < e->n_services; i++)
        e->services[i]->has_had_its_try = false;
}

void announce_reloading(struct engine *e)
{
    struct announce *a = &e->announce;
    if (!a->is_on || !a->was_ready) /* to the manager, who has not heard READY=1, it is still the start */
        return;
    a->is_reloading = a->owes_reloading = true;
    a->reload_began = clock_mono();
    look_again(e, tell_due(e));
}

void announce_reloaded(struct engine *e)
{
    e->announce.is_reloading = false;
    announce_follow(e);
}

void announce_stopping(struct engine *e)
{
    struct announce *a = &e->announce;
    if (!a->is_on)
        return;
    a->owes_reloading = a->owes_ready = false;
    a->owes_stopping = true;
    look_again(e, tell_due(e));
}

/* --- the watchdog -------------------------------------------------------------------------------------- */

static void on_watchdog(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)revents;
    struct engine *e = t->data;
    double pace = t->repeat;
    if (send_text(e, "WATCHDOG=1\n") == 0)
        return;
    t->repeat = pace / 8; /* there is still time to say it in time */
    ev_timer_again(loop, t);
    t->repeat = pace;
}

/* In seconds; 0: it has not asked for signs of life, or not ours. */
static double watchdog_time(const struct engine *e)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    char *end;
    if (!usec || *usec < '0' || *usec > '9')
        return 0;
    errno = 0;
    unsigned long long us = strtoull(usec, &end, 10);
    bool is_ours = !pid || !*pid || strtoll(pid, NULL, 10) == e->keeper.keeper_pid;
    return errno == 0 && *end == '\0' && us >= WATCHDOG_LEAST_US && is_ours ? (double)us / 1e6 : 0;
}

/* --- life ---------------------------------------------------------------------------------------------- */

void announce_init(struct engine *e)
{
    struct announce *a = &e->announce;
    const char *address = getenv("NOTIFY_SOCKET");
    ev_timer_init(&a->timer, on_timer, 0, 0);
    ev_timer_init(&a->watchdog, on_watchdog, 0, watchdog_time(e) / 2);
    a->timer.data = a->watchdog.data = e;
    if (!address || !*address)
        return;
    int r = notify_target_open(&a->target, address);
    if (r < 0) {
        event_log_say(
            &e->log, LOG_WARNING, "berth", NULL,
            "the service manager cannot be told how berth is: NOTIFY_SOCKET is no Unix socket's path "
            "or @name: %s",
            strerror(-r));
        return;
    }
    a->is_on = a->owes_ready = true;
    if (a->watchdog.repeat > 0) /* at once: a predecessor may have been silent for almost as long as it may */
        ev_timer_start(e->loop, &a->watchdog);
}

void announce_fini(struct engine *e)
{
    if (e->loop) {
        ev_timer_stop(e->loop, &e->announce.timer);
        ev_timer_stop(e->loop, &e->announce.watchdog);
    }
    notify_target_close(&e->announce.target);
}
