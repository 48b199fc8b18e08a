/* test_surroundings: what a worker finds around it, told by itself; and for each key the refusal to start
 * without it. Cgroups belong to the whole machine: those that are made here are named after the rig's own
 * folder. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

/* Runs a command to berth's own end, which must be STATUS. */
#define RUN(r, status, ...) rig_expect(r, status, rig_run_argv(r, RIG_ARGV(__VA_ARGS__)))

static void expect_refused(struct rig *r, const char *key, const char *part)
{
    const struct rig_result *result = RUN(r, 125, "--set", key, "--", "sh", "-c", "echo ran");
    cr_assert_str_eq(result->out, "");
    cr_assert(strstr(result->err, part) != NULL, "%s: %s", key, result->err);
}

/* --- the root directory -------------------------------------------------------------------------------- */

/* A folder with a shell, its libraries and a file in it. */
static const char *make_root(struct rig *r)
{
    const char *root = rig_path(r, "root");
    rig_expect(r, 0,
               RIG_ARGV("sh", "-ec",
                        "mkdir -p \"$0/bin\" \"$0/inside\"; cp /bin/sh \"$0/bin/\"\n"
                        "for f in $(ldd /bin/sh | grep -o '/[^ ]*'); do\n"
                        "    mkdir -p \"$0${f%/*}\"; cp \"$f\" \"$0$f\"\n"
                        "done; chmod -R a+rX \"$0\"",
                        root));
    rig_write_file(rig_format(r, "%s/marker", root), "inside\n");
    return root;
}

rig_test(surroundings, the_root_directory_is_changed_before_user_and_directory)
{
    rig_needs_root();
    const char *chroot = rig_format(r, "chroot=%s", make_root(r));
    cr_assert_eq(chmod(r->dir, 0755), 0);
    const struct rig_result *result =
        RUN(r, 0, "--set", chroot, "--set", "user=65534", "--", "sh", "-c", "read x </marker; echo $x; pwd");
    cr_assert_str_eq(result->out, "inside\n/\n");
    result = RUN(r, 0, "--set", chroot, "--set", "directory=/inside", "--", "sh", "-c", "pwd");
    cr_assert_str_eq(result->out, "/inside\n");
    result = RUN(r, 125, "--set", chroot, "--set", "directory=/usr/include", "--", "sh", "-c", "pwd");
    cr_assert(strstr(result->err, "chdir \"/usr/include\": No such file") != NULL, "%s", result->err);
    result = RUN(r, 127, "--set", chroot, "--", "grep", "x");
    cr_assert(strstr(result->err, "exec \"grep\": No such file") != NULL, "%s", result->err);
}

rig_test(surroundings, a_root_directory_that_is_not_there_fails_the_start)
{
    rig_needs_root();
    expect_refused(r, "chroot=/nowhere",
                   "could not be started: chroot \"/nowhere\": No such file or directory");
}

/* --- variables ----------------------------------------------------------------------------------------- */

rig_test(surroundings, variables_come_from_files_and_the_command_line_is_stronger)
{
    const char *one = rig_path(r, "one"), *other = rig_path(r, "other");
    rig_write_file(one, "# comment\nA=one\nB=one\nC='one $A'\nHOME=\"/some where\"\n");
    rig_write_file(other, "; comment\nB=other\nD=other\n");
    rig_env(r, "A=inherited");
    rig_env(r, "E=inherited");
    const struct rig_result *result = RUN(r, 0, "--set", rig_format(r, "env_file=%s, -%s/none", one, r->dir),
                                          "--set", rig_format(r, "env_file=%s", other), "--set", "env.D=told",
                                          "--", "sh", "-c", "echo \"$A $B $C $D $E $HOME\"");
    cr_assert_str_eq(result->out, "one other one $A told inherited /some where\n");
    result = RUN(r, 0, "--explain", "--set", rig_format(r, "env_file=%s", one), "--", "true");
    cr_assert(strstr(result->out, "env_file        A=one\n") != NULL, "%s", result->out);
}

rig_test(surroundings, files_of_variables_are_read_at_each_start)
{
    const char *file = rig_path(r, "variables"), *told = rig_path(r, "told");
    rig_write_file(file, "COLOUR=red\n");
    rig_run(r, "--set", rig_format(r, "env_file=%s", file), "--", "sh", "-c",
            rig_format(r, "echo $COLOUR >%s.new; mv %s.new %s; exec sleep 1000", told, told, told));
    rig_until(r, access(told, F_OK) == 0);
    cr_assert_str_eq(rig_read_file(r, told), "red\n");
    cr_assert_eq(unlink(told), 0);
    rig_write_file(file, "COLOUR=blue\n");
    rig_cmd_ok(r, "restart", "sh");
    rig_until(r, access(told, F_OK) == 0);
    cr_assert_str_eq(rig_read_file(r, told), "blue\n");
}

rig_test(surroundings, a_file_of_variables_that_cannot_be_read_fails_the_start)
{
    const char *file = rig_path(r, "variables");
    rig_write_file(file, "A=b\n\nexport C=d\n");
    expect_refused(r, rig_format(r, "env_file=%s", file),
                   rig_format(r, "could not be started: env_file %s:3: a variable's name", file));
    expect_refused(
        r, rig_format(r, "env_file=%s/none", r->dir),
        rig_format(r, "could not be started: env_file: %s/none could not be read: No such file", r->dir));
    expect_refused(r, rig_format(r, "env_file=-%s", r->dir), "is not a plain file");
}

/* --- processors and memory ----------------------------------------------------------------------------- */

rig_test(surroundings, a_worker_stays_on_its_processors)
{
    const struct rig_result *result =
        RUN(r, 0, "--set", "cpus=0", "--", "sed", "-n", "s/^Cpus_allowed_list:.//p", "/proc/self/status");
    cr_assert_str_eq(result->out, "0\n");
    expect_refused(r, "cpus=0,8191", "could not be started: cpus \"0, 8191\": ");
}

/* Runs berth as root without the capability NAME, to an end with STATUS. */
static const struct rig_result *run_without(struct rig *r, const char *name, int status, const char *key)
{
    const char *const *argv = rig_run_argv(r, RIG_ARGV("--set", key, "--", "echo", "ran"));
    const char *all[32] = {"setpriv", rig_format(r, "--bounding-set=-%s", name)};

    for (size_t n = 2; *argv; argv++)
        all[n++] = *argv;
    return rig_expect(r, status, all);
}

rig_test(surroundings, the_oom_score_is_adjusted)
{
    const struct rig_result *result =
        RUN(r, 0, "--set", "oom_score_adjust=321", "--", "cat", "/proc/self/oom_score_adj");
    cr_assert_str_eq(result->out, "321\n");
}

rig_test(surroundings, an_oom_score_that_may_not_be_lowered_fails_the_start)
{
    rig_needs_root();
    const struct rig_result *result = run_without(r, "sys_resource", 125, "oom_score_adjust=-999");
    cr_assert(strstr(result->err, "could not be started: oom_score_adjust \"-999\": Permission denied") !=
                  NULL,
              "%s", result->err);
}

/* --- capabilities -------------------------------------------------------------------------------------- */

#define SHOW_CAPABILITIES "sed", "-n", "s/^Cap...:.0*//p", "/proc/self/status"

rig_test(surroundings, a_worker_keeps_exactly_its_capabilities)
{
    rig_needs_root();
    const struct rig_result *result =
        RUN(r, 0, "--set", "user=65534", "--set", "capabilities=net_bind_service", "--set",
            "capabilities=CAP_CHOWN", "--", SHOW_CAPABILITIES);
    cr_assert_str_eq(result->out, "401\n401\n401\n401\n401\n");
    result = RUN(r, 0, "--set", "capabilities=kill", "--", SHOW_CAPABILITIES);
    cr_assert_str_eq(result->out, "20\n20\n20\n20\n20\n", "root keeps no more than others");
    result = RUN(r, 0, "--set", "capabilities=", "--", SHOW_CAPABILITIES);
    cr_assert_str_eq(result->out, "\n\n\n\n\n");
}

rig_test(surroundings, capabilities_that_cannot_be_given_fail_the_start)
{
    rig_needs_root();
    expect_refused(
        r, "capabilities=sys_tim",
        "could not be started: capabilities: \"sys_tim\" is not a capability; did you mean sys_time?");
    const struct rig_result *result = run_without(r, "sys_time", 125, "capabilities=kill,sys_time");
    cr_assert(strstr(result->err,
                     "could not be started: capabilities \"kill, sys_time\": Operation not permitted") !=
                  NULL,
              "%s", result->err);
}

/* --- cgroups ------------------------------------------------------------------------------------------- */

/* The folder of the cgroup that we are in; "" where there is none. */
static const char *own_cgroup(struct rig *r)
{
    const char *out =
        rig_expect(r, 0,
                   RIG_ARGV("sh", "-c",
                            "m=$(sed -n 's/^[^ ]* [^ ]* [^ ]* \\/ \\([^ ]*\\) .* - cgroup2 .*/\\1/p' "
                            "/proc/self/mountinfo | head -n 1); "
                            "[ -n \"$m\" ] && printf %s \"$m$(sed -n 's/^0:://p' /proc/self/cgroup)\"; :"))
            ->out;
    size_t n = strlen(out);
    return rig_format(r, "%.*s", (int)(n > 0 && out[n - 1] == '/' ? n - 1 : n), out);
}

/* A path below it that nobody else has. */
static const char *unique_name(struct rig *r)
{
    return strrchr(r->dir, '/') + 1;
}

/* Where no cgroup can be made, that must be said, and the test is over. */
static bool has_cgroups(struct rig *r)
{
    const char *folder = rig_format(r, "%s/%s", own_cgroup(r), unique_name(r));
    if (folder[0] == '/' && strchr(folder + 1, '/') && mkdir(folder, 0755) == 0 && rmdir(folder) == 0)
        return true;
    expect_refused(r, rig_format(r, "cgroup=%s", unique_name(r)), "could not be started: cgroup: ");
    return false;
}

#define SHOW_CGROUP "sed", "-n", "s/^0::.*\\/\\(.*\\/.*\\)/\\1/p", "/proc/self/cgroup"

rig_test(surroundings, a_worker_runs_in_its_cgroup_which_is_removed_with_berth)
{
    if (!has_cgroups(r))
        return;
    const char *folder = rig_format(r, "%s/%s", own_cgroup(r), unique_name(r));
    const char *cgroup = rig_format(r, "cgroup=%s/api", unique_name(r));
    const struct rig_result *result = RUN(r, 0, "--set", cgroup, "--", SHOW_CGROUP);
    cr_assert_str_eq(result->out, rig_format(r, "%s/api\n", unique_name(r)));
    cr_assert_eq(access(folder, F_OK), -1);

    /* One from before, with another one in it. */
    cr_assert(mkdir(folder, 0755) == 0 && mkdir(rig_format(r, "%s/api", folder), 0755) == 0 &&
              mkdir(rig_format(r, "%s/api/x", folder), 0755) == 0);
    result = RUN(r, 0, "--set", cgroup, "--", SHOW_CGROUP);
    cr_assert_str_eq(result->out, rig_format(r, "%s/api\n", unique_name(r)));
    cr_assert_eq(access(folder, F_OK), -1);
}

rig_test(surroundings, berth_names_a_cgroup_after_itself_and_the_service)
{
    if (!has_cgroups(r))
        return;
    const char *script = rig_path(r, unique_name(r));
    rig_write_file(script, "#!/bin/sh\nexec sed -n 's/^0::.*\\/berth-[0-9]*-//p' /proc/self/cgroup\n");
    cr_assert_eq(chmod(script, 0755), 0);
    const struct rig_result *result = RUN(r, 0, "--set", "cgroup=auto", "--", script);
    cr_assert_str_eq(result->out, rig_format(r, "%s\n", unique_name(r)));
    result = RUN(r, 0, "--set", "cgroup=no", "--", script);
    cr_assert_str_eq(result->out, "");
}

rig_test(surroundings, a_cgroup_that_cannot_be_made_fails_the_start)
{
    if (!has_cgroups(r))
        return;
    expect_refused(r, "cgroup=cgroup.procs/x", "could not be started: cgroup: ");
    const struct rig_result *result = RUN(r, 2, "--set", "cgroup=no", "--set", "kill=cgroup", "--", "true");
    cr_assert(strstr(result->err, "cgroup = no contradicts kill = cgroup") != NULL, "%s", result->err);
}

static void expect_limit(struct rig *r, const char *controllers, const char *controller, const char *key,
                         const char *value, const char *wanted)
{
    const char *cgroup = rig_format(r, "cgroup=%s", unique_name(r));
    const char *file = rig_format(r, "%s/%s/%s.max", own_cgroup(r), unique_name(r), controller);
    const char *const *argv = rig_run_argv(
        r, RIG_ARGV("--set", cgroup, "--set", rig_format(r, "%s=%s", key, value), "--", "cat", file));
    if (strstr(controllers, controller) == NULL) {
        const struct rig_result *result = rig_expect(r, 125, argv);
        cr_assert(
            strstr(result->err, rig_format(r, "could not be started: %s: the controller %s is missing in /",
                                           key, controller)) != NULL,
            "%s", result->err);
        return;
    }
    /* With others in our cgroup it cannot be passed on, unless we are at the root of all. */
    const struct rig_result *result = rig_exec(r, argv);
    if (result->status == 0)
        cr_assert_str_eq(result->out, wanted);
    else
        cr_assert(strstr(result->err,
                         rig_format(r, "could not be started: %s: the controller %s cannot be passed on", key,
                                    controller)) != NULL,
                  "%s", result->err);
}

rig_test(surroundings, a_limit_is_set_or_its_controller_is_named)
{
    if (!has_cgroups(r))
        return;
    const char *controllers = rig_read_file(r, rig_format(r, "%s/cgroup.controllers", own_cgroup(r)));
    expect_limit(r, controllers, "memory", "memory_max", "64M", "67108864\n");
    expect_limit(r, controllers, "cpu", "cpu_max", "50%", "50000 100000\n");
    expect_limit(r, controllers, "pids", "pids_max", "100", "100\n");
}

static pid_t wait_pid_in(struct rig *r, const char *path)
{
    rig_until(r, access(path, R_OK) == 0 && atoi(rig_read_file(r, path)) > 0);
    return (pid_t)atoi(rig_read_file(r, path));
}

rig_test(surroundings, kill_reaches_all_that_is_in_a_workers_cgroup_and_no_other_worker)
{
    if (!has_cgroups(r))
        return;
    const char *folder = rig_format(r, "%s/%s", own_cgroup(r), unique_name(r));
    /* Neither worker nor child minds TERM, and the child has a session of its own. */
    const char *script = rig_format(r,
                                    "trap '' TERM; setsid sh -c 'echo $$ >%s/$0.new; mv %s/$0.new %s/$0; "
                                    "exec sleep 1000' child{worker} & exec sleep 1000",
                                    r->dir, r->dir, r->dir);
    rig_run(r, "--set", "workers=2", "--set", "kill=cgroup", "--set",
            rig_format(r, "cgroup=%s", unique_name(r)), "--set", "stop_timeout=100ms", "--", "sh", "-c",
            script);
    pid_t child1 = wait_pid_in(r, rig_path(r, "child1")), child2 = wait_pid_in(r, rig_path(r, "child2"));
    pid_t worker1 = rig_wait_worker(r, 1, 0), worker2 = rig_wait_worker(r, 2, 0);

    /* It ends by itself, and a successor of the supervisor ends what it left behind. */
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert_eq(unlink(rig_path(r, "child1")), 0);
    rig_kill(r, worker1, SIGKILL);
    rig_until(r, !rig_process_is_alive(child1));
    worker1 = rig_wait_worker(r, 1, worker1);
    wait_pid_in(r, rig_path(r, "child1")); /* it does not mind TERM from here on */
    cr_assert(rig_process_is_alive(child2) && rig_worker_pid(r, 2) == worker2);

    /* It has to be killed. */
    cr_assert(unlink(rig_path(r, "child1")) == 0 && unlink(rig_path(r, "child2")) == 0);
    rig_cmd_ok(r, "restart", "sh");
    rig_until(r, !rig_process_is_alive(child2));
    rig_wait_worker(r, 1, worker1);
    rig_wait_worker(r, 2, worker2);
    wait_pid_in(r, rig_path(r, "child1"));
    wait_pid_in(r, rig_path(r, "child2"));
    cr_assert_eq(rig_stop(r), 137);
    cr_assert_eq(access(folder, F_OK), -1);
}
