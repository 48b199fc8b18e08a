/* test_limits: what berth needs runs out, or is not there: descriptors, processes, a writable folder,
 * privileges. Nothing held is lost, the log says what ran out, and all goes on when there is room again. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

#define OTHER_UID 54321 /* nobody else's, so that its processes can be counted */

static void limit(pid_t pid, int resource, rlim_t soft, struct rlimit *ret_before)
{
    struct rlimit now;

    cr_assert(prlimit(pid, (enum __rlimit_resource)resource, NULL, ret_before) == 0, "%s", strerror(errno));
    now = *ret_before;
    now.rlim_cur = soft;
    cr_assert(prlimit(pid, (enum __rlimit_resource)resource, &now, NULL) == 0, "%s", strerror(errno));
}

static bool answers(struct rig *r)
{
    char body[256];

    return load_ask(rig_address(r, 4), "/", body, sizeof(body)) == 0;
}

rig_test(limits, of_descriptors_stop_no_service_that_runs)
{
    struct rlimit before;
    struct load *load;

    rig_needs_root();
    rig_run(r, "--set", "restart_delay=50ms", "--set", "restart_delay_max=200ms", "--listen",
            rig_address(r, 4), "--", r->probe);
    pid_t worker = rig_wait_worker(r, 1, 0), supervisor = rig_supervisor_pid(r);
    load = rig_load(r, rig_address(r, 4), 2);
    limit(supervisor, RLIMIT_NOFILE, 3, &before);
    rig_kill(r, worker, SIGKILL);
    rig_until(r, rig_log_has(r, "Too many open files"));
    cr_assert(rig_supervisor_pid(r) == supervisor, "it lives on without");
    cr_assert(prlimit(supervisor, RLIMIT_NOFILE, &before, NULL) == 0);
    rig_wait_worker(r, 1, worker);
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 2);
}

rig_test(limits, of_descriptors_that_are_too_low_to_start_are_an_error_that_says_so)
{
    const char *argv[64] = {"sh",       "-c", "ulimit -n 24; exec \"$@\"", "sh", r->berth, "--control",
                            r->control, "run"};
    const struct rig_result *result;
    size_t n = 8;

    for (unsigned i = 0; i < 25; i++) {
        argv[n++] = "--listen";
        argv[n++] = "127.0.0.1:0";
    }
    argv[n++] = "--";
    argv[n++] = "true";
    result = rig_exec(r, argv);
    cr_assert(result->status == 125, "%d: %s", result->status, result->err);
    cr_assert_not_null(strstr(result->err, "Too many open files"), "%s", result->err);
}

/* As that user, since root may lack the capability for another's limits. */
static void limit_processes(struct rig *r, pid_t pid, const char *soft)
{
    rig_expect(r, 0,
               RIG_ARGV("setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", "prlimit",
                        "--pid", rig_format(r, "%d", (int)pid), rig_format(r, "--nproc=%s", soft)));
}

/* berth as OTHER_UID; skips where that user cannot get at the programs. */
static void run_as_other(struct rig *r, const char *const *run)
{
    const char *argv[64] = {"setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", "--"};
    size_t n = 7;

    rig_needs_root();
    if (rig_exec(r, RIG_ARGV("setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", r->probe,
                             "--from", "none", "--exit-status", "0"))
            ->status != 0)
        rig_skip("another user cannot reach the build folder");
    cr_assert(chmod(r->dir, 0777) == 0);
    for (size_t i = 0; run[i] != NULL; i++)
        argv[n++] = run[i];
    argv[n] = NULL;
    rig_start(r, argv);
}

rig_test(limits, of_processes_stop_no_service_that_runs)
{
    struct load *load;

    run_as_other(r,
                 rig_run_argv(r, RIG_ARGV("--set", "restart_delay=50ms", "--set", "restart_delay_max=200ms",
                                          "--listen", rig_address(r, 4), "--", r->probe)));
    pid_t worker = rig_wait_worker(r, 1, 0), supervisor = rig_supervisor_pid(r);
    load = rig_load(r, rig_address(r, 4), 2);
    limit_processes(r, supervisor, "1:");
    rig_kill(r, worker, SIGKILL);
    rig_until(r, rig_log_has(r, "Resource temporarily unavailable"));
    cr_assert(rig_supervisor_pid(r) == supervisor);
    limit_processes(r, supervisor, "1000:");
    rig_wait_worker(r, 1, worker);
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 2);
}

rig_test(limits, of_processes_hold_back_the_keepers_supervisor_only_as_long_as_they_last)
{
    struct load *load;

    run_as_other(r, rig_run_argv(r, RIG_ARGV("--listen", rig_address(r, 4), "--", r->probe)));
    pid_t worker = rig_wait_worker(r, 1, 0);
    load = rig_load(r, rig_address(r, 4), 2);
    limit_processes(r, r->keeper, "1:");
    rig_kill_supervisor(r);
    cr_assert(load_wait_ok(load, 50, RIG_PATIENCE_SECONDS), "the worker serves on");
    limit_processes(r, r->keeper, "1000:");
    rig_wait_state(r, "running");
    cr_assert(rig_worker_pid(r, 1) == worker);
    rig_load_end(r, load, 0);
}

rig_test(limits, any_user_may_run_berth_in_a_folder_of_its_own)
{
    struct stat st;
    const char *folder = rig_format(r, "/tmp/berth-%d", OTHER_UID);

    rig_env(r, "HOME=/nowhere");
    run_as_other(r, RIG_ARGV(r->berth, "run", "--listen", rig_address(r, 4), "--", r->probe));
    rig_until(r, answers(r));
    cr_assert(stat(folder, &st) == 0 && (st.st_mode & 07777) == 0700 && st.st_uid == OTHER_UID);
    r->control = rig_format(r, "%s/control.sock", folder);
    rig_wait_state(r, "running");
    rig_stop(r);
    cr_assert(access(r->control, F_OK) < 0);
    rmdir(folder);
}

rig_test(limits, a_folder_of_somebody_else_is_not_trusted)
{
    const char *folder = rig_format(r, "/tmp/berth-%d", OTHER_UID + 1);

    rig_needs_root();
    cr_assert(mkdir(folder, 0777) == 0);
    const struct rig_result *result = rig_exec(r, RIG_ARGV("setpriv", "--reuid", "54322", "--regid", "54322",
                                                           "--clear-groups", r->berth, "run", "--", "true"));
    rmdir(folder);
    cr_assert_not_null(strstr(result->err, folder), "%s", result->err);
}

rig_test(limits, a_read_only_root_costs_only_the_control_socket)
{
    rig_needs_root();
    rig_start(r, RIG_ARGV("unshare", "--mount", "sh", "-ec",
                          "mount -t tmpfs none /run; mount -o remount,bind,ro /run; exec \"$@\"", "sh",
                          r->berth, "run", "--listen", rig_address(r, 4), "--set", "stable_after=0", "--",
                          r->probe, "--report", r->report));
    pid_t worker = rig_wait_report(r, "serving");
    rig_until(r, answers(r));
    cr_assert(rig_log_has(r, "no control socket"), "it says so");
    rig_kill(r, worker, SIGKILL);
    rig_wait_report(r, "serving");
    rig_kill_supervisor(r);
    rig_until(r, rig_supervisor_pid(r) > 0 && answers(r));
    unsigned n = 0;
    for (const char *s = rig_log(r); (s = strstr(s, "no control socket")) != NULL; s++)
        n++;
    cr_assert(n == 1, "it says so once, not %u times", n);
}
