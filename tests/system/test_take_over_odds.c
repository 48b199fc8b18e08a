/* test_take_over_odds: take-overs in which the two berths come into each other's way, or the new one wants
 * something else than the old one had. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "taker.h"

static bool is_non_blocking(struct rig *r, pid_t pid)
{
    const char *flags =
        strstr(rig_read_file(r, rig_format(r, "/proc/%d/fdinfo/3", (int)pid)), "flags:") + strlen("flags:");
    return strtol(flags, NULL, 8) & O_NONBLOCK;
}

/* It is one flag for both. */
static void leaves_o_nonblock_alone(struct rig *r, const char *socket, const char *command, bool in_the_end)
{
    const char *go = rig_path(r, "go"),
               *text = rig_format(r,
                                  "[socket:web]\nlisten = %s\n%s\n[service:web]\nsockets = web\n"
                                  "settle = 10ms\ncommand = %s\n[service:other]\ncommand = sleep 1000\n"
                                  "settle = 10ms\nready = check:test -e %s\n",
                                  rig_address(r, 4), socket, command, go);
    rig_run(r, "--listen", rig_address(r, 4), "--", "sleep", "1000");
    rig_wait_state(r, "running");
    pid_t before = rig_worker_pid(r, 1);
    struct taker t = taker_start(r, taker_up_argv(r, text));
    rig_until(r, taker_says(r, &t, "other/1#1: started"));
    cr_assert(!is_non_blocking(r, before));
    kill(t.pid, SIGTERM);
    cr_assert_eq(taker_wait(r, &t), 0);
    cr_assert(!is_non_blocking(r, before));
    rig_until(r, rig_log_has(r, "this one carries on"));
    rig_write_file(go, "");
    t = taker_start(r, taker_up_argv(r, text));
    taker_becomes(r, &t, 0);
    char body[100];
    cr_assert(!in_the_end || is_non_blocking(r, rig_pid_of(r, "web", 1)));
    cr_assert(in_the_end || load_ask(rig_address(r, 4), "/", body, sizeof body) == 0);
}

rig_test(take_over, what_the_old_ones_workers_block_at_stays_so)
{
    leaves_o_nonblock_alone(r, "non_blocking = yes", "sleep 1000", true);
}

rig_test(take_over, what_is_to_be_accepted_by_berth_is_left_to_the_old_ones_workers)
{
    leaves_o_nonblock_alone(r, "accept = yes", rig_format(r, "%s --answer-stdin", r->probe), false);
}

static long stored_of(struct rig *r, int worker)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    json_t *w = json_array_get(json_object_get(service, "workers"), (size_t)worker - 1);
    return (long)json_integer_value(json_object_get(w, "stored"));
}

static size_t count_in(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

/* Each has a cgroup for each worker, and the old one kills all that is in its own. */
rig_test(take_over, workers_with_one_cgroup_do_not_kill_each_other)
{
    const char *cgroup = rig_format(r, "cgroup=%s", strrchr(r->dir, '/') + 1);
    const char *what[] = {"--set",    cgroup,
                          "--set",    "kill=cgroup",
                          "--set",    "stop_timeout=100ms",
                          "--set",    "settle=10ms",
                          "--listen", rig_address(r, 4),
                          "--",       "sh",
                          "-c",       "trap '' TERM; sleep 1000",
                          NULL};
    const struct rig_result *result =
        rig_exec(r, RIG_ARGV(r->berth, "run", "--set", cgroup, "--set", "kill=cgroup", "--", "true"));
    if (result->status != 0) { /* where no cgroup can be made */
        cr_assert(strstr(result->err, "could not be started: cgroup: "), "%s", result->err);
        return;
    }
    rig_start(r, rig_run_argv(r, what));
    rig_wait_state(r, "running");
    struct taker t = taker_start(r, taker_run_argv(r, what));
    taker_becomes(r, &t, 0);
    cr_assert(rig_process_is_alive(rig_worker_pid(r, 1)));
    cr_assert_eq(rig_worker_restarts(r, 1), 0);
    cr_assert(!rig_log_has(r, "was killed by"));
}

/* Nor is its guard lenient for five seconds. */
rig_test(take_over, who_asks_for_what_it_cannot_know_of_has_not_begun_one)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    json_t *reply = rig_call(r, "io.berth.TakeOver", json_pack("{s:i, s:i}", "id", 7, "first", 1));
    cr_assert(strstr(json_string_value(json_object_get(reply, "error")), "InvalidParameter"));
    cr_assert(!rig_log_has(r, "takes over"));
}

static const char *with_a_socket_each(struct rig *r, const char *name)
{
    return rig_format(r,
                      "[socket:%s]\nlisten = %s\nreuse_port = per-worker\n"
                      "[service:web]\nsockets = %s\nworkers = 3\nsettle = 10ms\ncommand = %s --drain\n",
                      name, rig_address(r, 4), name, r->probe);
}

rig_test(take_over, the_sockets_of_all_workers_are_found_by_their_address)
{
    unsigned long before[3];
    rig_up(r, with_a_socket_each(r, "web"));
    rig_wait_state(r, "running");
    for (int i = 0; i < 3; i++)
        before[i] = rig_socket_inode(rig_worker_pid(r, i + 1), 3);
    struct taker t = taker_start(r, taker_up_argv(r, with_a_socket_each(r, "renamed")));
    taker_becomes(r, &t, 0);
    for (int i = 0; i < 3; i++) {
        unsigned long inode = rig_socket_inode(rig_worker_pid(r, i + 1), 3);
        cr_assert(inode == before[0] || inode == before[1] || inode == before[2], "%d: another one", i + 1);
    }
}

/* Of three workers, and of slots that nobody has here: all of it goes to the two that are left. */
rig_test(take_over, what_more_workers_stored_is_kept_by_fewer)
{
    const char *say = rig_format(r, "%s/tests/lib/sd_say", getenv("top_builddir"));
    if (access(say, X_OK) != 0)
        rig_skip("built without libsystemd");
    const char *listen = rig_format(r, "web=unix:%s/web", r->dir);
    rig_run(r, "--workers", "3", "--listen", listen, "--", say, "listen", "store:one", "store:two",
            "say:STATUS=stored", "wait");
    rig_wait_state(r, "running");
    for (int i = 1; i <= 3; i++)
        rig_until(r, stored_of(r, i) == 2);
    struct taker t = taker_run(r, "--workers", "2", "--listen", listen, "--", say, "listen", "wait");
    taker_becomes(r, &t, 0);
    cr_assert(!taker_says(r, &t, "lets go"));
    cr_assert_eq(stored_of(r, 1) + stored_of(r, 2), 6);
    cr_assert(stored_of(r, 1) == 4 || stored_of(r, 2) == 4, "what was together is not any more");
    rig_until(r, count_in(rig_read_file(r, t.log), "one: one\n") == 3);
}

/* A connection that berth has accepted, and the question on it that is not answered yet. */
static struct taker take_during_a_connection(struct rig *r, const char *service, int *ret_fd)
{
    const char *text = rig_format(r,
                                  "[socket:web]\nlisten = unix:%s\naccept = yes\n[service:web]\n"
                                  "sockets = web\ncommand = %s\n",
                                  rig_path(r, "web"), service);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    rig_up(r, text);
    rig_wait_state(r, "waiting");
    *ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(un.sun_path, rig_path(r, "web"));
    cr_assert_eq(connect(*ret_fd, (struct sockaddr *)&un, sizeof un), 0);
    rig_wait_state(r, "running");
    return taker_start(r, taker_up_argv(r, text));
}

rig_test(take_over, connections_that_the_old_one_accepted_are_served_to_their_end)
{
    int fd;
    const char *log;
    char answer[10] = "";
    struct taker t = take_during_a_connection(r, "sh -c 'read x; echo got $x'", &fd);
    log = r->err_path;
    rig_until(r, strstr(rig_read_file(r, log), "shutting down"));
    cr_assert_eq(write(fd, "it\n", 3), 3);
    cr_assert_eq(read(fd, answer, sizeof answer), 7);
    cr_assert_str_eq(answer, "got it\n");
    taker_becomes(r, &t, 0);
    cr_assert(!strstr(rig_read_file(r, log), "sent TERM"));
    close(fd);
}

rig_test(take_over, a_connection_without_an_end_is_ended)
{
    int fd;
    const char *log;
    struct taker t = take_during_a_connection(
        r, "cat\nstop_timeout = 300ms\n[service:other]\ncommand = sleep 1000\nafter = web", &fd);
    log = r->err_path;
    taker_becomes(r, &t, 0);
    cr_assert(strstr(rig_read_file(r, log), "stopping: sent TERM"));
    cr_assert_eq(read(fd, &(char){0}, 1), 0);
    close(fd);
}

/* What is in the loop has said what it has to say. */
static void wait_for_successor(struct rig *r, struct taker *t, const char *control, int restarts)
{
    const char *before = r->control;
    rig_until(r, taker_says(r, t, rig_format(r, "(restart %d,", restarts)));
    r->control = control;
    rig_until(r, *rig_service_state(r));
    r->control = before;
}

/* Two supervisors of the taker have called and are gone when a third one does, and only then it is read. */
rig_test(take_over, words_of_a_killed_taker_that_are_read_late_are_not_believed)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    struct taker t =
        taker_run(r, "--listen", rig_address(r, 4), "--set", "settle=8s", "--", r->probe, "--drain");
    rig_until(r, taker_says(r, &t, "started (pid="));
    const char *name =
        rig_exec(r, RIG_ARGV("sh", "-c", "ls -A \"$1\" | grep take-over | tr -d '\\n'", "sh", r->dir))->out;
    pid_t old = rig_supervisor_pid(r);
    kill(old, SIGSTOP);
    for (int i = 1; i <= 2; i++) {
        rig_kill(r, taker_supervisor(r, &t), SIGKILL);
        wait_for_successor(r, &t, rig_path(r, name), i);
    }
    kill(old, SIGCONT);
    taker_becomes(r, &t, 0); /* after more than the five seconds for which a lost one is waited for */
}

rig_test(take_over, a_symbolic_link_to_the_control_socket_is_followed)
{
    const char *link = rig_path(r, "link");
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    cr_assert_eq(symlink(r->control, link), 0);
    struct taker t =
        taker_start(r, RIG_ARGV(r->berth, "run", "--take-over", link, "--listen", rig_address(r, 4), "--",
                                r->probe, "--drain", "--report", r->report));
    taker_becomes(r, &t, 0); /* it answers where the first one did */
    rig_wait_report(r, "serving");
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert_eq(rig_stop(r), 0);
    cr_assert_eq(unlink(link), 0);
}

rig_test(take_over, from_one_that_is_stopped_for_a_while)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    struct taker t =
        taker_run(r, "--listen", rig_address(r, 4), "--ready",
                  rig_format(r, "check:test -e %s", rig_path(r, "go")), "--", r->probe, "--drain");
    rig_until(r, taker_says(r, &t, "started (pid="));
    pid_t old = rig_supervisor_pid(r);
    kill(old, SIGSTOP);
    rig_write_file(rig_path(r, "go"), "");
    rig_until(r, taker_says(r, &t, "all is ready, and the berth at"));
    kill(old, SIGCONT);
    taker_becomes(r, &t, 0);
}
