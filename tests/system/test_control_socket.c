/* test_control_socket: strangers at the control socket: garbage, floods, silence, and people without
 * permission. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.h"

static void start_probe(struct rig *r)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
}

static int call_up(struct rig *r)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(un.sun_path, r->control);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    cr_assert(connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0, "%s", strerror(errno));
    return fd;
}

/* Sends N bytes, as many as are taken, and reads until the other side closes or a whole message is there. */
static const char *say(struct rig *r, const char *bytes, size_t n)
{
    char *reply = calloc(1, 65536);
    size_t len = 0;
    ssize_t got;
    int fd = call_up(r);

    for (size_t sent = 0; sent < n; sent += (size_t)got) {
        got = send(fd, bytes + sent, n - sent, MSG_NOSIGNAL);
        if (got <= 0)
            break;
    }
    shutdown(fd, SHUT_WR);
    while (len < 65535 && (got = recv(fd, reply + len, 65535 - len, 0)) > 0)
        len += (size_t)got;
    close(fd);
    const char *kept = rig_format(r, "%s", reply);
    free(reply);
    return kept;
}

#define say_text(r, text) say(r, text, sizeof(text)) /* with its NUL */

rig_test(control_socket, answers_the_questions_of_every_varlink_service)
{
    start_probe(r);
    json_t *info = rig_call(r, "org.varlink.service.GetInfo", NULL);
    cr_assert_not_null(json_string_value(json_object_get(info, "product")));
    cr_assert(json_array_size(json_object_get(info, "interfaces")) >= 2);
    json_t *description = rig_call(r, "org.varlink.service.GetInterfaceDescription",
                                   json_pack("{s:s}", "interface", "io.berth"));
    const char *text = json_string_value(json_object_get(description, "description"));
    const char *top = getenv("top_srcdir");
    cr_assert_not_null(text);
    cr_assert_not_null(top);
    cr_assert_str_eq(text, rig_read_file(r, rig_format(r, "%s/docs/man/io.berth.varlink", top)),
                     "it is what the manual shows");
}

rig_test(control_socket, answers_wrong_questions_with_varlinks_own_errors)
{
    start_probe(r);
    json_t *reply = rig_call(r, "io.berth.Nonsense", NULL);
    cr_assert_str_eq(json_string_value(json_object_get(reply, "error")),
                     "org.varlink.service.MethodNotFound");
    reply = rig_call(r, "com.example.Nonsense", NULL);
    cr_assert_str_eq(json_string_value(json_object_get(reply, "error")),
                     "org.varlink.service.InterfaceNotFound");
    reply = rig_call(r, "io.berth.Restart", json_pack("{s:i}", "services", 7));
    cr_assert_str_eq(json_string_value(json_object_get(reply, "error")),
                     "org.varlink.service.InvalidParameter");
    reply = rig_call(r, "io.berth.Restart", json_pack("{s:[s]}", "services", "nobody"));
    cr_assert_str_eq(json_string_value(json_object_get(reply, "error")), "io.berth.NoSuchService");
}

rig_test(control_socket, survives_garbage)
{
    char noise[4096];

    start_probe(r);
    say_text(r, "");
    say_text(r, "{");
    say_text(r, "[]");
    say_text(r, "{\"method\": 7}");
    say_text(r, "{\"method\": \"io.berth.Status\", \"method\": \"io.berth.Shutdown\"}");
    say_text(r, "{\"method\": \"io.berth.Status\"} {\"method\": \"io.berth.Shutdown\"}");
    say_text(r, "GET / HTTP/1.1\r\n\r\n");
    for (int i = 0; i < 50; i++) {
        for (size_t k = 0; k < sizeof(noise); k++)
            noise[k] = (char)random();
        say(r, noise, sizeof(noise));
    }
    cr_assert_str_eq(rig_service_state(r), "running");
    cr_assert(rig_supervisor_pid(r) > 0 && rig_worker_restarts(r, 1) == 0);
}

rig_test(control_socket, lets_go_of_whoever_sends_too_long_a_message)
{
    size_t n = 4 * 1024 * 1024;
    char *huge = malloc(n);

    start_probe(r);
    pid_t supervisor = rig_supervisor_pid(r);
    cr_assert_not_null(huge);
    memset(huge, ' ', n);
    say(r, huge, n);
    free(huge);
    cr_assert_str_eq(rig_service_state(r), "running");
    cr_assert(rig_supervisor_pid(r) == supervisor);
}

rig_test(control_socket, takes_a_message_in_pieces_and_two_at_once)
{
    static const char question[] = "{\"method\":\"org.varlink.service.GetInfo\"}";
    char reply[65536];
    size_t len = 0, ends = 0;
    int fd;

    start_probe(r);
    fd = call_up(r);
    for (size_t i = 0; i < sizeof(question); i++)
        cr_assert(send(fd, question + i, 1, MSG_NOSIGNAL) == 1);
    cr_assert(send(fd, question, sizeof(question), MSG_NOSIGNAL) == sizeof(question));
    while (ends < 2) {
        ssize_t n = recv(fd, reply + len, sizeof(reply) - len, 0);
        cr_assert(n > 0);
        for (ssize_t i = 0; i < n; i++)
            ends += reply[len + (size_t)i] == '\0';
        len += (size_t)n;
    }
    close(fd);
}

rig_test(control_socket, has_room_again_when_a_hundred_idle_clients_have_left)
{
    int fds[100];

    start_probe(r);
    pid_t worker = rig_worker_pid(r, 1);
    for (size_t i = 0; i < 100; i++)
        fds[i] = call_up(r);
    rig_kill(r, worker, SIGKILL);
    for (size_t i = 0; i < 100; i++)
        close(fds[i]);
    rig_wait_worker(r, 1, worker);
    rig_cmd_ok(r, "status");
}

rig_test(control_socket, does_not_wait_for_a_client_that_never_reads)
{
    static const char question[] = "{\"method\":\"io.berth.Events\",\"more\":true,\"parameters\":{}}";
    int fd;

    start_probe(r);
    fd = call_up(r);
    cr_assert(send(fd, question, sizeof(question), MSG_NOSIGNAL) == sizeof(question));
    for (int i = 0; i < 10; i++)
        rig_cmd_ok(r, "restart", "probe");
    close(fd);
    cr_assert_str_eq(rig_service_state(r), "running");
}

/* Runs "berth --control CONTROL ARG…" as somebody else. */
#define as_nobody(r, ...)                                                                                    \
    rig_exec(r, RIG_ARGV("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", r->berth,      \
                         "--control", r->control, __VA_ARGS__))

rig_test(control_socket, is_closed_to_other_users)
{
    rig_needs_root();
    start_probe(r);
    const struct rig_result *result = as_nobody(r, "status");
    cr_assert(result->status == 5, "%d %s", result->status, result->err);
}

rig_test(control_socket, lets_other_users_read_where_its_mode_lets_them_in)
{
    rig_needs_root();
    start_probe(r);
    pid_t worker = rig_worker_pid(r, 1);
    cr_assert(chmod(r->control, 0666) == 0);
    cr_assert(as_nobody(r, "status")->status == 0);
    cr_assert(as_nobody(r, "sockets")->status == 0);
    cr_assert(as_nobody(r, "restart", "probe")->status == 1);
    cr_assert(as_nobody(r, "stop", "probe")->status == 1);
    cr_assert(as_nobody(r, "scale", "probe=5")->status == 1);
    cr_assert(as_nobody(r, "signal", "KILL", "probe")->status == 1);
    const struct rig_result *result = as_nobody(r, "shutdown");
    cr_assert(result->status == 1 && strncmp(result->err, "berth: ", 7) == 0, "%d %s", result->status,
              result->err);
    cr_assert(rig_worker_pid(r, 1) == worker && rig_worker_restarts(r, 1) == 0);
}

rig_test(control_socket, of_a_living_berth_is_never_replaced)
{
    start_probe(r);
    const struct rig_result *result = rig_exec(r, rig_run_argv(r, RIG_ARGV("--", "true")));
    cr_assert(result->status == 125, "%d", result->status);
    cr_assert_not_null(strstr(result->err, r->control), "%s", result->err);
    cr_assert_str_eq(rig_service_state(r), "running");
}

rig_test(control_socket, of_a_dead_berth_is_replaced)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(un.sun_path, r->control);
    cr_assert(bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0);
    close(fd);
    start_probe(r);
    struct stat st;
    cr_assert(stat(r->control, &st) == 0 && (st.st_mode & 07777) == 0600);
}

rig_test(control_socket, may_be_abstract)
{
    const char *name = rig_format(r, "@berth-test-%d", (int)getpid());

    rig_start(r, RIG_ARGV(r->berth, "--control", name, "run", "--", r->probe, "--from", "none"));
    rig_until(r, rig_exec(r, RIG_ARGV(r->berth, "--control", name, "status", "probe"))->status == 0);
}
