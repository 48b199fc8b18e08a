/* test_reload_servers: real servers, four workers of each, are reloaded again and again under clients that
 * open a connection for each request and clients that keep theirs, which ask at a fixed rate whatever becomes
 * of the requests before: not one may fail. The servers are those of examples/servers, started as their
 * readers would; "berth" stands in for one with a few more options.
 *
 * Those that boot slowly are reloaded less often; BERTH_TEST_TIMES=200 has each reloaded as often as that.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

#define CLIENTS 8 /* of each kind: that many of its requests are under way at once, at most */
#define RATE 150  /* requests a second, of each kind */

/* A "berth" in front of the real one in PATH, which has `run` run four workers. */
static const char *wrapper(struct rig *r, const char *keys)
{
    const char *folder = rig_path(r, "bin"), *path = rig_path(r, "bin/berth");
    cr_assert_eq(mkdir(folder, 0755), 0);
    rig_write_file(path,
                   rig_format(r, "#!/bin/sh\nshift\nexec %s run --workers 4 %s --set stable_after=0 \"$@\"\n",
                              r->berth, keys));
    cr_assert_eq(chmod(path, 0755), 0);
    return folder;
}

/* The example of that name, whose program is called so as well. */
static void start(struct rig *r, const char *server, const char *keys)
{
    const char *state = rig_path(r, "state");
    if (rig_find_program(r, server) == NULL)
        rig_skip("%s is not installed", server);
    cr_assert(mkdir(state, 0755) == 0 && chmod(r->dir, 0755) == 0);
    rig_env(r, rig_format(r, "LISTEN=%s", rig_address(r, 4)));
    rig_env(r, rig_format(r, "STATE=%s", state));
    rig_env(r, rig_format(r, "BERTH_CONTROL=%s", r->control));
    rig_env(r, rig_format(r, "PATH=%s:/usr/sbin:%s", wrapper(r, keys), getenv("PATH")));
    rig_start(r,
              RIG_ARGV("sh", rig_format(r, "%s/examples/servers/%s/run.sh", getenv("top_srcdir"), server)));
    rig_wait_state(r, "running");
}

static struct load *begin_load(struct rig *r, bool keep_alive)
{
    struct load_options options = {
        .address = rig_address(r, 4), .clients = CLIENTS, .rate = RATE, .keep_alive = keep_alive};
    struct load *load = load_start(&options);
    cr_assert_not_null(load);
    return load;
}

static void reload(struct rig *r, int times, bool kills)
{
    struct load *opening = begin_load(r, false), *keeping = begin_load(r, true);
    cr_assert(load_wait_ok(opening, 5, RIG_PATIENCE_SECONDS) &&
              load_wait_ok(keeping, 5, RIG_PATIENCE_SECONDS));
    for (int i = 0, n = rig_times(times); i < n; i++) {
        pid_t reload = rig_spawn(r, "reload", rig_cmd_argv(r, RIG_ARGV("reload")));
        if (kills && i % 3 == 0)
            rig_kill_supervisor(r); /* before the reload, at its beginning, in the middle: as it happens */
        int status = rig_wait_child(r, reload);
        cr_assert(status == 0 || (kills && status == 1), "%s", rig_read_file(r, rig_path(r, "reload")));
    }
    cr_assert(load_wait_ok(opening, 5, RIG_PATIENCE_SECONDS) &&
              load_wait_ok(keeping, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, opening, 0);
    rig_load_end(r, keeping, 0);
}

#define READY_FD "--ready fd:9 --env READY_FD=9 --set settle=20ms"

/* TIMES, each time with workers that have booted: else the last ones that did are gone before there are
 * others, and whoever asks waits in the queue. KEYS see to that. */
#define SERVER(server, times, keys)                                                                          \
    rig_test(reload, server##_##times##_times)                                                               \
    {                                                                                                        \
        start(r, #server, keys);                                                                             \
        reload(r, times, false);                                                                             \
    }                                                                                                        \
    rig_test(reload, server##_while_supervisors_are_killed)                                                  \
    {                                                                                                        \
        start(r, #server, keys);                                                                             \
        reload(r, times / 4 + 2, true);                                                                      \
    }

SERVER(gunicorn, 8, READY_FD)
SERVER(node, 20, READY_FD)
SERVER(nginx, 200, "--set settle=50ms")
SERVER(go, 200, "--set settle=50ms")

static void start_probe(struct rig *r)
{
    rig_run(r, "--workers", "4", "--set", "settle=10ms", "--set", "stable_after=0", "--listen",
            rig_address(r, 4), "--", r->probe, "--drain");
    rig_wait_state(r, "running");
}

rig_test(reload, a_worker_in_c_200_times)
{
    start_probe(r);
    reload(r, 200, false);
    cr_assert_eq(rig_number_of(r, "probe", "generation"), 1 + rig_times(200));
}

rig_test(reload, a_worker_in_c_100_times_while_supervisors_are_killed)
{
    start_probe(r);
    reload(r, 100, true);
}
