/* test_libberth: the worker of examples/workers/c, which stands on libberth, under berth: its sockets by
 * variables and over a channel, restarted and killed under load. Nobody is refused, and a restart loses
 * nothing. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define CLIENTS 4
#define RESTARTS 5
#define KILLS 5

#define BY_VARIABLES "--set", "handoff=listen-fds"
#define BY_CHANNEL "--set", "handoff=channel", "--ready", "notify"

static const char *worker(struct rig *r)
{
    return rig_format(r, "%s/tests/lib/libberth-worker", getenv("top_builddir"));
}

static const char *status_text(struct rig *r)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    json_t *first = json_array_get(json_object_get(service, "workers"), 0);
    const char *text = json_string_value(json_object_get(first, "status"));

    return text != NULL ? text : "";
}

static void expect_answer(struct rig *r, const char *address, const char *name, const char *bound)
{
    char body[512];

    cr_assert_eq(load_ask(address, "/", body, sizeof body), 0);
    cr_assert_str_eq(body,
                     rig_format(r, "pid=%d name=%s address=%s\n", (int)rig_worker_pid(r, 1), name, bound));
}

static void disturb(struct rig *r, const char *address)
{
    struct load *load = rig_load(r, address, CLIENTS);

    for (int i = 0; i < RESTARTS; i++) {
        cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
        rig_cmd_ok(r, "restart", "libberth-worker");
    }
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    load = rig_load(r, address, CLIENTS);
    for (int i = 0; i < KILLS; i++) {
        pid_t pid = rig_wait_worker(r, 1, 0);
        cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
        rig_kill(r, pid, SIGKILL);
        rig_wait_worker(r, 1, pid);
    }
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, KILLS * CLIENTS); /* what a killed one had accepted */
}

rig_test(libberth, serves_sockets_that_came_by_variables)
{
    rig_run(r, BY_VARIABLES, "--set", "stable_after=0", "--listen",
            rig_format(r, "web=%s", rig_address(r, 4)), "--listen",
            rig_format(r, "admin=unix:%s/a.sock", r->dir), "--", worker(r));
    rig_wait_worker(r, 1, 0);
    expect_answer(r, rig_address(r, 4), "web", rig_format(r, "tcp://%s", rig_address(r, 4)));
    expect_answer(r, rig_format(r, "unix:%s/a.sock", r->dir), "admin",
                  rig_format(r, "unix:%s/a.sock", r->dir));
    disturb(r, rig_address(r, 4));
}

rig_test(libberth, serves_sockets_that_came_over_the_channel)
{
    rig_run(r, BY_CHANNEL, "--set", "stable_after=0", "--listen", rig_format(r, "web=%s", rig_address(r, 4)),
            "--listen", rig_format(r, "admin=unix:%s/a.sock", r->dir), "--", worker(r));
    rig_wait_worker(r, 1, 0);
    cr_assert_str_eq(status_text(r), "serving 2 sockets");
    expect_answer(r, rig_address(r, 4), "web", rig_format(r, "tcp://%s", rig_address(r, 4)));
    expect_answer(r, rig_format(r, "unix:%s/a.sock", r->dir), "admin",
                  rig_format(r, "unix:%s/a.sock", r->dir));
    disturb(r, rig_format(r, "unix:%s/a.sock", r->dir));
}

rig_test(libberth, takes_leave_in_order_after_the_supervisor_was_killed)
{
    rig_run(r, BY_CHANNEL, "--set", "stable_after=0", "--listen", rig_address(r, 4), "--", worker(r));
    pid_t pid = rig_wait_worker(r, 1, 0);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int i = 0; i < 3; i++) {
        cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
        rig_kill_supervisor(r);
        rig_wait_state(r, "running");
    }
    cr_assert_eq(rig_worker_pid(r, 1), pid);
    rig_cmd_ok(r, "restart", "libberth-worker");
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    cr_assert(rig_worker_pid(r, 1) != pid);
    rig_load_end(r, load, 0);
}

rig_test(libberth, drains_a_worker_that_no_signal_reaches)
{
    rig_run(r, BY_CHANNEL, "--stop-signal", "WINCH", "--set", "stop_timeout=1m", "--listen",
            rig_address(r, 4), "--", worker(r));
    rig_wait_worker(r, 1, 0);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_cmd_ok(r, "restart", "libberth-worker");
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    cr_assert(!rig_log_has(r, "KILL"));
}

rig_test(libberth, says_why_it_cannot_serve_without_sockets)
{
    rig_run(r, "--restart", "no", "--", worker(r));
    cr_assert_eq(rig_wait_exit(r), 1);
    cr_assert(strstr(rig_read_file(r, r->err_path), "there are no sockets to serve") != NULL);
}
