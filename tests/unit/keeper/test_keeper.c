/* keeper: the real keeper with a supervisor that does as it is told. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/keeper_rig.h"

TestSuite(keeper, .init = host_set_up, .fini = host_clean_up, .timeout = 60);

Test(keeper, the_first_supervisor_begins_with_nothing_and_a_clean_state)
{
    struct rlimit nofile;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &nofile), 0);
    host_start();
    struct keeper_msg m = host_expect(KEEPER_WELCOME);
    cr_expect_eq(m.flags, KEEPER_FLAG_FIRST);
    cr_expect_eq(m.count, 0);
    cr_expect_eq(m.pid, host.keeper);
    host_expect(KEEPER_SYNC);
    cr_expect_eq(host.hello.soft_nofile, nofile.rlim_cur);
    cr_expect_eq(host.hello.extra_fds, 0);
    cr_expect(host.hello.leads_group);
    cr_expect_not(host.hello.blocks_signals);
    cr_expect_str_eq(host.hello.last_arg, "--last");
}

Test(keeper, a_named_descriptor_survives_a_hundred_kills_of_the_supervisor)
{
    struct stat put, held;
    int memfd = memfd_create("held", MFD_CLOEXEC), fd = -1;
    cr_assert_eq(fstat(memfd, &put), 0);
    host_start();
    host_begin();
    host_tell(KEEPER_PUT, "state", memfd, 0, 0);
    close(memfd);
    for (unsigned i = 1; i <= 100; i++) {
        host_tell(KEEPER_STABLE, NULL, -1, 0, 0);
        host_kill_supervisor();
        struct keeper_msg m = host_expect(KEEPER_WELCOME);
        cr_assert_eq(m.count, i);
        cr_assert_eq(m.flags, 0);
        m = host_receive(&fd);
        cr_assert_eq(m.type, KEEPER_HELD);
        cr_assert_str_eq(m.name, "state");
        cr_assert_eq(fstat(fd, &held), 0);
        cr_assert_eq(held.st_ino, put.st_ino);
        close(fd);
        host_expect(KEEPER_SYNC);
    }
    cr_expect(host_says("was killed by KILL; starting it again (restart 1, all 1 descriptors kept)"));
}

Test(keeper, a_put_replaces_and_a_drop_forgets)
{
    host_start();
    host_begin();
    host_tell(KEEPER_PUT, "a", STDERR_FILENO, 0, 0);
    host_tell(KEEPER_PUT, "b", STDERR_FILENO, 0, 0);
    host_tell(KEEPER_PUT, "b", STDERR_FILENO, 0, 0);
    host_tell(KEEPER_DROP, "a", -1, 0, 0);
    host_kill_supervisor();
    host_expect(KEEPER_WELCOME);
    host_expect_named(KEEPER_HELD, "b");
    host_expect(KEEPER_SYNC);
}

Test(keeper, an_end_is_reported_by_name_with_its_status)
{
    host_start();
    host_begin();
    host_start_child("w/1", CHILD_EXITS, 42);
    cr_expect_eq(host_expect_named(KEEPER_ENDED, "w/1").value, 42 << 8);
    pid_t pid = host_start_child("w/2", CHILD_STAYS, 0);
    kill(pid, SIGTERM);
    struct keeper_msg m = host_expect_named(KEEPER_ENDED, "w/2");
    cr_expect_eq(m.value, SIGTERM);
    cr_expect_eq(m.pid, pid);
}

Test(keeper, an_end_between_two_supervisors_comes_with_the_entry_and_its_pidfd)
{
    host_start();
    host_begin();
    pid_t pid = host_start_child("w", CHILD_STAYS, 0);
    kill(host.hello.pid, SIGSTOP);
    kill(host.hello.pid, SIGKILL);
    kill(pid, SIGUSR1);
    host_meet();
    host_expect(KEEPER_WELCOME);
    int pidfd = -1;
    struct keeper_msg m = host_receive(&pidfd);
    cr_assert_eq(m.type, KEEPER_HELD);
    if (!(m.flags & KEEPER_FLAG_ENDED)) { /* the supervisor was faster than the worker's end */
        host_expect(KEEPER_SYNC);
        m = host_expect(KEEPER_ENDED);
    }
    cr_expect_eq(m.value, SIGUSR1);
    cr_expect_eq(m.pid, pid);
    cr_assert_geq(pidfd, 0);
    host_wait_readable(pidfd, "end on the pidfd");
    close(pidfd);
}

Test(keeper, an_end_is_told_again_until_the_entry_is_dropped)
{
    host_start();
    host_begin();
    host_start_child("w", CHILD_EXITS, 3);
    host_expect_named(KEEPER_ENDED, "w");
    host_kill_supervisor();
    host_expect(KEEPER_WELCOME);
    struct keeper_msg m = host_expect_named(KEEPER_HELD, "w");
    cr_expect_eq(m.flags, KEEPER_FLAG_ENDED);
    cr_expect_eq(m.value, 3 << 8);
    host_expect(KEEPER_SYNC);
    host_tell(KEEPER_DROP, "w", -1, 0, 0);
    host_kill_supervisor();
    host_begin();
}

Test(keeper, a_child_whose_supervisor_is_killed_right_after_it_is_known_to_the_next)
{
    host_start();
    host_begin();
    for (int i = 0; i < 20; i++) {
        struct keeper_host_command c = {
            .what = HOST_CHILD, .child = CHILD_EXITS, .status = 5, .then_die = true};
        snprintf(c.name, sizeof c.name, "w%d", i);
        host_tell(KEEPER_STABLE, NULL, -1, 0, 0);
        host_command(c);
        host_meet_next();
        host_expect(KEEPER_WELCOME);
        struct keeper_msg m = host_expect_named(KEEPER_HELD, c.name);
        host_expect(KEEPER_SYNC);
        if (!(m.flags & KEEPER_FLAG_ENDED))
            m = host_expect_named(KEEPER_ENDED, c.name);
        cr_assert_eq(m.value, 5 << 8);
        host_tell(KEEPER_DROP, c.name, -1, 0, 0);
    }
}

Test(keeper, a_child_may_announce_itself_after_its_supervisor_was_killed)
{
    host_start();
    host_begin();
    struct keeper_host_command c = {.what = HOST_CHILD, .child = CHILD_STAYS, .unannounced = true};
    host_command(c);
    pid_t pid;
    host_wait_readable(host.control, "pid");
    cr_assert_eq(recv(host.control, &pid, sizeof pid, 0), sizeof pid);
    kill(host.hello.pid, SIGKILL);
    host_wait_reaped(host.hello.pid);
    host_tell(KEEPER_PROCESS, "late", -1, 0, pid); /* our descriptor is the child's copy of the link */
    host_meet_next();
    host_expect(KEEPER_WELCOME);
    cr_expect_eq(host_expect_named(KEEPER_HELD, "late").pid, pid);
}

Test(keeper, what_a_supervisor_sent_is_stored_though_it_never_read)
{
    host_start();
    host_wait_readable(host.link, "welcome, which stays unread");
    host_tell(KEEPER_PUT, "a", STDERR_FILENO, 0, 0);
    kill(host.hello.pid, SIGSTOP);
    for (int i = 0; i < 100; i++)
        host_tell(KEEPER_PUT, i == 99 ? "c" : "b", STDERR_FILENO, 0, 0);
    host_kill_supervisor();
    host_expect(KEEPER_WELCOME);
    host_expect_named(KEEPER_HELD, "a");
    host_expect_named(KEEPER_HELD, "b");
    host_expect_named(KEEPER_HELD, "c");
    host_expect(KEEPER_SYNC);
}

Test(keeper, two_thousand_orphans_are_reaped)
{
    char path[64], children[64];
    host_start();
    host_begin();
    host_command((struct keeper_host_command){.what = HOST_ORPHANS, .n = 2000});
    host_command((struct keeper_host_command){.what = HOST_EXIT, .status = 1});
    host_meet_next(); /* the old one's zombie was reaped, and its children are the keeper's by now */
    host_begin();
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", host.keeper, host.keeper);
    snprintf(children, sizeof children, "%d ", host.hello.pid);
    for (;;) {
        char found[65536] = "";
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            cr_skip_test("this kernel does not list children");
        cr_assert_geq(read(fd, found, sizeof found - 1), 0);
        close(fd);
        if (strcmp(found, children) == 0)
            break;
        sched_yield();
    }
}

Test(keeper, signals_are_passed_on_with_their_sender)
{
    const int signals[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGQUIT, SIGALRM, SIGRTMIN + 3, SIGTERM};
    host_start();
    host_begin();
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        kill(host.keeper, signals[i]);
        struct keeper_msg m = host_expect(KEEPER_SIGNAL);
        cr_expect_eq(m.value, signals[i]);
        cr_expect_eq(m.pid, getpid());
    }
}

Test(keeper, a_signal_that_comes_between_two_supervisors_waits)
{
    host_start();
    host_begin();
    kill(host.hello.pid, SIGKILL);
    host_wait_reaped(host.hello.pid); /* and we still have the link, as a child being started may */
    kill(host.keeper, SIGUSR1);
    host_meet();
    host_begin();
    cr_expect_eq(host_expect(KEEPER_SIGNAL).value, SIGUSR1);
    host_kill_supervisor();
    host_begin();
    kill(host.keeper, SIGHUP);
    cr_expect_eq(host_expect(KEEPER_SIGNAL).value, SIGHUP, "USR1 has been told");
}

Test(keeper, an_order_to_stop_is_told_to_every_later_supervisor)
{
    host_start();
    host_begin();
    kill(host.keeper, SIGINT);
    cr_expect_eq(host_expect(KEEPER_SIGNAL).value, SIGINT);
    for (int i = 0; i < 3; i++) {
        host_kill_supervisor();
        host_begin();
        struct keeper_msg m = host_expect(KEEPER_SIGNAL);
        cr_expect_eq(m.value, SIGINT);
        cr_expect_eq(m.count, 1);
    }
    kill(host.keeper, SIGTERM);
    struct keeper_msg m = host_expect(KEEPER_SIGNAL);
    cr_expect_eq(m.value, SIGTERM);
    cr_expect_eq(m.count, 2);
}

Test(keeper, a_worker_cannot_stop_its_parent)
{
    char line[96];
    host_start();
    host_begin();
    pid_t pid = host_start_child("worker/web/1/1/3", CHILD_TERMS_PARENT, 0);
    snprintf(line, sizeof line, "berth: keeper: ignored TERM from worker process %d (worker/web/1/1/3)\n",
             pid);
    cr_expect(host_says(line));
    host_start_child("worker/web/1/2/4", CHILD_QUITS_VIA_CHILD, 0);
    cr_expect(host_says("ignored QUIT from worker process "));
    cr_expect(host_says("(worker/web/1/2/4)"));
    kill(host.keeper, SIGUSR1);
    cr_expect_eq(host_expect(KEEPER_SIGNAL).value, SIGUSR1, "neither was passed on");
}

Test(keeper, a_supervisor_that_does_not_read_holds_up_nothing)
{
    char name[32];
    host_start();
    host_begin();
    for (int i = 0; i < 1000; i++) { /* far more than a socket buffer holds */
        snprintf(name, sizeof name, "fd/%d", i);
        host_tell(KEEPER_PUT, name, STDERR_FILENO, 0, 0);
    }
    host_kill_supervisor();
    pid_t pid = host_start_child("w", CHILD_EXITS, 9);
    host_wait_reaped(pid);
    host_tell(KEEPER_DROP, "fd/999", -1, 0, 0);
    host_tell(KEEPER_PUT, "last", STDERR_FILENO, 0, 0);
    kill(host.keeper, SIGUSR1);
    host_expect(KEEPER_WELCOME);
    unsigned held = 0;
    struct keeper_msg m;
    while ((m = host_receive(NULL)).type == KEEPER_HELD)
        held++;
    cr_expect_eq(m.type, KEEPER_SYNC);
    cr_expect_eq(held, 999);
    cr_expect_eq(host_expect(KEEPER_SIGNAL).value, SIGUSR1);
    cr_expect_eq(host_expect_named(KEEPER_ENDED, "w").value, 9 << 8);
}

Test(keeper, after_four_quick_crashes_the_supervisor_is_told_to_be_careful)
{
    host_start();
    for (unsigned crashes = 0; crashes < 6; crashes++) {
        struct keeper_msg m = host_expect(KEEPER_WELCOME);
        cr_expect_eq(!!(m.flags & KEEPER_FLAG_SAFE), crashes >= 4, "after %u", crashes);
        host_command((struct keeper_host_command){.what = HOST_EXIT, .status = 3});
        host_meet_next();
    }
    host_tell(KEEPER_STABLE, NULL, -1, 0, 0);
    host_kill_supervisor();
    cr_expect_eq(host_expect(KEEPER_WELCOME).flags, 0, "it was stable in between");
    cr_expect(
        host_says("ended with status 3; starting it again in 50 ms (restart 2, all 0 descriptors kept)"));
}

Test(keeper, more_than_it_may_open_is_refused_and_the_supervisor_can_still_be_started)
{
    char name[32];
    unsigned refused = 0, held = 0;
    host_start_as(host_path(), 0, 64);
    host_begin();
    cr_expect_eq(host.hello.soft_nofile, 32);
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "fd/%d", i);
        host_tell(KEEPER_PUT, name, STDERR_FILENO, 0, 0);
    }
    pid_t pid = host_start_child("w", CHILD_STAYS, 0);
    host_kill_supervisor();
    host_expect(KEEPER_WELCOME);
    struct keeper_msg m;
    int fd;
    while ((m = host_receive(&fd)).type == KEEPER_HELD) {
        cr_expect_eq(fd < 0, m.pid == pid, "a process is held without its pidfd");
        close(fd);
        held++;
    }
    host_tell(KEEPER_PUT, "more", STDERR_FILENO, 0, 0);
    m = host_expect_named(KEEPER_REFUSED, "more");
    cr_expect_eq(m.value, EMFILE);
    refused = 65 - held;
    cr_expect(refused >= 16 && held > 32, "%u held", held);
    kill(pid, SIGKILL);
    cr_expect_eq(host_expect_named(KEEPER_ENDED, "w").value, SIGKILL);
}

Test(keeper, what_makes_no_sense_is_refused_or_ignored)
{
    host_start();
    host_begin();
    host_tell(KEEPER_PUT, "no descriptor", -1, 0, 0);
    cr_expect_eq(host_expect_named(KEEPER_REFUSED, "no descriptor").value, EBADF);
    host_tell(KEEPER_PUT, "", STDERR_FILENO, 0, 0);
    cr_expect_eq(host_expect(KEEPER_REFUSED).value, EINVAL);
    host_tell(KEEPER_PROCESS, "no process", -1, 0, 0);
    cr_expect_eq(host_expect_named(KEEPER_REFUSED, "no process").value, EINVAL);
    host_tell(KEEPER_PROCESS, "not the keeper's child", -1, 0, 1);
    cr_expect_eq(host_expect_named(KEEPER_REFUSED, "not the keeper's child").value, ECHILD);
    host_tell((enum keeper_msg_type)999, "a newer supervisor's", STDERR_FILENO, 0, 0);
    cr_assert_eq(send(host.link, "garbage", 7, 0), 7);
    host_tell(KEEPER_DROP, "not there", -1, 0, 0);
    kill(host.keeper, SIGUSR1);
    host_expect(KEEPER_SIGNAL);
}

Test(keeper, ends_with_the_status_that_the_supervisor_finished_with)
{
    host_start();
    host_begin();
    host_tell(KEEPER_FINISH, NULL, -1, 42, 0);
    host_command((struct keeper_host_command){.what = HOST_EXIT});
    cr_expect_eq(host_status(), 42 << 8);
}

Test(keeper, a_supervisor_that_cannot_begin_is_not_started_again)
{
    host_start();
    host_command((struct keeper_host_command){.what = HOST_EXIT, .status = 125});
    cr_expect_eq(host_status(), 125 << 8);
}

Test(keeper, the_binary_may_be_deleted_meanwhile)
{
    char dir[] = "/tmp/keeper-XXXXXX", copy[64], shell[8192];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(copy, sizeof copy, "%s/host", dir);
    snprintf(shell, sizeof shell, "cp %s %s", host_path(), copy);
    cr_assert_eq(system(shell), 0);
    host_start_as(copy, 0, 0);
    host_begin();
    unlink(copy);
    rmdir(dir);
    host_kill_supervisor();
    host_begin();
}

Test(keeper, a_supervisor_that_has_closed_its_link_is_replaced)
{
    host_start();
    host_begin();
    pid_t first = host.hello.pid;
    shutdown(host.link, SHUT_RDWR);
    host_meet();
    cr_expect_neq(host.hello.pid, first);
    cr_expect_eq(host_expect(KEEPER_WELCOME).count, 1);
}

Test(keeper, a_second_order_to_stop_ends_everything_though_the_supervisor_hangs)
{
    host_start();
    host_begin();
    pid_t worker = host_start_child("w", CHILD_STAYS, 0);
    kill(host.hello.pid, SIGSTOP);
    kill(host.keeper, SIGTERM);
    host_expect(KEEPER_SIGNAL);
    kill(host.keeper, SIGINT);
    cr_expect_eq(host_status(), (128 + SIGINT) << 8);
    cr_expect_eq(kill(worker, 0), -1);
    cr_expect_eq(kill(host.hello.pid, 0), -1);
}

Test(keeper, a_supervisor_that_does_not_hear_an_order_to_stop_is_replaced_and_the_next_one_hears_it)
{
    host_start();
    host_begin();
    pid_t worker = host_start_child("w", CHILD_STAYS, 0);
    kill(host.keeper, SIGTERM); /* sent, but nobody reads it */
    host_meet();
    cr_expect(host_says("hangs and does not hear that it is to stop; killing it"));
    host_expect(KEEPER_WELCOME);
    cr_expect_eq(host_expect_named(KEEPER_HELD, "w").pid, worker);
    host_expect(KEEPER_SYNC);
    cr_expect_eq(host_expect(KEEPER_SIGNAL).value, SIGTERM);
    cr_expect_eq(kill(worker, 0), 0, "the workers are not its business");
}

Test(keeper, is_a_good_process_1)
{
    if (geteuid() != 0)
        cr_skip_test("a pid namespace needs root");
    host_start_as(host_path(), CLONE_NEWPID, 0);
    struct keeper_msg m = host_expect(KEEPER_WELCOME);
    cr_expect_eq(m.flags, KEEPER_FLAG_FIRST | KEEPER_FLAG_PID1);
    cr_expect_eq(m.pid, 1);
    host_expect(KEEPER_SYNC);
    host_command((struct keeper_host_command){.what = HOST_KILL_KEEPER});
    host_command((struct keeper_host_command){.what = HOST_ORPHANS, .n = 100});
    host_start_child("w", CHILD_EXITS, 6);
    cr_expect_eq(host_expect_named(KEEPER_ENDED, "w").value, 6 << 8);
    kill(host.keeper, SIGTERM);
    m = host_expect(KEEPER_SIGNAL);
    cr_expect_eq(m.value, SIGTERM);
    cr_expect_eq(m.pid, 0, "the sender is outside of its namespace");
    host_command((struct keeper_host_command){.what = HOST_EXIT, .status = 1});
    host_meet_next();
    cr_expect_eq(host_expect(KEEPER_WELCOME).flags, KEEPER_FLAG_PID1);
    host_tell(KEEPER_FINISH, NULL, -1, 7, 0);
    host_command((struct keeper_host_command){.what = HOST_EXIT});
    cr_expect_eq(host_status(), 7 << 8);
}
