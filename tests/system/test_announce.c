/* test_announce: berth under a service manager that speaks sd_notify. The test is that manager: it binds the
 * socket, reads what berth says, and sees in whose name. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

#define SOON_MS 400

struct manager {
    struct rig *rig;
    int fd;
    char text[2048]; /* the last message */
    pid_t from;      /* … and whose it is */
    const char *all; /* every message, one behind the other */
};

/* Binds ADDRESS, a path or @name, and has berth told of it. */
static struct manager *manager_new(struct rig *r, const char *address)
{
    static struct manager m;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = strlen(address);
    int on = 1;
    m = (struct manager){.rig = r, .fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), .all = ""};
    memcpy(un.sun_path, address, n);
    if (*address == '@')
        un.sun_path[0] = '\0';
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    cr_assert_eq(bind(m.fd, (struct sockaddr *)&un, len), 0, "%s: %s", address, strerror(errno));
    cr_assert_eq(setsockopt(m.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    rig_env(r, rig_format(r, "NOTIFY_SOCKET=%s", address));
    return &m;
}

/* berth ends while there is still somebody to tell. */
static void manager_end(struct manager *m)
{
    if (m->rig->pid > 0)
        rig_stop(m->rig);
    unlink(rig_path(m->rig, "notify"));
    close(m->fd);
}

/* A test with the manager M at a path. */
#define announce_test(name)                                                                                  \
    static void managed_##name(struct rig *r, struct manager *m);                                            \
    rig_test(announce, name)                                                                                 \
    {                                                                                                        \
        struct manager *m = manager_new(r, rig_path(r, "notify"));                                           \
        managed_##name(r, m);                                                                                \
        manager_end(m);                                                                                      \
    }                                                                                                        \
    static void managed_##name(struct rig *r, struct manager *m)

/* Reads the next message; false when none comes within MS milliseconds. */
static bool receive(struct manager *m, int ms)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec iov = {m->text, sizeof m->text - 1};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct pollfd p = {.fd = m->fd, .events = POLLIN};
    struct ucred whose;
    if (poll(&p, 1, ms) != 1)
        return false;
    ssize_t n = recvmsg(m->fd, &msg, 0);
    cr_assert(n > 0 && CMSG_FIRSTHDR(&msg));
    m->text[n] = '\0';
    memcpy(&whose, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof whose);
    m->from = whose.pid;
    m->all = rig_format(m->rig, "%s%s--\n", m->all, m->text);
    return true;
}

static bool has_line(const struct manager *m, const char *line)
{
    return strstr(rig_format(m->rig, "\n%s", m->text), rig_format(m->rig, "\n%s\n", line)) != NULL;
}

/* Reads until a message has LINE. */
static void expect(struct manager *m, const char *line)
{
    do
        cr_assert(receive(m, RIG_PATIENCE_SECONDS * 1000), "\"%s\" never came, but:\n%s", line, m->all);
    while (!has_line(m, line));
}

/* Throws away what was said up to now. */
static void forget(struct manager *m)
{
    while (receive(m, 0))
        ;
    m->all = "";
}

/* The value behind NAME= in the last message. */
static const char *value(const struct manager *m, const char *name)
{
    const char *at = strstr(rig_format(m->rig, "\n%s", m->text), rig_format(m->rig, "\n%s=", name));
    cr_assert_not_null(at, "no %s in: %s", name, m->text);
    at += strlen(name) + 2;
    return rig_format(m->rig, "%.*s", (int)strcspn(at, "\n"), at);
}

static long long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static const char *web(struct rig *r, const char *keys)
{
    return rig_format(r,
                      "[socket:web]\nlisten = unix:web.sock\n[service:web]\ncommand = %s --drain\n"
                      "sockets = web\n%s",
                      r->probe, keys);
}

/* A oneshot that runs until somebody opens the gate. */
static const char *gate(struct rig *r)
{
    cr_assert_eq(mkfifo(rig_path(r, "gate"), 0600), 0);
    return rig_format(r, "[service:gate]\ncommand = sh -c 'read x <%s'\ntype = oneshot\n",
                      rig_path(r, "gate"));
}

static void open_gate(struct rig *r)
{
    int fd = open(rig_path(r, "gate"), O_WRONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && write(fd, "\n", 1) == 1);
    close(fd);
}

announce_test(ready_comes_when_everything_is_up_and_not_before)
{
    rig_up(r, rig_format(r, "%s%s", web(r, "requires = gate\n"), gate(r)));
    expect(m, "STATUS=0 of 1 service up, web starting, gate starting");
    rig_wait_state_of(r, "gate", "starting");
    forget(m);
    cr_assert(!receive(m, SOON_MS), "%s", m->text);
    open_gate(r);
    expect(m, "READY=1");
    cr_assert(has_line(m, "STATUS=1 service up"), "%s", m->text);
    cr_assert_str_eq(rig_state_of(r, "web"), "running");
    forget(m);
    cr_assert(!receive(m, SOON_MS), "nothing happens, and nothing is said: %s", m->text);
}

announce_test(one_that_fails_or_is_not_to_start_holds_up_nobody)
{
    rig_up(r, rig_format(r,
                         "%s[service:bad]\ncommand = false\nready = delay:5s\nrestart_delay = "
                         "20s\nrestart_delay_max = 20s\n"
                         "[service:worse]\ncommand = false\nready = delay:5s\nrestart = no\n"
                         "[service:later]\ncommand = sleep 1000\nstart = manual\n",
                         web(r, "")));
    expect(m, "READY=1");
    cr_assert(has_line(m, "STATUS=1 of 3 services up, worse failed, bad in backoff"), "%s", m->text);
}

announce_test(the_sentence_is_kept_in_step_but_not_more_than_once_a_second)
{
    long long began = now_us();
    rig_up(r, rig_format(r,
                         "%s[service:api]\ncommand = sleep 1000\n"
                         "[service:more]\ncommand = sleep 1000\nstart = manual\n",
                         web(r, "")));
    expect(m, "READY=1");
    for (int i = 0; i < 3; i++) {
        rig_cmd_ok(r, "stop", "api");
        rig_cmd_ok(r, "start", "api");
    }
    /* What was not so before: on a slow machine the others may have been told while they were so. */
    rig_cmd_ok(r, "start", "more");
    expect(m, "STATUS=3 services up");
    rig_cmd_ok(r, "stop", "more");
    expect(m, "STATUS=2 services up");
    cr_assert(now_us() - began > 1900000, "three sentences, so two seconds");
}

announce_test(an_update_is_framed_by_reloading_and_ready)
{
    rig_up(r, web(r, ""));
    expect(m, "READY=1");
    forget(m);
    long long before = now_us();
    rig_configure(r, rig_format(r, "%s%s", web(r, ""), gate(r)));
    kill(r->keeper, SIGHUP);
    expect(m, "RELOADING=1");
    long long told = strtoll(value(m, "MONOTONIC_USEC"), NULL, 10);
    cr_assert(told >= before && told <= now_us(), "%lld, %lld", before, told);
    forget(m);
    cr_assert(!receive(m, SOON_MS) || !has_line(m, "READY=1"), "it is not done yet");
    open_gate(r);
    expect(m, "READY=1");
    rig_cmd_ok(r, "update", "--dry-run");
    forget(m);
    cr_assert(!receive(m, SOON_MS), "what is only looked at is not told: %s", m->text);
}

/* A service that is started anew has been up before: only the update itself says that it is not done. */
announce_test(an_update_is_not_over_with_a_look_at_the_next_one)
{
    static const char text[] = "[service:a]\nenv.V = %d\ncommand = sleep 1000\nready = check:test -e %s\n";
    const char *gate = rig_path(r, "open");
    rig_write_file(gate, "");
    rig_up(r, rig_format(r, text, 1, gate));
    expect(m, "READY=1");
    unlink(gate);
    rig_configure(r, rig_format(r, text, 2, gate));
    kill(r->keeper, SIGHUP);
    expect(m, "RELOADING=1");
    forget(m);
    rig_cmd_ok(r, "update", "--dry-run");
    while (receive(m, SOON_MS))
        cr_assert(!has_line(m, "READY=1"), "it is not done yet: %s", m->text);
    rig_write_file(gate, "");
    expect(m, "READY=1");
}

announce_test(an_update_that_changes_nothing_or_is_wrong_is_framed_too)
{
    rig_up(r, web(r, ""));
    expect(m, "READY=1");
    forget(m);
    kill(r->keeper, SIGHUP);
    expect(m, "RELOADING=1");
    expect(m, "READY=1");
    rig_configure(r, "[service:web]\nnonsense = yes\n");
    kill(r->keeper, SIGHUP);
    expect(m, "RELOADING=1");
    expect(m, "READY=1");
    cr_assert(has_line(m, "STATUS=1 service up"), "%s", m->text);
}

announce_test(stopping_is_told_before_anything_stops)
{
    rig_up(r, web(r, ""));
    expect(m, "READY=1");
    cr_assert_eq(rig_stop(r), 0);
    expect(m, "STOPPING=1");
    cr_assert(has_line(m, "STATUS=shutting down, 1 service left"), "%s", m->text);
    forget(m);
    cr_assert(!strstr(m->all, "READY=1"));
}

announce_test(run_tells_as_well_and_its_hangup_is_a_reload)
{
    rig_run(r, "--", r->probe, "--drain");
    expect(m, "READY=1");
    pid_t worker = rig_wait_worker(r, 1, 0);
    kill(r->keeper, SIGHUP);
    expect(m, "RELOADING=1");
    expect(m, "READY=1");
    cr_assert_neq(rig_worker_pid(r, 1), worker, "its service is up again, with another process");
    rig_cmd_ok(r, "shutdown");
    expect(m, "STOPPING=1");
    rig_wait_exit(r);
}

rig_test(announce, an_abstract_socket_will_do)
{
    struct manager *m = manager_new(r, rig_format(r, "@berth-test-%s", strrchr(r->dir, '/') + 1));
    rig_up(r, web(r, ""));
    expect(m, "READY=1");
    manager_end(m);
}

announce_test(it_speaks_in_the_name_of_the_units_main_process)
{
    if (geteuid() != 0 || prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 1)
        rig_skip("only root may speak for another process");
    rig_up(r, web(r, ""));
    expect(m, "READY=1");
    cr_assert_eq(m->from, r->keeper);
    cr_assert(!strstr(m->all, "MAINPID"));
}

announce_test(signs_of_life_go_on_when_the_supervisor_is_killed)
{
    rig_env(r, "WATCHDOG_USEC=3000000");
    rig_up(r, web(r, ""));
    expect(m, "READY=1");
    for (int i = 0; i < 3; i++) {
        expect(m, "WATCHDOG=1");
        forget(m);
        long long silent_since = now_us();
        rig_kill_supervisor(r);
        expect(m, "WATCHDOG=1");
        cr_assert(i > 0 || now_us() - silent_since < 3000000, "the successor is there in time");
        rig_wait_state_of(r, "web", "running");
    }
    long long began = now_us();
    forget(m);
    for (int i = 0; i < 4; i++)
        expect(m, "WATCHDOG=1");
    long long took = now_us() - began;
    cr_assert(took > 3600000 && took < 11400000, "four at half of the time: %lld us", took);
}

announce_test(a_watchdog_of_another_process_is_not_served)
{
    rig_env(r, "WATCHDOG_USEC=100000");
    rig_env(r, rig_format(r, "WATCHDOG_PID=%d", (int)getpid()));
    rig_up(r, web(r, ""));
    expect(m, "READY=1");
    forget(m);
    cr_assert(!receive(m, SOON_MS), "%s", m->text);
    cr_assert(!strstr(m->all, "WATCHDOG"));
}

announce_test(a_successor_ends_the_reload_that_its_predecessor_began)
{
    rig_up(r, web(r, ""));
    expect(m, "READY=1");
    rig_configure(r, rig_format(r, "%s%s", web(r, ""), gate(r)));
    kill(r->keeper, SIGHUP);
    expect(m, "RELOADING=1");
    rig_wait_state_of(r, "gate", "starting");
    rig_kill_supervisor(r);
    rig_wait_state_of(r, "gate", "starting");
    forget(m);
    cr_assert(!receive(m, SOON_MS) || !has_line(m, "READY=1"));
    open_gate(r);
    expect(m, "READY=1");
}

announce_test(a_manager_that_is_not_there_or_does_not_read_is_no_hindrance)
{
    rig_env(r, "WATCHDOG_USEC=20000");
    rig_up(r, web(r, ""));
    rig_wait_state_of(r, "web", "running");
    for (int i = 0; i < 3; i++)
        rig_cmd_ok(r, "restart", "web");
    kill(r->keeper, SIGHUP);
    expect(m, "RELOADING=1");
    expect(m, "READY=1");
    unlink(rig_path(r, "notify"));
    rig_until(r, rig_log_has(r, "could not be told how berth is"));
    rig_cmd_ok(r, "restart", "web");
}

announce_test(workers_know_nothing_of_it)
{
    rig_env(r, "WATCHDOG_USEC=5000000");
    rig_up(r, rig_format(r, "[service:env]\ncommand = sh -c 'env >%s/env; exec sleep 1000'\n", r->dir));
    expect(m, "READY=1");
    rig_until(r, strstr(rig_read_file(r, rig_path(r, "env")), "BERTH_SERVICE=env"));
    cr_assert(!strstr(rig_read_file(r, rig_path(r, "env")), rig_path(r, "notify")),
              "NOTIFY_SOCKET is the worker's own");
    cr_assert(!strstr(rig_read_file(r, rig_path(r, "env")), "WATCHDOG_"));
}
