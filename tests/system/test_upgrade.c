/* test_upgrade: another binary takes the supervisor's place, and the keeper's, under load: to one that works,
 * to some that do not, to what is no berth. Whatever becomes of it, workers are not touched and no request is
 * lost. */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

#define CLIENTS 4
#define TIMES 50

static const char *copy_of(struct rig *r, const char *binary, const char *name)
{
    const char *path = rig_path(r, name), *fresh = rig_path(r, "fresh");
    rig_expect(r, 0, RIG_ARGV("cp", binary, fresh));
    cr_assert(rename(fresh, path) == 0);
    return path;
}

static const char *crash_binary(void)
{
    return getenv("BERTH_CRASH");
}

/* A program of this build. */
static const char *built(struct rig *r, const char *name)
{
    return rig_format(r, "%s/%s", getenv("top_builddir"), name);
}

/* By the file itself: it may stand elsewhere for a process of another mount namespace. */
static bool runs(struct rig *r, pid_t pid, const char *program)
{
    struct stat running, wanted;
    return stat(rig_format(r, "/proc/%d/exe", (int)pid), &running) == 0 && stat(program, &wanted) == 0 &&
           running.st_ino == wanted.st_ino && running.st_dev == wanted.st_dev;
}

static const struct rig_result *upgrade_to(struct rig *r, const char *binary)
{
    return rig_cmd(r, "upgrade", "--binary", binary);
}

static void upgrade_well(struct rig *r, const char *binary)
{
    const struct rig_result *result = upgrade_to(r, binary);
    cr_assert(result->status == 0, "%d: %s", result->status, result->err);
    cr_assert(strstr(result->out, "has taken over"), "%s", result->out);
    cr_assert(runs(r, rig_supervisor_pid(r), binary));
}

/* Serves, and under load; the worker's pid. */
static pid_t begin(struct rig *r, struct load **ret_load)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    pid_t worker = rig_wait_worker(r, 1, 0);
    *ret_load = rig_load(r, rig_address(r, 4), CLIENTS);
    cr_assert(load_wait_ok(*ret_load, 5, RIG_PATIENCE_SECONDS));
    return worker;
}

static void end(struct rig *r, struct load *load, pid_t worker)
{
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    cr_assert_eq(rig_worker_pid(r, 1), worker);
    cr_assert_eq(rig_worker_restarts(r, 1), 0);
}

rig_test(upgrade, to_a_binary_elsewhere_and_then_to_what_stands_there)
{
    struct load *load;
    const char *copy = copy_of(r, r->berth, "berth");
    pid_t worker = begin(r, &load);
    size_t fds = rig_count_fds(r->keeper);
    upgrade_well(r, copy);
    /* A package manager puts another file in its place; the old one is "(deleted)". */
    copy_of(r, r->berth, "berth");
    cr_assert(!runs(r, rig_supervisor_pid(r), copy), "that is another file by now");
    rig_cmd_ok(r, "upgrade");
    cr_assert(runs(r, rig_supervisor_pid(r), copy));
    rig_until(r, rig_count_fds(r->keeper) == fds); /* the old binary is let go of with STABLE */
    end(r, load, worker);
    /* The new binary is the one that is started after a crash. */
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert(runs(r, rig_supervisor_pid(r), copy));
}

static void is_refused(struct rig *r, const char *binary, const char *why)
{
    pid_t supervisor = rig_supervisor_pid(r);
    const struct rig_result *result = upgrade_to(r, binary);
    cr_assert_eq(result->status, 1, "%s: %d %s", binary, result->status, result->err);
    cr_assert(strstr(result->err, why), "%s: %s", binary, result->err);
    cr_assert_eq(strchr(result->err, '\n'), result->err + strlen(result->err) - 1, "%s", result->err);
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
}

rig_test(upgrade, is_refused_by_what_is_no_berth_or_cannot_read_the_state)
{
    struct load *load;
    const char *text = rig_path(r, "text"), *script = rig_path(r, "script");
    pid_t worker = begin(r, &load);
    rig_write_file(text, "no program\n");
    rig_write_file(script, "#!/bin/sh\necho berth 1 keeper 1; echo can\n");
    cr_assert(chmod(script, 0755) == 0);
    is_refused(r, "/bin/true", "is not a berth");
    is_refused(r, "/bin/sleep", "exited with status 1");
    is_refused(r, r->dir, "is a directory");
    is_refused(r, text, "is not executable");
    cr_assert(chmod(text, 0755) == 0);
    is_refused(r, text, "cannot be executed");
    is_refused(r, script, "it is a script");
    is_refused(r, "/nowhere/berth", "No such file");
    is_refused(r, "/dev/null", "no regular file");
    is_refused(r, r->probe, "did not say within 5 seconds");
    is_refused(r, built(r, "tests/berth-future"), "it reads state of version 1000");
    cr_assert_null(json_object_get(rig_status(r), "upgrade"), "none was begun");
    end(r, load, worker);
}

rig_test(upgrade, to_one_that_crashes_goes_back)
{
    struct load *load;
    rig_env(r, "BERTH_CRASH_AT=reconcile_done:1:1");
    pid_t worker = begin(r, &load);
    const struct rig_result *result = upgrade_to(r, crash_binary());
    cr_assert_eq(result->status, 1, "%s", result->err);
    cr_assert(strstr(result->err, "rolled back: the new supervisor was killed by KILL"), "%s", result->err);
    cr_assert(runs(r, rig_supervisor_pid(r), r->berth));
    /* The next one may try again: it is the third. */
    upgrade_well(r, crash_binary());
    end(r, load, worker);
}

rig_test(upgrade, to_one_that_crashes_as_it_becomes_stable_goes_back)
{
    rig_env(r, "BERTH_CRASH_AT=keeper_stable_before:1:1");
    struct load *load;
    pid_t worker = begin(r, &load);
    cr_assert_eq(upgrade_to(r, crash_binary())->status, 1);
    cr_assert(runs(r, rig_supervisor_pid(r), r->berth));
    end(r, load, worker);
}

rig_test(upgrade, to_one_that_crashes_once_it_is_stable_stays)
{
    rig_env(r, "BERTH_CRASH_AT=keeper_stable_after:1:1");
    struct load *load;
    pid_t worker = begin(r, &load);
    upgrade_well(r, crash_binary());
    rig_until(r, rig_log_has(r, "starting it again (restart 2,"));
    rig_wait_state(r, "running");
    cr_assert(runs(r, rig_supervisor_pid(r), crash_binary()));
    end(r, load, worker);
}

rig_test(upgrade, to_one_that_hangs_goes_back)
{
    struct load *load;
    rig_env(r, "BERTH_CRASH_AT=reconcile_done:1:1");
    rig_env(r, "BERTH_CRASH_STOPS=1");
    pid_t worker = begin(r, &load);
    const struct rig_result *result = upgrade_to(r, crash_binary());
    cr_assert_eq(result->status, 1, "%s", result->err);
    cr_assert(strstr(result->err, "was not ready within 10 seconds"), "%s", result->err);
    cr_assert(runs(r, rig_supervisor_pid(r), r->berth));
    end(r, load, worker);
}

static bool counts_without_a_gap(const char *text)
{
    long expected = 1;
    for (const char *line = text; *line && strchr(line, '\n'); line = strchr(line, '\n') + 1)
        if (strtol(line, NULL, 10) != expected++)
            return false;
    return expected > 1;
}

/* Between a binary and one whose keeper is another one, so that all of it is replaced each time. */
static void many_in_a_row(struct rig *r, const char *first, const char *second)
{
    const char *path = rig_path(r, "log");
    rig_up(r,
           rig_format(r,
                      "[socket:web]\nlisten = %s\n[service:web]\nsockets = web\nworkers = 3\ncommand = %s\n"
                      "[service:count]\noutput = file:%s\n"
                      "command = sh -c 'i=0; while :; do i=$$((i+1)); echo $$i; sleep 0.001; done'\n",
                      rig_address(r, 4), r->probe, path));
    rig_wait_state_of(r, "web", "running");
    rig_wait_state_of(r, "count", "running");
    pid_t workers[3], counter = rig_pid_of(r, "count", 1);
    for (int i = 0; i < 3; i++)
        workers[i] = rig_pid_of(r, "web", i + 1);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    int times = rig_times(TIMES);
    for (int i = 0; i < times; i++)
        upgrade_well(r, i % 2 ? first : second);
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(rig_pid_of(r, "web", i + 1), workers[i]);
    cr_assert_eq(rig_pid_of(r, "count", 1), counter);
    cr_assert(counts_without_a_gap(rig_read_file(r, path)));
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(rig_status(r), "upgrade"), "number")),
                 times);
}

rig_test(upgrade, fifty_times_in_a_row)
{
    many_in_a_row(r, copy_of(r, r->berth, "a"), copy_of(r, r->berth, "b"));
    cr_assert(!rig_log_has(r, "this is another keeper"), "its version was the same");
}

rig_test(upgrade, fifty_times_in_a_row_of_the_keeper_as_well)
{
    many_in_a_row(r, r->berth, built(r, "tests/berth-keeper"));
    rig_until(r, rig_log_has(r, "(version 1000, all"));
}

rig_test(upgrade, in_place_on_usr2)
{
    struct load *load;
    r->berth = copy_of(r, r->berth, "berth");
    pid_t worker = begin(r, &load), before = rig_supervisor_pid(r);
    copy_of(r, getenv("BERTH"), "berth");
    kill(r->keeper, SIGUSR2);
    rig_until(r, rig_log_has(r, "has taken over"));
    rig_wait_state(r, "running");
    cr_assert(rig_supervisor_pid(r) != before);
    cr_assert(runs(r, rig_supervisor_pid(r), r->berth));
    end(r, load, worker);
}

rig_test(upgrade, does_not_wait_when_it_is_not_to)
{
    struct load *load;
    pid_t worker = begin(r, &load);
    cr_assert(strstr(rig_cmd_ok(r, "upgrade", "--no-wait")->out, "under way"));
    rig_until(r, rig_log_has(r, "has taken over"));
    end(r, load, worker);
}

rig_test(upgrade, in_the_middle_of_a_reload)
{
    rig_run(r, "--workers", "2", "--set", "settle=500ms", "--set", "rolling_step=1", "--listen",
            rig_address(r, 4), "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    pid_t old = rig_wait_worker(r, 1, 0);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    pid_t reload = rig_spawn(r, "reload", rig_cmd_argv(r, RIG_ARGV("reload", "probe")));
    rig_until(r, rig_log_has(r, "probe/1#2: started"));
    rig_cmd_ok(r, "upgrade");
    cr_assert_eq(rig_wait_child(r, reload), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    cr_assert(rig_wait_worker(r, 1, old) > 0);
    rig_until(r, rig_number_of(r, "probe", "generation") == 2 && !rig_process_is_alive(old) &&
                     strcmp(rig_service_state(r), "running") == 0);
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(upgrade, of_the_keeper_keeps_its_children)
{
    struct load *load;
    pid_t worker = begin(r, &load), keeper = r->keeper;
    size_t fds = rig_count_fds(keeper);
    upgrade_well(r, built(r, "tests/berth-keeper"));
    rig_until(r, runs(r, keeper, built(r, "tests/berth-keeper")));
    cr_assert_eq(rig_parent_of(worker), keeper);
    rig_until(r, rig_count_fds(keeper) == fds);
    end(r, load, worker);
    /* It reaps, restarts, keeps signals, and starts supervisors as any keeper. */
    rig_kill(r, worker, SIGKILL);
    cr_assert(rig_wait_worker(r, 1, worker) > 0);
    rig_until(r, rig_count_zombies(keeper) == 0);
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    upgrade_well(r, getenv("BERTH"));
    rig_until(r, runs(r, keeper, getenv("BERTH")));
    cr_assert(rig_stop(r) == 128 + SIGTERM, "%d", r->exit_status);
}

/* Workers come and go all the time, a process a connection: their announcements and ends are on the way while
 * the keeper is replaced. */
rig_test(upgrade, of_the_keeper_while_workers_come_and_go)
{
    rig_run(r, "--log-level", "warning", "--listen",
            rig_format(r, "%s?accept=yes&max_connections=3", rig_address(r, 4)), "--", r->probe,
            "--answer-stdin");
    rig_wait_state(r, "waiting");
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int i = 0; i < 10; i++) {
        upgrade_well(r, i % 2 ? r->berth : built(r, "tests/berth-keeper"));
        cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    }
    rig_load_end(r, load, 0);
    rig_until(r, rig_count_zombies(r->keeper) == 0);
    cr_assert(!rig_log_has(r, "nobody told how it ended"));
}

/* Whoever asks is told an outcome, and it is true. */
rig_test(upgrade, with_the_supervisor_killed_at_random_moments)
{
    struct load *load;
    const char *binaries[] = {r->berth, built(r, "tests/berth-keeper")};
    pid_t worker = begin(r, &load);
    for (int i = 0; i < 30; i++) {
        const char *to = binaries[i % 2];
        pid_t upgrade = rig_spawn(r, "out", rig_cmd_argv(r, RIG_ARGV("upgrade", "--binary", to)));
        poll(NULL, 0, (int)(random() % 30));
        pid_t supervisor = rig_supervisor_pid(r);
        if (supervisor > 0)
            kill(supervisor, SIGKILL);
        int status = rig_wait_child(r, upgrade);
        rig_wait_state(r, "running");
        if (status == 0)
            cr_assert(runs(r, rig_supervisor_pid(r), to));
    }
    end(r, load, worker);
}

/* The keeper is killed; the rig adopts what it leaves behind. */
static void kill_keeper(struct rig *r)
{
    pid_t supervisor = rig_supervisor_pid(r);
    kill(r->keeper, SIGKILL);
    rig_wait_exit(r);
    r->pid = r->keeper = supervisor;
    rig_until(r, rig_log_has(r, "supervision goes on unprotected"));
}

rig_test(upgrade, protects_again_after_the_keeper_was_killed)
{
    struct load *load;
    rig_run(r, "--workers", "2", "--set", "stable_after=0", "--listen", rig_address(r, 4), "--", r->probe);
    pid_t old = rig_wait_worker(r, 1, 0), later = rig_wait_worker(r, 2, 0);
    load = rig_load(r, rig_address(r, 4), CLIENTS);
    kill_keeper(r);
    cr_assert(strstr(rig_cmd_ok(r, "status")->out, "berth is unprotected"));
    /* One that was started without a keeper is the child of who becomes it. */
    rig_kill(r, later, SIGKILL);
    rig_wait_child(r, later);
    pid_t own = rig_wait_worker(r, 2, later);
    rig_cmd_ok(r, "upgrade");
    cr_assert(strstr(rig_cmd_ok(r, "status")->out, "unprotected") == NULL);
    cr_assert(json_is_true(json_object_get(rig_status(r), "protected")));
    cr_assert_eq(json_integer_value(json_object_get(rig_status(r), "keeper_pid")), r->keeper);
    cr_assert(rig_worker_pid(r, 1) == old && rig_worker_pid(r, 2) == own);
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert(rig_worker_pid(r, 1) == old && rig_worker_pid(r, 2) == own);
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, CLIENTS);
    /* The ends of both are seen: of its child, and of somebody else's. */
    rig_kill(r, own, SIGKILL);
    cr_assert(rig_wait_worker(r, 2, own) > 0);
    kill(old, SIGKILL);
    rig_wait_child(r, old);
    pid_t next = rig_wait_worker(r, 1, old);
    cr_assert_eq(rig_parent_of(next), r->keeper);
    rig_until(r, rig_count_zombies(r->keeper) == 0);
    cr_assert(rig_stop(r) == 128 + SIGTERM, "%d", r->exit_status);
}

rig_test(upgrade, protects_again_also_with_what_a_configuration_needs)
{
    const char *path = rig_path(r, "log");
    rig_up(r,
           rig_format(r,
                      "[socket:web]\nlisten = %s, unix:%s/sock\nserve = zerg:%s/zerg\n"
                      "[service:web]\nsockets = web\nhandoff = channel\n"
                      "ready = notify\ncommand = %s --from channel --say READY=1\n"
                      "[service:count]\noutput = file:%s\n"
                      "command = sh -c 'i=0; while :; do i=$$((i+1)); echo $$i; sleep 0.001; done'\n"
                      "[service:source]\noutput = pipe:sink\ncommand = sh -c 'echo said; exec sleep 1000'\n"
                      "[service:sink]\ncommand = cat\noutput = prefix\n",
                      rig_address(r, 4), r->dir, r->dir, r->probe, path));
    rig_wait_state_of(r, "sink", "running");
    rig_until(r, strstr(rig_cmd_ok(r, "logs", "sink")->out, "said"));
    rig_wait_state_of(r, "web", "running");
    rig_wait_state_of(r, "count", "running");
    pid_t web = rig_pid_of(r, "web", 1), count = rig_pid_of(r, "count", 1);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    size_t fds = rig_count_fds(r->keeper);
    kill_keeper(r);
    upgrade_well(r, copy_of(r, r->berth, "berth"));
    rig_until(r, rig_count_fds(r->keeper) == fds); /* it holds all that the old one held */
    cr_assert(strstr(rig_cmd_ok(r, "logs", "sink")->out, "said"));
    cr_assert(rig_pid_of(r, "web", 1) == web && rig_pid_of(r, "count", 1) == count);
    cr_assert(strstr(rig_cmd_ok(r, "update")->out, "nothing has changed"));
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    cr_assert(counts_without_a_gap(rig_read_file(r, path)));
    /* Whose children they are now has to reap them: the rig. */
    kill(web, SIGKILL);
    rig_wait_child(r, web);
    rig_until(r, rig_pid_of(r, "web", 1) > 0 && rig_pid_of(r, "web", 1) != web);
    const char *const others[] = {"source", "sink"};
    for (int i = 0; i < 2; i++) {
        pid_t pid = rig_pid_of(r, others[i], 1);
        kill(pid, SIGKILL);
        rig_wait_child(r, pid);
        rig_until(r, rig_pid_of(r, others[i], 1) > 0 && rig_pid_of(r, others[i], 1) != pid);
    }
    kill(-count, SIGKILL);
    while (waitpid(-count, NULL, 0) > 0)
        continue;
    rig_until(r, rig_pid_of(r, "count", 1) > 0 && rig_pid_of(r, "count", 1) != count);
}

rig_test(upgrade, that_fails_protects_again_all_the_same)
{
    struct load *load;
    rig_env(r, "BERTH_CRASH_AT=reconcile_done:1:1");
    pid_t worker = begin(r, &load);
    kill_keeper(r);
    const struct rig_result *result = upgrade_to(r, crash_binary());
    cr_assert_eq(result->status, 1);
    cr_assert(strstr(result->err, "rolled back"), "%s", result->err);
    cr_assert(json_is_true(json_object_get(rig_status(r), "protected")));
    cr_assert(runs(r, rig_supervisor_pid(r), r->berth));
    end(r, load, worker);
    kill(worker, SIGKILL);
    rig_wait_child(r, worker);
    cr_assert(rig_wait_worker(r, 1, worker) > 0);
}

rig_test(upgrade, as_process_1)
{
    static const char *argv[32] = {"unshare",      "--pid",        "--fork", "--mount",
                                   "--mount-proc", "--kill-child", "--"};
    const char *const *run = rig_run_argv(r, RIG_ARGV("--listen", rig_address(r, 4), "--", r->probe));
    rig_needs_root();
    for (size_t i = 0; run[i]; i++)
        argv[7 + i] = run[i];
    rig_start(r, argv);
    rig_wait_state(r, "running");
    r->keeper = (pid_t)atoi(rig_read_file(r, rig_format(r, "/proc/%d/task/%d/children", r->pid, r->pid)));
    pid_t worker = rig_worker_pid(r, 1);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    const char *other = built(r, "tests/berth-keeper");
    for (int i = 0; i < 4; i++)
        upgrade_well(r, i % 2 ? r->berth : other);
    upgrade_well(r, other);
    rig_until(r, runs(r, r->keeper, other));
    cr_assert(json_integer_value(json_object_get(rig_status(r), "keeper_pid")) == 1);
    end(r, load, worker);
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert(rig_worker_pid(r, 1) == worker);
    rig_cmd_ok(r, "restart", "probe");
    rig_until(r, rig_count_zombies(r->keeper) == 0);
    cr_assert(rig_stop(r) == 128 + SIGTERM, "%d", r->exit_status);
}

/* The supervisor is killed on the way: either nothing has come of it, and who asked is told so, or all. */
static void killed_at(struct rig *r, const char *point, int status, const char *says)
{
    struct load *load;
    r->berth = crash_binary();
    rig_env(r, rig_format(r, "BERTH_CRASH_AT=%s", point));
    pid_t worker = begin(r, &load);
    const char *other = built(r, "tests/berth-keeper");
    const struct rig_result *result = upgrade_to(r, other);
    cr_assert_eq(result->status, status, "%s: %d %s%s", point, result->status, result->out, result->err);
    cr_assert(strstr(status == 0 ? result->out : result->err, says), "%s: %s%s", point, result->out,
              result->err);
    rig_wait_state(r, "running");
    upgrade_well(r, other);
    end(r, load, worker);
}

#define KILLED(name, point, status, says)                                                                    \
    rig_test(upgrade, name)                                                                                  \
    {                                                                                                        \
        killed_at(r, point, status, says);                                                                   \
    }

KILLED(killed_before_it_is_written_down, "upgrade_before:1:0", 1,
       "before it had begun the upgrade; ask again")
KILLED(killed_when_it_is_written_down, "upgrade_recorded:1:0", 1,
       "before the keeper knew of the new binary; ask again")
KILLED(killed_when_the_keeper_knows, "upgrade_told:1:0", 0, "has taken over")
