/* test_up: many services from a configuration: the order in which they start and stop, what a failure passes
 * on, what ends everything, and the commands on several of them at once. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

/* Does FIRST stand before SECOND in the log? */
static bool log_has_in_order(struct rig *r, const char *first, const char *second)
{
    const char *log = rig_log(r), *one = strstr(log, first);
    return one && strstr(one, second) && (strstr(log, second) > one);
}

rig_test(up, services_run_on_their_sockets)
{
    rig_up(r, rig_format(r,
                         "[socket:tcp]\nlisten = %s\n"
                         "[socket:unix]\nlisten = unix:web.sock\nmode = 0600\n"
                         "[service:one]\ncommand = %s\nsockets = tcp\nworkers = 2\n"
                         "[service:two]\ncommand = %s\nsockets = unix\n",
                         rig_address(r, 4), r->probe, r->probe));
    rig_wait_state_of(r, "one", "running");
    rig_wait_state_of(r, "two", "running");
    char body[128];
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), 0);
    cr_assert_eq(load_ask(rig_format(r, "unix:%s", rig_path(r, "web.sock")), "/", body, sizeof body), 0,
                 "a relative path is relative to the file");
    cr_assert_eq(rig_number_of(r, "one", "ready"), 2);
}

rig_test(up, nothing_starts_when_there_is_a_mistake)
{
    rig_configure(r, rig_format(r,
                                "[service:one]\ncommand = touch %s\nworkers = many\n"
                                "[service:two]\nsockets = nowhere\n",
                                rig_path(r, "started")));
    const struct rig_result *result =
        rig_expect(r, 2, rig_cmd_argv(r, RIG_ARGV("up", "-c", rig_path(r, "berth.ini"))));
    cr_assert(strstr(result->err, "berth.ini:3: service:one: workers must be"), "%s", result->err);
    cr_assert(strstr(result->err, "berth.ini:4: service:two: there is no command"), "%s", result->err);
    cr_assert(strstr(result->err, "berth.ini:5: service:two: it wants socket nowhere"), "%s", result->err);
    cr_assert_neq(access(rig_path(r, "started"), F_OK), 0);
    cr_assert_neq(access(r->control, F_OK), 0);
}

rig_test(up, a_oneshot_is_done_before_those_behind_it_start)
{
    rig_expect(r, 0, RIG_ARGV("mkfifo", rig_path(r, "go")));
    rig_up(r, rig_format(r,
                         "[service:web]\ncommand = %s --report %s\nafter = migrate\n"
                         "[service:migrate]\ncommand = sh -c 'read line <%s; exit 0'\ntype = oneshot\n",
                         r->probe, r->report, rig_path(r, "go")));
    rig_until(r, rig_log_has(r, "migrate/1"));
    rig_kill(r, rig_supervisor_pid(r), SIGKILL); /* who waits for whom is known to a successor, too */
    rig_until(r, strcmp(rig_state_of(r, "web"), "starting") == 0);
    cr_assert_eq(rig_pid_of(r, "web", 1), 0);
    rig_until(r,
              strcmp(rig_state_of(r, "migrate"), "starting") == 0 || rig_log_has(r, "migrate/1#1: exited"));
    rig_until(r, rig_pid_of(r, "migrate", 1) > 0);
    rig_expect(r, 0, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", rig_path(r, "go"))));
    rig_wait_state_of(r, "web", "running");
    rig_wait_state_of(r, "migrate", "done");
    cr_assert(log_has_in_order(r, "migrate/1#1: exited with status 0", "web/1#1: started"));
}

rig_test(up, a_failure_is_passed_on_to_who_requires_it_and_not_to_who_only_comes_after)
{
    rig_up(r, rig_format(r,
                         "[service:migrate]\ncommand = sh -c 'exit 3'\ntype = oneshot\nrestart = no\n"
                         "[service:web]\ncommand = %s --report %s\nrequires = migrate\n"
                         "[service:second]\ncommand = sleep 1000\nrequires = web\n"
                         "[service:cron]\ncommand = sleep 1000\nafter = migrate\n",
                         r->probe, r->report));
    rig_wait_state_of(r, "migrate", "failed");
    rig_wait_state_of(r, "web", "failed");
    rig_wait_state_of(r, "second", "failed");
    rig_wait_state_of(r, "cron", "running");
    cr_assert_eq(rig_pid_of(r, "web", 1), 0);
    cr_assert(rig_log_has(r, "web: is not started: it requires migrate, which has failed"));
    const struct rig_result *result = rig_cmd(r, "start", "web");
    cr_assert_eq(result->status, 1);
    cr_assert(strstr(result->err, "migrate"), "%s", result->err);
}

rig_test(up, what_was_mended_lets_those_that_wait_for_it_start)
{
    rig_up(r, rig_format(r,
                         "[service:migrate]\ncommand = test -e %s\ntype = oneshot\nrestart = no\n"
                         "[service:web]\ncommand = %s\nrequires = migrate\n",
                         rig_path(r, "ok"), r->probe));
    rig_wait_state_of(r, "web", "failed");
    rig_write_file(rig_path(r, "ok"), "");
    rig_cmd_ok(r, "start", "migrate");
    rig_wait_state_of(r, "web", "running");
}

rig_test(up, an_essential_service_ends_everything_with_its_status)
{
    rig_expect(r, 0, RIG_ARGV("mkfifo", rig_path(r, "go")));
    rig_up(r, rig_format(
                  r,
                  "[service:side]\ncommand = sleep 1000\n"
                  "[service:main]\ncommand = sh -c 'read line <%s; exit 7'\nessential = yes\nrestart = no\n"
                  "after = side\n",
                  rig_path(r, "go")));
    rig_until(r, rig_pid_of(r, "main", 1) > 0 || rig_log_has(r, "main/1"));
    rig_kill_supervisor(r);
    rig_cmd_ok(r, "restart", "main");
    rig_expect(r, 0, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", rig_path(r, "go"))));
    cr_assert_eq(rig_wait_exit(r), 7);
}

rig_test(up, starting_brings_what_is_required_and_stopping_takes_those_that_require_it)
{
    rig_up(r, "[service:db]\ncommand = sleep 1000\nstart = manual\n"
              "[service:cache]\ncommand = sleep 1000\nstart = manual\n"
              "[service:web]\ncommand = sleep 1000\nstart = manual\nrequires = db\nafter = cache\n");
    rig_wait_state_of(r, "web", "stopped");
    rig_cmd_ok(r, "start", "web");
    cr_assert_str_eq(rig_state_of(r, "db"), "running");
    cr_assert_str_eq(rig_state_of(r, "cache"), "stopped", "it is only waited for");
    cr_assert(log_has_in_order(r, "db/1#1: started", "web/1#1: started"));
    rig_cmd_ok(r, "stop", "db");
    cr_assert_str_eq(rig_state_of(r, "web"), "stopped");
    cr_assert(log_has_in_order(r, "web/1#1: was killed by TERM", "db/1#1: stopping"));
}

rig_test(up, a_shutdown_goes_in_the_reverse_order)
{
    rig_up(r, "[service:a]\ncommand = sleep 1000\n"
              "[service:b]\ncommand = sleep 1000\nafter = a\n"
              "[service:c]\ncommand = sleep 1000\nrequires = b\n");
    rig_wait_state_of(r, "c", "running");
    cr_assert_eq(rig_stop(r), 0);
    cr_assert(log_has_in_order(r, "c/1#1: was killed", "b/1#1: stopping"));
    cr_assert(log_has_in_order(r, "b/1#1: was killed", "a/1#1: stopping"));
}

rig_test(up, a_shutdown_that_takes_too_long_is_ended)
{
    rig_up(r, rig_format(r,
                         "[supervisor]\nshutdown_timeout = 200ms\n"
                         "[service:stubborn]\ncommand = %s --ignore-term --report %s\nstop_timeout = none\n",
                         r->probe, r->report));
    rig_wait_report(r, "serving");
    cr_assert_eq(rig_stop(r), 0);
    cr_assert(rig_log_has(r, "within shutdown_timeout (200ms)"));
}

rig_test(up, a_chain_of_hundreds_comes_up_and_goes_down)
{
    const char *text = "[service:s0]\ncommand = sleep 1000\n";
    for (int i = 1; i < 300; i++)
        text = rig_format(r, "%s[service:s%d]\ncommand = sleep 1000\nrequires = s%d\n", text, i, i - 1);
    rig_up(r, text);
    rig_wait_state_of(r, "s299", "running");
    rig_cmd_ok(r, "stop", "s0");
    cr_assert_str_eq(rig_state_of(r, "s299"), "stopped");
    rig_cmd_ok(r, "start", "s299");
    cr_assert_str_eq(rig_state_of(r, "s0"), "running");
}

rig_test(up, commands_take_several_services_and_patterns)
{
    rig_up(r, "[service:web-1]\ncommand = sleep 1000\n"
              "[service:web-2]\ncommand = sleep 1000\n"
              "[service:db]\ncommand = sleep 1000\nreload = signal:CONT\n");
    rig_wait_state_of(r, "db", "running");
    rig_cmd_ok(r, "stop", "web-*");
    cr_assert_str_eq(rig_state_of(r, "web-1"), "stopped");
    cr_assert_str_eq(rig_state_of(r, "web-2"), "stopped");
    cr_assert_str_eq(rig_state_of(r, "db"), "running");
    cr_assert_eq(rig_cmd(r, "status", "web-?")->status, 3);
    rig_cmd_ok(r, "start", "web-1", "web-2", "web-*");
    cr_assert_eq(rig_cmd(r, "stop", "nothing*")->status, 4);
    rig_cmd_ok(r, "scale", "web-*=2");
    cr_assert_eq(rig_number_of(r, "web-2", "ready"), 2);
    rig_cmd_ok(r, "signal", "CONT", "web-1", "d*");
    rig_cmd_ok(r, "reload", "--all");
    cr_assert_eq(rig_number_of(r, "web-1", "generation"), 2);
    cr_assert_eq(rig_number_of(r, "db", "generation"), 1);
    rig_cmd_ok(r, "stop", "web-1");
    const struct rig_result *result = rig_cmd(r, "reload", "web-1");
    cr_assert_eq(result->status, 1);
    cr_assert(strstr(result->err, "it does not run"), "%s", result->err);
}

rig_test(up, variables_come_from_the_environment_and_from_a_file)
{
    rig_env(r, "FROM_US=ours");
    rig_write_file(rig_path(r, "vars"), "FROM_FILE='of the file'\n");
    rig_up(r,
           rig_format(
               r,
               "[supervisor]\nenv_file = vars\n"
               "[service:one]\ntype = oneshot\n"
               "command = sh -c 'echo \"${FROM_US} ${FROM_FILE} ${NOWHERE:-none} $$FROM_FILE $$$$\" >%s'\n",
               rig_path(r, "said")));
    rig_wait_state_of(r, "one", "done");
    cr_assert(strncmp(rig_read_file(r, rig_path(r, "said")), "ours of the file none of the file ", 34) == 0,
              "%s", rig_read_file(r, rig_path(r, "said")));
}

rig_test(up, the_successor_has_the_configuration_that_was_in_force)
{
    rig_up(r, "[service:one]\ncommand = sleep 1000\n");
    rig_wait_state_of(r, "one", "running");
    pid_t one = rig_pid_of(r, "one", 1);
    rig_configure(r, "this is no configuration");
    rig_kill_supervisor(r);
    rig_wait_state_of(r, "one", "running");
    cr_assert_eq(rig_pid_of(r, "one", 1), one);
    cr_assert_eq(rig_cmd(r, "update")->status, 2);
    cr_assert_eq(unlink(rig_path(r, "berth.ini")), 0);
    rig_kill_supervisor(r);
    rig_wait_state_of(r, "one", "running");
    cr_assert_eq(rig_pid_of(r, "one", 1), one);
}

/* It begins when the other one is ready, and there is no worker of it that would tell. */
rig_test(up, a_service_without_workers_is_started_behind_another)
{
    rig_up(r, rig_format(r,
                         "[service:a]\nstart = manual\ncommand = sleep 1000\nready = check:test -e %s\n"
                         "[service:b]\nstart = manual\ncommand = sleep 1000\nworkers = 0\nrequires = a\n",
                         rig_path(r, "go")));
    rig_wait_state_of(r, "b", "stopped");
    pid_t start = rig_spawn(r, "out", rig_cmd_argv(r, RIG_ARGV("start", "b")));
    rig_wait_state_of(r, "a", "starting");
    rig_write_file(rig_path(r, "go"), "");
    cr_assert_eq(rig_wait_child(r, start), 0);
}

/* Nothing of it is left to be stopped when its turn comes. */
rig_test(up, a_worker_that_ends_before_its_turn_does_not_hold_up_a_stop)
{
    rig_up(r, rig_format(r,
                         "[service:a]\ncommand = sleep 1000\nhealth = test ! -e %s\nhealth_interval = 20ms\n"
                         "health_retries = 1\n"
                         "[service:b]\ncommand = %s --from none --ignore-term\nstop_timeout = 1h\n"
                         "ready = check:test -e %s\nrequires = a\n",
                         rig_path(r, "sick"), r->probe, r->dir));
    rig_wait_state_of(r, "b", "running");
    pid_t last = rig_pid_of(r, "b", 1);
    pid_t stop = rig_spawn(r, "out", rig_cmd_argv(r, RIG_ARGV("stop", "a")));
    rig_wait_state_of(r, "b", "stopping");
    rig_write_file(rig_path(r, "sick"), "");
    rig_until(r, rig_log_has(r, "a/1#1: was killed by TERM"));
    rig_kill(r, last, SIGKILL);
    cr_assert_eq(rig_wait_child(r, stop), 0);
}
