/* test_guard: a worker that harms the socket it was lent. The socket is put right, and the log names the
 * worker. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

static bool answers(const char *address)
{
    char body[256];

    return load_ask(address, "/", body, sizeof(body)) == 0;
}

static long backlog_of(struct rig *r)
{
    json_t *sockets = json_object_get(rig_call(r, "io.berth.Sockets", NULL), "sockets");

    return (long)json_integer_value(json_object_get(json_array_get(sockets, 0), "backlog"));
}

rig_test(guard, revives_a_tcp_listener_that_a_worker_shut_down)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--shutdown", "--harm-once",
            rig_path(r, "once"));
    rig_until(r, rig_log_has(r, "shut"));
    rig_until(r, answers(rig_address(r, 4)));
    cr_assert(rig_log_has(r, "probe/1#1"), "the log names the worker");
}

rig_test(guard, revives_it_however_often)
{
    rig_run(r, "--set", "stable_after=0", "--listen", rig_address(r, 6), "--", r->probe, "--shutdown",
            "--report", r->report);
    for (int i = 0; i < 5; i++) {
        pid_t worker = rig_wait_report(r, "serving");
        rig_until(r, answers(rig_address(r, 6)));
        rig_kill(r, worker, SIGKILL);
    }
    rig_wait_report(r, "serving");
}

rig_test(guard, makes_a_unix_listener_anew_that_a_worker_shut_down)
{
    rig_run(r, "--listen", rig_address(r, 1), "--", r->probe, "--shutdown", "--harm-once",
            rig_path(r, "once"));
    rig_until(r, rig_log_has(r, "shut"));
    rig_until(r, answers(rig_address(r, 1)));
    cr_assert(rig_log_has(r, "probe/1#1"), "the log names the worker");
}

rig_test(guard, puts_a_changed_backlog_back)
{
    rig_run(r, "--listen", rig_format(r, "%s?backlog=1000", rig_address(r, 4)), "--", r->probe, "--backlog",
            "5", "--report", r->report);
    rig_wait_report(r, "harmed");
    rig_until(r, rig_log_has(r, "backlog"));
    rig_until(r, backlog_of(r) == 1000);
    cr_assert(rig_log_has(r, "probe/1#1"), "the log names the worker");
}

rig_test(guard, puts_a_unix_path_back_that_a_worker_removed)
{
    const char *path = rig_path(r, "web.sock");
    struct load *load;

    rig_run(r, "--listen", rig_address(r, 1), "--", r->probe, "--unlink", path, "--report", r->report);
    rig_wait_report(r, "harmed");
    rig_until(r, answers(path));
    cr_assert(rig_log_has(r, path) && rig_log_has(r, "probe/1#1"), "the log names the path and the worker");
    load = rig_load(r, path, 2);
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(guard, puts_a_unix_path_back_that_somebody_replaced)
{
    const char *path = rig_path(r, "web.sock"), *other = rig_path(r, "other");

    rig_run(r, "--listen", rig_address(r, 1), "--", r->probe);
    rig_wait_state(r, "running");
    rig_write_file(other, "not a socket\n");
    cr_assert(rename(other, path) == 0);
    rig_until(r, answers(path));
}

rig_test(guard, of_a_unix_path_outlives_the_supervisor)
{
    const char *path = rig_path(r, "web.sock");

    rig_run(r, "--listen", rig_address(r, 1), "--", r->probe);
    rig_wait_state(r, "running");
    kill(r->keeper, SIGSTOP);
    rig_kill(r, rig_supervisor_pid(r), SIGKILL);
    cr_assert(unlink(path) == 0);
    kill(r->keeper, SIGCONT);
    rig_until(r, answers(path));
}

rig_test(guard, needs_nothing_where_a_worker_only_closes_its_copy)
{
    rig_run(r, "--set", "stable_after=0", "--listen", rig_address(r, 4), "--", r->probe, "--close",
            "--harm-once", rig_path(r, "once"), "--report", r->report);
    pid_t worker = rig_wait_report(r, "harmed");
    struct load *load = rig_load(r, rig_address(r, 4), 2);
    rig_wait_state(r, "running");
    rig_kill(r, worker, SIGKILL);
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}
