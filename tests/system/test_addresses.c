/* test_addresses: every kind of socket, bound, listed and served. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.h"

static bool answers(const char *address)
{
    char body[256];

    return load_ask(address, "/", body, sizeof(body)) == 0 && atoi(body + 4) > 0;
}

/* The value of KEY in the N-th socket that berth lists. */
static const char *listed(struct rig *r, size_t n, const char *key)
{
    json_t *sockets = json_object_get(rig_call(r, "io.berth.Sockets", NULL), "sockets");
    const char *text = json_string_value(json_object_get(json_array_get(sockets, n), key));

    return text != NULL ? text : "";
}

rig_test(addresses, a_port_alone_serves_both_families)
{
    rig_run(r, "--listen", rig_format(r, ":%u", r->port), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert(answers(rig_address(r, 4)) && answers(rig_address(r, 6)));
}

rig_test(addresses, tcp6_serves_only_version_6)
{
    rig_run(r, "--listen", rig_format(r, "tcp6://:%u", r->port), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert(answers(rig_address(r, 6)));
    cr_assert(!answers(rig_address(r, 4)));
}

rig_test(addresses, a_unix_path_has_the_mode_and_owner_that_were_asked_for)
{
    const char *path = rig_path(r, "web.sock");
    struct stat st;

    rig_needs_root();
    rig_run(r, "--listen", rig_format(r, "unix:%s?mode=0620&user=65534&group=65533", path), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert(stat(path, &st) == 0 && S_ISSOCK(st.st_mode));
    cr_assert((st.st_mode & 07777) == 0620 && st.st_uid == 65534 && st.st_gid == 65533);
    cr_assert(answers(path));
    rig_stop(r);
    cr_assert(access(path, F_OK) < 0 && errno == ENOENT, "the path is removed at the end");
}

rig_test(addresses, a_stale_unix_path_is_replaced_and_a_live_one_is_not)
{
    const char *path = rig_path(r, "web.sock");
    struct sockaddr_storage address;
    socklen_t len;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct rig_result *result;

    cr_assert(load_parse_address(path, &address, &len) == 0);
    cr_assert(bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 8) == 0);
    result = rig_exec(r, rig_run_argv(r, RIG_ARGV("--listen", path, "--", r->probe)));
    cr_assert(result->status == 125, "%d", result->status);
    cr_assert_not_null(strstr(result->err, path));
    close(fd);
    rig_run(r, "--listen", path, "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert(answers(path));
}

rig_test(addresses, an_abstract_unix_address_is_served)
{
    const char *address = rig_format(r, "unix:@berth-test-%d", (int)getpid());

    rig_run(r, "--listen", address, "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert(answers(address));
}

rig_test(addresses, a_udp_socket_keeps_its_datagrams_over_a_restart)
{
    struct sockaddr_storage address;
    socklen_t len;
    struct timeval patience = {.tv_sec = 10};
    char text[256] = "";
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    rig_run(r, "--listen", rig_format(r, "udp://127.0.0.1:%u", r->port), "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    cr_assert(load_parse_address(rig_address(r, 4), &address, &len) == 0);
    cr_assert(connect(fd, (struct sockaddr *)&address, len) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    rig_cmd_ok(r, "stop", "probe");
    cr_assert(send(fd, "?", 1, 0) == 1, "nobody reads it now, and nobody turns it away");
    rig_cmd_ok(r, "start", "probe");
    cr_assert(recv(fd, text, sizeof(text) - 1, 0) > 4 && atoi(text + 4) == rig_worker_pid(r, 1), "%s", text);
    close(fd);
}

rig_test(addresses, unix_datagram_and_seqpacket_sockets_are_handed_over)
{
    rig_run(r, "--listen", rig_format(r, "a=unix-dgram:%s/a.sock", r->dir), "--listen",
            rig_format(r, "b=unix-seqpacket:%s/b.sock", r->dir), "--", r->probe, "--deaf");
    pid_t worker = rig_wait_worker(r, 1, 0);
    cr_assert(rig_socket_inode(worker, 3) != 0 && rig_socket_inode(worker, 4) != 0);
    cr_assert_str_eq(listed(r, 0, "type"), "dgram");
    cr_assert_str_eq(listed(r, 1, "type"), "seqpacket");
}

rig_test(addresses, a_name_with_several_addresses_is_several_descriptors_of_that_name)
{
    rig_run(r, "--listen", rig_format(r, "web=127.0.0.1:%u", r->port), "--listen",
            rig_format(r, "web=[::1]:%u", r->port), "--", "sh", "-c",
            "echo $LISTEN_FDS $LISTEN_FDNAMES; exec sleep 1000");
    rig_until(r, strcmp(rig_read_file(r, r->out_path), "2 web:web\n") == 0);
}

rig_test(addresses, localhost_is_both_its_addresses)
{
    rig_run(r, "--listen", rig_format(r, "localhost:%u", r->port), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert(answers(rig_address(r, 4)));
    json_t *sockets = json_object_get(rig_call(r, "io.berth.Sockets", NULL), "sockets");
    cr_assert(json_array_size(sockets) == 1 || answers(rig_address(r, 6)));
}

rig_test(addresses, options_ride_on_an_address)
{
    rig_run(r, "--listen", rig_format(r, "127.0.0.1:%u?backlog=17&defer_accept=5s&keep_alive=yes", r->port),
            "--", r->probe, "--deaf");
    rig_wait_state(r, "running");
    json_t *sockets = json_object_get(rig_call(r, "io.berth.Sockets", NULL), "sockets");
    cr_assert(json_integer_value(json_object_get(json_array_get(sockets, 0), "backlog")) == 17);
}

static size_t count_sockets(struct rig *r)
{
    return json_array_size(json_object_get(rig_call(r, "io.berth.Sockets", NULL), "sockets"));
}

rig_test(addresses, reuse_port_per_worker_follows_the_number_of_workers)
{
    rig_run(r, "--listen", rig_format(r, "127.0.0.1:%u?reuse_port=per-worker", r->port), "--workers", "2",
            "--", r->probe);
    rig_wait_state(r, "running");
    rig_cmd_ok(r, "scale", "probe=4");
    cr_assert(count_sockets(r) == 4);
    rig_kill_supervisor(r);
    cr_assert(count_sockets(r) == 4);
    rig_cmd_ok(r, "scale", "probe=1");
    /* One that nobody accepts from any more would keep its share of the clients waiting. */
    rig_until(r, count_sockets(r) == 1);
    for (int i = 0; i < 20; i++)
        cr_assert(answers(rig_address(r, 4)));
}

rig_test(addresses, one_that_refuses_while_stopped_does_so_under_the_next_supervisor_too)
{
    rig_run(r, "--listen", rig_format(r, "%s?when_stopped=refuse", rig_address(r, 4)), "--", r->probe);
    rig_wait_state(r, "running");
    rig_cmd_ok(r, "stop", "probe");
    cr_assert(!answers(rig_address(r, 4)));
    rig_kill_supervisor(r);
    rig_wait_state(r, "stopped");
    cr_assert(!answers(rig_address(r, 4)));
    rig_cmd_ok(r, "start", "probe");
    cr_assert(answers(rig_address(r, 4)));
    cr_assert(!rig_log_has(r, "error"), "%s", rig_log(r));
}

rig_test(addresses, reuse_port_per_worker_gives_each_worker_its_own_socket)
{
    rig_run(r, "--listen", rig_format(r, "127.0.0.1:%u?reuse_port=per-worker", r->port), "--workers", "2",
            "--", r->probe);
    rig_wait_state(r, "running");
    unsigned long first = rig_socket_inode(rig_worker_pid(r, 1), 3),
                  second = rig_socket_inode(rig_worker_pid(r, 2), 3);
    cr_assert(first != 0 && second != 0 && first != second);
    cr_assert(answers(rig_address(r, 4)));
}
