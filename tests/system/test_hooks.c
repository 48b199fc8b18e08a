/* test_hooks: commands around the life of a service, what is looked at while it runs, and what becomes of
 * both when the supervisor is killed. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

/* Every hook writes its name into a file of the rig, in order. */
static const char *hooks(struct rig *r)
{
    return rig_format(r,
                      "before_start = sh -c 'echo before_start >>%1$s'\n"
                      "after_start = sh -c 'echo after_start >>%1$s'\n"
                      "before_stop = sh -c 'echo before_stop >>%1$s'\n"
                      "after_stop = sh -c 'echo after_stop >>%1$s'\n",
                      rig_path(r, "said"));
}

static const char *said(struct rig *r)
{
    return rig_read_file(r, rig_path(r, "said"));
}

rig_test(hooks, run_around_the_life_of_a_service)
{
    rig_up(r, rig_format(r, "[service:one]\ncommand = sleep 1000\nworkers = 2\n%s", hooks(r)));
    rig_wait_state_of(r, "one", "running");
    rig_until(r, strcmp(said(r), "before_start\nafter_start\n") == 0);
    rig_kill(r, rig_pid_of(r, "one", 1), SIGKILL);
    rig_wait_state_of(r, "one", "running");
    rig_cmd_ok(r, "stop", "one");
    cr_assert_str_eq(said(r), "before_start\nafter_start\nbefore_stop\nafter_stop\n",
                     "a worker that is started again runs none of them");
    rig_cmd_ok(r, "start", "one");
    rig_until(r, strstr(said(r), "after_stop\nbefore_start\nafter_start\n"));
    rig_cmd_ok(r, "restart", "one");
    rig_until(r, strstr(said(r), "after_start\nbefore_start\nafter_start\n"));
    cr_assert_eq(rig_stop(r), 0);
    cr_assert(strstr(said(r), "after_start\nbefore_stop\nafter_stop\n"));
}

rig_test(hooks, after_start_alone_runs_after_a_restart_too)
{
    rig_up(r, rig_format(r,
                         "[service:one]\ncommand = sleep 1000\nworkers = 2\n"
                         "after_start = sh -c 'echo after_start >>%s'\n",
                         rig_path(r, "said")));
    rig_until(r, strcmp(said(r), "after_start\n") == 0);
    rig_cmd_ok(r, "restart", "one");
    rig_until(r, strcmp(said(r), "after_start\nafter_start\n") == 0);
    rig_cmd_ok(r, "reload", "one");
    rig_until(r, strcmp(said(r), "after_start\nafter_start\nafter_start\n") == 0);
}

rig_test(hooks, a_before_start_that_fails_fails_the_start)
{
    rig_up(r, rig_format(
                  r,
                  "[service:one]\ncommand = %s --report %s\nbefore_start = test -e %s\nrestart_delay = 10ms\n"
                  "[service:two]\ncommand = sleep 1000\nbefore_start = sh -c 'exit 4'\nrestart = no\n",
                  r->probe, r->report, rig_path(r, "ok")));
    rig_wait_state_of(r, "two", "failed");
    rig_wait_state_of(r, "one", "backoff");
    cr_assert_eq(rig_pid_of(r, "one", 1), 0);
    const struct rig_result *result = rig_cmd(r, "start", "two");
    cr_assert_eq(result->status, 1);
    cr_assert(strstr(result->err, "its before_start exited with status 4"), "%s", result->err);
    rig_write_file(rig_path(r, "ok"), "");
    rig_wait_state_of(r, "one", "running");
    rig_expect(r, 0, RIG_ARGV("rm", rig_path(r, "ok")));
    pid_t worker = rig_pid_of(r, "one", 1);
    cr_assert_eq(rig_cmd(r, "restart", "one")->status, 1);
    cr_assert_eq(rig_pid_of(r, "one", 1), worker, "what runs goes on");
    rig_wait_state_of(r, "one", "running");
}

rig_test(hooks, one_that_takes_too_long_is_killed)
{
    rig_up(r,
           rig_format(r,
                      "[service:one]\ncommand = sleep 1000\nafter_stop = sh -c 'echo $$$$ >%s; sleep 1000'\n"
                      "stop_timeout = 300ms\n",
                      rig_path(r, "pid")));
    rig_wait_state_of(r, "one", "running");
    rig_cmd_ok(r, "stop", "one");
    cr_assert(rig_log_has(r, "after_stop did not end within 300ms"));
}

rig_test(hooks, are_not_lost_with_the_supervisor)
{
    rig_expect(r, 0, RIG_ARGV("mkfifo", rig_path(r, "go")));
    rig_up(r,
           rig_format(
               r, "[service:one]\ncommand = sleep 1000\nbefore_start = sh -c 'read x <%s; echo once >>%s'\n",
               rig_path(r, "go"), rig_path(r, "said")));
    rig_wait_state_of(r, "one", "starting");
    rig_kill_supervisor(r);
    rig_kill_supervisor(r);
    rig_expect(r, 0, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", rig_path(r, "go"))));
    rig_wait_state_of(r, "one", "running");
    cr_assert_str_eq(said(r), "once\n", "the one that ran was waited for");
}

rig_test(hooks, have_the_surroundings_of_their_service)
{
    rig_up(r, rig_format(r,
                         "[socket:web]\nlisten = %s\n"
                         "[service:one]\ncommand = sleep 1000\nsockets = web\nenv.A = b\ndirectory = /\n"
                         "before_start = sh -c 'echo $$A $$PWD $$BERTH_SERVICE {port:web} >%s'\n",
                         rig_address(r, 4), rig_path(r, "said")));
    rig_wait_state_of(r, "one", "running");
    cr_assert_str_eq(said(r), rig_format(r, "b / one %u\n", r->port));
}

rig_test(health, a_worker_that_is_not_healthy_is_replaced)
{
    rig_up(r,
           rig_format(
               r,
               "[socket:web]\nlisten = %s\n"
               "[service:one]\ncommand = %s --drain\nsockets = web\nworkers = 2\n"
               "health = sh -c 'test ! -e %s.$$BERTH_WORKER'\nhealth_interval = 50ms\nhealth_retries = 2\n",
               rig_address(r, 4), r->probe, rig_path(r, "sick")));
    rig_wait_state_of(r, "one", "running");
    pid_t first = rig_pid_of(r, "one", 1), second = rig_pid_of(r, "one", 2);
    struct load *load = rig_load(r, rig_address(r, 4), 2);
    rig_write_file(rig_path(r, "sick.2"), "");
    rig_until(r, rig_log_has(r, "one/2#1: is not healthy: it is replaced"));
    rig_expect(r, 0, RIG_ARGV("rm", rig_path(r, "sick.2")));
    rig_until(r, rig_pid_of(r, "one", 2) > 0 && rig_pid_of(r, "one", 2) != second);
    rig_wait_state_of(r, "one", "running");
    cr_assert_eq(rig_pid_of(r, "one", 1), first);
    rig_load_end(r, load, 0);
}

rig_test(health, a_check_that_hangs_has_failed)
{
    rig_up(r, "[service:one]\ncommand = sleep 1000\nhealth = sleep 1000\nhealth_interval = 20ms\n"
              "health_timeout = 50ms\nhealth_retries = 1\n");
    rig_until(r, rig_log_has(r, "its health command did not end within 50ms (1 of 1)"));
    rig_until(r, rig_number_of(r, "one", "restarts") > 0);
}

rig_test(health, connecting_to_a_held_socket_is_no_check)
{
    static const char *const checks[] = {"ready = check:nc -z 127.0.0.1 {port:web}",
                                         "health = bash -c '</dev/tcp/127.0.0.1/8080'",
                                         "health = /bin/nc -z localhost 8080"};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        rig_configure(
            r,
            rig_format(
                r, "[socket:web]\nlisten = 127.0.0.1:8080\n[service:one]\ncommand = x\nsockets = web\n%s\n",
                checks[i]));
        const struct rig_result *result =
            rig_expect(r, 2, rig_cmd_argv(r, RIG_ARGV("check", "-c", rig_path(r, "berth.ini"))));
        cr_assert(strstr(result->err, "its queue always answers"), "%s: %s", checks[i], result->err);
    }
}

rig_test(ready, a_command_says_when_it_is)
{
    rig_up(r, rig_format(r,
                         "[service:one]\ncommand = sleep 1000\nready = check:test -e %s\n"
                         "[service:two]\ncommand = sleep 1000\nafter = one\n",
                         rig_path(r, "ok")));
    rig_until(r, rig_pid_of(r, "one", 1) > 0);
    cr_assert_str_eq(rig_state_of(r, "one"), "starting");
    rig_kill_supervisor(r);
    rig_write_file(rig_path(r, "ok"), "");
    rig_wait_state_of(r, "two", "running");
    cr_assert(rig_log_has(r, "one/1#1: ready"));
}

rig_test(reload, a_command_reloads)
{
    rig_up(
        r,
        rig_format(
            r,
            "[service:one]\ncommand = sleep 1000\nreload = command:sh -c 'echo again >>%s; test ! -e %s'\n",
            rig_path(r, "said"), rig_path(r, "broken")));
    rig_wait_state_of(r, "one", "running");
    pid_t worker = rig_pid_of(r, "one", 1);
    rig_cmd_ok(r, "reload", "one");
    cr_assert_str_eq(said(r), "again\n");
    rig_write_file(rig_path(r, "broken"), "");
    const struct rig_result *result = rig_cmd(r, "reload", "one");
    cr_assert_eq(result->status, 1);
    cr_assert(strstr(result->err, "its reload command exited with status 1"), "%s", result->err);
    cr_assert_eq(rig_pid_of(r, "one", 1), worker);
}

rig_test(recycling, workers_of_max_age_are_replaced_one_at_a_time_and_lose_nobody)
{
    rig_up(r, rig_format(r,
                         "[socket:web]\nlisten = %s\n"
                         "[service:one]\ncommand = %s --drain\nsockets = web\nworkers = 3\nmax_age = 1s\n",
                         rig_address(r, 4), r->probe));
    rig_wait_state_of(r, "one", "running");
    struct load *load = rig_load(r, rig_address(r, 4), 3);
    rig_until(r, rig_number_of(r, "one", "restarts") >= 3);
    cr_assert(rig_log_has(r, "has run for max_age (1s): it is replaced"));
    rig_load_end(r, load, 0);
}

static unsigned count_in(const char *log, const char *text)
{
    unsigned n = 0;
    for (const char *at = log; (at = strstr(at, text)); at++)
        n++;
    return n;
}

rig_test(recycling, each_try_to_replace_a_worker_is_told_once)
{
    rig_up(r, rig_format(r,
                         "[service:one]\nmax_age = 1s\nrestart_delay_max = 1s\n"
                         "command = sh -c 'mkdir %s && exec %s'\n",
                         rig_path(r, "first"), r->probe));
    const char *log, *failed = "the workers that serve go on";
    rig_until(r, count_in(log = rig_log(r), failed) >= 3);
    cr_assert_leq(count_in(log, "it is replaced"), count_in(log, failed) + 1, "%s", log);
}

rig_test(recycling, a_worker_that_grows_is_replaced)
{
    rig_up(r, rig_format(r,
                         "[service:one]\nmax_memory = 100M\n"
                         "command = python3 -c \"import os, time; first = not os.path.exists('%1$s'); "
                         "open('%1$s', 'w'); x = b'x' * (300 << 20 if first else 1); time.sleep(1000)\"\n",
                         rig_path(r, "grown")));
    rig_until(r, rig_log_has(r, "more than max_memory (104857600): it is replaced"));
    rig_until(r, rig_number_of(r, "one", "restarts") == 1);
    rig_wait_state_of(r, "one", "running");
}
