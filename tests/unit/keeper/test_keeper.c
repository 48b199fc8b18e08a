/* keeper: the real keeper with a supervisor that does as it is told (tests/lib/keeper_host.c). The test
 * speaks with the keeper itself, over the supervisor's end of the link. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/keeper.h"
#include "sys/fdpass.h"
#include "tests/lib/keeper_host.h"
#include "wire/keeper_msg.h"

#define PATIENCE 20000 /* ms; a test that waits so long has failed */

static struct {
    int listener, errors; /* errors: what the keeper says on stderr */
    pid_t keeper;         /* 0: none */
    int control, link;    /* of the present supervisor */
    struct keeper_host_hello hello;
} t;

/* Whatever a test leaves behind becomes its own child, and ends. */
static void clean_up(void)
{
    if (t.keeper > 0)
        kill(t.keeper, SIGKILL);
    close(t.control);
    close(t.link);
    close(t.listener);
    close(t.errors);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
}

static void set_up(void)
{
    t.listener = t.errors = t.control = t.link = -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

TestSuite(keeper, .init = set_up, .fini = clean_up, .timeout = 60);

static void wait_readable(int fd, const char *what)
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
    t.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(t.listener, (struct sockaddr *)&address, sizeof address.sun_family), 0);
    cr_assert_eq(listen(t.listener, 16), 0);
    cr_assert_eq(getsockname(t.listener, (struct sockaddr *)&address, &len), 0);
    memcpy(name, address.sun_path + 1, len - sizeof address.sun_family - 1);
    setenv(KEEPER_HOST_SOCKET, name, 1);
}

static const char *host_path(void)
{
    static char path[4096];
    const char *top = getenv("top_builddir");
    snprintf(path, sizeof path, "%s/tests/lib/keeper-host", top ? top : ".");
    return path;
}

/* Accepts the next supervisor. */
static void meet_supervisor(void)
{
    wait_readable(t.listener, "supervisor");
    close(t.control);
    close(t.link);
    t.control = accept4(t.listener, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(t.control, 0);
    wait_readable(t.control, "hello");
    cr_assert_eq(fdpass_recv(t.control, &t.hello, sizeof t.hello, &t.link, 0), sizeof t.hello);
    cr_assert_geq(t.link, 0);
}

/* Starts PATH as a keeper with CLONE_FLAGS and at most NOFILE descriptors (0: as we have). */
static void start_keeper_as(const char *path, int clone_flags, rlim_t nofile)
{
    int pipe_fds[2];
    char *argv[] = {(char *)path, (char *)"run", (char *)"--last", NULL};
    listen_for_supervisors();
    cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    t.errors = pipe_fds[0];
    t.keeper = (pid_t)syscall(SYS_clone, clone_flags | SIGCHLD, NULL, NULL, NULL, NULL);
    cr_assert_geq(t.keeper, 0);
    if (t.keeper == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct rlimit limit = {.rlim_cur = nofile / 2, .rlim_max = nofile};
        if (nofile > 0 && setrlimit(RLIMIT_NOFILE, &limit) < 0)
            _exit(97);
        dup2(pipe_fds[1], STDERR_FILENO);
        execv(path, argv);
        _exit(96);
    }
    close(pipe_fds[1]);
    meet_supervisor();
}

static void start_keeper(void)
{
    start_keeper_as(host_path(), 0, 0);
}

/* The next message; its descriptor is the caller's when RET_FD is not NULL. */
static struct keeper_msg receive(int *ret_fd)
{
    struct keeper_msg raw, m;
    int fd = -1;
    wait_readable(t.link, "message");
    ssize_t n = fdpass_recv(t.link, &raw, sizeof raw, &fd, 0);
    cr_assert_gt(n, 0);
    cr_assert_eq(keeper_msg_parse(&raw, (size_t)n, &m), 0);
    if (ret_fd)
        *ret_fd = fd;
    else if (fd >= 0)
        close(fd);
    return m;
}

static struct keeper_msg expect(enum keeper_msg_type type)
{
    struct keeper_msg m = receive(NULL);
    cr_assert_eq(m.type, type, "message %d instead of %d", m.type, type);
    return m;
}

static struct keeper_msg expect_named(enum keeper_msg_type type, const char *name)
{
    struct keeper_msg m = expect(type);
    cr_assert_str_eq(m.name, name);
    return m;
}

static void begin(void)
{
    expect(KEEPER_WELCOME);
    expect(KEEPER_SYNC);
}

static void tell(enum keeper_msg_type type, const char *name, int fd, int value, pid_t pid)
{
    struct keeper_msg m;
    cr_assert_eq(keeper_msg_make(&m, type, name), 0);
    m.value = value;
    m.pid = pid;
    cr_assert_gt(fdpass_send(t.link, &m, keeper_msg_size(&m), fd, 0), 0);
}

static void command(struct keeper_host_command c)
{
    cr_assert_eq(send(t.control, &c, sizeof c, MSG_NOSIGNAL), sizeof c);
}

static pid_t start_child(const char *name, enum keeper_host_child child, int status)
{
    struct keeper_host_command c = {.what = HOST_CHILD, .child = child, .status = status};
    strcpy(c.name, name);
    command(c);
    pid_t pid = -1;
    wait_readable(t.control, "pid");
    cr_assert_eq(recv(t.control, &pid, sizeof pid, 0), sizeof pid);
    cr_assert_gt(pid, 0);
    return pid;
}

static void kill_supervisor(void)
{
    kill(t.hello.pid, SIGKILL);
    close(t.link); /* or the keeper waits a second for what a child may still have to say */
    t.link = -1;
    meet_supervisor();
}

static int keeper_status(void)
{
    int status = -1;
    cr_assert_eq(waitpid(t.keeper, &status, 0), t.keeper);
    t.keeper = 0;
    return status;
}

/* Does the keeper say something with TEXT in it? */
static bool says(const char *text)
{
    static char said[16384];
    size_t n = strlen(said);
    struct pollfd p = {.fd = t.errors, .events = POLLIN};
    while (!strstr(said, text) && n < sizeof said - 1 && poll(&p, 1, PATIENCE) == 1) {
        ssize_t got = read(t.errors, said + n, sizeof said - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    return strstr(said, text) != NULL;
}

/* Waits for PROCESS, a child of the keeper, to be reaped. */
static void wait_reaped(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd >= 0) {
        wait_readable(pidfd, "end");
        close(pidfd);
    }
    while (kill(pid, 0) == 0)
        sched_yield();
}

Test(keeper, the_first_supervisor_begins_with_nothing_and_a_clean_state)
{
    struct rlimit nofile;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &nofile), 0);
    start_keeper();
    struct keeper_msg m = expect(KEEPER_WELCOME);
    cr_expect_eq(m.flags, KEEPER_FLAG_FIRST);
    cr_expect_eq(m.count, 0);
    cr_expect_eq(m.pid, t.keeper);
    expect(KEEPER_SYNC);
    cr_expect_eq(t.hello.soft_nofile, nofile.rlim_cur);
    cr_expect_eq(t.hello.extra_fds, 0);
    cr_expect(t.hello.leads_group);
    cr_expect_not(t.hello.blocks_signals);
    cr_expect_str_eq(t.hello.last_arg, "--last");
}

Test(keeper, a_named_descriptor_survives_a_hundred_kills_of_the_supervisor)
{
    struct stat put, held;
    int memfd = memfd_create("held", MFD_CLOEXEC), fd = -1;
    cr_assert_eq(fstat(memfd, &put), 0);
    start_keeper();
    begin();
    tell(KEEPER_PUT, "state", memfd, 0, 0);
    close(memfd);
    for (unsigned i = 1; i <= 100; i++) {
        tell(KEEPER_STABLE, NULL, -1, 0, 0);
        kill_supervisor();
        struct keeper_msg m = expect(KEEPER_WELCOME);
        cr_assert_eq(m.count, i);
        cr_assert_eq(m.flags, 0);
        m = receive(&fd);
        cr_assert_eq(m.type, KEEPER_HELD);
        cr_assert_str_eq(m.name, "state");
        cr_assert_eq(fstat(fd, &held), 0);
        cr_assert_eq(held.st_ino, put.st_ino);
        close(fd);
        expect(KEEPER_SYNC);
    }
    cr_expect(says("was killed by KILL; starting it again (restart 1, all 1 descriptors kept)"));
}

Test(keeper, a_put_replaces_and_a_drop_forgets)
{
    start_keeper();
    begin();
    tell(KEEPER_PUT, "a", STDERR_FILENO, 0, 0);
    tell(KEEPER_PUT, "b", STDERR_FILENO, 0, 0);
    tell(KEEPER_PUT, "b", STDERR_FILENO, 0, 0);
    tell(KEEPER_DROP, "a", -1, 0, 0);
    kill_supervisor();
    expect(KEEPER_WELCOME);
    expect_named(KEEPER_HELD, "b");
    expect(KEEPER_SYNC);
}

Test(keeper, an_end_is_reported_by_name_with_its_status)
{
    start_keeper();
    begin();
    start_child("w/1", CHILD_EXITS, 42);
    cr_expect_eq(expect_named(KEEPER_ENDED, "w/1").value, 42 << 8);
    pid_t pid = start_child("w/2", CHILD_STAYS, 0);
    kill(pid, SIGTERM);
    struct keeper_msg m = expect_named(KEEPER_ENDED, "w/2");
    cr_expect_eq(m.value, SIGTERM);
    cr_expect_eq(m.pid, pid);
}

Test(keeper, an_end_between_two_supervisors_comes_with_the_entry_and_its_pidfd)
{
    start_keeper();
    begin();
    pid_t pid = start_child("w", CHILD_STAYS, 0);
    kill(t.hello.pid, SIGSTOP);
    kill(t.hello.pid, SIGKILL);
    kill(pid, SIGUSR1);
    meet_supervisor();
    expect(KEEPER_WELCOME);
    int pidfd = -1;
    struct keeper_msg m = receive(&pidfd);
    cr_assert_eq(m.type, KEEPER_HELD);
    if (!(m.flags & KEEPER_FLAG_ENDED)) { /* the supervisor was faster than the worker's end */
        expect(KEEPER_SYNC);
        m = expect(KEEPER_ENDED);
    }
    cr_expect_eq(m.value, SIGUSR1);
    cr_expect_eq(m.pid, pid);
    cr_assert_geq(pidfd, 0);
    wait_readable(pidfd, "end on the pidfd");
    close(pidfd);
}

Test(keeper, an_end_is_told_again_until_the_entry_is_dropped)
{
    start_keeper();
    begin();
    start_child("w", CHILD_EXITS, 3);
    expect_named(KEEPER_ENDED, "w");
    kill_supervisor();
    expect(KEEPER_WELCOME);
    struct keeper_msg m = expect_named(KEEPER_HELD, "w");
    cr_expect_eq(m.flags, KEEPER_FLAG_ENDED);
    cr_expect_eq(m.value, 3 << 8);
    expect(KEEPER_SYNC);
    tell(KEEPER_DROP, "w", -1, 0, 0);
    kill_supervisor();
    begin();
}

Test(keeper, a_child_whose_supervisor_is_killed_right_after_it_is_known_to_the_next)
{
    start_keeper();
    begin();
    for (int i = 0; i < 20; i++) {
        struct keeper_host_command c = {
            .what = HOST_CHILD, .child = CHILD_EXITS, .status = 5, .then_die = true};
        snprintf(c.name, sizeof c.name, "w%d", i);
        tell(KEEPER_STABLE, NULL, -1, 0, 0);
        command(c);
        wait_readable(t.control, "end of the supervisor");
        meet_supervisor();
        expect(KEEPER_WELCOME);
        struct keeper_msg m = expect_named(KEEPER_HELD, c.name);
        expect(KEEPER_SYNC);
        if (!(m.flags & KEEPER_FLAG_ENDED))
            m = expect_named(KEEPER_ENDED, c.name);
        cr_assert_eq(m.value, 5 << 8);
        tell(KEEPER_DROP, c.name, -1, 0, 0);
    }
}

Test(keeper, a_child_may_announce_itself_after_its_supervisor_was_killed)
{
    start_keeper();
    begin();
    struct keeper_host_command c = {.what = HOST_CHILD, .child = CHILD_STAYS, .unannounced = true};
    command(c);
    pid_t pid;
    wait_readable(t.control, "pid");
    cr_assert_eq(recv(t.control, &pid, sizeof pid, 0), sizeof pid);
    kill(t.hello.pid, SIGKILL);
    wait_reaped(t.hello.pid);
    tell(KEEPER_PROCESS, "late", -1, 0, pid); /* our descriptor is the child's copy of the link */
    shutdown(t.link, SHUT_RDWR);
    close(t.link);
    t.link = -1;
    meet_supervisor();
    expect(KEEPER_WELCOME);
    cr_expect_eq(expect_named(KEEPER_HELD, "late").pid, pid);
}

Test(keeper, what_a_supervisor_sent_is_stored_though_it_never_read)
{
    start_keeper();
    wait_readable(t.link, "welcome, which stays unread");
    tell(KEEPER_PUT, "a", STDERR_FILENO, 0, 0);
    kill(t.hello.pid, SIGSTOP);
    for (int i = 0; i < 100; i++)
        tell(KEEPER_PUT, i == 99 ? "c" : "b", STDERR_FILENO, 0, 0);
    kill_supervisor();
    expect(KEEPER_WELCOME);
    expect_named(KEEPER_HELD, "a");
    expect_named(KEEPER_HELD, "b");
    expect_named(KEEPER_HELD, "c");
    expect(KEEPER_SYNC);
}

Test(keeper, two_thousand_orphans_are_reaped)
{
    char path[64], children[64];
    start_keeper();
    begin();
    command((struct keeper_host_command){.what = HOST_ORPHANS, .n = 2000});
    command((struct keeper_host_command){.what = HOST_EXIT, .status = 1});
    meet_supervisor(); /* the old one's zombie was reaped, and its children are the keeper's by now */
    begin();
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", t.keeper, t.keeper);
    snprintf(children, sizeof children, "%d ", t.hello.pid);
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
    start_keeper();
    begin();
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        kill(t.keeper, signals[i]);
        struct keeper_msg m = expect(KEEPER_SIGNAL);
        cr_expect_eq(m.value, signals[i]);
        cr_expect_eq(m.pid, getpid());
    }
}

Test(keeper, a_signal_that_comes_between_two_supervisors_waits)
{
    start_keeper();
    begin();
    kill(t.hello.pid, SIGKILL);
    wait_reaped(t.hello.pid); /* and we still have the link, as a child being started may */
    kill(t.keeper, SIGUSR1);
    meet_supervisor();
    begin();
    cr_expect_eq(expect(KEEPER_SIGNAL).value, SIGUSR1);
    kill_supervisor();
    begin();
    kill(t.keeper, SIGHUP);
    cr_expect_eq(expect(KEEPER_SIGNAL).value, SIGHUP, "USR1 has been told");
}

Test(keeper, an_order_to_stop_is_told_to_every_later_supervisor)
{
    start_keeper();
    begin();
    kill(t.keeper, SIGINT);
    cr_expect_eq(expect(KEEPER_SIGNAL).value, SIGINT);
    for (int i = 0; i < 3; i++) {
        kill_supervisor();
        begin();
        struct keeper_msg m = expect(KEEPER_SIGNAL);
        cr_expect_eq(m.value, SIGINT);
        cr_expect_eq(m.count, 1);
    }
    kill(t.keeper, SIGTERM);
    struct keeper_msg m = expect(KEEPER_SIGNAL);
    cr_expect_eq(m.value, SIGTERM);
    cr_expect_eq(m.count, 2);
}

Test(keeper, a_worker_cannot_stop_its_parent)
{
    char line[96];
    start_keeper();
    begin();
    pid_t pid = start_child("worker/web/1/1/3", CHILD_TERMS_PARENT, 0);
    snprintf(line, sizeof line, "berth: keeper: ignored TERM from worker process %d (worker/web/1/1/3)\n",
             pid);
    cr_expect(says(line));
    start_child("worker/web/1/2/4", CHILD_QUITS_VIA_CHILD, 0);
    cr_expect(says("ignored QUIT from worker process "));
    cr_expect(says("(worker/web/1/2/4)"));
    kill(t.keeper, SIGUSR1);
    cr_expect_eq(expect(KEEPER_SIGNAL).value, SIGUSR1, "neither was passed on");
}

Test(keeper, a_supervisor_that_does_not_read_holds_up_nothing)
{
    char name[32];
    start_keeper();
    begin();
    for (int i = 0; i < 1000; i++) { /* far more than a socket buffer holds */
        snprintf(name, sizeof name, "fd/%d", i);
        tell(KEEPER_PUT, name, STDERR_FILENO, 0, 0);
    }
    kill_supervisor();
    pid_t pid = start_child("w", CHILD_EXITS, 9);
    wait_reaped(pid);
    tell(KEEPER_DROP, "fd/999", -1, 0, 0);
    tell(KEEPER_PUT, "last", STDERR_FILENO, 0, 0);
    kill(t.keeper, SIGUSR1);
    expect(KEEPER_WELCOME);
    unsigned held = 0;
    struct keeper_msg m;
    while ((m = receive(NULL)).type == KEEPER_HELD)
        held++;
    cr_expect_eq(m.type, KEEPER_SYNC);
    cr_expect_eq(held, 999);
    cr_expect_eq(expect(KEEPER_SIGNAL).value, SIGUSR1);
    cr_expect_eq(expect_named(KEEPER_ENDED, "w").value, 9 << 8);
}

Test(keeper, after_four_quick_crashes_the_supervisor_is_told_to_be_careful)
{
    start_keeper();
    for (unsigned crashes = 0; crashes < 6; crashes++) {
        struct keeper_msg m = expect(KEEPER_WELCOME);
        cr_expect_eq(!!(m.flags & KEEPER_FLAG_SAFE), crashes >= 4, "after %u", crashes);
        command((struct keeper_host_command){.what = HOST_EXIT, .status = 3});
        meet_supervisor();
    }
    tell(KEEPER_STABLE, NULL, -1, 0, 0);
    kill_supervisor();
    cr_expect_eq(expect(KEEPER_WELCOME).flags, 0, "it was stable in between");
    cr_expect(says("ended with status 3; starting it again in 50 ms (restart 2, all 0 descriptors kept)"));
}

Test(keeper, more_than_it_may_open_is_refused_and_the_supervisor_can_still_be_started)
{
    char name[32];
    unsigned refused = 0, held = 0;
    start_keeper_as(host_path(), 0, 64);
    begin();
    cr_expect_eq(t.hello.soft_nofile, 32);
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "fd/%d", i);
        tell(KEEPER_PUT, name, STDERR_FILENO, 0, 0);
    }
    pid_t pid = start_child("w", CHILD_STAYS, 0);
    kill_supervisor();
    expect(KEEPER_WELCOME);
    struct keeper_msg m;
    int fd;
    while ((m = receive(&fd)).type == KEEPER_HELD) {
        cr_expect_eq(fd < 0, m.pid == pid, "a process is held without its pidfd");
        close(fd);
        held++;
    }
    tell(KEEPER_PUT, "more", STDERR_FILENO, 0, 0);
    m = expect_named(KEEPER_REFUSED, "more");
    cr_expect_eq(m.value, EMFILE);
    refused = 65 - held;
    cr_expect(refused >= 16 && held > 32, "%u held", held);
    kill(pid, SIGKILL);
    cr_expect_eq(expect_named(KEEPER_ENDED, "w").value, SIGKILL);
}

Test(keeper, what_makes_no_sense_is_refused_or_ignored)
{
    start_keeper();
    begin();
    tell(KEEPER_PUT, "no descriptor", -1, 0, 0);
    cr_expect_eq(expect_named(KEEPER_REFUSED, "no descriptor").value, EBADF);
    tell(KEEPER_PUT, "", STDERR_FILENO, 0, 0);
    cr_expect_eq(expect(KEEPER_REFUSED).value, EINVAL);
    tell(KEEPER_PROCESS, "no process", -1, 0, 0);
    cr_expect_eq(expect_named(KEEPER_REFUSED, "no process").value, EINVAL);
    tell((enum keeper_msg_type)999, "a newer supervisor's", STDERR_FILENO, 0, 0);
    cr_assert_eq(send(t.link, "garbage", 7, 0), 7);
    tell(KEEPER_DROP, "not there", -1, 0, 0);
    kill(t.keeper, SIGUSR1);
    expect(KEEPER_SIGNAL);
}

Test(keeper, ends_with_the_status_that_the_supervisor_finished_with)
{
    start_keeper();
    begin();
    tell(KEEPER_FINISH, NULL, -1, 42, 0);
    command((struct keeper_host_command){.what = HOST_EXIT});
    cr_expect_eq(keeper_status(), 42 << 8);
}

Test(keeper, a_supervisor_that_cannot_begin_is_not_started_again)
{
    start_keeper();
    command((struct keeper_host_command){.what = HOST_EXIT, .status = 125});
    cr_expect_eq(keeper_status(), 125 << 8);
}

Test(keeper, the_binary_may_be_deleted_meanwhile)
{
    char dir[] = "/tmp/keeper-XXXXXX", copy[64], shell[8192];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(copy, sizeof copy, "%s/host", dir);
    snprintf(shell, sizeof shell, "cp %s %s", host_path(), copy);
    cr_assert_eq(system(shell), 0);
    start_keeper_as(copy, 0, 0);
    begin();
    unlink(copy);
    rmdir(dir);
    kill_supervisor();
    begin();
}

Test(keeper, a_supervisor_that_has_closed_its_link_is_replaced)
{
    start_keeper();
    begin();
    pid_t first = t.hello.pid;
    shutdown(t.link, SHUT_RDWR);
    meet_supervisor();
    cr_expect_neq(t.hello.pid, first);
    cr_expect_eq(expect(KEEPER_WELCOME).count, 1);
}

Test(keeper, a_second_order_to_stop_ends_everything_though_the_supervisor_hangs)
{
    start_keeper();
    begin();
    pid_t worker = start_child("w", CHILD_STAYS, 0);
    kill(t.hello.pid, SIGSTOP);
    kill(t.keeper, SIGTERM);
    expect(KEEPER_SIGNAL);
    kill(t.keeper, SIGINT);
    cr_expect_eq(keeper_status(), (128 + SIGINT) << 8);
    cr_expect_eq(kill(worker, 0), -1);
    cr_expect_eq(kill(t.hello.pid, 0), -1);
}

Test(keeper, a_supervisor_that_does_not_hear_an_order_to_stop_is_replaced_and_the_next_one_hears_it)
{
    start_keeper();
    begin();
    pid_t worker = start_child("w", CHILD_STAYS, 0);
    kill(t.keeper, SIGTERM); /* sent, but nobody reads it */
    meet_supervisor();
    cr_expect(says("hangs and does not hear that it is to stop; killing it"));
    expect(KEEPER_WELCOME);
    cr_expect_eq(expect_named(KEEPER_HELD, "w").pid, worker);
    expect(KEEPER_SYNC);
    cr_expect_eq(expect(KEEPER_SIGNAL).value, SIGTERM);
    cr_expect_eq(kill(worker, 0), 0, "the workers are not its business");
}

Test(keeper, is_a_good_process_1)
{
    if (geteuid() != 0)
        cr_skip_test("a pid namespace needs root");
    start_keeper_as(host_path(), CLONE_NEWPID, 0);
    struct keeper_msg m = expect(KEEPER_WELCOME);
    cr_expect_eq(m.flags, KEEPER_FLAG_FIRST | KEEPER_FLAG_PID1);
    cr_expect_eq(m.pid, 1);
    expect(KEEPER_SYNC);
    command((struct keeper_host_command){.what = HOST_KILL_KEEPER});
    command((struct keeper_host_command){.what = HOST_ORPHANS, .n = 100});
    start_child("w", CHILD_EXITS, 6);
    cr_expect_eq(expect_named(KEEPER_ENDED, "w").value, 6 << 8);
    kill(t.keeper, SIGTERM);
    m = expect(KEEPER_SIGNAL);
    cr_expect_eq(m.value, SIGTERM);
    cr_expect_eq(m.pid, 0, "the sender is outside of its namespace");
    command((struct keeper_host_command){.what = HOST_EXIT, .status = 1});
    meet_supervisor();
    cr_expect_eq(expect(KEEPER_WELCOME).flags, KEEPER_FLAG_PID1);
    tell(KEEPER_FINISH, NULL, -1, 7, 0);
    command((struct keeper_host_command){.what = HOST_EXIT});
    cr_expect_eq(keeper_status(), 7 << 8);
}
