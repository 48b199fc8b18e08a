/* Control groups: where ours is, by the kernel's texts; and what one is good for, where we may make one. */
#include "config.h"

#include "sys/cgroup.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/text_file.h"
#include "sys_test.h"

TestSuite(cgroup, .init = test_dir_make, .fini = test_dir_remove);

/* --- where we are --- */

static void expect_found(const char *mounts, const char *membership, const char *wanted)
{
    char path[PATH_MAX] = "untouched";
    int r = cgroup_find(mounts, membership, path);
    cr_expect_eq(r, wanted ? 0 : -ENOENT, "%d for %s", r, membership);
    cr_expect_str_eq(path, wanted ? wanted : "untouched");
}

#define UNIFIED                                                                                              \
    "22 1 0:21 / /proc rw - proc proc rw\n31 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 " \
    "rw\n"

Test(cgroup, ours_is_found_below_the_mount)
{
    expect_found(UNIFIED, "0::/\n", "/sys/fs/cgroup");
    expect_found(UNIFIED, "0::/system.slice/berth.service\n", "/sys/fs/cgroup/system.slice/berth.service");
    expect_found(UNIFIED, "4:memory:/x\n1:name=systemd:/\n0::/user", "/sys/fs/cgroup/user");
}

Test(cgroup, one_of_the_old_kind_is_none)
{
    expect_found("35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "0::/\n", NULL);
    expect_found(UNIFIED, "4:memory:/x\n", NULL);
    expect_found("", "", NULL);
}

Test(cgroup, what_the_mount_does_not_show_is_not_found)
{
    expect_found("31 23 0:26 /a/b /cg rw - cgroup2 none rw\n", "0::/a/b/c\n", "/cg/c");
    expect_found("31 23 0:26 /a/b /cg rw - cgroup2 none rw\n", "0::/a/b\n", "/cg");
    expect_found("31 23 0:26 /a/b /cg rw - cgroup2 none rw\n", "0::/a/bc\n", NULL);
    expect_found("31 23 0:26 /a/b /cg rw - cgroup2 none rw\n", "0::/\n", NULL);
    expect_found(UNIFIED, "0::/../outside\n", NULL);
}

Test(cgroup, blanks_in_a_mounts_path_are_unescaped)
{
    expect_found("31 23 0:26 / /my\\040groups\\134 rw - cgroup2 none rw\n", "0::/x\n", "/my groups\\/x");
}

/* --- real ones --- */

static char base[PATH_MAX];

/* A cgroup inside ours that nobody else has; skips where there may be none. */
static const char *make_base(void)
{
    char own[PATH_MAX];
    struct berr err = {0};
    if (cgroup_find_own(own, &err) < 0)
        test_skip("there is no cgroup of version 2");
    cr_assert_lt(snprintf(base, sizeof base, "%.4000s/%s", own, strrchr(test_dir, '/') + 1), PATH_MAX);
    if (mkdir(base, 0755) < 0 && errno != EEXIST)
        test_skip("cgroups may not be made here");
    return base;
}

static const char *in_base(const char *name)
{
    static char paths[2][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, PATH_MAX, "%.4000s/%s", base, name);
    return path;
}

/* A process that waits in DIR. */
static pid_t put_process(const char *dir)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    cr_assert_eq(cgroup_move(dir, &pid, 1), 0);
    return pid;
}

Test(cgroup, it_is_made_entered_signalled_and_removed)
{
    struct berr err = {0};
    int status;
    make_base();
    cr_assert_eq(cgroup_make(base, "a/b", NULL, &err), 0, "%s", err.text);
    cr_assert_eq(cgroup_make(base, "a/b", NULL, &err), 0, "one that is there is used: %s", err.text);
    cr_assert_eq(cgroup_signal(in_base("a"), 0), -ESRCH);
    pid_t pid = put_process(in_base("a/b"));
    cr_assert_eq(cgroup_signal(in_base("a"), 0), 0);
    cr_assert_eq(cgroup_remove(base), -EBUSY);
    cr_assert_eq(cgroup_signal(in_base("a"), SIGTERM), -ESRCH, "only KILL reaches those below");
    cr_assert_eq(cgroup_signal(in_base("a/b"), SIGTERM), 0);
    cr_assert(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
    cr_assert_eq(cgroup_remove(base), 0);
    cr_assert_eq(access(base, F_OK), -1);
    cr_assert_eq(cgroup_remove(base), 0, "one that is not there is none");
    cr_assert_eq(cgroup_signal(base, 0), -ESRCH);
}

Test(cgroup, the_folders_on_the_way_are_removed_where_nothing_else_is_in_them)
{
    struct berr err = {0};
    make_base();
    cr_assert(cgroup_make(base, "a/b/c", NULL, &err) == 0 && cgroup_make(base, "a/x", NULL, &err) == 0, "%s",
              err.text);
    cr_assert_eq(cgroup_remove_path(base, "a/b/c"), 0);
    cr_assert_eq(access(in_base("a/b"), F_OK), -1);
    cr_assert_eq(access(in_base("a/x"), F_OK), 0);
    cr_assert_eq(cgroup_remove_path(base, "a/x"), 0);
    cr_assert_eq(access(in_base("a"), F_OK), -1);
    cr_assert_eq(access(base, F_OK), 0, "what was there before stays");
    cr_assert_eq(cgroup_remove(base), 0);
}

Test(cgroup, kill_ends_all_that_are_in_it_and_below)
{
    struct berr err = {0};
    int status;
    make_base();
    cr_assert_eq(cgroup_make(base, "a/b", NULL, &err), 0, "%s", err.text);
    if (!cgroup_has_kill(base)) {
        cgroup_remove(base);
        test_skip("cgroup.kill is of Linux 5.14");
    }
    pid_t one = put_process(in_base("a")), other = put_process(in_base("a/b"));
    cr_assert_eq(cgroup_signal(in_base("a"), SIGKILL), 0);
    cr_assert(waitpid(one, &status, 0) == one && WTERMSIG(status) == SIGKILL);
    cr_assert(waitpid(other, &status, 0) == other && WTERMSIG(status) == SIGKILL);
    cr_assert_eq(cgroup_remove(base), 0);
}

Test(cgroup, a_process_enters_by_an_open_descriptor)
{
    struct berr err = {0};
    char own[PATH_MAX];
    int status;
    make_base();
    cleanup_fd int fd = cgroup_open(base);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0)
        _exit(write(fd, "0", 1) == 1 && cgroup_find_own(own, &err) == 0 && strcmp(own, base) == 0 ? 0 : 1);
    cr_assert(waitpid(pid, &status, 0) == pid && status == 0);
    cr_assert_eq(cgroup_remove(base), 0);
    cr_assert_eq(cgroup_open(base), -ENOENT);
}

Test(cgroup, a_controller_that_is_not_there_is_named)
{
    struct berr err = {0};
    make_base();
    cr_assert_eq(cgroup_make(base, "a", "no-such", &err), -ENOTSUP);
    cr_assert(strstr(err.text, "the controller no-such is missing in /") != NULL, "%s", err.text);
    cr_assert_eq(cgroup_limit(base, "no-such.max", NULL, &err), 0, "there is no limit to take away");
    cr_assert_eq(cgroup_limit(base, "no-such.max", "1", &err), -ENOENT);
    cr_assert(strstr(err.text, "no-such.max: ") != NULL, "%s", err.text);
    cr_assert_eq(cgroup_remove(base), 0);
}

/* The first word of the file NAME of our own cgroup; "" if there is none. */
static void first_word(const char *name, char ret[64])
{
    struct buf text;
    struct berr err = {0};
    char path[PATH_MAX];
    buf_init(&text, 4096);
    cr_assert_eq(cgroup_find_own(path, &err), 0);
    snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", name);
    cr_assert_eq(text_file_read(path, &text, &err), 0, "%s", err.text);
    snprintf(ret, 64, "%.*s", (int)strcspn(buf_str(&text), " \n"), buf_str(&text));
    buf_fini(&text);
}

/* Takes back what the test has passed on by the cgroup that is not its own. */
static void take_back(const char *controller)
{
    char path[PATH_MAX], word[80];
    struct berr err = {0};
    cr_assert_eq(cgroup_find_own(path, &err), 0);
    snprintf(path + strlen(path), sizeof path - strlen(path), "/cgroup.subtree_control");
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    int n = snprintf(word, sizeof word, "-%s", controller);
    cr_assert_eq(write(fd, word, (size_t)n), n);
}

Test(cgroup, a_controller_is_passed_on_where_no_process_is_in_the_way)
{
    struct berr err = {0};
    char controller[64], before[64], own[PATH_MAX];
    int status;
    make_base();
    cr_assert_eq(cgroup_find_own(own, &err), 0);
    first_word("cgroup.controllers", controller);
    first_word("cgroup.subtree_control", before);
    if (!*controller || cgroup_make(own, strrchr(base, '/') + 1, controller, &err) < 0) {
        cgroup_remove(base);
        test_skip("no controller can be passed on here");
    }
    pid_t pid = put_process(base);
    cr_assert_eq(cgroup_make(base, "a", controller, &err), -EBUSY);
    cr_assert(strstr(err.text, "while processes are in it") != NULL, "%s", err.text);
    cr_assert_eq(cgroup_move(in_base("aside"), &pid, 1), 0);
    cr_assert_eq(cgroup_make(base, "a", controller, &err), 0, "%s", err.text);

    cr_assert_eq(cgroup_move_back(base, "aside", &pid, 1), -EBUSY, "another one is there");
    cr_assert_eq(cgroup_remove(in_base("a")), 0);
    cr_assert_eq(cgroup_move_back(base, "aside", &pid, 1), 0);
    cr_assert_eq(access(in_base("aside"), F_OK), -1);
    cr_assert_eq(cgroup_signal(base, 0), 0);
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(cgroup_remove(base), 0);
    if (!*before)
        take_back(controller);
}
