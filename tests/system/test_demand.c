/* test_demand: services that the first connection or datagram starts, that end when nobody needs them, and
 * that never lose anybody. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

#define ON_DEMAND "--set", "start=on-demand"

static void ask(struct rig *r, int family)
{
    char body[128];
    int status = load_ask(rig_address(r, family), "/", body, sizeof body);

    cr_assert_eq(status, 0, "%s: %s", rig_address(r, family), strerror(-status));
}

rig_test(demand, nothing_runs_before_the_first_connection)
{
    rig_run(r, ON_DEMAND, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "waiting");
    cr_assert_eq(rig_worker_pid(r, 1), 0);
    cr_assert_eq(rig_worker_restarts(r, 1), 0);
    ask(r, 4);
    rig_wait_state(r, "running");
    cr_assert(rig_log_has(r, "somebody is there at tcp://127.0.0.1:"));
}

rig_test(demand, one_connection_starts_every_worker)
{
    rig_run(r, ON_DEMAND, "--workers", "3", "--listen", rig_address(r, 1), "--", r->probe);
    rig_wait_state(r, "waiting");
    ask(r, 1);
    rig_wait_worker(r, 3, 0);
    rig_wait_state(r, "running");
}

rig_test(demand, a_datagram_starts_an_inetd_wait_program)
{
    rig_run(r, ON_DEMAND, "--set", "handoff=stdin", "--listen", rig_format(r, "udp://127.0.0.1:%u", r->port),
            "--", "python3", "-c",
            "import socket\n"
            "s = socket.socket(fileno=0)\n"
            "text, who = s.recvfrom(100)\n"
            "s.sendto(text.upper(), who)\n");
    rig_wait_state(r, "waiting");
    for (int i = 0; i < 3; i++) {
        const struct rig_result *result =
            rig_expect(r, 0,
                       RIG_ARGV("python3", "-c",
                                rig_format(r,
                                           "import socket\n"
                                           "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                                           "s.settimeout(30)\n"
                                           "s.sendto(b'hello', ('127.0.0.1', %u))\n"
                                           "print(s.recv(100))\n",
                                           r->port)));
        cr_assert_str_eq(result->out, "b'HELLO'\n");
        rig_wait_state(r, "waiting");
    }
}

rig_test(demand, a_worker_that_crashed_is_started_by_who_comes_next)
{
    rig_run(r, ON_DEMAND, "--set", "restart_delay=1ms", "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "waiting");
    ask(r, 4);
    pid_t worker = rig_wait_worker(r, 1, 0);
    rig_kill(r, worker, SIGKILL);
    rig_wait_state(r, "waiting");
    ask(r, 4);
    cr_assert(rig_wait_worker(r, 1, worker) > 0);
}

rig_test(demand, who_comes_while_the_supervisor_is_dead_is_served_by_its_successor)
{
    rig_run(r, ON_DEMAND, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "waiting");
    rig_kill_supervisor(r);
    ask(r, 4);
    rig_wait_state(r, "running");
}

rig_test(demand, a_program_that_does_not_take_what_is_there_slows_down_and_keeps_the_socket)
{
    rig_run(r, ON_DEMAND, "--set", "restart_delay=20ms", "--set", "restart_delay_max=200ms", "--listen",
            rig_address(r, 4), "--", "sh", "-c",
            rig_format(r, "test -e %s/mended || exit 1; exec %s", r->dir, r->probe));
    rig_wait_state(r, "waiting");
    struct load *load = rig_load(r, rig_address(r, 4), 2);
    rig_until(r, rig_log_has(r, "a connection may start it in 1"));
    rig_write_file(rig_path(r, "mended"), "");
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(demand, a_program_that_ends_well_without_taking_anything_does_not_spin)
{
    rig_run(r, ON_DEMAND, "--listen", rig_address(r, 4), "--", "sh", "-c",
            rig_format(r, "test -e %s/mended || exit 0; exec %s", r->dir, r->probe));
    rig_wait_state(r, "waiting");
    struct load *load = rig_load(r, rig_address(r, 4), 1);
    rig_until(r, rig_log_has(r, "a connection may start it in"));
    rig_write_file(rig_path(r, "mended"), "");
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(demand, a_service_that_nobody_needs_is_stopped_and_comes_back)
{
    rig_run(r, ON_DEMAND, "--set", "idle_stop=400ms", "--listen", rig_address(r, 4), "--", r->probe,
            "--drain");
    rig_wait_state(r, "waiting");
    for (int i = 0; i < 2; i++) {
        ask(r, 4); /* so it runs, for a moment */
        rig_wait_state(r, "waiting");
        cr_assert_eq(rig_worker_pid(r, 1), 0);
    }
    cr_assert(rig_log_has(r, "nobody has needed it for 400ms"));
}

/* Short connections with pauses below idle_stop: no look would find one, the kernel's note of arrivals does.
 */
rig_test(demand, a_service_that_is_asked_now_and_then_is_not_idle)
{
    struct load_options options = {.address = rig_address(r, 4), .clients = 1, .pause_us = 50000};

    rig_run(r, ON_DEMAND, "--set", "idle_stop=4s", "--listen", rig_address(r, 4), "--", r->probe, "--drain");
    rig_wait_state(r, "waiting");
    struct load *load = load_start(&options);
    pid_t worker = rig_wait_worker(r, 1, 0);
    cr_assert(load_wait_ok(load, 130, RIG_PATIENCE_SECONDS));
    cr_assert_eq(rig_worker_pid(r, 1), worker);
    rig_load_end(r, load, 0);
    rig_wait_state(r, "waiting");
}

static int connect_to(struct rig *r, int family)
{
    struct sockaddr_storage address;
    socklen_t len;

    cr_assert_eq(load_parse_address(rig_address(r, family), &address, &len), 0);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, len) == 0);
    return fd;
}

static size_t count_looks(struct rig *r)
{
    size_t n = 0;
    for (const char *at = rig_log(r); (at = strstr(at, "a connection is there")) != NULL; at++)
        n++;
    return n;
}

/* Four looks are as long as idle_stop. */
static void keeps_running_while_connected(struct rig *r, int family)
{
    rig_run(r, ON_DEMAND, "--set", "idle_stop=300ms", "--log-level", "debug", "--listen",
            rig_address(r, family), "--", r->probe, "--hold");
    rig_wait_state(r, "waiting");
    int fd = connect_to(r, family);
    pid_t worker = rig_wait_worker(r, 1, 0);
    rig_until(r, count_looks(r) > 8);
    cr_assert_eq(rig_worker_pid(r, 1), worker);
    close(fd);
    rig_wait_state(r, "waiting");
}

rig_test(demand, a_long_tcp_connection_keeps_its_service)
{
    keeps_running_while_connected(r, 4);
}

rig_test(demand, a_long_unix_connection_keeps_its_service)
{
    keeps_running_while_connected(r, 1);
}

rig_test(demand, start_and_stop_by_hand_work_as_ever)
{
    rig_run(r, ON_DEMAND, "--set", "essential=no", "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "waiting");
    rig_cmd_ok(r, "start", "probe");
    cr_assert(rig_wait_worker(r, 1, 0) > 0);
    rig_cmd_ok(r, "stop", "probe");
    rig_wait_state(r, "stopped");
    struct load *load = rig_load(r, rig_address(r, 4), 1);
    rig_cmd_ok(r, "start", "probe");
    cr_assert(load_wait_ok(load, 3, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(demand, no_connection_is_lost_between_idle_stops)
{
    struct load_options options = {.address = rig_address(r, 4), .clients = 3, .pause_us = 90000};

    rig_run(r, ON_DEMAND, "--set", "idle_stop=60ms", "--listen", rig_address(r, 4), "--", r->probe,
            "--drain");
    rig_wait_state(r, "waiting");
    struct load *load = load_start(&options);
    cr_assert(load_wait_ok(load, 80, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

static void comes_back_from_a_shutdown(struct rig *r, int family)
{
    rig_run(r, ON_DEMAND, "--listen", rig_format(r, "web=%s", rig_address(r, family)), "--", r->probe);
    rig_wait_state(r, "waiting");
    rig_cmd_ok(r, "exec", "--socket", "web", "--", "python3", "-c",
               "import socket; socket.socket(fileno=3).shutdown(socket.SHUT_RDWR)");
    rig_until(r, rig_log_has(r, "somebody who is no worker any more, or never was one shut"));
    cr_assert_eq(rig_worker_pid(r, 1), 0);
    ask(r, family);
    rig_wait_state(r, "running");
}

rig_test(demand, a_tcp_listener_that_a_borrower_shut_down_starts_its_service_all_the_same)
{
    comes_back_from_a_shutdown(r, 4);
}

rig_test(demand, a_unix_listener_that_a_borrower_shut_down_starts_its_service_all_the_same)
{
    comes_back_from_a_shutdown(r, 1);
}

/* Clients that are gone before anybody could take them: the next one is noticed all the same. */
rig_test(demand, clients_that_come_and_go_do_not_blind_it)
{
    rig_run(r, "--listen", rig_format(r, "web=%s?accept=yes", rig_address(r, 4)), "--", r->probe,
            "--answer-stdin");
    rig_wait_state(r, "waiting");
    rig_expect(
        r, 0,
        RIG_ARGV("python3", "-c",
                 rig_format(r,
                            "import socket, struct\n"
                            "for i in range(300):\n"
                            "    s = socket.create_connection(('127.0.0.1', %u))\n"
                            "    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
                            "    s.close()\n",
                            r->port)));
    for (int i = 0; i < 5; i++)
        ask(r, 4);
}

rig_test(demand, a_reload_of_who_waits_is_told_by_the_next_supervisor_too)
{
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, "BERTH_CRASH_AT=rolling_concluded");
    rig_up(r, rig_format(r,
                         "[socket:web]\nlisten = %s\n[service:web]\nsockets = web\nstart = on-demand\n"
                         "command = %s\n",
                         rig_address(r, 4), r->probe));
    rig_wait_state_of(r, "web", "waiting");
    rig_cmd_ok(r, "reload", "web");
    rig_until(r, rig_log_has(r, "starting it again (restart 1,"));
}
