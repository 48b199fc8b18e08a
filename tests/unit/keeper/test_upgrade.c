/* upgrade: a supervisor from another binary on trial, and a keeper that makes way for another one. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/keeper_rig.h"

TestSuite(keeper_upgrade, .init = host_set_up, .fini = host_clean_up, .timeout = 60);

#define OTHER_VERSION (KEEPER_VERSION + 41)

static void exit_supervisor(int status)
{
    host_command((struct keeper_host_command){.what = HOST_EXIT, .status = status});
    host_meet_next();
}

/* The present supervisor makes way for one from PATH, which is on trial then. */
static void begin_trial(const char *path)
{
    int binary = open(path, O_PATH | O_CLOEXEC);
    cr_assert_geq(binary, 0);
    host_tell(KEEPER_UPGRADE, NULL, binary, 0, 0);
    close(binary);
}

static struct keeper_msg meet_trial(void)
{
    begin_trial(host_path());
    exit_supervisor(0);
    struct keeper_msg m = host_expect(KEEPER_WELCOME);
    cr_assert_eq(m.flags, KEEPER_FLAG_TRIAL);
    host_expect(KEEPER_SYNC);
    return m;
}

Test(keeper_upgrade, a_supervisor_from_another_binary_is_on_trial_until_it_is_stable)
{
    host_start();
    host_begin();
    meet_trial();
    host_tell(KEEPER_STABLE, NULL, -1, KEEPER_VERSION, 0);
    host_kill_supervisor();
    struct keeper_msg m = host_expect(KEEPER_WELCOME);
    cr_expect_eq(m.flags, 0);
    cr_expect_eq(m.count, 2);
}

Test(keeper_upgrade, one_that_ends_on_trial_is_followed_by_one_from_the_old_binary)
{
    host_start();
    host_begin();
    meet_trial();
    exit_supervisor(3);
    for (int i = 0; i < 2; i++) { /* it is told again, until somebody has taken it in */
        struct keeper_msg m = host_expect(KEEPER_WELCOME);
        cr_expect_eq(m.flags, KEEPER_FLAG_BACK);
        cr_expect_eq(m.value, 3 << 8);
        host_expect(KEEPER_SYNC);
        host_kill_supervisor();
    }
    host_begin();
    host_tell(KEEPER_STABLE, NULL, -1, KEEPER_VERSION, 0);
    host_kill_supervisor();
    cr_expect_eq(host_expect(KEEPER_WELCOME).flags, 0);
    cr_expect(host_says("going back to the old one"));
}

Test(keeper_upgrade, one_that_cannot_be_executed_is_followed_by_one_from_the_old_binary)
{
    host_start();
    host_begin();
    begin_trial("/etc/passwd");
    exit_supervisor(0);
    struct keeper_msg m = host_expect(KEEPER_WELCOME);
    cr_expect_eq(m.flags, KEEPER_FLAG_BACK);
    cr_expect_eq(m.value, 125 << 8);
}

Test(keeper_upgrade, on_trial_nobody_can_end_it_all)
{
    host_start();
    host_begin();
    meet_trial();
    host_tell(KEEPER_FINISH, NULL, -1, 125, 0);
    exit_supervisor(125);
    cr_expect_eq(host_expect(KEEPER_WELCOME).flags, KEEPER_FLAG_BACK);
}

Test(keeper_upgrade, one_that_is_not_stable_in_time_is_killed_and_goes_back)
{
    host_start();
    host_begin();
    meet_trial();
    host_meet_next(); /* ten seconds later */
    struct keeper_msg m = host_expect(KEEPER_WELCOME);
    cr_expect_eq(m.flags, KEEPER_FLAG_BACK);
    cr_expect_eq(m.value, KEEPER_TIMED_OUT);
}

Test(keeper_upgrade, a_keeper_of_another_version_takes_over_everything_in_its_place)
{
    struct stat put, held;
    int memfd = memfd_create("held", MFD_CLOEXEC), fd = -1;
    cr_assert_eq(fstat(memfd, &put), 0);
    host_start();
    host_begin();
    host_tell(KEEPER_PUT, "state", memfd, 0, 0);
    pid_t gone = host_start_child("gone", CHILD_EXITS, 4);
    host_expect_named(KEEPER_ENDED, "gone");
    pid_t child = host_start_child("child", CHILD_STAYS, 0);
    host_tell(KEEPER_STABLE, NULL, -1, OTHER_VERSION, 0);
    cr_assert(host_says("this is another keeper from now on"));
    /* The same supervisor, the same link. */
    kill(child, SIGUSR1);
    struct keeper_msg m = host_expect_named(KEEPER_ENDED, "child");
    cr_expect_eq(m.value, SIGUSR1);
    host_tell(KEEPER_PUT, "later", memfd, 0, 0);
    kill(host.keeper, SIGHUP);
    cr_expect_eq(host_expect(KEEPER_SIGNAL).value, SIGHUP);
    host_kill_supervisor();
    m = host_expect(KEEPER_WELCOME);
    cr_expect_eq(m.flags, 0);
    cr_expect_eq(m.count, 1);
    cr_expect_eq(m.pid, host.keeper);
    unsigned n = 0;
    for (; (m = host_receive(&fd)).type == KEEPER_HELD; n++) {
        bool is_gone = m.pid == gone, is_child = m.pid == child;
        if (m.pid == 0)
            cr_expect(fstat(fd, &held) == 0 && held.st_ino == put.st_ino);
        else
            cr_expect(m.flags == KEEPER_FLAG_ENDED && m.value == (is_gone ? 4 << 8 : SIGUSR1));
        cr_expect(m.pid == 0 || is_gone || is_child);
        close(fd);
    }
    cr_expect_eq(m.type, KEEPER_SYNC);
    cr_expect_eq(n, 4);
    struct rlimit nofile;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &nofile), 0);
    cr_expect_eq(host.hello.soft_nofile, nofile.rlim_cur);
    cr_expect_eq(host.hello.extra_fds, 0);
    cr_expect_str_eq(host.hello.last_arg, "--last");
    host_tell(KEEPER_FINISH, NULL, -1, 7, 0);
    host_command((struct keeper_host_command){.what = HOST_EXIT, .status = 0});
    cr_expect_eq(host_status(), 7 << 8);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    cr_assert(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, bytes, sizeof bytes)) != 0;)
        cr_assert(n > 0 && write(out, bytes, (size_t)n) == n);
    close(in);
    close(out);
}

Test(keeper_upgrade, a_keeper_whose_successor_cannot_be_executed_goes_on)
{
    char path[] = "/tmp/berth-test-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    copy_file(host_path(), path);
    chmod(path, 0755);
    host_start();
    host_begin();
    host_tell(KEEPER_PUT, "state", STDERR_FILENO, 0, 0);
    begin_trial(path);
    exit_supervisor(0);
    host_expect(KEEPER_WELCOME);
    host_expect_named(KEEPER_HELD, "state");
    host_expect(KEEPER_SYNC);
    chmod(path, 0);
    host_tell(KEEPER_STABLE, NULL, -1, OTHER_VERSION, 0);
    cr_assert(host_says("cannot make way for the keeper of the new binary"));
    unlink(path);
    pid_t child = host_start_child("child", CHILD_STAYS, 0);
    kill(child, SIGUSR1);
    cr_expect_eq(host_expect_named(KEEPER_ENDED, "child").value, SIGUSR1);
    cr_expect_eq(host.hello.extra_fds, 0);
    host_tell(KEEPER_FINISH, NULL, -1, 0, 0);
    host_command((struct keeper_host_command){.what = HOST_EXIT, .status = 0});
    cr_expect_eq(host_status(), 0);
}

Test(keeper_upgrade, a_keeper_does_not_make_way_while_it_is_to_end)
{
    host_start();
    host_begin();
    kill(host.keeper, SIGTERM);
    host_expect(KEEPER_SIGNAL);
    host_tell(KEEPER_STABLE, NULL, -1, OTHER_VERSION, 0);
    host_tell(KEEPER_FINISH, NULL, -1, 0, 0);
    host_command((struct keeper_host_command){.what = HOST_EXIT, .status = 0});
    cr_expect_eq(host_status(), 0);
    cr_expect_not(host_says("this is another keeper"));
}
