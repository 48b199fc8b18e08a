/* ask_binary: see the header. */
#include "config.h"

#include "sys/ask_binary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/pidfd.h"

static void say(const char *text)
{
    ssize_t n = write(STDOUT_FILENO, text, strlen(text));
    (void)n; /* nobody else is there to be told */
}

/* The child's part: a copy of us, in which only calls that a signal handler may make are made. */
static _Noreturn void become(int binary, const char *question, const int given[2], unsigned seconds,
                             const char *not_executed, int out, int null)
{
    char *argv[] = {(char *)"berth", (char *)question, NULL};
    sigset_t none;
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    for (int i = 0; i < 2; i++) {
        close(3 + i);
        if (given[i] >= 0)
            dup2(given[i], 3 + i);
    }
    alarm(seconds);
    execveat(binary, "", argv, environ, AT_EMPTY_PATH);
    int err = errno;
    say(not_executed);
    say(err == ENOENT   ? "it is a script, or its interpreter is missing"
        : err == EACCES ? "Permission denied; is it on a filesystem that is mounted noexec?"
                        : strerror(err));
    say("\n");
    _exit(127);
}

pid_t ask_binary_start(int binary, const char *question, const int given[2], unsigned seconds,
                       const char *not_executed, int *ret_pidfd, int *ret_out)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    cleanup_fd int low_in = ends[0], low_out = ends[1];
    cleanup_fd int in = fd_dup_high(low_in), out = fd_dup_high(low_out), program = fd_dup_high(binary);
    cleanup_fd int low_null = open("/dev/null", O_RDWR | O_CLOEXEC), null = fd_dup_high(low_null);
    if (in < 0 || out < 0 || program < 0 || null < 0)
        return -EMFILE;
    int r = fd_set_nonblock(in, true);
    pid_t pid = r < 0 ? r : fork();
    if (pid == 0)
        become(program, question, given, seconds, not_executed, out, null);
    if (pid < 0)
        return r < 0 ? r : -errno;
    int pidfd = pidfd_open_process(pid);
    if (pidfd < 0) {
        kill(pid, SIGKILL);
        return pidfd;
    }
    *ret_pidfd = pidfd;
    *ret_out = take_fd(&in);
    return pid;
}
