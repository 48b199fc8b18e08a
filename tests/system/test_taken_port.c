/* test_taken_port: the address is not free when berth starts, or only seems not to be. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

/* Leaves a connection of ADDRESS in TIME_WAIT: the server's side closes first. */
static void leave_time_wait(const char *address, int reuse_address)
{
    struct sockaddr_storage a;
    socklen_t len;
    char sink;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server;

    cr_assert(load_parse_address(address, &a, &len) == 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse_address, sizeof(reuse_address));
    cr_assert(bind(listener, (struct sockaddr *)&a, len) == 0 && listen(listener, 8) == 0);
    cr_assert(connect(client, (struct sockaddr *)&a, len) == 0);
    server = accept(listener, NULL, NULL);
    cr_assert(server >= 0 && shutdown(server, SHUT_WR) == 0);
    cr_assert(recv(client, &sink, 1, 0) == 0);
    close(client);
    cr_assert(recv(server, &sink, 1, 0) == 0);
    close(server);
    close(listener);
}

/* Does /proc tell of a TIME_WAIT with this local port? */
static bool has_time_wait(struct rig *r, unsigned port)
{
    const char *table = rig_read_file(r, "/proc/self/net/tcp"), *local = rig_format(r, ":%04X ", port);

    for (const char *line = strstr(table, local); line != NULL; line = strstr(line + 1, local)) {
        unsigned state = 0;
        if (sscanf(line + strlen(local), "%*s %x", &state) == 1 && state == 6)
            return true;
    }
    return false;
}

rig_test(taken_port, in_time_wait_is_bound_all_the_same)
{
    char body[256];

    leave_time_wait(rig_address(r, 4), 1);
    rig_until(r, has_time_wait(r, r->port));
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert(load_ask(rig_address(r, 4), "/", body, sizeof(body)) == 0);
}

/* Then the kernel refuses the port whatever the next server asks for. */
rig_test(taken_port, in_time_wait_of_a_server_without_reuseaddr_is_explained)
{
    const struct rig_result *result;

    leave_time_wait(rig_address(r, 4), 0);
    rig_until(r, has_time_wait(r, r->port));
    result = rig_exec(r, rig_run_argv(r, RIG_ARGV("--listen", rig_address(r, 4), "--", r->probe)));
    cr_assert(result->status == 125, "%d", result->status);
    cr_assert_not_null(strstr(result->err, "TIME_WAIT"), "%s", result->err);
}

rig_test(taken_port, by_a_living_process_is_an_error_that_names_it)
{
    pid_t old = rig_spawn(
        r, "", RIG_ARGV(r->probe, "--bind", rig_address(r, 4), "--from", "none", "--report", r->report));
    const struct rig_result *result;

    rig_wait_report(r, "serving");
    result = rig_exec(
        r, rig_run_argv(r, RIG_ARGV("--listen", rig_address(r, 4), "--", r->probe, "--report", r->report)));
    cr_assert(result->status == 125, "%d", result->status);
    cr_assert_not_null(strstr(result->err, rig_format(r, "%d", (int)old)), "%s", result->err);
    cr_assert_not_null(strstr(result->err, "probe"), "%s", result->err);
    cr_assert_not_null(strstr(result->err, rig_format(r, ":%u", r->port)), "%s", result->err);
    cr_assert(rig_process_is_alive(old));
    rig_kill(r, old, SIGKILL);
}

rig_test(taken_port, may_be_waited_for_and_nothing_is_started_before_it_is_free)
{
    pid_t old = rig_spawn(
        r, "", RIG_ARGV(r->probe, "--bind", rig_address(r, 4), "--from", "none", "--report", r->report));
    const struct rig_result *result;
    char body[256];

    rig_wait_report(r, "serving");
    rig_run(r, "--listen", rig_format(r, "%s?on_conflict=wait", rig_address(r, 4)), "--", r->probe);
    rig_wait_state(r, "starting");
    rig_until(r, rig_log_has(r, "tried again"));
    result = rig_cmd(r, "restart", "probe");
    cr_assert(result->status == 1, "%d", result->status);
    cr_assert_not_null(strstr(result->err, "cannot be bound yet"), "%s", result->err);
    rig_kill(r, old, SIGKILL);
    rig_wait_state(r, "running");
    cr_assert(load_ask(rig_address(r, 4), "/", body, sizeof(body)) == 0);
}

rig_test(taken_port, of_several_leaves_nothing_started)
{
    pid_t old = rig_spawn(
        r, "", RIG_ARGV(r->probe, "--bind", rig_address(r, 4), "--from", "none", "--report", r->report));
    const struct rig_result *result;

    rig_wait_report(r, "serving");
    result = rig_exec(r, rig_run_argv(r, RIG_ARGV("--listen", rig_path(r, "web.sock"), "--listen",
                                                  rig_address(r, 4), "--", "touch", rig_path(r, "started"))));
    cr_assert(result->status == 125);
    cr_assert(access(rig_path(r, "started"), F_OK) < 0 && access(rig_path(r, "web.sock"), F_OK) < 0);
    rig_kill(r, old, SIGKILL);
}

rig_test(taken_port, by_another_berth_is_an_error_too)
{
    const struct rig_result *result;

    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    result = rig_exec(r, RIG_ARGV(r->berth, "--control", rig_path(r, "other.sock"), "run", "--listen",
                                  rig_address(r, 4), "--", r->probe));
    cr_assert(result->status == 125, "%d", result->status);
    cr_assert_str_eq(rig_service_state(r), "running");
}

/* 125 is run's: it would be a command's status otherwise. */
rig_test(taken_port, ends_up_as_a_failed_operation)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    rig_configure(r, rig_format(r, "[socket:web]\nlisten = %s\n[service:a]\nsockets = web\ncommand = true\n",
                                rig_address(r, 4)));
    const char *ini = rig_path(r, "berth.ini"), *other = rig_path(r, "other.sock");
    const char *err = rig_expect(r, 1, RIG_ARGV(r->berth, "--control", other, "up", "-c", ini))->err;
    cr_assert(strstr(err, "is in use"), "%s", err);
    err = rig_expect(r, 1, RIG_ARGV(r->berth, "--control", r->control, "up", "-c", ini))->err;
    cr_assert(strstr(err, r->control), "%s", err);
}

rig_test(taken_port, below_1024_without_permission_is_an_error_that_says_so)
{
    const struct rig_result *result;

    rig_needs_root();
    rig_write_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024");
    result =
        rig_exec(r, RIG_ARGV("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", r->berth,
                             "--control", "@none", "run", "--listen", "127.0.0.1:80", "--", "true"));
    cr_assert(result->status == 125, "%d: %s", result->status, result->err);
    cr_assert_not_null(strstr(result->err, ":80"));
}
