/* test_commands: every command of berth that talks to a supervisor: what it does, prints, and ends with. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define expect(r, status, ...) rig_expect(r, status, rig_cmd_argv(r, RIG_ARGV(__VA_ARGS__)))

static void start_probe(struct rig *r)
{
    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--", r->probe, "--report", r->report);
    rig_wait_state(r, "running");
}

/* One sentence on stderr, with WORD in it, and nothing on stdout. */
static void cr_complains(const struct rig_result *result, const char *word)
{
    cr_assert_not_null(strstr(result->err, word), "\"%s\" is not in: %s", word, result->err);
    cr_assert(strncmp(result->err, "berth: ", 7) == 0 || strncmp(result->err, "berth ", 6) == 0, "%s",
              result->err);
}

rig_test(commands, status_shows_every_service)
{
    start_probe(r);
    const struct rig_result *result = expect(r, 0, "status");
    cr_assert_not_null(strstr(result->out, "probe"));
    cr_assert_not_null(strstr(result->out, "running"));
    cr_assert_str_eq(result->err, "");
}

rig_test(commands, status_of_a_service_shows_its_workers)
{
    start_probe(r);
    const struct rig_result *result = expect(r, 0, "status", "probe");
    cr_assert_not_null(strstr(result->out, rig_format(r, "%d", (int)rig_worker_pid(r, 1))), "%s",
                       result->out);
    cr_assert_not_null(strstr(result->out, "ready"));
}

rig_test(commands, status_tells_of_a_stopped_service_by_3)
{
    start_probe(r);
    expect(r, 0, "stop", "probe");
    expect(r, 3, "status", "probe");
    expect(r, 0, "start", "probe");
    expect(r, 0, "status", "probe");
}

rig_test(commands, print_json_on_demand)
{
    start_probe(r);
    const struct rig_result *result = expect(r, 0, "--json", "status");
    json_t *status = json_loads(result->out, 0, NULL);
    cr_assert_not_null(status, "%s", result->out);
    json_t *service = json_array_get(json_object_get(status, "services"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(service, "name")), "probe");
    json_decref(status);
    json_t *sockets = json_loads(expect(r, 0, "--json", "sockets")->out, 0, NULL);
    cr_assert_not_null(sockets);
    json_decref(sockets);
}

rig_test(commands, that_name_no_known_service_end_with_4)
{
    static const char *const commands[] = {"status", "start", "stop", "restart"};

    start_probe(r);
    for (size_t i = 0; i < 4; i++)
        cr_complains(expect(r, 4, commands[i], "prob"), "prob");
    cr_complains(expect(r, 4, "scale", "prob=2"), "prob");
    cr_complains(expect(r, 4, "signal", "USR1", "prob"), "prob");
    cr_assert_str_eq(rig_service_state(r), "running");
}

rig_test(commands, that_reach_no_supervisor_end_with_5)
{
    static const char *const commands[] = {"status", "start",   "stop",    "restart",
                                           "events", "sockets", "shutdown"};

    for (size_t i = 0; i < 7; i++) {
        bool takes_service = i >= 1 && i <= 3;
        const struct rig_result *result =
            takes_service ? rig_cmd(r, commands[i], "probe") : rig_cmd(r, commands[i]);
        cr_assert(result->status == 5, "%s: %d", commands[i], result->status);
        cr_complains(result, r->control);
    }
}

rig_test(commands, take_the_control_socket_from_the_environment)
{
    start_probe(r);
    rig_env(r, rig_format(r, "BERTH_CONTROL=%s", r->control));
    cr_assert(rig_exec(r, RIG_ARGV(r->berth, "status", "probe"))->status == 0);
}

rig_test(commands, restart_returns_when_the_new_worker_is_ready)
{
    start_probe(r);
    pid_t first = rig_worker_pid(r, 1);
    expect(r, 0, "restart", "probe");
    cr_assert(rig_worker_pid(r, 1) > 0 && rig_worker_pid(r, 1) != first);
    cr_assert_str_eq(rig_service_state(r), "running");
}

rig_test(commands, restart_starts_what_was_stopped)
{
    start_probe(r);
    expect(r, 0, "stop", "probe");
    expect(r, 0, "restart", "probe");
    cr_assert_str_eq(rig_service_state(r), "running");
}

rig_test(commands, restart_that_fails_ends_with_1_and_says_why)
{
    const struct rig_result *result;

    const char *server = rig_path(r, "server");
    rig_expect(r, 0, RIG_ARGV("cp", r->probe, server));
    rig_run(r, "--listen", rig_address(r, 4), "--", server);
    rig_wait_state(r, "running");
    cr_assert(unlink(server) == 0);
    result = rig_cmd(r, "restart", "server");
    cr_assert(result->status == 1, "%d: %s %s", result->status, result->out, result->err);
    cr_assert_not_null(strstr(result->err, server), "%s", result->err);
    /* berth goes on trying, and so gets over a deploy that was half done. */
    rig_expect(r, 0, RIG_ARGV("cp", r->probe, server));
    rig_wait_state(r, "running");
}

rig_test(commands, stop_returns_when_the_worker_has_ended_and_the_port_stays)
{
    struct load *load;
    struct load_counts counts;

    start_probe(r);
    pid_t worker = rig_worker_pid(r, 1);
    expect(r, 0, "stop", "probe");
    cr_assert(!rig_process_is_alive(worker));
    cr_assert_str_eq(rig_service_state(r), "stopped");
    load = rig_load(r, rig_address(r, 4), 2);
    load_read(load, &counts);
    expect(r, 0, "start", "probe");
    cr_assert(load_wait_ok(load, 2, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(commands, stop_of_a_stopped_service_and_start_of_a_running_one_succeed)
{
    start_probe(r);
    expect(r, 0, "start", "probe");
    expect(r, 0, "stop", "probe");
    expect(r, 0, "stop", "probe");
}

rig_test(commands, do_not_wait_when_told_so)
{
    rig_run(r, "--stop-timeout", "1h", "--", r->probe, "--from", "none", "--ignore-term", "--report",
            r->report);
    pid_t worker = rig_wait_report(r, "serving");
    rig_wait_state(r, "running");
    expect(r, 0, "stop", "--no-wait", "probe");
    cr_assert_str_eq(rig_service_state(r), "stopping");
    rig_kill(r, worker, SIGKILL);
    rig_wait_state(r, "stopped");
}

rig_test(commands, scale_starts_and_stops_workers)
{
    start_probe(r);
    pid_t first = rig_worker_pid(r, 1);
    expect(r, 0, "scale", "probe=4");
    cr_assert(rig_worker_pid(r, 4) > 0 && rig_worker_pid(r, 1) == first);
    expect(r, 0, "scale", "probe=1");
    cr_assert(rig_worker_pid(r, 2) == 0 && rig_worker_pid(r, 1) == first);
    expect(r, 0, "scale", "probe=0");
    cr_assert(rig_worker_pid(r, 1) == 0);
    expect(r, 0, "scale", "probe=1");
    cr_assert(rig_worker_pid(r, 1) > 0);
}

rig_test(commands, signal_reaches_every_worker)
{
    rig_run(r, "--workers", "2", "--", "sh", "-c",
            "trap 'echo got' USR1; echo up; while :; do sleep 0.02; done");
    rig_until(r, strcmp(rig_read_file(r, r->out_path), "up\nup\n") == 0);
    expect(r, 0, "signal", "USR1", "sh");
    rig_until(r, strcmp(rig_read_file(r, r->out_path), "up\nup\ngot\ngot\n") == 0);
    expect(r, 0, "signal", "SIGUSR1", "sh");
}

rig_test(commands, refuse_wrong_arguments_with_2)
{
    start_probe(r);
    cr_complains(expect(r, 2, "signal", "NOPE", "probe"), "NOPE");
    cr_complains(expect(r, 2, "scale", "probe"), "probe");
    cr_complains(expect(r, 2, "scale", "probe=many"), "many");
    cr_complains(expect(r, 2, "scale", "probe=-1"), "-1");
    cr_complains(expect(r, 2, "scale", "probe=99999"), "99999");
    cr_complains(expect(r, 2, "status", "--nonsense"), "--nonsense");
    cr_complains(expect(r, 2, "frobnicate"), "frobnicate");
    cr_assert(rig_worker_restarts(r, 1) == 0);
}

rig_test(commands, sockets_lists_what_is_held_and_who_serves_it)
{
    start_probe(r);
    const struct rig_result *result = expect(r, 0, "sockets");
    cr_assert_not_null(strstr(result->out, "web"), "%s", result->out);
    cr_assert_not_null(strstr(result->out, rig_address(r, 4)), "%s", result->out);
    cr_assert_not_null(strstr(result->out, "probe"), "%s", result->out);
}

rig_test(commands, events_follows_what_happens)
{
    start_probe(r);
    pid_t follower = rig_spawn(r, "events", rig_cmd_argv(r, RIG_ARGV("events")));
    /* It cannot say when it has begun to listen, so something must happen until it has. */
    rig_until(r, (rig_cmd_ok(r, "restart", "probe"),
                  strstr(rig_read_file(r, rig_path(r, "events")), "probe/1") != NULL));
    rig_cmd_ok(r, "shutdown");
    cr_assert(rig_wait_child(r, follower) <= 5);
    rig_wait_exit(r);
}

rig_test(commands, status_watch_shows_changes_until_it_is_ended)
{
    start_probe(r);
    pid_t watcher = rig_spawn(r, "watch", rig_cmd_argv(r, RIG_ARGV("status", "--watch")));
    rig_until(r, strstr(rig_read_file(r, rig_path(r, "watch")), "running") != NULL);
    rig_cmd_ok(r, "stop", "probe");
    rig_until(r, strstr(rig_read_file(r, rig_path(r, "watch")), "stopped") != NULL);
    kill(watcher, SIGINT);
    rig_wait_child(r, watcher);
}

rig_test(commands, shutdown_ends_berth_and_its_socket)
{
    start_probe(r);
    expect(r, 0, "shutdown");
    rig_wait_exit(r);
    cr_assert(access(r->control, F_OK) < 0);
    cr_assert(rig_log_has(r, "ended"));
}

rig_test(commands, help_and_version_need_nobody)
{
    cr_assert_not_null(strstr(expect(r, 0, "--help")->out, "run"));
    cr_assert_not_null(strstr(expect(r, 0, "help", "run")->out, "--listen"));
    cr_assert_not_null(strstr(expect(r, 0, "run", "--help")->out, "--listen"));
    cr_assert_not_null(strstr(expect(r, 0, "--version")->out, "berth"));
}
