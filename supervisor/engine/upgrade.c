/* upgrade: see the header. */
#include "config.h"

#include "engine/upgrade.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "engine/conf_load.h"
#include "engine/crash_point.h"
#include "engine/engine.h"
#include "sys/ask_binary.h"
#include "sys/fd.h"
#include "sys/memory_file.h"
#include "sys/pidfd.h"

#define ANSWER_SECONDS 5
#define ANSWER_MOST 1024
#define DELETED " (deleted)"

struct upgrade {
    struct engine *engine;
    struct control_client *client; /* NULL: nobody, or gone */
    bool waits;
    char *path;             /* owned */
    int binary, out, pidfd; /* owned */
    ev_io ended;            /* the process that is asked */
    ev_timer late;          /* it has not heeded its alarm either */
};

static void upgrade_free(struct upgrade *u)
{
    ev_io_stop(u->engine->loop, &u->ended);
    ev_timer_stop(u->engine->loop, &u->late);
    u->engine->upgrades.asking = NULL;
    fd_close(&u->binary);
    fd_close(&u->out);
    fd_close(&u->pidfd);
    free(u->path);
    free(u);
}

void upgrade_forget(struct engine *e)
{
    if (e->upgrades.asking)
        upgrade_free(e->upgrades.asking);
}

static void refuse(struct engine *e, struct control_client *client, const char *why)
{
    event_log_say(&e->log, LOG_ERROR, "upgrade", NULL, "%s", why);
    if (client)
        control_client_error(client, "io.berth.Failed",
                             json_pack("{s:s, s:s}", "service", "", "reason", why));
}

/* --- which binary -------------------------------------------------------------------------------------- */

/* Where the file is, or was, that this program was started from. */
static char *own_path(void)
{
    char path[PATH_MAX + sizeof DELETED];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0)
        return NULL;
    path[n] = '\0';
    size_t end = (size_t)n - (sizeof DELETED - 1);
    if ((size_t)n > sizeof DELETED && str_eq(path + end, DELETED))
        path[end] = '\0';
    return mem_strdup(path);
}

/* The descriptor, or a negative errno and a sentence. */
static int open_binary(const char *path, struct berr *err)
{
    struct stat st;
    char quoted[300];
    str_escape(quoted, sizeof quoted, path, strlen(path));
    cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return berr_set(err, BERR_FAILED, errno, "%s cannot be opened: %s", quoted, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return berr_set(err, BERR_FAILED, EINVAL, "%s is %s, not a program", quoted,
                        S_ISDIR(st.st_mode) ? "a directory" : "no regular file");
    if ((st.st_mode & 0111) == 0)
        return berr_set(err, BERR_FAILED, EACCES, "%s is not executable; chmod +x it if it is the new berth",
                        quoted);
    return take_fd(&fd);
}

/* --- taking its place ---------------------------------------------------------------------------------- */

static void record(struct engine *e, enum upgrade_state state, int failure)
{
    e->upgrades.state = state;
    e->upgrades.failure = failure;
    engine_save(e);
}

static void answer(struct upgrade *u)
{
    if (u->client)
        control_client_reply(
            u->client, json_pack("{s:i, s:b}", "number", (int)u->engine->upgrades.n, "done", 0), u->waits);
    u->client = NULL;
    control_server_flush(u->engine->control);
}

static void make_way(struct upgrade *u, const char *version)
{
    struct engine *e = u->engine;
    crash_point(CRASH_AT_upgrade_before);
    e->upgrades.n++;
    record(e, UPGRADE_UNDER_WAY, 0);
    event_log_say(&e->log, LOG_INFO, "upgrade", NULL, "making way for %s (berth %s)", u->path, version);
    struct control_client *client = u->client;
    answer(u);
    crash_point(CRASH_AT_upgrade_recorded);
    if (e->is_protected) {
        keeper_link_upgrade(&e->keeper, u->binary);
        crash_point(CRASH_AT_upgrade_told);
        _exit(0); /* as in a crash */
    }
    int r = engine_become_keeper(e, u->binary);
    char why[200];
    record(e, UPGRADE_FAILED, UPGRADE_UNPROTECTED);
    event_log_say(&e->log, LOG_ERROR, "upgrade", NULL, "a keeper could not be executed: %s", strerror(-r));
    refuse(e, u->waits ? client : NULL, upgrade_describe_failure(why, sizeof why, UPGRADE_UNPROTECTED));
    upgrade_free(u);
}

/* --- asking -------------------------------------------------------------------------------------------- */

static void on_answer(struct upgrade *u, int wait_status)
{
    struct engine *e = u->engine;
    char text[ANSWER_MOST + 1], version[UPGRADE_VERSION];
    struct berr err;
    ssize_t n = read(u->out, text, ANSWER_MOST);
    text[n > 0 ? n : 0] = '\0';
    const char *why = NULL;
    if (e->is_shutting_down)
        why = "berth is shutting down";
    else if (upgrade_judge(u->path, text, wait_status, ANSWER_SECONDS, version, &err) < 0)
        why = err.text;
    if (!why) {
        make_way(u, version);
        return;
    }
    refuse(e, u->client, why);
    upgrade_free(u);
}

static void on_ended(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)revents;
    struct upgrade *u = io->data;
    int status;
    int r = pidfd_wait(u->pidfd, &status);
    if (r != -EAGAIN)
        on_answer(u, r == 0 ? status : SIGKILL);
}

static void on_late(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    struct upgrade *u = t->data;
    pidfd_signal(u->pidfd, SIGKILL);
}

/* Copies of what is held: what asks may be no berth at all. */
static int ask(struct upgrade *u, struct berr *err)
{
    const struct engine *e = u->engine;
    cleanup_fd int state = memory_file_new("berth-state", e->store.memory.base, e->store.memory.size);
    cleanup_fd int config = e->config ? conf_load_store(e->conf, e->config) : -1;
    int given[2] = {state, config};
    pid_t pid = state < 0 ? state
                          : ask_binary_start(u->binary, UPGRADE_QUESTION, given, ANSWER_SECONDS,
                                             UPGRADE_NOT_EXECUTED, &u->pidfd, &u->out);
    if (pid < 0)
        return berr_set(err, BERR_SYSTEM, -pid, "%s could not be asked whether it can take over: %s", u->path,
                        strerror(-pid));
    return 0;
}

static const char *impossible(const struct engine *e)
{
    return e->is_shutting_down  ? "berth is shutting down"
           : !e->has_begun      ? "berth is still starting: its sockets cannot be bound yet"
           : e->upgrades.asking ? "another upgrade is under way"
                                : hand_over_obstacle(e);
}

void upgrade_begin(struct engine *e, struct control_client *client, const char *path, bool waits)
{
    struct berr err;
    if (impossible(e)) {
        refuse(e, client, impossible(e));
        return;
    }
    struct upgrade *u = mem_new(sizeof *u);
    *u =
        (struct upgrade){.engine = e, .client = client, .waits = waits, .out = -1, .pidfd = -1, .binary = -1};
    ev_init(&u->ended, on_ended);
    ev_timer_init(&u->late, on_late, ANSWER_SECONDS + 1, 0);
    u->ended.data = u->late.data = u;
    e->upgrades.asking = u;
    u->path = path ? mem_strdup(path) : own_path();
    if (!u->path)
        berr_set(&err, BERR_SYSTEM, ENOENT,
                 "where berth was started from is not known (/proc is missing); name the binary");
    else
        u->binary = open_binary(u->path, &err);
    if (u->binary < 0 || ask(u, &err) < 0) {
        refuse(e, client, err.text);
        upgrade_free(u);
        return;
    }
    ev_io_set(&u->ended, u->pidfd, EV_READ);
    ev_io_start(e->loop, &u->ended);
    ev_now_update(e->loop);
    ev_timer_start(e->loop, &u->late);
}

void upgrade_on_client_gone(struct engine *e, const struct control_client *client)
{
    if (e->upgrades.asking && e->upgrades.asking->client == client)
        e->upgrades.asking->client = NULL;
}

/* --- the outcome --------------------------------------------------------------------------------------- */

void upgrade_conclude(struct engine *e)
{
    char why[200];
    const struct keeper_link *k = &e->keeper;
    bool is_recorded = e->upgrades.state == UPGRADE_FAILED && e->upgrades.failure == k->failure;
    if (k->is_on_trial) {
        record(e, UPGRADE_DONE, 0);
        event_log_say(&e->log, LOG_INFO, "upgrade", NULL, "berth %s has taken over", PACKAGE_VERSION);
        crash_point(CRASH_AT_upgrade_concluded);
    } else if (k->is_back && !is_recorded) {
        record(e, UPGRADE_FAILED, k->failure);
        event_log_say(&e->log, LOG_ERROR, "upgrade", NULL, "%s",
                      upgrade_describe_failure(why, sizeof why, k->failure));
    } else if (!k->is_back && e->upgrades.state == UPGRADE_UNDER_WAY) {
        record(e, UPGRADE_FAILED, UPGRADE_FORGOTTEN);
        event_log_say(&e->log, LOG_ERROR, "upgrade", NULL, "%s",
                      upgrade_describe_failure(why, sizeof why, UPGRADE_FORGOTTEN));
    }
}

json_t *upgrade_describe(const struct engine *e)
{
    char why[200];
    if (e->upgrades.n == 0)
        return NULL;
    json_t *o =
        json_pack("{s:i, s:s}", "number", (int)e->upgrades.n, "state", upgrade_state_name(e->upgrades.state));
    if (e->upgrades.state == UPGRADE_FAILED)
        json_object_set_new(o, "reason",
                            json_string(upgrade_describe_failure(why, sizeof why, e->upgrades.failure)));
    return o;
}
