/* keeper-host: the keeper with a supervisor that a test controls. The supervisor connects to the test, gives
 * it its end of the link, so that the test itself speaks with the keeper, and otherwise does as it is told.
 * It ends when the test does. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "keeper/keeper.h"
#include "sys/fdpass.h"
#include "sys/will.h"
#include "tests/lib/keeper_host.h"
#include "wire/keeper_msg.h"

static void announce(const char *name)
{
    struct keeper_msg m;
    keeper_msg_make(&m, KEEPER_PROCESS, name);
    m.pid = getpid();
    if (fdpass_send(KEEPER_SUPERVISOR_FD, &m, keeper_msg_size(&m), -1, 0) < 0)
        _exit(99);
}

/* Forks a child that is a sibling: the keeper's. */
static pid_t fork_sibling(void)
{
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
}

/* Closes READY once the keeper has been told. */
static _Noreturn void be_child(const struct keeper_host_command *c, int control, int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    close(control);
    pid_t keeper = getppid();
    if (!c->unannounced)
        announce(c->name);
    close(KEEPER_SUPERVISOR_FD);
    close(ready);
    if (c->child == CHILD_EXITS)
        _exit(c->status);
    if (c->child == CHILD_TERMS_PARENT)
        kill(keeper, SIGTERM);
    if (c->child == CHILD_QUITS_VIA_CHILD && fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        kill(keeper, SIGQUIT);
        pause();
    }
    for (;;)
        pause();
}

static void start_child(const struct keeper_host_command *c, int control)
{
    int ready[2];
    char byte;
    if (pipe2(ready, O_CLOEXEC) < 0)
        _exit(97);
    pid_t pid = fork_sibling();
    if (pid == 0)
        be_child(c, control, ready[1]);
    if (c->then_die)
        kill(getpid(), SIGKILL);
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 0)
        _exit(96);
    close(ready[0]);
    send(control, &pid, sizeof pid, MSG_NOSIGNAL);
}

/* Processes whose parent ends at once. */
static void start_orphans(unsigned n)
{
    if (fork() != 0)
        return;
    for (unsigned i = 0; i < n; i++)
        if (fork() == 0)
            _exit(0);
    _exit(0);
}

static unsigned count_extra_fds(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    for (struct dirent *d; (d = readdir(dir)) != NULL;)
        n += atoi(d->d_name) > KEEPER_SUPERVISOR_FD && atoi(d->d_name) != dirfd(dir);
    closedir(dir);
    return n;
}

static int say_hello(const char *last_arg)
{
    struct rlimit nofile;
    sigset_t blocked = {0}, none = {0};
    getrlimit(RLIMIT_NOFILE, &nofile);
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    struct keeper_host_hello hello = {
        .pid = (pid_t)syscall(SYS_getpid),
        .soft_nofile = nofile.rlim_cur,
        .extra_fds = count_extra_fds(),
        .leads_group = getpgrp() == getpid(),
        .blocks_signals = memcmp(&blocked, &none, sizeof none) != 0,
    };
    strncpy(hello.last_arg, last_arg, sizeof hello.last_arg - 1);
    const char *name = getenv(KEEPER_HOST_SOCKET);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!name || strlen(name) > sizeof address.sun_path - 1)
        return -1;
    memcpy(address.sun_path + 1, name, strlen(name));
    socklen_t len = (socklen_t)(sizeof address.sun_family + 1 + strlen(name));
    int control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (control < 0 || connect(control, (struct sockaddr *)&address, len) < 0)
        return -1;
    return fdpass_send(control, &hello, sizeof hello, KEEPER_SUPERVISOR_FD, 0) < 0 ? -1 : control;
}

static int be_supervisor(const char *last_arg)
{
    int control = say_hello(last_arg);
    struct keeper_host_command c;
    while (control >= 0 && recv(control, &c, sizeof c, 0) == sizeof c) {
        if (c.what == HOST_EXIT)
            return c.status;
        if (c.what == HOST_CHILD)
            start_child(&c, control);
        else if (c.what == HOST_ORPHANS)
            start_orphans(c.n);
        else if (c.what == HOST_KILL_KEEPER)
            kill(getppid(), SIGKILL);
    }
    return 98;
}

int main(int argc, char *argv[])
{
    if (strcmp(argv[0], KEEPER_SUPERVISOR_NAME) == 0)
        return be_supervisor(argv[argc - 1]);
    int will = will_find(argv[0]);
    return will >= 0 ? keeper_inherit(argv, will) : keeper_main(argv, NULL, 0);
}
