/* keeper_rig: see the header. */
#include "config.h"

#include "tests/lib/keeper_rig.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/fdpass.h"

#define PATIENCE 60000 /* ms; a test that waits so long has failed */

struct host host;

void host_clean_up(void)
{
    if (host.keeper > 0)
        kill(host.keeper, SIGKILL);
    close(host.control);
    close(host.link);
    close(host.listener);
    close(host.errors);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
}

void host_set_up(void)
{
    host.listener = host.errors = host.control = host.link = -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void host_wait_readable(int fd, const char *what)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    cr_assert_eq(poll(&p, 1, PATIENCE), 1, "no %s came", what);
}

/* An address that the kernel chose: five hexadecimal digits in the abstract namespace. */
static void listen_for_supervisors(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof address;
    char name[sizeof address.sun_path] = "";
    host.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(host.listener, (struct sockaddr *)&address, sizeof address.sun_family), 0);
    cr_assert_eq(listen(host.listener, 16), 0);
    cr_assert_eq(getsockname(host.listener, (struct sockaddr *)&address, &len), 0);
    memcpy(name, address.sun_path + 1, len - sizeof address.sun_family - 1);
    setenv(KEEPER_HOST_SOCKET, name, 1);
}

const char *host_path(void)
{
    static char path[4096];
    const char *top = getenv("top_builddir");
    snprintf(path, sizeof path, "%s/tests/lib/keeper-host", top ? top : ".");
    return path;
}

void host_meet(void)
{
    host_wait_readable(host.listener, "supervisor");
    close(host.control);
    close(host.link);
    host.control = accept4(host.listener, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(host.control, 0);
    host_wait_readable(host.control, "hello");
    cr_assert_eq(fdpass_recv(host.control, &host.hello, sizeof host.hello, &host.link, 0), sizeof host.hello);
    cr_assert_geq(host.link, 0);
}

void host_start_as(const char *path, int clone_flags, rlim_t nofile)
{
    int pipe_fds[2];
    char *argv[] = {(char *)path, (char *)"run", (char *)"--last", NULL};
    listen_for_supervisors();
    cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    host.errors = pipe_fds[0];
    host.keeper = (pid_t)syscall(SYS_clone, clone_flags | SIGCHLD, NULL, NULL, NULL, NULL);
    cr_assert_geq(host.keeper, 0);
    if (host.keeper == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (clone_flags & CLONE_NEWPID) /* the leak checker wants a /proc of the same pid namespace */
            setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
        struct rlimit limit = {.rlim_cur = nofile / 2, .rlim_max = nofile};
        if (nofile > 0 && setrlimit(RLIMIT_NOFILE, &limit) < 0)
            _exit(97);
        dup2(pipe_fds[1], STDERR_FILENO);
        execv(path, argv);
        _exit(96);
    }
    close(pipe_fds[1]);
    host_meet();
}

void host_start(void)
{
    host_start_as(host_path(), 0, 0);
}

struct keeper_msg host_receive(int *ret_fd)
{
    struct keeper_msg raw, m;
    int fd = -1;
    host_wait_readable(host.link, "message");
    ssize_t n = fdpass_recv(host.link, &raw, sizeof raw, &fd, 0);
    cr_assert_gt(n, 0);
    cr_assert_eq(keeper_msg_parse(&raw, (size_t)n, &m), 0);
    if (ret_fd)
        *ret_fd = fd;
    else if (fd >= 0)
        close(fd);
    return m;
}

struct keeper_msg host_expect(enum keeper_msg_type type)
{
    struct keeper_msg m = host_receive(NULL);
    cr_assert_eq(m.type, type, "message %d instead of %d", m.type, type);
    return m;
}

struct keeper_msg host_expect_named(enum keeper_msg_type type, const char *name)
{
    struct keeper_msg m = host_expect(type);
    cr_assert_str_eq(m.name, name);
    return m;
}

void host_begin(void)
{
    host_expect(KEEPER_WELCOME);
    host_expect(KEEPER_SYNC);
}

void host_tell(enum keeper_msg_type type, const char *name, int fd, int value, pid_t pid)
{
    struct keeper_msg m;
    cr_assert_eq(keeper_msg_make(&m, type, name), 0);
    m.value = value;
    m.pid = pid;
    cr_assert_gt(fdpass_send(host.link, &m, keeper_msg_size(&m), fd, 0), 0);
}

void host_command(struct keeper_host_command c)
{
    cr_assert_eq(send(host.control, &c, sizeof c, MSG_NOSIGNAL), sizeof c);
}

pid_t host_start_child(const char *name, enum keeper_host_child child, int status)
{
    struct keeper_host_command c = {.what = HOST_CHILD, .child = child, .status = status};
    strcpy(c.name, name);
    host_command(c);
    pid_t pid = -1;
    host_wait_readable(host.control, "pid");
    cr_assert_eq(recv(host.control, &pid, sizeof pid, 0), sizeof pid);
    cr_assert_gt(pid, 0);
    return pid;
}

void host_meet_next(void)
{
    host_wait_readable(host.control, "end of the supervisor");
    close(host.link);
    host.link = -1;
    host_meet();
}

void host_kill_supervisor(void)
{
    kill(host.hello.pid, SIGKILL);
    host_meet_next();
}

int host_status(void)
{
    int status = -1;
    cr_assert_eq(waitpid(host.keeper, &status, 0), host.keeper);
    host.keeper = 0;
    return status;
}

bool host_says(const char *text)
{
    static char said[16384];
    size_t n = strlen(said);
    struct pollfd p = {.fd = host.errors, .events = POLLIN};
    while (!strstr(said, text) && n < sizeof said - 1 && poll(&p, 1, PATIENCE) == 1) {
        ssize_t got = read(host.errors, said + n, sizeof said - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    return strstr(said, text) != NULL;
}

void host_wait_reaped(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd >= 0) {
        host_wait_readable(pidfd, "end");
        close(pidfd);
    }
    while (kill(pid, 0) == 0)
        sched_yield();
}
