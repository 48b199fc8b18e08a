/* test_check_state: what a berth says when another one asks whether it can take over. */
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"
#include "wire/keeper_msg.h"

/* The path of what PROCESS has open under NAME. */
static const char *find_open(struct rig *r, pid_t process, const char *name)
{
    const char *folder = rig_format(r, "/proc/%d/fd", (int)process), *found = NULL;
    DIR *d = opendir(folder);
    cr_assert_not_null(d);
    for (struct dirent *entry; !found && (entry = readdir(d)) != NULL;) {
        const char *path = rig_format(r, "%s/%s", folder, entry->d_name);
        char target[PATH_MAX];
        ssize_t n = readlink(path, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        found = strstr(target, name) ? path : NULL;
    }
    closedir(d);
    return found;
}

static const struct rig_result *ask(struct rig *r, const char *state, const char *config)
{
    return rig_exec(r, RIG_ARGV("sh", "-c",
                                "exec 3<\"$1\"; [ -z \"$2\" ] || exec 4<\"$2\"; exec \"$0\" --check-state",
                                r->berth, state, config));
}

static void says(const struct rig_result *result, int status, const char *line)
{
    cr_assert_eq(result->status, status, "%d: %s%s", result->status, result->out, result->err);
    char keeper[32];
    snprintf(keeper, sizeof keeper, " keeper %d\n", KEEPER_VERSION);
    cr_assert(strncmp(result->out, "berth ", 6) == 0 && strstr(result->out, keeper), "%s", result->out);
    cr_assert(strstr(result->out, line), "%s", result->out);
}

rig_test(check_state, tells_whether_it_can_read_what_is_held)
{
    const char *text = rig_path(r, "text"), *bad = rig_path(r, "bad"), *cut = rig_path(r, "cut");
    rig_up(r, rig_format(r, "[service:a]\ncommand = %s --from none\n", r->probe));
    rig_wait_state_of(r, "a", "running");
    const char *state = NULL, *config = NULL;
    rig_until(r, (state = find_open(r, r->keeper, "memfd:berth-state")) &&
                     (config = find_open(r, r->keeper, "config")));
    says(ask(r, state, ""), 0, "\ncan\n");
    says(ask(r, state, config), 0, "\ncan\n");
    rig_write_file(text, "nothing of berth's\n");
    says(ask(r, text, ""), 1, "\ncannot: it cannot read the state");
    rig_expect(r, 0, RIG_ARGV("sh", "-c", "head -c 100 \"$0\" >\"$1\"", state, cut));
    says(ask(r, cut, ""), 1, "\ncannot: it cannot read the state");
    rig_write_file(bad, "[service:a]\ncommand = true\nof_a_later_version = 1\n");
    says(ask(r, state, bad), 1, "\ncannot: line 3 of the configuration in force: ");
    says(rig_exec(r, RIG_ARGV(r->berth, "--check-state")), 1, "\ncannot: what is held was not handed over");
}

/* As in a container whose process 1 reaps nobody. */
rig_test(unprotected, the_end_of_one_that_nobody_reaps_is_seen)
{
    rig_run(r, "--set", "stable_after=0", "--ready", "fd:3", "--", "python3", "-c",
            "import os, signal\nsignal.signal(signal.SIGTERM, lambda *_: os._exit(7))\nos.write(3, "
            "b'\\n')\nwhile True: signal.pause()");
    pid_t worker = rig_wait_worker(r, 1, 0), supervisor = rig_supervisor_pid(r);
    kill(r->keeper, SIGKILL);
    rig_wait_exit(r);
    r->pid = r->keeper = supervisor;
    rig_until(r, rig_log_has(r, "supervision goes on unprotected"));
    kill(worker, SIGTERM);
    rig_wait_worker(r, 1, worker);
    cr_assert(rig_log_has(r, "exited with status 7"), "%s", rig_log(r));
    rig_wait_child(r, worker);
}

/* Nothing is begun, and STATUS tells it. */
static void is_refused(struct rig *r, const char *binary, int status, const char *why)
{
    pid_t supervisor = rig_supervisor_pid(r);
    const char *err = rig_expect(r, status, rig_cmd_argv(r, RIG_ARGV("upgrade", "--binary", binary)))->err;
    cr_assert(strstr(err, why), "%s", err);
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
}

rig_test(upgrade, is_refused_where_nothing_may_be_executed)
{
    const char *disk = rig_path(r, "disk");
    rig_needs_root();
    cr_assert(mkdir(disk, 0755) == 0 && mount("tmpfs", disk, "tmpfs", MS_NOEXEC, NULL) == 0);
    rig_expect(r, 0, RIG_ARGV("cp", r->berth, disk));
    rig_run(r, "--", r->probe);
    rig_wait_worker(r, 1, 0);
    is_refused(r, rig_format(r, "%s%s", disk, strrchr(r->berth, '/')), 1, "is mounted noexec");
    umount2(disk, MNT_DETACH);
}

rig_test(upgrade, to_a_path_that_cannot_be_told_is_none_to_another)
{
    rig_run(r, "--", r->probe);
    rig_wait_worker(r, 1, 0);
    is_refused(r, "/nowhere/\xff", 2, "/nowhere/\\xff is not UTF-8");
}

/* The kernel's list of its children. */
static bool has_child(struct rig *r, pid_t pid)
{
    return *rig_read_file(r, rig_format(r, "/proc/%d/task/%d/children", (int)pid, (int)pid));
}

rig_test(upgrade, that_was_not_begun_when_the_supervisor_was_killed_is_told_so)
{
    rig_run(r, "--", r->probe);
    pid_t worker = rig_wait_worker(r, 1, 0);
    rig_cmd_ok(r, "upgrade");
    pid_t supervisor = rig_supervisor_pid(r);
    cr_assert(!has_child(r, supervisor), "workers are the keeper's");
    /* That one never answers, so the upgrade is not begun. */
    pid_t upgrade = rig_spawn(r, "out", rig_cmd_argv(r, RIG_ARGV("upgrade", "--binary", r->probe)));
    rig_until(r, has_child(r, supervisor));
    rig_kill_supervisor(r);
    cr_assert_eq(rig_wait_child(r, upgrade), 1);
    const char *said = rig_read_file(r, rig_path(r, "out"));
    cr_assert(strstr(said, "killed before it had begun the upgrade; ask again"), "%s", said);
    cr_assert_eq(rig_worker_pid(r, 1), worker);
}
