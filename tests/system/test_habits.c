/* test_habits: workers with bad habits, each of which has broken some supervisor before. */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

rig_test(habits, a_worker_that_ignores_term_is_killed_after_its_timeout)
{
    struct timespec begun, ended;

    rig_run(r, "--stop-timeout", "500ms", "--listen", rig_address(r, 4), "--", r->probe, "--ignore-term",
            "--report", r->report);
    rig_wait_report(r, "serving");
    pid_t worker = rig_wait_worker(r, 1, 0);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    rig_cmd_ok(r, "stop", "probe");
    clock_gettime(CLOCK_MONOTONIC, &ended);
    cr_assert(!rig_process_is_alive(worker));
    long took = (ended.tv_sec - begun.tv_sec) * 1000 + (ended.tv_nsec - begun.tv_nsec) / 1000000;
    cr_assert(took >= 500 && took < 10000, "%ld ms", took);
    cr_assert(rig_log_has(r, "KILL"));
}

rig_test(habits, a_worker_that_double_forks_has_ended_and_its_grandchild_goes_with_berth)
{
    /* To berth it has come to its end; what it left is ended too, and the rig looks whether it was. */
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--grandchild", "sleep");
    cr_assert(rig_wait_exit(r) == 0, "%d", r->exit_status);
    cr_assert(rig_log_has(r, "left behind"));
}

rig_test(habits, grandchildren_of_restarted_workers_do_not_keep_the_port_from_their_successors)
{
    rig_run(r, "--restart", "always", "--set", "restart_delay=10ms", "--listen", rig_address(r, 4), "--",
            r->probe, "--grandchild", "sleep", "--report", r->report);
    for (int i = 0; i < 3; i++)
        rig_wait_report(r, "started");
    rig_until(r, rig_worker_restarts(r, 1) >= 3);
}

rig_test(habits, a_thousand_orphans_are_reaped)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--orphans", "1000", "--report", r->report);
    rig_wait_report(r, "orphaned");
    pid_t worker = rig_wait_report(r, "serving");
    rig_until(r, rig_count_zombies(r->keeper) == 0);
    rig_wait_state(r, "running");
    cr_assert(rig_worker_pid(r, 1) == worker && rig_worker_restarts(r, 1) == 0);
    cr_assert(strlen(rig_log(r)) < 10000, "a thousand orphans are not a thousand log lines");
}

rig_test(habits, a_worker_may_not_end_berth_by_signalling_its_parent)
{
    static const int signals[] = {SIGTERM, SIGQUIT};

    for (size_t i = 0; i < 2; i++) {
        rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--signal-parent",
                rig_format(r, "%d", signals[i]), "--report", r->report);
        pid_t worker = rig_wait_report(r, "serving");
        rig_until(r, rig_log_has(r, rig_format(r, "worker process %d ", worker)));
        rig_wait_state(r, "running");
        rig_cmd_ok(r, "restart", "probe");
        worker = rig_wait_worker(r, 1, worker);
        cr_assert_eq(rig_wait_report(r, "serving"), worker);
        /* Two pending TERMs are one, with the sender of the first: ours must not come while the worker's
         * waits. */
        rig_until(r, rig_log_has(r, rig_format(r, "worker process %d ", worker)));
        rig_stop(r);
    }
}

rig_test(habits, a_worker_that_ignored_its_sockets_gets_a_line_that_says_so)
{
    rig_run(r, "--restart", "no", "--listen", rig_address(r, 4), "--", r->probe, "--from", "none", "--bind",
            rig_address(r, 4));
    cr_assert(rig_wait_exit(r) == 1, "%d", r->exit_status);
    cr_assert(rig_log_has(r, "told of descriptor 3 by LISTEN_FDS"),
              "the log tells what the worker was given");
    cr_assert(rig_log_has(r, "ignored the handoff"));
}

rig_test(habits, a_worker_that_forks_and_dies_leaves_the_socket_to_the_next)
{
    struct load *load;

    rig_run(r, "--set", "stable_after=0", "--listen", rig_address(r, 4), "--", "sh", "-c",
            "sleep 1000 & exec \"$0\"", r->probe);
    pid_t worker = rig_wait_worker(r, 1, 0);
    load = rig_load(r, rig_address(r, 4), 2);
    for (int i = 0; i < 5; i++) {
        rig_kill(r, worker, SIGKILL);
        worker = rig_wait_worker(r, 1, worker);
    }
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 10);
}

rig_test(habits, a_slow_starter_keeps_its_clients_in_the_queue)
{
    struct load *load;

    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--slow-start", "1000", "--drain", "--report",
            r->report);
    rig_wait_report(r, "started");
    rig_wait_state(r, "running");
    load = rig_load(r, rig_address(r, 4), 4);
    rig_cmd_ok(r, "restart", "probe");
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

/* --- half of a handoff ---------------------------------------------------------------------------------- */

rig_test(habits, of_taking_only_one_of_two_sockets_shows_in_the_other_ones_queue)
{
    char body[64];

    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--listen",
            rig_format(r, "admin=unix:%s/a.sock", r->dir), "--", r->probe, "--from", "3");
    rig_wait_state(r, "running");
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_storage address;
    socklen_t len;
    cr_assert_eq(load_parse_address(rig_format(r, "%s/a.sock", r->dir), &address, &len), 0);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, len) == 0, "it is held, so it waits");
    json_t *admin = json_array_get(json_object_get(rig_call(r, "io.berth.Sockets", NULL), "sockets"), 1);
    cr_assert_str_eq(json_string_value(json_object_get(admin, "name")), "admin");
    cr_assert_eq(json_integer_value(json_object_get(admin, "depth")), 1);
    close(fd);
}

/* What each worker of a socket with OPTION found O_NONBLOCK to be, before it set it itself. */
static const char *found_blocking(struct rig *r, const char *option, const char *handoff)
{
    rig_run(r, "--listen", rig_format(r, "web=%s?non_blocking=%s", rig_address(r, 4), option), "--set",
            rig_format(r, "handoff=%s", handoff), "--set", "stable_after=0", "--set", "restart=always",
            "--set", "restart_limit=2/1h", "--", "python3", "-u", "-c",
            rig_format(r, "import os; print(int(os.get_blocking(3)), end=' '); os.set_blocking(3, %s)",
                       strcmp(option, "yes") == 0 || strcmp(handoff, "nginx") == 0 ? "True" : "False"));
    rig_wait_exit(r);
    return rig_read_file(r, r->out_path);
}

rig_test(habits, of_setting_o_nonblock_do_not_reach_the_next_worker)
{
    cr_assert_str_eq(found_blocking(r, "auto", "auto"), "1 1 1 ");
}

rig_test(habits, of_nginx_which_expects_o_nonblock_are_met)
{
    cr_assert_str_eq(found_blocking(r, "auto", "nginx"), "0 0 0 ");
}

rig_test(habits, of_setting_o_nonblock_are_put_right_where_it_is_to_be_off)
{
    cr_assert_str_eq(found_blocking(r, "no", "auto"), "1 1 1 ");
}

rig_test(habits, of_clearing_o_nonblock_are_put_right_where_it_is_to_be_on)
{
    cr_assert_str_eq(found_blocking(r, "yes", "auto"), "0 0 0 ");
}

rig_test(habits, of_setting_o_nonblock_are_left_alone_while_another_worker_runs)
{
    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--set", "stable_after=0", "--workers",
            "2", "--", "python3", "-u", "-c",
            "import os, signal; was = os.get_blocking(3); os.set_blocking(3, False); "
            "print(int(was), end=' '); signal.pause()");
    rig_wait_worker(r, 2, 0);
    rig_until(r, strlen(rig_read_file(r, r->out_path)) == 4);
    pid_t worker = rig_wait_worker(r, 1, 0);
    rig_kill(r, worker, SIGKILL);
    rig_wait_worker(r, 1, worker);
    rig_until(r, strlen(rig_read_file(r, r->out_path)) == 6);
    cr_assert_eq(rig_read_file(r, r->out_path)[4], '0');
}
