/* test_pid1: berth as process 1 of a pid namespace, as in a container: whatever is orphaned is its to reap,
 * and nobody else's signals have a default. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

/* Starts "berth run ARG…" as process 1 of its own namespace, with a /proc of its own. */
#define run_as_pid1(r, ...) start_as_pid1(r, rig_run_argv(r, RIG_ARGV(__VA_ARGS__)))

static pid_t child_of(struct rig *r, pid_t parent)
{
    return (pid_t)atoi(
        rig_read_file(r, rig_format(r, "/proc/%d/task/%d/children", (int)parent, (int)parent)));
}

static const char *const *as_pid1(const char *const *run)
{
    static const char *argv[64] = {"unshare",      "--pid",        "--fork", "--mount",
                                   "--mount-proc", "--kill-child", "--"};
    size_t n = 7;

    rig_needs_root();
    for (size_t i = 0; run[i] != NULL; i++)
        argv[n++] = run[i];
    argv[n] = NULL;
    return argv;
}

static void start_as_pid1(struct rig *r, const char *const *run)
{
    pid_t keeper = 0;

    rig_start(r, as_pid1(run));
    /* Or it is over already. */
    rig_until(r, (keeper = child_of(r, r->pid)) > 0 || !rig_process_is_alive(r->pid));
    r->keeper = keeper;
}

static int status_as_pid1(struct rig *r, const char *const *run)
{
    return rig_exec(r, as_pid1(run))->status;
}

rig_test(pid1, ends_with_the_commands_status)
{
    cr_assert(status_as_pid1(r, rig_run_argv(r, RIG_ARGV("--", "true"))) == 0);
    cr_assert(status_as_pid1(r, rig_run_argv(r, RIG_ARGV("--restart", "no", "--", "sh", "-c", "exit 7"))) ==
              7);
    cr_assert(status_as_pid1(r, rig_run_argv(r, RIG_ARGV("--restart", "no", "--", r->probe, "--kill-self",
                                                         "9"))) == 137);
    cr_assert(status_as_pid1(r, rig_run_argv(r, RIG_ARGV("--", "/nowhere/server"))) == 127);
    cr_assert(status_as_pid1(r, rig_run_argv(r, RIG_ARGV("--", "/etc"))) == 126);
    cr_assert(status_as_pid1(r, rig_run_argv(r, RIG_ARGV("--listen", "nonsense:x", "--", "true"))) == 2);
}

rig_test(pid1, is_what_berth_is_there)
{
    run_as_pid1(r, "--", r->probe, "--dump", rig_path(r, "dump"));
    rig_wait_state(r, "running");
    json_t *status = rig_status(r);
    cr_assert(json_integer_value(json_object_get(status, "keeper_pid")) == 1);
    rig_until(r, access(rig_path(r, "dump"), R_OK) == 0);
    json_t *dump = rig_read_json(r, rig_path(r, "dump"));
    cr_assert(json_integer_value(json_object_get(dump, "ppid")) == 1);
}

rig_test(pid1, ends_in_order_on_term)
{
    run_as_pid1(r, "--listen", rig_address(r, 4), "--", r->probe, "--drain", "--report", r->report);
    rig_wait_report(r, "serving");
    rig_wait_state(r, "running");
    cr_assert(rig_stop(r) == 0, "%d", r->exit_status);
    rig_wait_report(r, "draining");
}

rig_test(pid1, ends_at_once_on_a_second_term)
{
    run_as_pid1(r, "--stop-timeout", "1h", "--", r->probe, "--from", "none", "--ignore-term", "--report",
                r->report);
    rig_wait_report(r, "serving");
    rig_wait_state(r, "running");
    kill(r->keeper, SIGTERM);
    rig_wait_state(r, "stopping");
    kill(r->keeper, SIGTERM);
    cr_assert(rig_wait_exit(r) == 128 + SIGKILL, "%d", r->exit_status);
}

rig_test(pid1, reaps_whatever_is_orphaned)
{
    run_as_pid1(r, "--listen", rig_address(r, 4), "--", r->probe, "--orphans", "300", "--report", r->report);
    rig_wait_report(r, "orphaned");
    rig_until(r, rig_count_zombies(r->keeper) == 0);
    rig_wait_state(r, "running");
}

static unsigned count_in_log(struct rig *r, const char *text)
{
    unsigned n = 0;

    for (const char *at = rig_log(r); (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

rig_test(pid1, is_not_ended_by_its_workers)
{
    run_as_pid1(r, "--listen", rig_address(r, 4), "--", "sh", "-c",
                "kill -TERM 1; kill -QUIT 1; kill -KILL 1; exec \"$0\" --report \"$1\"", r->probe, r->report);
    rig_wait_report(r, "serving");
    rig_cmd_ok(r, "restart", "sh");
    rig_wait_report(r, "serving");
    /* The next TERM is ours, and must not arrive together with the worker's. */
    rig_until(r, count_in_log(r, "ignored TERM from worker") == 2);
    cr_assert(rig_process_is_alive(r->keeper));
    rig_wait_state(r, "running");
}

rig_test(pid1, loses_nothing_when_its_supervisor_is_killed)
{
    struct load *load;

    run_as_pid1(r, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    load = rig_load(r, rig_address(r, 4), 4);
    for (int i = 0; i < 10; i++) {
        rig_kill_supervisor(r);
        rig_wait_state(r, "running");
    }
    cr_assert(rig_worker_restarts(r, 1) == 0);
    rig_load_end(r, load, 0);
}

rig_test(pid1, takes_everybody_along_when_it_ends)
{
    run_as_pid1(r, "--listen", rig_address(r, 4), "--", r->probe, "--grandchild", "serve");
    cr_assert(rig_wait_exit(r) == 0, "%d", r->exit_status);
}
