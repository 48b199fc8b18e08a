/* supervisor: see the header. The order of the start: limits, keeper, soft state, services, control socket,
 * sockets, workers. */
#include "config.h"

#include "engine/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/held_name.h"
#include "engine/conf_load.h"
#include "engine/control_methods.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "engine/env_files.h"
#include "engine/reconcile.h"
#include "engine/sequence.h"
#include "engine/update.h"
#include "sys/clock.h"
#include "sys/control_socket.h"
#include "sys/fd.h"
#include "sys/memory_file.h"
#include "sys/procfs.h"
#include "sys/rlimits.h"
#include "sys/spawn.h"
#include "sys/terminal.h"
#include "sys/user.h"

#define EXIT_BERTH_FAILED 125
#define CONFLICT_PACE 0.2 /* seconds between two tries to bind a taken address */
#define STRANGERS_MAX 1024
#define CONFIG_MOST ((size_t)256 * 1024 * 1024)

/* --- what the keeper tells ----------------------------------------------------------------------------- */

static void on_ended(void *data, const char *name, int wait_status)
{
    engine_process_ended(data, name, wait_status);
}

static void on_signal(void *data, int signo, pid_t sender, unsigned count)
{
    engine_on_signal(data, signo, sender, count);
}

static void on_refused(void *data, const char *name, int err)
{
    struct engine *e = data;
    if (err == ECHILD) { /* a process that was to be followed (MAINPID) had ended by then */
        engine_process_lost(e, name);
        return;
    }
    event_log_say(&e->log, LOG_ERROR, "berth", NULL,
                  "the keeper could not take %s: %s; it would not outlive a crash of the supervisor", name,
                  strerror(err));
}

static void on_lost(void *data)
{
    struct engine *e = data;
    if (!e->is_over)
        engine_lose_keeper(e);
}

static const struct keeper_handlers keeper_handlers = {
    .on_ended = on_ended,
    .on_signal = on_signal,
    .on_refused = on_refused,
    .on_lost = on_lost,
};

/* --- stages of the start ------------------------------------------------------------------------------- */

/* The keeper passes on what berth is sent; a service manager that signals every process of the group would
 * tell it twice. */
static void ignore_signals(void)
{
    static const int signals[] = {SIGTERM, SIGINT,  SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2,
                                  SIGPIPE, SIGALRM, SIGTTOU, SIGTTIN, SIGXFSZ};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_IGN);
}

static void load_own_row(struct engine *e)
{
    struct soft_state_row row;
    e->row = -1;
    if (state_store_load(&e->store, "berth", &row)) {
        e->serial = (unsigned long long)row.column[BERTH_COL_SERIAL];
        e->is_shutting_down = row.column[BERTH_COL_SHUTDOWN];
        e->over_status = (int)row.column[BERTH_COL_STATUS];
        e->announce.was_ready = row.column[BERTH_COL_READY];
        e->upgrades.n = (unsigned)row.column[BERTH_COL_UPGRADES];
        e->upgrades.state = (enum upgrade_state)row.column[BERTH_COL_UPGRADE];
        e->upgrades.failure = (int)row.column[BERTH_COL_FAILURE];
        e->take_over.state = (enum take_over_state)row.column[BERTH_COL_TAKE_OVER];
        e->take_over.id = row.column[BERTH_COL_TAKE_OVER_ID];
        e->hand_over.state = (enum hand_over_state)row.column[BERTH_COL_HAND_OVER];
        e->hand_over.id = row.column[BERTH_COL_HAND_OVER_ID];
        e->is_shutting_down = e->is_shutting_down || hand_over_is_done(&e->hand_over);
    }
}

void engine_save(struct engine *e)
{
    struct soft_state_row row = {BERTH_COL_COUNT,
                                 {
                                     [BERTH_COL_SERIAL] = (int64_t)e->serial,
                                     [BERTH_COL_SHUTDOWN] = e->is_shutting_down,
                                     [BERTH_COL_STATUS] = e->over_status,
                                     [BERTH_COL_READY] = e->announce.was_ready,
                                     [BERTH_COL_UPGRADES] = e->upgrades.n,
                                     [BERTH_COL_UPGRADE] = e->upgrades.state,
                                     [BERTH_COL_FAILURE] = e->upgrades.failure,
                                     [BERTH_COL_TAKE_OVER] = e->take_over.state,
                                     [BERTH_COL_TAKE_OVER_ID] = e->take_over.id,
                                     [BERTH_COL_HAND_OVER] = e->hand_over.state,
                                     [BERTH_COL_HAND_OVER_ID] = e->hand_over.id,
                                 }};
    state_store_save(&e->store, "berth", &e->row, &row);
}

/* Processes that were the keeper's children before it was berth (a script that ends in `exec berth run …`)
 * are nobody's orphans. */
static void note_strangers(struct engine *e)
{
    static pid_t pids[STRANGERS_MAX];
    ssize_t n = procfs_children(e->keeper.keeper_pid, pids, STRANGERS_MAX);
    for (ssize_t i = 0; i < n && i < STRANGERS_MAX; i++) {
        char key[SOFT_STATE_KEY];
        struct soft_state_row row = {.n = 0};
        int index = -1;
        snprintf(key, sizeof key, "stranger/%d", pids[i]);
        if (pids[i] != getpid())
            state_store_save(&e->store, key, &index, &row);
    }
}

/* The control socket from before, or a new one. Without one berth supervises all the same, unless the user
 * has named it. */
static int open_control(struct engine *e, const char *asked, struct berr *err)
{
    bool chosen = false;
    struct keeper_entry *entry = keeper_link_find(&e->keeper, "control");
    int r = control_socket_path(e->control_path, sizeof e->control_path, asked ? asked : e->conf->control,
                                &chosen, err);
    if (r >= 0)
        r = take_over_place(e, chosen, err);
    chosen = chosen || e->take_over.path;
    if (entry)
        e->control_fd = take_fd(&entry->fd);
    else if (r >= 0)
        e->control_fd = r = control_socket_listen(take_over_own_control(e), e->conf->control_mode,
                                                  e->conf->control_group, err);
    if (e->control_fd < 0) {
        *e->control_path = '\0';
        if (chosen)
            return r;
        if (e->keeper.is_first) /* said once */
            event_log_say(&e->log, LOG_WARNING, "berth", NULL, "no control socket, berth goes on without: %s",
                          err->text);
        return 0;
    }
    if (!entry)
        keeper_link_put(&e->keeper, "control", e->control_fd);
    e->control = control_server_new(e->loop, e->control_fd, &control_methods, e);
    if (e->conf->control_group) {
        gid_t gid;
        if (user_find_group(e->conf->control_group, &gid, err) < 0)
            event_log_say(&e->log, LOG_ERROR, "berth", NULL, "control_group: %s", err->text);
        else
            control_server_set_group(e->control, gid);
    }
    return 0;
}

/* The configuration in force, as it was when it came into force; what the file says by now is an update's
 * business. */
static int load_config(struct engine *e, struct berr *err)
{
    struct keeper_entry *entry = keeper_link_find(&e->keeper, "config");
    struct conf_source source = {0};
    char *text = NULL;
    size_t n = 0;
    if (e->conf)
        return 0;
    int r = entry ? memory_file_read(entry->fd, CONFIG_MOST, &text, &n) : -ENOENT;
    if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r, "the keeper does not give back the configuration: %s",
                        strerror(-r));
    e->conf = mem_new(sizeof *e->conf);
    r = conf_load_text(text, n, e->conf, &source);
    if (r < 0)
        berr_set(err, BERR_CONFIG, -r, "line %u of the configuration in force: %s",
                 source.problems[0].place.line, source.problems[0].sentence);
    conf_source_fini(&source);
    free(text);
    return r;
}

void engine_apply_env_file(struct engine *e)
{
    struct strv variables = {NULL, 0};
    struct berr err;
    if (env_files_read_list(&e->conf->env_file, &variables, &err) < 0) {
        event_log_say(&e->log, LOG_ERROR, "berth", NULL, "%s; its variables stay as they were", err.text);
        return;
    }
    for (size_t i = 0; i < e->from_env_file.n; i++)
        unsetenv(e->from_env_file.v[i]);
    strv_fini(&e->from_env_file);
    for (size_t i = 0; i < variables.n; i++) {
        char *equals = strchr(variables.v[i], '=');
        *equals = '\0';
        setenv(variables.v[i], equals + 1, true);
        strv_add(&e->from_env_file, variables.v[i]);
    }
    strv_fini(&variables);
}

static void find_terminal(struct engine *e)
{
    pid_t foreground = terminal_foreground_group();
    if (foreground > 0 && foreground == getpgid(e->keeper.keeper_pid))
        e->terminal_group = foreground;
}

static bool may_have_colors(void)
{
    const char *forbidden = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(forbidden && *forbidden) && !(term && strcmp(term, "dumb") == 0) && isatty(STDOUT_FILENO);
}

static int prepare(struct engine *e, const struct supervisor_options *options, struct berr *err)
{
    bool restored;
    list_init(&e->operations);
    list_init(&e->leftovers);
    list_init(&e->tasks);
    list_init(&e->shares);
    list_init(&e->log_followers);
    e->has_colors = !options->no_color && may_have_colors();
    list_init(&e->leaving);
    list_init(&e->gone);
    list_init(&e->updates);
    list_init(&e->hold.retired);
    e->has_inherited = true;
    e->control_fd = -1;
    e->began = clock_mono();
    int r = rlimits_raise_nofile(&e->nofile);
    spawn_set_window(); /* without it, spawns take longer where there are many descriptors, and no more */
    if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r,
                        "the limit of descriptors (RLIMIT_NOFILE) could not be read: %s", strerror(-r));
    r = keeper_link_open(&e->keeper, options->keeper_fd, err);
    if (r < 0)
        return r;
    e->is_protected = true;
    if ((r = load_config(e, err)) < 0)
        return r;
    e->log.level = e->conf->log_level;
    e->log.format = e->conf->log_format;
    e->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    if (!e->loop)
        return berr_set(err, BERR_SYSTEM, errno, "the event loop could not be made: %s", strerror(errno));
    announce_init(e);
    engine_apply_env_file(e);
    if ((r = state_store_open(&e->store, &e->keeper, &restored, err)) < 0)
        return r;
    load_own_row(e);
    if (e->keeper.is_safe_mode)
        engine_recover_shutdown(e);
    take_over_prepare(e, options->take_over);
    if (e->keeper.is_first)
        note_strangers(e);
    r = socket_guard_start(&e->guard, e);
    if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r, "held sockets could not be watched: %s", strerror(-r));
    if ((r = idle_start(e)) < 0)
        return berr_set(err, BERR_SYSTEM, -r, "arrivals could not be watched: %s", strerror(-r));
    if ((r = notify_start(e)) < 0)
        return berr_set(err, BERR_SYSTEM, -r, "what workers say could not be watched: %s", strerror(-r));
    if ((r = fd_store_start(e)) < 0)
        return berr_set(err, BERR_SYSTEM, -r, "what workers store could not be watched: %s", strerror(-r));
    find_terminal(e);
    e->services = mem_new_array(e->conf->n_services, sizeof(struct service *));
    for (size_t i = 0; i < e->conf->n_services; i++) {
        struct service *s = service_new(e, e->conf, &e->conf->services[i]);
        s->index = e->n_services;
        e->services[e->n_services++] = s;
    }
    hold_link(e);
    sequence_link(e);
    output_mark_sinks(e);
    return open_control(e, options->control, err);
}

/* Every socket is held, or will be: now the workers. */
static void begin(struct engine *e)
{
    e->has_begun = true;
    output_start(e);
    hold_forget_inherited(e);
    reconcile_workers(e);
    keeper_link_forget_entries(&e->keeper);
    reconcile_forget_removed(e);
    hand_over_resume(e);
    if (e->is_shutting_down) {
        engine_resume_shutdown(e);
    } else {
        reconcile_start_services(e);
        socket_guard_check(&e->guard, NULL); /* nobody watched while there was no supervisor */
    }
    upgrade_conclude(e);
    crash_point(CRASH_AT_reconcile_done);
    keeper_link_stable(&e->keeper);
    for (size_t i = 0; i < e->n_services && !e->is_shutting_down; i++)
        engine_check_over(e->services[i]);
    update_resume(e);
    announce_follow(e);
    take_over_follow(e);
    mem_trim();
}

void engine_fail_start(struct engine *e, const struct berr *err, int status)
{
    event_log_say(&e->log, LOG_ERROR, "berth", NULL, "%s", err->text);
    if (e->keeper.is_on_trial)
        _exit(EXIT_BERTH_FAILED); /* as in a crash: the one before us goes on with everything */
    take_over_abandon(e);
    e->is_over = true;
    e->exit_status = status;
    if (e->loop) {
        hold_release_all(e);
        share_release_all(e);
    }
    if (e->control_fd >= 0)
        control_socket_retire(e->control_fd, take_over_own_control(e));
    keeper_link_finish(&e->keeper, e->exit_status);
    if (e->loop)
        ev_break(e->loop, EVBREAK_ALL);
}

int engine_failure_status(const struct engine *e)
{
    return e->conf && e->conf->is_run ? EXIT_BERTH_FAILED : 1;
}

static void fail(struct engine *e, const struct berr *err)
{
    engine_fail_start(e, err, engine_failure_status(e));
    e->exit_status =
        EXIT_BERTH_FAILED; /* of this process: who could not tell the keeper is not started again */
}

/* May the address that was taken become free while we wait? */
static bool waits_for(const struct engine *e, int r)
{
    const struct socket_conf *c = e->hold.failed;
    if (r != -EADDRINUSE || !c || c->options->on_conflict != ON_CONFLICT_WAIT)
        return false;
    return c->options->conflict_wait_ns < 0 ||
           mono_between(e->began, clock_mono()) < c->options->conflict_wait_ns;
}

/* Opens what is missing. At the very first start a socket that cannot be had ends berth; later, what runs is
 * worth more than what is missing, and it is tried again for as long as it takes. */
static void open_sockets(struct engine *e, bool is_first_try)
{
    struct berr err;
    unsigned before = e->hold.n_opened;
    int r = hold_reconcile(e, NULL, &err);
    if (r == 0) {
        e->hold.failed = NULL; /* on_conflict is about held sockets */
        r = share_open(e, &err);
    }
    bool waits = r < 0 && waits_for(e, r);
    bool is_start = e->keeper.is_first && !e->has_begun;
    if (r < 0 && !waits && (is_start || (take_over_is_pending(e) && is_first_try))) {
        fail(e, &err);
        return;
    }
    if (r < 0 && is_first_try)
        event_log_say(&e->log, waits ? LOG_WARNING : LOG_ERROR, "berth", NULL,
                      "%s; it is tried again until it is there", err.text);
    if (r >= 0)
        ev_timer_stop(e->loop, &e->socket_timer);
    else if (!ev_is_active(&e->socket_timer))
        ev_timer_start(e->loop, &e->socket_timer);
    if (!e->has_begun && (r >= 0 || !waits))
        begin(e);
    else if (e->has_begun && !is_first_try && (r >= 0 || e->hold.n_opened != before))
        update_proceed(e); /* whoever had to wait for a socket */
}

void engine_open_sockets(struct engine *e)
{
    open_sockets(e, true);
}

static void on_socket_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)revents;
    struct engine *e = t->data;
    if (e->is_shutting_down)
        ev_timer_stop(loop, t);
    else
        open_sockets(e, false);
}

static void destroy(struct engine *e)
{
    control_server_free(e->control);
    if (e->loop) {
        upgrade_forget(e);
        take_over_fini(e);
        hand_over_fini(e);
        task_forget_all(e);
    }
    for (size_t i = 0; i < e->n_services; i++)
        service_free(e->services[i]);
    update_free_leaving(e);
    free(e->services);
    output_stdout_free(e->output_stdout);
    sequence_fini(e);
    hold_fini(&e->hold);
    if (e->loop)
        share_fini(e);
    keeper_link_close(&e->keeper);
    if (e->loop) {
        socket_guard_stop(&e->guard);
        idle_stop(e);
        notify_stop(e);
        fd_store_stop(e);
        announce_fini(e);
        ev_loop_destroy(e->loop);
    }
    fd_close(&e->control_fd);
    state_store_close(&e->store);
    free(e->cgroup_base);
    strv_fini(&e->from_env_file);
    if (e->conf)
        conf_fini(e->conf);
    free(e->conf);
}

int supervisor_main(struct conf *conf, const struct supervisor_options *options)
{
    struct engine e = {.config = options->config,
                       .store.memory.fd = -1,
                       .keeper.fd = -1,
                       .guard = {.hup_fd = -1, .path_fd = -1},
                       .idle.arrival_fd = -1,
                       .notify.input_fd = -1,
                       .stored.hangup_fd = -1,
                       .announce.target.fd = -1};
    struct berr err;
    ignore_signals();
    event_log_init(&e.log, LOG_INFO);
    if (conf) {
        e.conf = mem_new(sizeof *e.conf);
        *e.conf = *conf;
    }
    if (prepare(&e, options, &err) < 0) {
        fail(&e, &err);
    } else {
        ev_timer_init(&e.socket_timer, on_socket_timer, CONFLICT_PACE, CONFLICT_PACE);
        e.socket_timer.data = &e;
        keeper_link_watch(&e.keeper, e.loop, &keeper_handlers, &e);
        if (!take_over_begin(&e))
            open_sockets(&e, true);
        if (!e.is_over)
            ev_run(e.loop, 0);
    }
    int status = e.exit_status;
    destroy(&e);
    return status;
}
