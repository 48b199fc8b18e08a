/* reconcile: see the header. */
#include "config.h"

#include "engine/reconcile.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/demand.h"
#include "engine/engine.h"
#include "engine/inetd.h"
#include "engine/operation.h"
#include "engine/sequence.h"
#include "engine/standby.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

/* The worker whose process ENTRY is, or NULL: of a service or a slot that is not there, or of an earlier
 * process of it. */
static struct worker *find_worker(struct engine *e, const struct held_name *name)
{
    struct service *s = engine_find_service(e, name->name);
    if (!s || name->slot == 0 || name->slot > LIMIT_WORKERS)
        return NULL;
    struct worker *w = service_find_serial(s, name->serial);
    if (w)
        return w;
    service_ensure_slots(s, name->slot);
    w = s->workers[name->slot - 1];
    if (w->serial > name->serial)
        return NULL;
    if (w->serial < name->serial) { /* the soft state is lost */
        w->serial = name->serial;
        w->generation = name->generation;
        worker_set_state(w, WORKER_READY);
        w->is_wanted = s->is_wanted;
        /* Whether it is a spare is lost as well. Serving is what must not end, so all of them are taken for
         * workers: those that were spares are sent their sockets, which means nothing to the others, and
         * those that are too many then go, and come back as spares. */
        w->is_unsent = s->conf->with->standby > 0;
        w->started = w->since = clock_mono();
        if (name->generation > s->generation)
            s->generation = name->generation;
        worker_save(w);
    }
    return w;
}

/* Its service went out of the configuration, and our predecessor died before it was stopped. What the
 * configuration said about stopping it is gone with it. */
static void stop_removed(struct engine *e, struct keeper_entry *entry, const struct held_name *name,
                         const char *subject)
{
    struct conf plain;
    conf_init(&plain);
    event_log_say(&e->log, LOG_INFO, subject, NULL, "its service is gone from the configuration");
    leftover_add(e, conf_add_service(&plain, name->name), subject, entry->name, take_fd(&entry->fd),
                 entry->pid);
    conf_fini(&plain);
}

/* An entry that no worker has: of an earlier process, whose end is recorded. What it left behind is ended in
 * order; a process that runs and belongs to no service is not ours to end. */
static void take_stranded(struct engine *e, struct keeper_entry *entry, const struct held_name *name)
{
    const struct service *s = engine_find_service(e, name->name);
    bool lives = s && leftover_is_there(e, s->conf, entry->name, entry->fd, entry->pid);
    char subject[LIMIT_NAME + 32];
    snprintf(subject, sizeof subject, "%s/%u#%u", name->name, name->slot, name->generation);
    if (entry->ended && lives)
        leftover_add(e, s->conf, subject, entry->name, take_fd(&entry->fd), entry->pid);
    else if (entry->ended)
        keeper_link_drop(&e->keeper, entry->name);
    else if (!s && e->config)
        stop_removed(e, entry, name, subject);
    else if (!s)
        event_log_say(&e->log, LOG_WARNING, subject, NULL,
                      "process %d belongs to no service; it is left alone", entry->pid);
}

/* Its row says already that it has no process: the end was recorded, and only the entry is still to go. */
static bool is_recorded(const struct worker *w)
{
    return w->state != WORKER_SPAWNING && !worker_state_has_process(w->state);
}

static void take_worker(struct engine *e, struct keeper_entry *entry, const struct held_name *name)
{
    struct worker *w = find_worker(e, name);
    if (name->serial > e->serial)
        e->serial = name->serial;
    if (!w || is_recorded(w) || w->pid != 0) {
        take_stranded(e, entry, name);
        return;
    }
    worker_set_process(w, entry->pid, take_fd(&entry->fd));
    if (entry->is_foreign)
        engine_watch_foreign(w);
    w->has_ever_run = true;
}

/* A channel whose worker is gone, or never came to be, is of no use. */
static void take_channels(struct engine *e)
{
    struct keeper_link *k = &e->keeper;
    for (size_t i = 0; i < k->n_entries; i++) {
        struct held_name name;
        held_name_parse(k->entries[i].name, &name);
        if (name.kind != HELD_CHANNEL)
            continue;
        struct worker *w = engine_find_process(e, name.name, name.serial);
        if (w && k->entries[i].fd >= 0)
            channel_adopt(w, take_fd(&k->entries[i].fd));
        else
            keeper_link_drop(k, k->entries[i].name);
    }
}

static void take_tasks(struct engine *e)
{
    struct keeper_link *k = &e->keeper;
    for (size_t i = 0; i < k->n_entries; i++) {
        struct held_name name;
        held_name_parse(k->entries[i].name, &name);
        if (name.kind == HELD_TASK)
            task_adopt(e, &k->entries[i], &name);
    }
}

/* Our predecessor died between writing that it would start a worker and learning that it had. */
static void resume_spawning(struct worker *w)
{
    if (w->pid != 0) {
        w->started = clock_mono();
        engine_step(w, WORKER_EV_SPAWNED);
    } else {
        engine_step(w, w->is_wanted ? WORKER_EV_END_AGAIN : WORKER_EV_END_DONE);
    }
}

/* A state that has a process, and none is held: its end was recorded as seen by nobody. It cannot come from
 * our own order of writing; it does after a lost keeper entry. The status is unknown and counts as a failure.
 */
static void resume_lost(struct worker *w)
{
    worker_say(w, LOG_WARNING, "its process is gone and nobody told how it ended");
    engine_worker_ended(w, SIGKILL);
}

static void resume_worker(struct worker *w)
{
    if (w->is_unsent && w->channel)
        standby_send(w); /* its sockets may or may not have gone out; without a channel it has them */
    if (w->state == WORKER_SPAWNING) {
        resume_spawning(w);
    } else if (worker_state_has_process(w->state) && w->pid == 0) {
        resume_lost(w);
    } else if ((w->state == WORKER_STOPPING || w->state == WORKER_KILLING) && !w->is_signalled) {
        /* The signal may or may not have gone out: rather twice than never. */
        pidfd_signal(w->pidfd, w->state == WORKER_KILLING ? SIGKILL : worker_stop_signal(w));
        w->is_signalled = true;
        worker_save(w);
    } else if (worker_is_ready_at_once(w)) {
        engine_step(w, WORKER_EV_READY);
    } else if (worker_is_starting(w) && w->service->conf->with->ready == READY_CHECK) {
        upkeep_begin_check(w);
    }
    worker_arm_timer(w);
    told_send_late(w);
}

static void resume_services(struct engine *e)
{
    struct worker *w;
    for (size_t i = 0; i < e->n_services; i++)
        service_each_worker (w, e->services[i])
            resume_worker(w);
}

/* Is KEY, "service/NAME", "worker/NAME/…" or "output/NAME/…", about a service that is not there? */
static bool is_of_removed(const struct engine *e, const char *key)
{
    const char *name = str_starts_with(key, "service/")  ? key + strlen("service/")
                       : str_starts_with(key, "worker/") ? key + strlen("worker/")
                       : str_starts_with(key, "output/") ? key + strlen("output/")
                                                         : NULL;
    if (!name)
        return false;
    cleanup_free char *service = mem_strndup(name, strcspn(name, "/"));
    return !conf_find_service(e->conf, service);
}

void reconcile_forget_removed(struct engine *e)
{
    struct soft_state *state = &e->store.state;
    for (int i = soft_state_next(state, 0), next; i > 0; i = next) {
        next = soft_state_next(state, i);
        if (is_of_removed(e, soft_state_key(state, i)))
            state_store_remove(&e->store, soft_state_key(state, i));
    }
}

void reconcile_workers(struct engine *e)
{
    struct keeper_link *k = &e->keeper;
    for (size_t i = 0; i < k->n_entries; i++) {
        struct held_name name;
        held_name_parse(k->entries[i].name, &name);
        if (name.kind == HELD_WORKER)
            take_worker(e, &k->entries[i], &name);
    }
    take_channels(e);
    notify_take_held(e);
    fd_store_take_held(e);
    ready_fd_take_held(e);
    take_tasks(e);
    resume_services(e);
    for (size_t i = 0; i < k->n_entries; i++)
        if (k->entries[i].ended)
            engine_process_ended(e, k->entries[i].name, k->entries[i].status);
    engine_save(e);
}

/* Only those that are down are started: one that is done, failed or in backoff stays so for a successor as
 * well. */
static void start_missing(struct service *s)
{
    service_ensure_slots(s, standby_slots(s));
    for (unsigned i = 0; i < standby_slots(s); i++) {
        struct worker *w = s->workers[i];
        bool is_old =
            (w->state == WORKER_STARTING || w->state == WORKER_READY || w->state == WORKER_STANDBY) &&
            w->generation < s->generation;
        if (is_old) /* of before a restart that our predecessor had written down */
            engine_step(w, WORKER_EV_STOP);
        if (w->state != WORKER_DOWN && w->is_wanted)
            continue;
        w->is_wanted = true;
        worker_save(w);
        if (w->state == WORKER_DOWN)
            engine_step(w, s->conf->with->start == START_ON_DEMAND ? WORKER_EV_WAIT : WORKER_EV_START);
    }
}

static void stop_all(struct service *s)
{
    for (size_t i = s->n_workers; i-- > 0;) {
        s->workers[i]->is_wanted = false;
        worker_save(s->workers[i]);
        engine_step(s->workers[i], WORKER_EV_STOP);
    }
    service_trim_slots(s);
}

/* Of connections that ended, as far as our predecessor had come with them. */
static void release_slots(struct service *s)
{
    for (size_t i = s->n_workers; i-- > 0;)
        inetd_release(s->workers[i]);
    service_trim_slots(s);
}

void reconcile_start_services(struct engine *e)
{
    for (size_t i = 0; i < e->n_services; i++) {
        struct service *s = e->services[i];
        if (s->accepts && s->is_wanted)
            release_slots(s);
        else if (s->is_wanted && s->has_begun)
            standby_stop_surplus(s);
        else if (!s->is_wanted && !s->has_begun)
            stop_all(s);
        if (s->is_wanted && s->has_begun && !s->accepts)
            start_missing(s);
    }
    for (size_t i = 0; i < e->n_services; i++) {
        struct service *s = e->services[i];
        hold_trim_slots(s);
        hold_follow_service(s);
        demand_follow(s);
        idle_follow(s);
        upkeep_follow(s);
        hooks_resume(s);
        rolling_resume(s);
        operation_resume(s);
        standby_follow(s);
        s->comes_by_demand = s->conf->with->start == START_ON_DEMAND;
    }
    fd_store_forget_unused(e);
    sequence_follow_all(e);
}
