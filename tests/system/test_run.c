/* test_run: berth run from its first line to its exit status, without load and without accidents. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

/* Runs berth to its end. */
#define run_to_end(r, ...) rig_exec(r, rig_run_argv(r, RIG_ARGV(__VA_ARGS__)))

rig_test(run, serves_on_the_socket_that_it_bound)
{
    char body[256];

    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert(load_ask(rig_address(r, 4), "/", body, sizeof(body)) == 0);
    cr_assert(atoi(body + 4) == rig_worker_pid(r, 1), "answered by %s", body);
}

rig_test(run, ends_with_0_when_the_command_is_done)
{
    cr_assert(run_to_end(r, "--", "true")->status == 0);
}

rig_test(run, ends_with_the_status_of_a_command_that_is_not_restarted)
{
    cr_assert(run_to_end(r, "--restart", "no", "--", "sh", "-c", "exit 7")->status == 7);
    cr_assert(run_to_end(r, "--restart", "no", "--", "false")->status == 1);
}

rig_test(run, ends_with_128_and_the_signal_that_ended_the_command)
{
    cr_assert(run_to_end(r, "--restart", "no", "--", r->probe, "--kill-self", "9")->status == 128 + SIGKILL);
    cr_assert(run_to_end(r, "--restart", "no", "--", r->probe, "--kill-self", "10")->status == 128 + SIGUSR1);
}

rig_test(run, ends_with_127_when_there_is_no_such_program)
{
    const struct rig_result *result = run_to_end(r, "--", "/nowhere/server");

    cr_assert(result->status == 127, "%d: %s", result->status, result->err);
    cr_assert_not_null(strstr(result->err, "/nowhere/server"));
    rig_env(r, "PATH=/usr/bin:/bin");
    cr_assert(run_to_end(r, "--", "no-such-program-anywhere")->status == 127);
}

rig_test(run, ends_with_126_when_the_program_cannot_be_executed)
{
    const char *path = rig_path(r, "data");

    rig_write_file(path, "no program\n");
    cr_assert(run_to_end(r, "--", path)->status == 126);
    cr_assert(run_to_end(r, "--", r->dir)->status == 126);
}

rig_test(run, finds_the_program_in_the_path)
{
    cr_assert(run_to_end(r, "--", "sh", "-c", "exit 0")->status == 0);
}

rig_test(run, gives_the_command_its_own_stdout_and_stderr)
{
    const struct rig_result *result = run_to_end(r, "--", "sh", "-c", "echo to-out; echo to-err >&2");

    cr_assert_str_eq(result->out, "to-out\n");
    cr_assert_not_null(strstr(result->err, "to-err\n"));
}

rig_test(run, ends_in_order_on_term_with_the_commands_status)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--drain", "--report", r->report);
    rig_wait_report(r, "serving");
    rig_wait_state(r, "running");
    cr_assert(rig_stop(r) == 0);
    rig_wait_report(r, "draining");
}

rig_test(run, ends_in_order_on_int_too)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--drain", "--report", r->report);
    rig_wait_report(r, "serving");
    rig_wait_state(r, "running");
    kill(r->pid, SIGINT);
    cr_assert(rig_wait_exit(r) == 0);
}

rig_test(run, reports_a_command_that_dies_of_its_stop_signal_as_that)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    int status = rig_stop(r);
    cr_assert(status == 128 + SIGTERM || status == 0, "%d", status);
}

rig_test(run, ends_at_once_on_a_second_term)
{
    rig_run(r, "--stop-timeout", "1h", "--", r->probe, "--ignore-term", "--report", r->report);
    rig_wait_report(r, "serving");
    rig_wait_state(r, "running");
    kill(r->pid, SIGTERM);
    rig_wait_state(r, "stopping");
    kill(r->pid, SIGTERM);
    cr_assert(rig_wait_exit(r) == 128 + SIGKILL, "%d", r->exit_status);
}

rig_test(run, passes_other_signals_on_to_its_workers)
{
    rig_run(r, "--restart", "no", "--", "sh", "-c",
            "trap 'exit 42' WINCH; echo up; while :; do sleep 0.05; done");
    rig_until(r, strstr(rig_read_file(r, r->out_path), "up") != NULL);
    rig_wait_state(r, "running");
    kill(r->pid, SIGWINCH);
    cr_assert(rig_wait_exit(r) == 42, "%d", r->exit_status);
}

rig_test(run, calls_the_service_after_the_command)
{
    rig_run(r, "--", r->probe, "--from", "none");
    rig_wait_state(r, "running");
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(service, "name")), "probe");
}

rig_test(run, runs_several_workers_on_one_socket)
{
    pid_t pids[4];

    rig_run(r, "--listen", rig_address(r, 4), "--workers", "4", "--", r->probe);
    rig_wait_state(r, "running");
    for (int i = 0; i < 4; i++) {
        pids[i] = rig_worker_pid(r, i + 1);
        cr_assert(pids[i] > 0 && rig_socket_inode(pids[i], 3) == rig_socket_inode(pids[0], 3));
        for (int k = 0; k < i; k++)
            cr_assert(pids[i] != pids[k]);
    }
}

rig_test(run, keeps_a_port_that_the_kernel_chose)
{
    char body[256];

    rig_run(r, "--listen", "web=127.0.0.1:0", "--", r->probe);
    pid_t first = rig_wait_worker(r, 1, 0);
    json_t *sockets = json_object_get(rig_call(r, "io.berth.Sockets", NULL), "sockets");
    const char *address = json_string_value(json_object_get(json_array_get(sockets, 0), "address"));
    cr_assert_not_null(address);
    cr_assert(strcmp(address, "tcp://127.0.0.1:0") != 0);
    rig_kill(r, first, SIGKILL);
    rig_wait_worker(r, 1, first);
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert(load_ask(address, "/", body, sizeof(body)) == 0);
}

rig_test(run, leaves_a_detached_terminal_alone)
{
    cr_assert(run_to_end(r, "--", "sh", "-c", "test ! -t 0")->status == 0);
}
