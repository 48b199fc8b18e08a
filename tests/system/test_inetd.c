/* test_inetd: a worker for each connection (accept = yes), as inetd's nowait services and systemd's
 * Accept=yes have it. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

/* An address with the option that the test is about, and more of them. */
static const char *accepting(struct rig *r, int family, const char *more)
{
    return rig_format(r, "web=%s?accept=yes%s", rig_address(r, family), more);
}

static int connect_to(struct rig *r, int family)
{
    struct sockaddr_storage address;
    struct timeval patience = {.tv_sec = RIG_PATIENCE_SECONDS};
    socklen_t len;

    cr_assert_eq(load_parse_address(rig_address(r, family), &address, &len), 0);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, len), 0, "%s", strerror(errno));
    return fd;
}

/* Says TEXT, if any, and reads until what came ends with a newline, or to the end. */
static const char *converse(int fd, const char *text)
{
    static char answer[1024];
    size_t n = 0;

    if (*text) /* else it may have closed already */
        cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    for (;;) {
        ssize_t got = read(fd, answer + n, sizeof answer - 1 - n);
        cr_assert_geq(got, 0, "%s", strerror(errno));
        n += (size_t)got;
        answer[n] = '\0';
        if (got == 0 || answer[n - 1] == '\n')
            return answer;
    }
}

static bool is_closed(int fd)
{
    char byte;
    ssize_t n = read(fd, &byte, 1);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static size_t count_workers(struct rig *r)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    return json_array_size(json_object_get(service, "workers"));
}

rig_test(inetd, each_connection_has_a_worker_of_its_own)
{
    rig_run(r, "--listen", accepting(r, 4, ""), "--", "cat");
    rig_wait_state(r, "waiting");
    int one = connect_to(r, 4), other = connect_to(r, 4);
    cr_assert_str_eq(converse(one, "to the one\n"), "to the one\n");
    cr_assert_str_eq(converse(other, "to the other\n"), "to the other\n");
    cr_assert(rig_worker_pid(r, 1) > 0 && rig_worker_pid(r, 2) > 0);
    close(one);
    close(other);
    rig_wait_state(r, "waiting");
    cr_assert_eq(count_workers(r), 0);
}

rig_test(inetd, the_client_is_told_in_variables)
{
    rig_env(r, "REMOTE_ADDR=inherited");
    rig_run(r, "--listen", accepting(r, 4, ""), "--", "sh", "-c",
            "echo \"$REMOTE_ADDR $REMOTE_PORT ${LISTEN_FDS-none}\"");
    rig_wait_state(r, "waiting");
    int fd = connect_to(r, 4);
    struct sockaddr_in own;
    socklen_t len = sizeof own;
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    cr_assert_str_eq(converse(fd, ""), rig_format(r, "127.0.0.1 %u none\n", ntohs(own.sin_port)));
    close(fd);
}

rig_test(inetd, an_ipv4_client_of_a_dual_stack_socket_is_told_as_one)
{
    rig_run(r, "--listen", rig_format(r, ":%u?accept=yes", r->port), "--", "sh", "-c", "echo $REMOTE_ADDR");
    rig_wait_state(r, "waiting");
    int v4 = connect_to(r, 4), v6 = connect_to(r, 6);
    cr_assert_str_eq(converse(v4, ""), "127.0.0.1\n");
    cr_assert_str_eq(converse(v6, ""), "::1\n");
    close(v4);
    close(v6);
}

rig_test(inetd, a_unix_client_without_a_name_is_not_told_at_all)
{
    rig_run(r, "--listen", accepting(r, 1, ""), "--", "sh", "-c",
            "echo ${REMOTE_ADDR-unset} ${REMOTE_PORT-unset}");
    rig_wait_state(r, "waiting");
    int fd = connect_to(r, 1);
    cr_assert_str_eq(converse(fd, ""), "unset unset\n");
    close(fd);
}

rig_test(inetd, listen_fds_gives_the_connection_as_descriptor_3_too)
{
    rig_run(r, "--set", "handoff=listen-fds", "--listen", accepting(r, 4, ""), "--", "python3", "-c",
            "import os, socket\n"
            "assert os.environ['LISTEN_PID'] == str(os.getpid())\n"
            "s = socket.socket(fileno=3)\n"
            "s.sendall(('%s %s\\n' % (os.environ['LISTEN_FDS'], os.environ['LISTEN_FDNAMES'])).encode())\n");
    rig_wait_state(r, "waiting");
    int fd = connect_to(r, 4);
    cr_assert_str_eq(converse(fd, ""), "1 web\n");
    close(fd);
}

rig_test(inetd, more_than_max_connections_wait_in_the_queue)
{
    rig_run(r, "--listen", accepting(r, 4, "&max_connections=2"), "--", "cat");
    rig_wait_state(r, "waiting");
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = connect_to(r, 4);
    cr_assert_str_eq(converse(fds[0], "a\n"), "a\n");
    cr_assert_str_eq(converse(fds[1], "b\n"), "b\n");
    cr_assert_eq(count_workers(r), 2);
    close(fds[0]);
    cr_assert_str_eq(converse(fds[2], "c\n"), "c\n");
    close(fds[1]);
    close(fds[2]);
}

static void turns_away(struct rig *r, int family)
{
    rig_run(r, "--listen", accepting(r, family, "&max_per_source=1"), "--", "cat");
    rig_wait_state(r, "waiting");
    int first = connect_to(r, family);
    cr_assert_str_eq(converse(first, "a\n"), "a\n");
    int second = connect_to(r, family);
    cr_assert(is_closed(second));
    rig_until(r, rig_log_has(r, "it has max_per_source (1) connections already"));
    close(first);
    rig_wait_state(r, "waiting");
    int third = connect_to(r, family);
    cr_assert_str_eq(converse(third, "c\n"), "c\n");
    close(second);
    close(third);
}

rig_test(inetd, more_than_max_per_source_from_a_host_are_turned_away)
{
    turns_away(r, 4);
}

rig_test(inetd, more_than_max_per_source_of_a_unix_user_are_turned_away)
{
    turns_away(r, 1);
}

rig_test(inetd, max_per_source_is_remembered_by_a_successor)
{
    rig_run(r, "--listen", accepting(r, 4, "&max_per_source=1"), "--", "cat");
    rig_wait_state(r, "waiting");
    int first = connect_to(r, 4);
    cr_assert_str_eq(converse(first, "a\n"), "a\n");
    rig_kill_supervisor(r);
    int second = connect_to(r, 4);
    cr_assert(is_closed(second));
    cr_assert_str_eq(converse(first, "still here\n"), "still here\n");
    close(first);
    close(second);
}

/* The connection runs, and the supervisor has not written down yet that it does. */
rig_test(inetd, max_per_source_counts_a_connection_in_whose_making_the_supervisor_died)
{
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, "BERTH_CRASH_AT=spawn_after:1:0");
    rig_run(r, "--listen", accepting(r, 4, "&max_per_source=1"), "--", "cat");
    rig_wait_state(r, "waiting");
    int first = connect_to(r, 4);
    cr_assert_str_eq(converse(first, "a\n"), "a\n");
    int second = connect_to(r, 4);
    cr_assert(is_closed(second));
    cr_assert(rig_log_has(r, "(restart 1,"));
    close(first);
    close(second);
}

rig_test(inetd, a_killed_supervisor_costs_no_connection)
{
    rig_run(r, "--listen", accepting(r, 4, ""), "--", "cat");
    rig_wait_state(r, "waiting");
    int old = connect_to(r, 4);
    cr_assert_str_eq(converse(old, "a\n"), "a\n");
    for (int i = 0; i < 5; i++) {
        rig_kill_supervisor(r);
        int fd = connect_to(r, 4);
        cr_assert_str_eq(converse(fd, "b\n"), "b\n");
        cr_assert_str_eq(converse(old, "c\n"), "c\n");
        close(fd);
    }
    close(old);
    rig_wait_state(r, "waiting");
}

/* An HTTP answer to one request: what the load's clients understand. */
#define ANSWER                                                                                               \
    "read -r line; while read -r header && [ \"$header\" != \"$(printf '\\r')\" ]; do :; done; "             \
    "printf 'HTTP/1.0 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nok\\n'"

rig_test(inetd, load_and_a_supervisor_that_is_killed_again_and_again_lose_nothing)
{
    rig_run(r, "--log-level", "warning", "--listen", accepting(r, 4, ""), "--", "sh", "-c", ANSWER);
    rig_wait_state(r, "waiting");
    struct load *load = rig_load(r, rig_address(r, 4), 3);
    for (int i = 0; i < 20; i++) {
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
        rig_kill_supervisor(r);
    }
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(inetd, a_program_that_cannot_be_run_slows_down_and_keeps_the_socket)
{
    const char *program = rig_path(r, "program");

    rig_run(r, "--set", "restart_delay=10ms", "--set", "restart_delay_max=100ms", "--listen",
            accepting(r, 4, ""), "--", program);
    rig_wait_state(r, "waiting");
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(r, 4);
        cr_assert(is_closed(fd));
        close(fd);
    }
    cr_assert(rig_log_has(r, "exec"));
    cr_assert(rig_log_has(r, "accepts again in"));
    rig_write_file(program, "#!/bin/sh\ncat\n");
    cr_assert_eq(chmod(program, 0755), 0);
    int fd = connect_to(r, 4);
    cr_assert_str_eq(converse(fd, "mended\n"), "mended\n");
    close(fd);
}

rig_test(inetd, stop_ends_the_connections_and_lets_others_wait)
{
    rig_run(r, "--listen", accepting(r, 4, ""), "--set", "essential=no", "--", "cat");
    rig_wait_state(r, "waiting");
    int old = connect_to(r, 4);
    cr_assert_str_eq(converse(old, "a\n"), "a\n");
    rig_cmd_ok(r, "stop", "cat");
    cr_assert(is_closed(old));
    int waiting = connect_to(r, 4);
    rig_cmd_ok(r, "start", "cat");
    cr_assert_str_eq(converse(waiting, "b\n"), "b\n");
    close(old);
    close(waiting);
}

rig_test(inetd, restart_leaves_connections_alone)
{
    rig_run(r, "--listen", accepting(r, 4, ""), "--", "cat");
    rig_wait_state(r, "waiting");
    int old = connect_to(r, 4);
    cr_assert_str_eq(converse(old, "a\n"), "a\n");
    rig_cmd_ok(r, "restart", "cat");
    cr_assert_str_eq(converse(old, "b\n"), "b\n");
    const struct rig_result *result = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("scale", "cat=3")));
    cr_assert(strstr(result->err, "max_connections bounds them") != NULL, "%s", result->err);
    close(old);
}

rig_test(inetd, what_contradicts_it_is_refused)
{
    static const struct {
        const char *listen, *set, *part;
    } cases[] = {
        {"udp://127.0.0.1:0?accept=yes", "nice=0", "accept = yes is for connections"},
        {"127.0.0.1:0?accept=yes&reuse_port=per-worker", "nice=0", "contradicts reuse_port"},
        {"127.0.0.1:0?accept=yes&non_blocking=no", "nice=0", "contradicts non_blocking"},
        {"127.0.0.1:0?max_per_source=2", "nice=0", "max_per_source needs accept = yes"},
        {"127.0.0.1:0?accept=yes", "workers=2", "max_connections bounds them"},
        {"127.0.0.1:0?accept=yes", "handoff=nginx", "handoff = nginx has no meaning"},
        {"127.0.0.1:0?accept=yes", "ready=delay:1s", "ready has no meaning"},
        {"127.0.0.1:0?accept=perhaps", "nice=0", "yes or no"},
        {"127.0.0.1:0?accept=yes&max_connections=0", "nice=0", "a number from 1 to"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct rig_result *result = rig_expect(
            r, 2, rig_run_argv(r, RIG_ARGV("--set", cases[i].set, "--listen", cases[i].listen, "--", "cat")));
        cr_assert(strstr(result->err, cases[i].part) != NULL, "%s: %s", cases[i].listen, result->err);
    }
}
