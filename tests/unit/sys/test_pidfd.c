/* Processes by descriptor. */
#include "config.h"

#include "sys/pidfd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys_test.h"

/* A child that lives until it is told otherwise. */
static pid_t start(bool own_group)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    cr_assert_gt(pid, 0);
    if (own_group)
        cr_assert_eq(setpgid(pid, pid), 0);
    return pid;
}

static void wait_for_end(int pidfd)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    cr_assert_eq(poll(&p, 1, 20000), 1);
}

Test(pidfd, a_signal_reaches_the_process_and_its_end_is_read)
{
    pid_t pid = start(false);
    int status = 0, pidfd = pidfd_open_process(pid);
    cr_assert_geq(pidfd, 0);
    cr_assert_eq(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(pidfd_wait(pidfd, &status), -EAGAIN);
    cr_assert_eq(pidfd_signal(pidfd, SIGTERM), 0);
    wait_for_end(pidfd);
    cr_assert_eq(pidfd_wait(pidfd, &status), 0);
    cr_assert(WIFSIGNALED(status));
    cr_assert_eq(WTERMSIG(status), SIGTERM);
    cr_assert_eq(pidfd_signal(pidfd, SIGTERM), -ESRCH);
    cr_assert_eq(pidfd_wait(pidfd, &status), -ECHILD);
    close(pidfd);
}

Test(pidfd, an_exit_status_is_a_wait_status)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(42);
    int status = 0, pidfd = pidfd_open_process(pid);
    wait_for_end(pidfd);
    cr_assert_eq(pidfd_wait(pidfd, &status), 0);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 42);
    close(pidfd);
}

Test(pidfd, a_process_that_is_gone_cannot_be_opened)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_assert_eq(pidfd_open_process(pid), -ESRCH);
}

Test(pidfd, tells_whose_it_is_and_its_number)
{
    pid_t pid = start(false);
    cleanup_fd int pidfd = pidfd_open_process(pid), again = pidfd_open_process(pid),
                   own = pidfd_open_process(getpid());
    uint64_t number, other;
    cr_assert_eq(pidfd_pid(pidfd), pid);
    cr_assert_eq(pidfd_pid(STDIN_FILENO), -EBADF);
    int r = pidfd_number(pidfd, &number);
    cr_assert(r == 0 || r == -EOPNOTSUPP);
    if (r == 0) {
        cr_assert(pidfd_number(again, &other) == 0 && other == number);
        cr_assert(pidfd_number(own, &other) == 0 && other != number);
    }
    cr_assert_eq(pidfd_number(STDIN_FILENO, &number), -EOPNOTSUPP);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    cr_assert_eq(pidfd_pid(pidfd), -ESRCH);
}

Test(pidfd, a_group_is_signalled_as_a_whole)
{
    pid_t leader = start(true), member = start(false);
    cr_assert_eq(setpgid(member, leader), 0);
    int pidfd = pidfd_open_process(leader), status;
    cr_assert_eq(pidfd_signal_group(pidfd, leader, SIGKILL), 0);
    cr_assert_eq(waitpid(leader, &status, 0), leader);
    cr_assert_eq(waitpid(member, &status, 0), member);
    cr_assert(WIFSIGNALED(status));
    close(pidfd);
}

Test(pidfd, what_a_reaped_leader_left_behind_is_reached)
{
    pid_t leader = start(true), member = start(false);
    cr_assert_eq(setpgid(member, leader), 0);
    int pidfd = pidfd_open_process(leader), status;
    kill(leader, SIGKILL);
    cr_assert_eq(waitpid(leader, &status, 0), leader);
    cr_assert_eq(pidfd_signal_group(pidfd, leader, SIGUSR1), 0);
    cr_assert_eq(waitpid(member, &status, 0), member);
    cr_assert_eq(WTERMSIG(status), SIGUSR1);
    cr_assert_eq(pidfd_signal_group(pidfd, leader, SIGUSR1), -ESRCH);
    close(pidfd);
}

Test(pidfd, the_status_of_what_another_reaped_is_read_where_the_kernel_knows)
{
    int ends[2], status = 0;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    /* The child is its parent's to reap; we only hold its pidfd. */
    pid_t parent = fork();
    if (parent == 0) {
        pid_t pid = fork();
        if (pid == 0)
            pause();
        if (write(ends[1], &pid, sizeof pid) != sizeof pid)
            _exit(1);
        _exit(waitpid(pid, NULL, 0) == pid ? 0 : 1);
    }
    pid_t pid;
    cr_assert_eq(read(ends[0], &pid, sizeof pid), sizeof pid);
    int pidfd = pidfd_open_process(pid);
    cr_assert_geq(pidfd, 0);
    int alive = pidfd_exit_status(pidfd, &status);
    cr_assert_eq(pidfd_signal(pidfd, SIGKILL), 0);
    cr_assert_eq(waitpid(parent, &status, 0), parent);
    cr_assert_eq(WEXITSTATUS(status), 0);
    status = 0;
    int r = pidfd_exit_status(pidfd, &status);
    close(pidfd);
    if (r == -ENOTTY || r == -EINVAL)
        test_skip("this kernel has no PIDFD_INFO_EXIT (6.15)");
    cr_assert_eq(alive, -ENODATA);
    cr_assert_eq(r, 0);
    cr_assert(WIFSIGNALED(status));
    cr_assert_eq(WTERMSIG(status), SIGKILL);
}
