/* What /proc tells. */
#include "config.h"

#include "sys/procfs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that has done what BODY does and then waits for its end. */
static pid_t start(void (*body)(void))
{
    int ready[2];
    char byte;
    cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (body)
            body();
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    cr_assert(pid > 0 && read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(procfs, our_own_process_is_read)
{
    struct procfs_process p;
    cr_assert_eq(procfs_process(getpid(), &p), 0);
    cr_assert_eq(p.pid, getpid());
    cr_assert_eq(p.ppid, getppid());
    cr_assert_eq(p.pgid, getpgrp());
    cr_assert_eq(p.sid, getsid(0));
    cr_assert_eq(p.uid, geteuid());
    cr_assert_eq(p.state, 'R');
    cr_assert_gt(p.start_ticks, 0);
    cr_assert_lt(procfs_age_seconds(&p), 600);
}

Test(procfs, the_command_line_is_one_escaped_line)
{
    struct procfs_process p;
    int input[2], exec[2];
    char byte;
    cr_assert(pipe2(input, O_CLOEXEC) == 0 && pipe2(exec, O_CLOEXEC) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(input[0], 0);
        execl("/bin/sh", "sh", "-c", "read x", "two\nlines", NULL);
        _exit(127);
    }
    close(exec[1]);
    cr_assert_eq(read(exec[0], &byte, 1), 0);
    cr_assert_eq(procfs_process(pid, &p), 0);
    stop(pid);
    cr_assert_str_eq(p.command, "sh -c read x two\\x0alines");
    close(exec[0]);
    close(input[0]);
    close(input[1]);
}

static void take_an_odd_name(void)
{
    prctl(PR_SET_NAME, "a) Z 1 (b");
}

Test(procfs, a_name_with_parentheses_and_spaces_shifts_nothing)
{
    struct procfs_process p;
    pid_t pid = start(take_an_odd_name);
    cr_assert_eq(procfs_process(pid, &p), 0);
    cr_assert_eq(p.ppid, getpid());
    cr_assert_neq(p.state, 'Z');
    stop(pid);
}

Test(procfs, a_zombie_has_its_name_in_brackets)
{
    struct procfs_process p;
    siginfo_t end;
    pid_t pid = start(take_an_odd_name);
    kill(pid, SIGKILL);
    cr_assert_eq(waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT), 0);
    cr_assert_eq(procfs_process(pid, &p), 0);
    cr_assert_eq(p.state, 'Z');
    cr_assert_str_eq(p.command, "[a) Z 1 (b]");
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_assert_eq(procfs_process(pid, &p), -ESRCH);
}

Test(procfs, children_are_counted_also_beyond_the_room_given)
{
    pid_t one = start(NULL), two = start(NULL), pids[2] = {0, 0};
    cr_assert_eq(procfs_children(getpid(), pids, 2), 2);
    cr_assert_eq(pids[0] + pids[1], one + two);
    pids[1] = 0;
    cr_assert_eq(procfs_children(getpid(), pids, 1), 2);
    cr_assert_eq(pids[1], 0);
    stop(one);
    stop(two);
    cr_assert_eq(procfs_children(getpid(), pids, 2), 0);
}

Test(procfs, the_holders_of_a_socket_are_found)
{
    struct stat st;
    pid_t pids[4];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_assert_eq(procfs_socket_holders(st.st_ino, pids, 4), 1);
    cr_assert_eq(pids[0], getpid());
    pid_t pid = start(NULL);
    cr_assert_eq(procfs_socket_holders(st.st_ino, pids, 4), 2);
    cr_assert_eq(pids[0] + pids[1], getpid() + pid);
    stop(pid);
    close(fd);
    cr_assert_eq(procfs_socket_holders(st.st_ino, pids, 4), 0);
}

Test(procfs, memory_is_read_in_kib)
{
    uint64_t rss = 0, pss = 0;
    cr_assert_eq(procfs_memory(getpid(), &rss, &pss), 0);
    cr_assert_gt(rss, 100);
    cr_assert_gt(pss, 0);
    cr_assert_leq(pss, rss);
}

Test(procfs, how_one_ended_that_nobody_has_waited_for_is_read)
{
    int status = -1;
    pid_t pid = start(NULL);
    cr_assert_eq(procfs_zombie_status(pid, &status), -EAGAIN);
    kill(pid, SIGKILL);
    siginfo_t info;
    cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    cr_assert_eq(procfs_zombie_status(pid, &status), 0);
    cr_assert_eq(status, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_assert_eq(procfs_zombie_status(pid, &status), -ESRCH);
}
