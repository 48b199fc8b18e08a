/* watchdog: see the header. One timer, and only where somebody is watched; a sign of life only notes the
 * time, and the timer finds out how much is left. */
#include "config.h"

#include "engine/watchdog.h"

#include <stdio.h>

#include "base/units.h"
#include "engine/engine.h"
#include "engine/said.h"
#include "sys/clock.h"

/* INT64_MAX: it is not watched. */
static int64_t interval(const struct worker *w)
{
    if (w->said && w->said->interval_ns > 0)
        return w->said->interval_ns;
    return w->service->conf->with->watchdog_ns;
}

/* One that says it is stopping may need its time for that, and is not to say any more. */
static struct mono deadline(const struct worker *w)
{
    int64_t ns = interval(w), stop_ns = w->service->conf->with->stop_timeout_ns;
    return mono_add(w->said->alive, w->said->is_stopping && stop_ns > ns ? stop_ns : ns);
}

static void end(struct worker *w, const char *why)
{
    worker_set_note(w, "%s", why);
    worker_say(w, LOG_ERROR, "%s: it is sent ABRT, and started again", why);
    w->is_late = true;
    engine_step(w, WORKER_EV_STOP);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int revents);

static void arm(struct worker *w)
{
    struct ev_loop *loop = w->service->engine->loop;
    struct mono at = deadline(w);
    if (mono_is_never(at)) {
        alarm_stop(loop, &w->said->watchdog);
        return;
    }
    ev_now_update(loop);
    alarm_start(loop, &w->said->watchdog, (double)mono_between(clock_mono(), at) / NSEC_PER_SEC, on_timer, w);
}

/* Signs of life are read before anybody is judged. */
static void on_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct worker *w = t->data;
    char text[32], why[96];
    notify_read_rest(w);
    if (w->state != WORKER_READY || !w->said)
        return;
    if (mono_is_before(clock_mono(), deadline(w))) {
        arm(w);
        return;
    }
    snprintf(why, sizeof why, "gave no sign of life within watchdog (%s)",
             units_format_duration(text, sizeof text, interval(w)));
    end(w, why);
}

void watchdog_follow(struct worker *w)
{
    if (w->state != WORKER_READY || interval(w) == INT64_MAX) {
        if (w->said)
            alarm_stop(w->service->engine->loop, &w->said->watchdog);
        return;
    }
    if (w->said && alarm_waits(w->said->watchdog))
        return;
    said_get(w)->alive = clock_mono();
    arm(w);
}

void watchdog_take(struct worker *w, const struct notify_msg *m)
{
    if (m->has_interval) {
        bool is_none = m->interval_us == 0 || m->interval_us > INT64_MAX / 1000;
        said_get(w)->interval_ns = is_none ? INT64_MAX : (int64_t)m->interval_us * 1000;
        said_save(w);
        alarm_stop(w->service->engine->loop, &w->said->watchdog);
        watchdog_follow(w);
    }
    if (m->is_alive && w->said)
        w->said->alive = clock_mono();
    if (m->is_late && w->state == WORKER_READY)
        end(w, "says itself that it hangs (WATCHDOG=trigger)");
}
