/* Spawning: what a child finds, and what is told when it could not be started. */
#include "config.h"

#include "sys/spawn.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/fd.h"
#include "sys/procfs.h"
#include "sys_test.h"

static void set_up_window(void)
{
    test_dir_make();
    cr_assert_eq(spawn_set_window(), 0);
}

TestSuite(spawn, .init = test_dir_make, .fini = test_dir_remove);
TestSuite(spawn_window, .init = set_up_window, .fini = test_dir_remove);

/* A test of spawning with and without descriptors that are set aside. */
#define both(name)                                                                                           \
    static void name(void);                                                                                  \
    Test(spawn, name)                                                                                        \
    {                                                                                                        \
        name();                                                                                              \
    }                                                                                                        \
    Test(spawn_window, name)                                                                                 \
    {                                                                                                        \
        name();                                                                                              \
    }                                                                                                        \
    static void name(void)

static const char *const environment[] = {"PATH=/usr/bin:/bin", "COLOUR=green", NULL};

/* A plan for `sh -c SCRIPT`; its output goes to the pipe that run() reads. */
static struct spawn_plan shell_plan(const char **argv, const char *script)
{
    argv[0] = "sh";
    argv[1] = "-c";
    argv[2] = script;
    argv[3] = NULL;
    return (struct spawn_plan){
        .file = "/bin/sh", .argv = argv, .environment = environment, .announce = {.fd = -1}};
}

static void expect_start(const struct spawn_plan *plan, pid_t *ret_pid, int *ret_pidfd)
{
    struct spawn_failure failure = {0};
    *ret_pid = spawn_process(plan, ret_pidfd, &failure);
    cr_assert_gt(*ret_pid, 0, "%s: %s", spawn_step_name(failure.step), strerror(failure.err));
}

/* Runs PLAN with its standard output in a pipe (and FDS behind the standard three) and returns what it wrote.
 */
static char *run_with(struct spawn_plan *plan, const int *fds, size_t n_fds)
{
    static char text[8192];
    cleanup_fd int pidfd = -1;
    int ends[2], status, *all = calloc(3 + n_fds, sizeof *all);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    all[0] = -1;
    all[1] = ends[1];
    all[2] = 2;
    for (size_t i = 0; i < n_fds; i++)
        all[3 + i] = fds[i];
    plan->fds = all;
    plan->n_fds = 3 + n_fds;
    pid_t pid;
    expect_start(plan, &pid, &pidfd);
    free(all);
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(ends[0], text + len, sizeof text - 1 - len)) > 0;)
        len += (size_t)n;
    text[len] = '\0';
    close(ends[0]);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(status, 0, "wait status %d, output %s", status, text);
    return text;
}

static char *run(struct spawn_plan *plan)
{
    return run_with(plan, NULL, 0);
}

static char *run_shell(const char *script)
{
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, script);
    return run(&plan);
}

static const int inherited[] = {0, 1, 2};

/* PLAN must fail at STEP with ERR, and leave no child. */
static void expect_failure(struct spawn_plan *plan, enum spawn_step step, int err)
{
    struct spawn_failure failure = {0};
    int pidfd = -77;
    if (!plan->fds) {
        plan->fds = inherited;
        plan->n_fds = 3;
    }
    pid_t r = spawn_process(plan, &pidfd, &failure);
    cr_assert_eq(r, -err, "%d", (int)r);
    cr_assert_eq(failure.step, step, "%s", spawn_step_name(failure.step));
    cr_assert_eq(failure.err, err, "%s", strerror(failure.err));
    cr_assert_eq(pidfd, -77);
    cr_assert_eq(waitpid(-1, NULL, 0), -1);
    cr_assert_eq(errno, ECHILD);
}

/* --- descriptors --- */

/* Every descriptor that the shell itself has, but for the one of the listing, which is gone by the test. */
#define LIST_FDS "for f in /proc/$$/fd/*; do [ -h $f ] && printf '%s ' ${f##*/}; done; :"

both(a_child_has_only_the_standard_descriptors_and_the_handed_ones)
{
    /* One that we have inherited without knowing, and one of ours. */
    cr_assert_eq(dup2(2, 50), 50);
    cr_assert_eq(dup3(2, 60, O_CLOEXEC), 60);
    cr_assert_str_eq(run_shell(LIST_FDS), "0 1 2 ");

    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, LIST_FDS);
    const int handed[] = {60, -1, 60};
    cr_assert_str_eq(run_with(&plan, handed, 3), "0 1 2 3 4 5 ");
}

/* Which descriptors are open here, and what is behind each. */
static void list_own(char *dst, size_t size)
{
    size_t len = 0;
    for (int fd = 0; fd < 200; fd++) {
        struct stat st;
        if (fstat(fd, &st) == 0)
            len += (size_t)snprintf(dst + len, size - len, "%d:%llu ", fd, (unsigned long long)st.st_ino);
    }
    cr_assert_lt(len, size);
}

both(ours_are_as_before_whether_it_succeeds_or_not)
{
    char before[8192], after[8192];
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, "exit 0"), bad = shell_plan(argv, "exit 0");
    int fds[17] = {[0] = -1, 1, 2, 2};
    run(&plan); /* what is made once */
    list_own(before, sizeof before);
    for (size_t n = 1; n < 17; n++) { /* with the standard ones up to more than are set aside */
        run_with(&plan, fds, n);
        list_own(after, sizeof after);
        cr_assert_str_eq(after, before, "%zu", n);
    }
    fds[3] = 199;
    bad.fds = fds;
    bad.n_fds = 5;
    expect_failure(&bad, SPAWN_STEP_DESCRIPTORS, EBADF);
    list_own(after, sizeof after);
    cr_assert_str_eq(after, before);
}

Test(spawn_window, a_child_gets_no_copy_of_a_large_table)
{
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, "sed -n 's/^FDSize:[^0-9]*//p' /proc/$$/status");
    for (int fd = 30; fd < 900; fd++)
        cr_assert_eq(dup3(2, fd, O_CLOEXEC), fd);
    cr_assert_leq(atoi(run(&plan)), 256);
}

Test(spawn_window, there_is_none_where_numbers_are_taken)
{
    char before[8192], after[8192];
    for (int fd = 20; fd < 120; fd += 10)
        if (fcntl(fd, F_GETFD) < 0)
            cr_assert_eq(dup3(2, fd, O_CLOEXEC), fd);
    list_own(before, sizeof before);
    cr_assert_eq(spawn_set_window(), -EBUSY);
    list_own(after, sizeof after);
    cr_assert_str_eq(after, before);
}

both(minus_one_is_dev_null)
{
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, "readlink /proc/$$/fd/0 /proc/$$/fd/3");
    const int handed[] = {-1};
    cr_assert_str_eq(run_with(&plan, handed, 1), "/dev/null\n/dev/null\n");
}

both(a_place_can_stay_empty)
{
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, "for i in 3 4 5; do (: >&$i) 2>/dev/null && echo $i; done; :");
    cr_assert_str_eq(run_with(&plan, (const int[]){SPAWN_CLOSED, SPAWN_CLOSED, 2}, 3), "5\n");
}

both(descriptors_arrive_in_order_though_each_stands_where_another_goes)
{
    /* The test's own are below FIRST; from there on, each number is handed over at the other end of the row.
     */
    enum { FIRST = 20, LAST = 42, COUNT = LAST + 1 - 3 };
    int handed[COUNT];
    char name[32];
    for (int i = 0; i < COUNT; i++) {
        int target = 3 + i, place = target < FIRST ? 100 + i : FIRST + LAST - target;
        snprintf(name, sizeof name, "%d", i);
        cleanup_fd int fd = open(test_path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        cr_assert(fd >= 0 && fd < FIRST && write(fd, name, strlen(name)) > 0);
        cr_assert_eq(dup3(fd, place, O_CLOEXEC), place);
        handed[i] = place;
    }
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, "for i in 0 1 16 17 18 20 28 38 39; do [ \"$(cat "
                                              "/proc/$$/fd/$((i + 3)))\" = $i ] || echo $i is wrong; done");
    cr_assert_str_eq(run_with(&plan, handed, COUNT), "");
}

both(unknown_descriptors_stay_out_also_without_close_range)
{
    cr_assert_eq(dup2(2, 50), 50);
    cr_assert_eq(dup2(2, 51), 51);
    if (!test_refuse_call(SYS_close_range, -1, ENOSYS))
        test_skip("seccomp filters are refused here");
    cr_assert_str_eq(run_shell(LIST_FDS), "0 1 2 ");
}

both(unknown_descriptors_stay_out_without_close_range_and_proc)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/proc", "tmpfs", 0, NULL) < 0)
        test_skip("mount namespaces are refused here");
    if (!test_refuse_call(SYS_close_range, -1, ENOSYS))
        test_skip("seccomp filters are refused here");
    cr_assert_eq(dup2(2, 9), 9);
    cr_assert_str_eq(run_shell("(: >&9) 2>/dev/null && echo it is there; :"), "");
    cr_assert_str_eq(run_shell("(: >&2) 2>/dev/null && echo it is there; :"), "it is there\n");
    /* The leak checker wants it at the end. */
    cr_assert_eq(umount("/proc"), 0);
}

SPAWN_IN_CHILD static bool admits(int connection, const struct sockaddr_storage *peer, void *arg)
{
    (void)connection;
    (void)peer;
    return *(bool *)arg;
}

both(a_connection_is_the_childs_alone_and_closed_if_it_is_turned_away)
{
    const char *argv[4];
    char before[8192], after[8192];
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t len = sizeof name.sun_family; /* the kernel chooses a name */
    bool may = true;
    cleanup_fd int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(listener, (const struct sockaddr *)&name, len), 0);
    len = sizeof name;
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&name, &len), 0);
    cr_assert_eq(listen(listener, 4), 0);
    struct spawn_accept accept = {.fd = listener, .admits = admits, .arg = &may};
    struct spawn_plan plan = shell_plan(argv, "echo hello >&3");
    plan.accept = &accept;
    for (int i = 0; i < 2; i++, may = false) {
        cleanup_fd int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char got[16] = "";
        cr_assert_eq(connect(client, (const struct sockaddr *)&name, len), 0);
        list_own(before, sizeof before);
        if (may) {
            run_with(&plan, (const int[]){SPAWN_ACCEPTED}, 1);
            plan.fds = NULL;
        } else {
            expect_failure(&plan, SPAWN_STEP_ADMIT, EUSERS);
        }
        list_own(after, sizeof after);
        cr_assert_str_eq(after, before);
        cr_assert_eq(read(client, got, sizeof got), may ? 6 : 0);
        cr_assert_str_eq(got, may ? "hello\n" : "");
    }
    expect_failure(&plan, SPAWN_STEP_ACCEPT, EAGAIN);
}

both(a_descriptor_that_is_not_open_is_told)
{
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, ":");
    const int fds[] = {0, 1, 2, 999};
    plan.fds = fds;
    plan.n_fds = 4;
    expect_failure(&plan, SPAWN_STEP_DESCRIPTORS, EBADF);
}

/* --- surroundings --- */

static void on_signal(int signo)
{
    (void)signo;
}

static bool has_line(const char *text, const char *name, const char *value)
{
    const char *at = strstr(text, name);
    return at && strncmp(at + strlen(name), value, strlen(value)) == 0;
}

both(signals_are_as_at_the_beginning_of_the_world)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    cr_assert_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_signal);
    const char *argv[] = {"cat", "/proc/self/status", NULL};
    struct spawn_plan plan = {
        .file = "cat", .argv = argv, .environment = environment, .announce = {.fd = -1}};
    const char *status = run(&plan);
    cr_assert(has_line(status, "SigBlk:\t", "0000000000000000\n"), "%s", status);
    cr_assert(has_line(status, "SigIgn:\t", "0000000000000000\n"), "%s", status);
    cr_assert(has_line(status, "SigCgt:\t", "0000000000000000\n"), "%s", status);

    /* And ours are what they were. */
    sigset_t now;
    struct sigaction action;
    cr_assert_eq(sigprocmask(SIG_SETMASK, NULL, &now), 0);
    cr_assert(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGTERM));
    cr_assert_eq(sigaction(SIGTERM, NULL, &action), 0);
    cr_assert_eq(action.sa_handler, on_signal);
}

/* Starts `cat` that waits for its input to end, and says what the kernel knows of it. */
static struct procfs_process look_at(struct spawn_plan *plan)
{
    const char *argv[] = {"cat", NULL};
    int ends[2], pidfd;
    pid_t pid;
    struct procfs_process p;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    const int fds[] = {ends[0], 1, 2};
    plan->file = "cat";
    plan->argv = argv;
    plan->environment = environment;
    plan->fds = fds;
    plan->n_fds = 3;
    plan->announce.fd = -1;
    expect_start(plan, &pid, &pidfd);
    close(ends[0]);
    cr_assert_eq(procfs_process(pid, &p), 0);
    close(ends[1]);
    close(pidfd);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    return p;
}

both(a_new_session_makes_the_child_its_leader)
{
    struct spawn_plan plan = {.new_session = true};
    struct procfs_process p = look_at(&plan);
    cr_assert_eq(p.sid, p.pid);
    cr_assert_eq(p.pgid, p.pid);
    cr_assert_eq(p.ppid, getpid());
}

both(without_a_new_session_group_and_session_are_ours)
{
    struct spawn_plan plan = {0};
    struct procfs_process p = look_at(&plan);
    cr_assert_eq(p.sid, getsid(0));
    cr_assert_eq(p.pgid, getpgrp());
}

both(another_process_group_of_the_session_can_be_joined)
{
    pid_t leader = fork();
    if (leader == 0) {
        for (;;)
            pause();
    }
    cr_assert_eq(setpgid(leader, leader), 0);
    struct spawn_plan plan = {.process_group = leader};
    struct procfs_process p = look_at(&plan);
    kill(leader, SIGKILL);
    cr_assert_eq(waitpid(leader, NULL, 0), leader);
    cr_assert_eq(p.pgid, leader);
    cr_assert_eq(p.sid, getsid(0));
}

both(limits_nice_umask_directory_and_environment_are_set)
{
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, "ulimit -n; umask; pwd; nice; echo $COLOUR");
    const struct spawn_limit limits[] = {{RLIMIT_NOFILE, {64, 64}}};
    char wanted[256];
    plan.limits = limits;
    plan.n_limits = 1;
    plan.has_umask = plan.has_nice = true;
    plan.umask = 0027;
    plan.nice = 7;
    plan.directory = test_dir;
    snprintf(wanted, sizeof wanted, "64\n0027\n%s\n7\ngreen\n", test_dir);
    cr_assert_str_eq(run(&plan), wanted);
}

both(user_group_groups_and_no_new_privileges_are_set)
{
    if (geteuid() != 0)
        test_skip("only root may change the user");
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, "id -u; id -g; id -G; grep NoNewPrivs /proc/self/status");
    const gid_t groups[] = {12345, 23456};
    plan.has_user = plan.has_group = plan.has_groups = plan.no_new_privileges = true;
    plan.user = NOBODY;
    plan.group = NOBODY;
    plan.groups = groups;
    plan.n_groups = 2;
    cr_assert_str_eq(run(&plan), "65534\n65534\n65534 12345 23456\nNoNewPrivs:\t1\n");
}

/* Processor 0 alone. */
static unsigned long first_cpu[SPAWN_CPUS_SIZE / sizeof(unsigned long)] = {1};

both(processors_and_the_oom_score_are_set_and_ours_stay)
{
    const char *argv[4];
    struct spawn_plan plan =
        shell_plan(argv, "cat /proc/self/oom_score_adj; grep Cpus_allowed_list /proc/self/status");
    cpu_set_t before, after;
    plan.cpus = first_cpu;
    plan.has_oom_score_adjust = true;
    plan.oom_score_adjust = 777;
    cr_assert_eq(sched_getaffinity(0, sizeof before, &before), 0);
    cr_assert_str_eq(run(&plan), "777\nCpus_allowed_list:\t0\n");
    cr_assert_eq(sched_getaffinity(0, sizeof after, &after), 0);
    cr_assert(CPU_EQUAL(&before, &after));
    cr_assert_str_neq(run_shell("cat /proc/self/oom_score_adj"), "777\n", "it is the child's alone");
}

both(to_lower_the_oom_score_takes_a_right)
{
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, "cat /proc/self/oom_score_adj");
    plan.has_oom_score_adjust = true;
    plan.oom_score_adjust = -17;
    if (geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 1)
        cr_assert_str_eq(run(&plan), "-17\n");
    else
        expect_failure(&plan, SPAWN_STEP_OOM_SCORE, EACCES);
}

both(a_processor_that_is_not_there_is_no_reason_to_take_others)
{
    static unsigned long cpus[SPAWN_CPUS_SIZE / sizeof(unsigned long)];
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, ":");
    cpus[0] = 1;
    cpus[sizeof cpus / sizeof *cpus - 1] = ~0UL << (8 * sizeof *cpus - 1);
    plan.cpus = cpus;
    expect_failure(&plan, SPAWN_STEP_CPUS, ENODEV);
    cpus[0] = 0;
    expect_failure(&plan, SPAWN_STEP_CPUS, EINVAL);
}

#define SHOW_CAPABILITIES "sed -n 's/^Cap...://p' /proc/self/status | tr -d '\\n\\t'"

both(exactly_the_capabilities_of_the_plan_are_kept)
{
    if (geteuid() != 0)
        test_skip("only root has capabilities to give");
    const char *argv[4];
    const char *five = "0000000000000401000000000000040100000000000004010000000000000401"
                       "0000000000000401";
    struct spawn_plan plan = shell_plan(argv, SHOW_CAPABILITIES);
    plan.has_capabilities = true;
    plan.capabilities = 1 << CAP_CHOWN | 1 << CAP_NET_BIND_SERVICE;
    cr_assert_str_eq(run(&plan), five, "root keeps them");
    plan.has_user = true;
    plan.user = NOBODY;
    cr_assert_str_eq(run(&plan), five, "and so does another user");
    plan.no_new_privileges = true;
    cr_assert_str_eq(run(&plan), five, "also without new ones");
}

both(no_capability_at_all_leaves_root_without)
{
    if (geteuid() != 0)
        test_skip("only root has capabilities to lose");
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, SHOW_CAPABILITIES);
    plan.has_capabilities = true;
    cr_assert_eq(strspn(run(&plan), "0"), 5 * 16);
    const char *ours = run_shell(SHOW_CAPABILITIES);
    cr_assert_lt(strspn(ours, "0"), 5 * 16, "ours are as they were: %s", ours);
}

both(a_capability_that_is_none_fails_the_start)
{
    if (geteuid() != 0)
        test_skip("only root has capabilities to give");
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, ":");
    plan.has_capabilities = true;
    plan.capabilities = UINT64_C(1) << 63;
    expect_failure(&plan, SPAWN_STEP_CAPABILITIES, EINVAL);
}

static int failure_of(struct spawn_plan *plan)
{
    struct spawn_failure failure = {0};
    int pidfd;
    plan->fds = inherited;
    plan->n_fds = 3;
    return spawn_process(plan, &pidfd, &failure) == -failure.err && failure.err == EPERM ? (int)failure.step
                                                                                         : -1;
}

static int try_without_bounding_set(void *arg)
{
    (void)arg;
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, ":");
    plan.has_capabilities = true;
    if (!test_refuse_call(SYS_prctl, PR_CAPBSET_READ, EPERM))
        return 1;
    return failure_of(&plan) == SPAWN_STEP_CAPABILITIES ? 0 : 2;
}

both(a_host_that_does_not_tell_of_capabilities_fails_the_start)
{
    cr_assert_eq(test_in_child(try_without_bounding_set, NULL), 0);
}

static const char *make_root(void)
{
    const char *root = test_path("root");
    cr_assert(mkdir(root, 0755) == 0 && mkdir(test_path("root/bin"), 0755) == 0);
    return root;
}

both(command_and_directory_are_looked_up_inside_the_chroot)
{
    if (geteuid() != 0)
        test_skip("only root may change its root");
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, ":");
    plan.chroot = make_root();
    expect_failure(&plan, SPAWN_STEP_EXEC, ENOENT);
    plan.directory = "/usr";
    expect_failure(&plan, SPAWN_STEP_DIRECTORY, ENOENT);
    plan.directory = "/bin";
    expect_failure(&plan, SPAWN_STEP_EXEC, ENOENT);
    plan.chroot = test_path("nowhere");
    expect_failure(&plan, SPAWN_STEP_CHROOT, ENOENT);

    plan = shell_plan(argv, "pwd; ls -di /proc/$$/root/.");
    plan.chroot = "/";
    plan.has_user = true;
    plan.user = NOBODY;
    cr_assert(str_starts_with(run(&plan), "/\n"), "the working directory is the new root");
}

both(a_cgroup_that_cannot_be_entered_fails_the_start)
{
    cleanup_fd int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, ":");
    plan.has_cgroup = true;
    plan.cgroup_fd = fd;
    expect_failure(&plan, SPAWN_STEP_CGROUP, ENOSPC);
}

both(the_cgroup_is_entered_before_the_descriptors_are_moved)
{
    int ends[2];
    char text[8] = "";
    const char *argv[4];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cleanup_fd int in = ends[0], out = ends[1];
    struct spawn_plan plan = shell_plan(argv, "echo ran");
    plan.has_cgroup = true;
    plan.cgroup_fd = out;
    const int many[] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    cr_assert_str_eq(run_with(&plan, many, 20), "ran\n");
    cr_assert_eq(read(in, text, sizeof text), 1);
    cr_assert_str_eq(text, "0");
}

/* --- who knows of it --- */

both(listen_pid_is_the_childs_own)
{
    char listen_pid[] = "LISTEN_PID=__________";
    const char *own[] = {listen_pid, NULL}, *argv[4];
    struct spawn_plan plan = shell_plan(argv, "[ \"$LISTEN_PID\" = $$ ] && echo $LISTEN_PID");
    plan.environment = own;
    plan.listen_pid = listen_pid + strlen("LISTEN_PID=");
    cr_assert_gt(atoi(run(&plan)), 1);
}

both(listen_pidfdid_is_the_inode_of_its_pidfd)
{
    if (!spawn_knows_pidfdid())
        test_skip("pidfds have no inodes of their own on this kernel (6.9)");
    char id[] = "LISTEN_PIDFDID=____________________";
    const char *own[] = {id, NULL}, *argv[4];
    struct spawn_plan plan = shell_plan(argv, "echo $LISTEN_PIDFDID; read x");
    int in[2], out[2], pidfd;
    char text[64] = "";
    pid_t pid;
    cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    const int fds[] = {in[0], out[1], 2};
    plan.fds = fds;
    plan.n_fds = 3;
    plan.environment = own;
    plan.listen_pidfdid = id + strlen("LISTEN_PIDFDID=");
    expect_start(&plan, &pid, &pidfd);
    cr_assert_gt(read(out[0], text, sizeof text - 1), 0);
    struct stat st;
    cr_assert_eq(fstat(pidfd, &st), 0);
    cr_assert_eq(strtoull(text, NULL, 10), (unsigned long long)st.st_ino);
    cr_assert_eq(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    close(in[1]);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

struct packet {
    char before[8];
    int32_t pid;
    char after[8];
};

/* A plan whose child announces itself over FD. */
static struct spawn_announce announce_over(int fd, struct packet *packet)
{
    *packet = (struct packet){.before = "before", .pid = -1, .after = "after"};
    return (struct spawn_announce){fd, packet, sizeof *packet, offsetof(struct packet, pid)};
}

both(the_child_announces_its_pid_itself)
{
    int pair[2];
    struct packet packet, got;
    const char *argv[4];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    struct spawn_plan plan = shell_plan(argv, "echo $$");
    plan.announce = announce_over(pair[0], &packet);
    int pid = atoi(run(&plan));
    cr_assert_eq(recv(pair[1], &got, sizeof got, MSG_DONTWAIT), sizeof got);
    cr_assert_eq(got.pid, pid);
    cr_assert_str_eq(got.before, "before");
    cr_assert_str_eq(got.after, "after");
    close(pair[0]);
    close(pair[1]);
}

both(the_announcement_comes_before_the_exec)
{
    int pair[2];
    struct packet packet, got;
    const char *argv[4];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    struct spawn_plan plan = shell_plan(argv, ":");
    plan.file = "/nowhere/at/all";
    plan.announce = announce_over(pair[0], &packet);
    expect_failure(&plan, SPAWN_STEP_EXEC, ENOENT);
    cr_assert_eq(recv(pair[1], &got, sizeof got, MSG_DONTWAIT), sizeof got);
    cr_assert_gt(got.pid, 0);
    close(pair[0]);
    close(pair[1]);
}

both(what_cannot_be_announced_is_not_run)
{
    int pair[2];
    struct packet packet;
    const char *argv[4];
    char script[600];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    close(pair[1]);
    snprintf(script, sizeof script, "touch %s", test_path("ran"));
    struct spawn_plan plan = shell_plan(argv, script);
    plan.announce = announce_over(pair[0], &packet);
    expect_failure(&plan, SPAWN_STEP_ANNOUNCE, EPIPE);
    cr_assert_eq(access(test_path("ran"), F_OK), -1);
    close(pair[0]);
}

both(a_sibling_is_our_parents_child)
{
    int ends[2], status;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t middle = fork();
    if (middle == 0) {
        const char *argv[4];
        struct spawn_failure failure;
        struct spawn_plan plan = shell_plan(argv, "exit 42");
        int pidfd;
        plan.fds = inherited;
        plan.n_fds = 3;
        plan.as_sibling = true;
        pid_t pid = spawn_process(&plan, &pidfd, &failure);
        if (waitpid(-1, NULL, 0) != -1 || errno != ECHILD)
            _exit(1);
        _exit(write(ends[1], &pid, sizeof pid) == sizeof pid ? 0 : 2);
    }
    pid_t pid;
    cr_assert_eq(read(ends[0], &pid, sizeof pid), sizeof pid);
    cr_assert_gt(pid, 0);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(WEXITSTATUS(status), 42);
    cr_assert_eq(waitpid(middle, &status, 0), middle);
    cr_assert_eq(status, 0);
    close(ends[0]);
    close(ends[1]);
}

/* --- what is run, and what is not --- */

static const char *make_file(const char *name, const char *text, mode_t mode)
{
    const char *path = test_path(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
    close(fd);
    return path;
}

both(a_script_without_an_interpreter_is_the_shells)
{
    const char *argv[] = {"script", "one", "two", NULL};
    struct spawn_plan plan = {
        .file = make_file("script", "echo $0 $1 $2 $#\n", 0755),
        .argv = argv,
        .environment = environment,
        .announce = {.fd = -1},
    };
    char wanted[600];
    snprintf(wanted, sizeof wanted, "%s one two 2\n", plan.file);
    cr_assert_str_eq(run(&plan), wanted);
}

both(a_name_without_a_slash_is_looked_up_in_the_plans_path)
{
    char path[600];
    const char *argv[] = {"berth-test-program", NULL}, *own[] = {"COLOUR=red", path, NULL};
    struct spawn_plan plan = {.file = argv[0], .argv = argv, .environment = own, .announce = {.fd = -1}};
    make_file("berth-test-program", "#!/bin/sh\necho found\n", 0755);
    snprintf(path, sizeof path, "PATH=/nowhere:/etc/passwd:%s", test_dir);
    cr_assert_str_eq(run(&plan), "found\n");

    plan.environment = environment;
    plan.fds = NULL;
    expect_failure(&plan, SPAWN_STEP_EXEC, ENOENT);
}

both(a_file_that_may_not_be_run_says_more_than_none)
{
    char path[600];
    const char *argv[] = {"berth-test-program", NULL}, *own[] = {path, NULL};
    struct spawn_plan plan = {.file = argv[0], .argv = argv, .environment = own, .announce = {.fd = -1}};
    make_file("berth-test-program", "#!/bin/sh\n", 0644);
    snprintf(path, sizeof path, "PATH=%s:/nowhere", test_dir);
    expect_failure(&plan, SPAWN_STEP_EXEC, EACCES);
}

both(each_failure_names_its_step)
{
    const char *argv[4];
    struct spawn_plan plan = shell_plan(argv, ":");
    plan.directory = "/nowhere";
    expect_failure(&plan, SPAWN_STEP_DIRECTORY, ENOENT);

    plan = shell_plan(argv, ":");
    plan.file = "/nowhere/sh";
    expect_failure(&plan, SPAWN_STEP_EXEC, ENOENT);
    plan.file = "";
    expect_failure(&plan, SPAWN_STEP_EXEC, ENOENT);
    plan.file = "/etc/passwd";
    expect_failure(&plan, SPAWN_STEP_EXEC, EACCES);

    plan = shell_plan(argv, ":");
    const struct spawn_limit limit = {RLIMIT_NOFILE, {20, 10}};
    plan.limits = &limit;
    plan.n_limits = 1;
    expect_failure(&plan, SPAWN_STEP_LIMITS, EINVAL);
}

static int try_as_nobody(void *arg)
{
    (void)arg;
    const char *argv[4];
    const gid_t group = 0;
    if (!test_become_nobody())
        return 1;
    struct spawn_plan plan = shell_plan(argv, ":");
    plan.has_user = true;
    if (failure_of(&plan) != SPAWN_STEP_USER)
        return 2;
    plan = shell_plan(argv, ":");
    plan.has_group = true;
    if (failure_of(&plan) != SPAWN_STEP_GROUP)
        return 3;
    plan = shell_plan(argv, ":");
    plan.has_groups = true;
    plan.groups = &group;
    plan.n_groups = 1;
    if (failure_of(&plan) != SPAWN_STEP_GROUPS)
        return 4;
    plan = shell_plan(argv, ":");
    plan.chroot = "/";
    if (failure_of(&plan) != SPAWN_STEP_CHROOT)
        return 5;
    plan = shell_plan(argv, ":");
    plan.has_capabilities = true;
    if (failure_of(&plan) != SPAWN_STEP_CAPABILITIES)
        return 6;
    return waitpid(-1, NULL, 0) == -1 && errno == ECHILD ? 0 : 7;
}

both(what_only_root_may_is_refused_to_others)
{
    if (geteuid() != 0)
        test_skip("only root can become somebody else to try it");
    cr_assert_eq(test_in_child(try_as_nobody, NULL), 0);
}

both(steps_have_names)
{
    cr_assert_str_eq(spawn_step_name(SPAWN_STEP_EXEC), "exec");
    cr_assert_str_eq(spawn_step_name(SPAWN_STEP_DIRECTORY), "chdir");
    cr_assert_str_eq(spawn_step_name(SPAWN_STEP_OOM_SCORE), "oom_score_adjust");
    for (int i = 0; i < SPAWN_STEP_COUNT; i++)
        cr_assert_not_null(spawn_step_name((enum spawn_step)i));
}
