/* test_take_over_kept: a take-over that does not come about, whoever dies or says no on the way: the berth
 * that was to be taken over carries on, and loses no request. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "taker.h"

#define CLIENTS 3

/* Serves at a port and a path, under load; the worker's pid. */
static pid_t begin(struct rig *r, struct load *ret[2])
{
    rig_up(r, rig_format(
                  r, "[socket:web]\nlisten = %s, %s\n[service:probe]\nsockets = web\ncommand = %s --drain\n",
                  rig_address(r, 4), rig_address(r, 1), r->probe));
    pid_t worker = rig_wait_worker(r, 1, 0);
    ret[0] = rig_load(r, rig_address(r, 4), CLIENTS);
    ret[1] = rig_load(r, rig_address(r, 1), CLIENTS);
    cr_assert(load_wait_ok(ret[0], 5, RIG_PATIENCE_SECONDS));
    cr_assert(load_wait_ok(ret[1], 5, RIG_PATIENCE_SECONDS));
    return worker;
}

static void end(struct rig *r, struct load *load[2])
{
    for (int i = 0; i < 2; i++) {
        cr_assert(load_wait_ok(load[i], 5, RIG_PATIENCE_SECONDS));
        rig_load_end(r, load[i], 0);
    }
}

/* A taker whose service has the lines MORE. */
static struct taker take(struct rig *r, const char *more)
{
    return taker_start(
        r,
        taker_up_argv(r, rig_format(r, "[socket:web]\nlisten = %s, %s\n[service:probe]\nsockets = web\n%s\n",
                                    rig_address(r, 4), rig_address(r, 1), more)));
}

/* … that is ready once there is a file DIR/go; it has begun. */
static struct taker take_slowly(struct rig *r)
{
    struct taker t =
        take(r, rig_format(r, "command = %s --drain\nready = check:test -e %s", r->probe, rig_path(r, "go")));
    rig_until(r, taker_says(r, &t, "started (pid="));
    cr_assert_str_eq(json_string_value(json_object_get(rig_status(r), "take_over")), "being-taken-over");
    return t;
}

/* It does what it is told again, and can be taken over by a better one. */
static void carries_on(struct rig *r, pid_t worker, struct load *load[2])
{
    taker_has_failed(r, worker);
    rig_cmd_ok(r, "update");
    struct taker t = take(r, rig_format(r, "command = %s --drain", r->probe));
    taker_becomes(r, &t, 0);
    end(r, load);
}

rig_test(take_over, a_command_that_ends_at_once_changes_nothing)
{
    struct load *load[2];
    pid_t worker = begin(r, load);
    struct taker t = take(r, "command = sh -c 'exit 7'\nready = delay:10s");
    cr_assert_eq(taker_wait(r, &t), 1);
    cr_assert(taker_says(r, &t, "worker probe/1#1 exited with status 7"));
    cr_assert(taker_says(r, &t, "carries on"));
    carries_on(r, worker, load);
}

rig_test(take_over, a_worker_that_ends_before_it_has_settled_changes_nothing)
{
    struct load *load[2];
    pid_t worker = begin(r, load);
    struct taker t = take(
        r, rig_format(r, "command = sh -c 'echo no good; sleep 0.3; exit 7'\nsettle = 20s\noutput = file:%s",
                      rig_path(r, "output")));
    cr_assert_eq(taker_wait(r, &t), 1);
    cr_assert(taker_says(r, &t, "worker probe/1#1 exited with status 7; it wrote last: no good"));
    carries_on(r, worker, load);
}

rig_test(take_over, a_worker_that_is_never_ready_changes_nothing)
{
    struct load *load[2];
    pid_t worker = begin(r, load);
    struct taker t =
        take(r, "command = sleep 1000\nready = notify\nstart_timeout = 200ms\nstop_timeout = 1s");
    cr_assert_eq(taker_wait(r, &t), 1);
    cr_assert(taker_says(r, &t, "did not become ready within start_timeout"));
    carries_on(r, worker, load);
}

rig_test(take_over, a_command_that_cannot_be_executed_changes_nothing)
{
    struct load *load[2];
    pid_t worker = begin(r, load);
    struct taker t = take(r, "command = /nowhere/server");
    cr_assert_eq(taker_wait(r, &t), 1);
    carries_on(r, worker, load);
}

rig_test(take_over, a_before_start_that_fails_changes_nothing)
{
    struct load *load[2];
    pid_t worker = begin(r, load);
    struct taker t = take(r, "command = sleep 1000\nbefore_start = false");
    cr_assert_eq(taker_wait(r, &t), 1);
    carries_on(r, worker, load);
}

rig_test(take_over, a_worker_that_harms_the_sockets_before_it_fails_harms_nobody)
{
    struct load *load[2];
    pid_t worker = begin(r, load);
    /* The Unix one cannot be revived, so it is left out of this. */
    struct taker t = taker_start(
        r,
        taker_up_argv(r, rig_format(r,
                                    "[socket:web]\nlisten = %s\nmode = 0600\n[service:probe]\nsockets = web\n"
                                    "command = %s --shutdown --exit-after 300 --exit-status 4\n"
                                    "ready = notify\n",
                                    rig_address(r, 4), r->probe)));
    cr_assert_eq(taker_wait(r, &t), 1);
    rig_until(r, rig_log_has(r, "it was put right") || taker_says(r, &t, "it was put right"));
    taker_has_failed(r, worker);
    cr_assert(strstr(rig_cmd_ok(r, "sockets")->out, " 4096 "));
    load_stop(load[0], &(struct load_counts){0}); /* a moment without a listener refuses somebody */
    cr_assert(load_wait_ok(load[1], 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load[1], 0);
}

rig_test(take_over, a_socket_that_cannot_be_bound_changes_nothing)
{
    struct load *load[2];
    pid_t worker = begin(r, load);
    struct taker t = taker_start(
        r, taker_up_argv(r, rig_format(r,
                                       "[socket:web]\nlisten = %s, %s, 192.0.2.1:80\n[service:probe]\n"
                                       "sockets = web\ncommand = %s\n",
                                       rig_address(r, 4), rig_address(r, 1), r->probe)));
    cr_assert_eq(taker_wait(r, &t), 1);
    cr_assert(taker_says(r, &t, "192.0.2.1:80"));
    carries_on(r, worker, load);
}

rig_test(take_over, run_ends_with_its_commands_status)
{
    const char *address = rig_address(r, 4);
    rig_run(r, "--listen", address, "--", r->probe, "--drain");
    pid_t worker = rig_wait_worker(r, 1, 0);
    struct taker t = taker_run(r, "--listen", address, "--ready", "notify", "--", "sh", "-c", "exit 7");
    cr_assert_eq(taker_wait(r, &t), 7);
    taker_has_failed(r, worker);
    t = taker_run(r, "--listen", address, "--ready", "notify", "--set", "start_timeout=100ms", "--", "sleep",
                  "1000");
    cr_assert_eq(taker_wait(r, &t), 125);
    cr_assert_eq(rig_worker_pid(r, 1), worker);
}

rig_test(take_over, that_is_ended_by_its_user_changes_nothing)
{
    struct load *load[2];
    pid_t worker = begin(r, load);
    struct taker t = take_slowly(r);
    kill(t.pid, SIGTERM);
    cr_assert_eq(taker_wait(r, &t), 0);
    carries_on(r, worker, load);
}

rig_test(take_over, one_that_is_killed_as_a_whole_changes_nothing)
{
    struct load *load[2];
    pid_t worker = begin(r, load);
    struct taker t = take(r, "command = sleep 1000\nready = notify"); /* it has no request to lose */
    rig_until(r, taker_says(r, &t, "started (pid="));
    pid_t supervisor = taker_supervisor(r, &t);
    rig_kill_supervisor(r); /* the other's successor waits for it too */
    kill(t.pid, SIGSTOP);   /* so that it starts no successor */
    kill(supervisor, SIGKILL);
    pid_t last = (pid_t)atoi(strstr(rig_read_file(r, t.log), "started (pid=") + strlen("started (pid="));
    kill(last, SIGKILL);
    kill(t.pid, SIGKILL);
    cr_assert_eq(taker_wait(r, &t), 128 + SIGKILL);
    carries_on(r, worker, load);
}

rig_test(take_over, whose_supervisor_is_killed_goes_on)
{
    struct load *load[2];
    begin(r, load);
    struct taker t = take_slowly(r);
    for (int i = 0; i < 3; i++) {
        rig_kill(r, taker_supervisor(r, &t), SIGKILL);
        rig_until(r, taker_supervisor(r, &t) > 0);
        rig_until(r, taker_says(r, &t, rig_format(r, "(restart %d,", i + 1)));
    }
    cr_assert(!rig_log_has(r, "carries on"));
    rig_write_file(rig_path(r, "go"), "");
    taker_becomes(r, &t, 0);
    cr_assert_eq(rig_worker_restarts(r, 1), 0);
    end(r, load);
}

rig_test(take_over, from_one_whose_supervisor_is_killed_goes_on)
{
    struct load *load[2];
    begin(r, load);
    struct taker t = take_slowly(r);
    for (int i = 0; i < 3; i++) {
        rig_kill_supervisor(r);
        rig_until(r, rig_supervisor_pid(r) > 0);
        rig_wait_state(r, "running");
    }
    rig_write_file(rig_path(r, "go"), "");
    taker_becomes(r, &t, 0);
    end(r, load);
}

/* Ended in the middle, or killed with its keeper: the other one has everything. */
rig_test(take_over, from_one_that_ends_meanwhile_goes_on)
{
    struct load *load[2];
    begin(r, load);
    struct taker t = take_slowly(r);
    kill(r->keeper, SIGTERM);
    rig_until(r, taker_says(r, &t, "is gone, and what it held is here"));
    rig_until(r, rig_service_state(r)[0] != '\0');
    taker_becomes(r, &t, 0);
    rig_write_file(rig_path(r, "go"), "");
    rig_wait_state(r, "running");
    end(r, load);
}

rig_test(take_over, only_one_at_a_time_and_no_update_or_upgrade_meanwhile)
{
    struct load *load[2];
    pid_t worker = begin(r, load);
    struct taker t = take_slowly(r);
    struct taker second = take(r, rig_format(r, "command = %s", r->probe));
    cr_assert_eq(taker_wait(r, &second), 1);
    cr_assert(taker_says(r, &second, "cannot be taken over: another berth is taking over just now"));
    const struct rig_result *result = rig_cmd(r, "update");
    cr_assert(result->status == 1 && strstr(result->err, "another berth is taking over"), "%s", result->err);
    result = rig_cmd(r, "upgrade");
    cr_assert(result->status == 1 && strstr(result->err, "another berth is taking over"), "%s", result->err);
    cr_assert(strstr(rig_cmd_ok(r, "status")->out, "another berth is taking over"));
    cr_assert_eq(rig_worker_pid(r, 1), worker);
    rig_write_file(rig_path(r, "go"), "");
    taker_becomes(r, &t, 0);
    end(r, load);
}

static void finds_nobody(struct rig *r, int status, const char *const *argv)
{
    const struct rig_result *result = rig_expect(r, status, argv);
    cr_assert(strstr(result->err, "no supervisor answers at"), "%s", result->err);
    cr_assert(strstr(result->err, "start without --take-over"), "%s", result->err);
}

rig_test(take_over, where_nobody_answers)
{
    const char *dead = rig_path(r, "dead.sock");
    rig_configure(r, "[service:a]\ncommand = sleep 1000\n");
    const char *ini = rig_path(r, "berth.ini");
    finds_nobody(r, 5, RIG_ARGV(r->berth, "up", "--take-over", dead, "-c", ini));
    finds_nobody(r, 125, RIG_ARGV(r->berth, "run", "--take-over", dead, "--", "true"));
    rig_expect(r, 0,
               RIG_ARGV("python3", "-c",
                        "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", dead));
    finds_nobody(r, 5, RIG_ARGV(r->berth, "up", "--take-over", dead, "-c", ini));
    cr_assert_eq(unlink(dead), 0);
    cr_assert(taker_left_nothing(r));
    cr_assert(strstr(rig_expect(r, 2, RIG_ARGV(r->berth, "up", "--take-over="))->err, "--take-over wants"));
    cr_assert(strstr(rig_expect(r, 2, RIG_ARGV(r->berth, "run", "--take-over=", "true"))->err, "it wants"));
}

rig_test(take_over, from_what_is_too_old_for_it)
{
    const char *old = rig_path(r, "old.sock"), *ini = rig_path(r, "berth.ini");
    rig_configure(r, "[service:a]\ncommand = sleep 1000\n");
    pid_t server = rig_spawn(
        r, "",
        RIG_ARGV("python3", "-c",
                 "import socket, sys\ns = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
                 "c, _ = s.accept(); c.recv(4096)\n"
                 "c.send(b'{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{}}\\0')\n"
                 "c.recv(4096)\n",
                 old));
    rig_until(r, access(old, F_OK) == 0);
    const struct rig_result *result = NULL;
    rig_until(r,
              (result = rig_exec(r, RIG_ARGV(r->berth, "up", "--take-over", old, "-c", ini)))->status == 1);
    cr_assert(strstr(result->err, "it is too old for that"), "%s", result->err);
    rig_wait_child(r, server);
    unlink(old);
}

rig_test(take_over, by_another_user_is_refused)
{
    rig_needs_root();
    const char *folder = rig_path(r, "theirs"), *address = rig_address(r, 4);
    rig_up(r, rig_format(r,
                         "[supervisor]\ncontrol_mode = 0666\n[socket:web]\nlisten = %s\n"
                         "[service:probe]\nsockets = web\ncommand = %s\n",
                         address, r->probe));
    pid_t worker = rig_wait_worker(r, 1, 0);
    cr_assert(mkdir(folder, 0777) == 0 && chmod(folder, 0777) == 0);
    const struct rig_result *result =
        rig_exec(r, RIG_ARGV("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--",
                             r->berth, "--control", rig_format(r, "%s/own.sock", folder), "run",
                             "--take-over", r->control, "--listen", address, "--", "sleep", "1000"));
    cr_assert(result->status == 125 && strstr(result->err, "only root and the supervisor's own user"),
              "%d %s", result->status, result->err);
    cr_assert_eq(rig_worker_pid(r, 1), worker);
    cr_assert(json_object_get(rig_status(r), "take_over") == NULL);
}

/* With its keeper, so that nobody is there any more. */
rig_test(take_over, from_one_that_is_killed_as_a_whole_goes_on)
{
    rig_run(r, "--listen", rig_address(r, 4), "--listen", rig_address(r, 1), "--", r->probe, "--drain");
    pid_t worker = rig_wait_worker(r, 1, 0), supervisor = rig_supervisor_pid(r);
    struct taker t = taker_run(r, "--listen", rig_address(r, 4), "--listen", rig_address(r, 1), "--ready",
                               rig_format(r, "check:test -e %s", rig_path(r, "go")), "--", r->probe);
    rig_until(r, taker_says(r, &t, "started (pid="));
    kill(r->keeper, SIGKILL);
    kill(supervisor, SIGKILL);
    kill(worker, SIGKILL);
    rig_until(r, taker_says(r, &t, "is gone, and what it held is here"));
    taker_becomes(r, &t, 128 + SIGKILL);
    rig_write_file(rig_path(r, "go"), "");
    rig_wait_state(r, "running");
    char body[100];
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), 0);
    cr_assert_eq(load_ask(rig_address(r, 1), "/", body, sizeof body), 0);
    rig_wait_child(r, worker);
    rig_wait_child(r, supervisor);
}

/* A Unix listener that is shut down is dead for good: the old one makes another when it carries on. */
rig_test(take_over, a_worker_that_kills_a_unix_socket_before_it_fails)
{
    rig_run(r, "--set", "stable_after=0", "--listen", rig_address(r, 1), "--", r->probe, "--drain");
    rig_wait_worker(r, 1, 0);
    struct taker t = taker_run(r, "--listen", rig_address(r, 1), "--ready", "notify", "--", r->probe,
                               "--shutdown", "--exit-after", "200", "--exit-status", "4");
    cr_assert_eq(taker_wait(r, &t), 4);
    rig_until(r, rig_log_has(r, "it was made again"));
    rig_wait_state(r, "running");
    char body[100];
    cr_assert_eq(load_ask(rig_address(r, 1), "/", body, sizeof body), 0);
}
