/* test_share: programs that fetch held sockets in protocols of their own: uWSGI's zerg mode, the clients of
 * s6's fd-holder; and einhorn's ack. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

static const char *need(struct rig *r, const char *program)
{
    const char *path = rig_find_program(r, program);

    if (path == NULL)
        rig_skip("%s is not installed", program);
    return path;
}

static const char *served(struct rig *r, int family, const char *protocol)
{
    return rig_format(r, "web=%s?serve=%s:%s/place", rig_address(r, family), protocol, r->dir);
}

/* --- zerg ----------------------------------------------------------------------------------------------- */

static void serves_by_zerg(struct rig *r, int family)
{
    const char *uwsgi = need(r, "uwsgi"), *top = getenv("top_srcdir");
    struct load *load;

    rig_env(r, "PYTHONDONTWRITEBYTECODE=1");
    rig_run(r, "--listen", served(r, family, "zerg"), "--set", "handoff=none", "--set", "stable_after=0",
            "--stop-signal", "TERM", "--", uwsgi, "--master", "--processes", "1", "--need-app", "--plugin",
            "python3", "--protocol", "http", "--zerg", rig_path(r, "place"), "--chdir",
            rig_format(r, "%s/tests/system", top), "--module", "web:app", "--die-on-term",
            "--hook-master-start", "unix_signal:15 gracefully_kill_them_all");
    rig_wait_state(r, "running");
    load = rig_load(r, rig_address(r, family), 2);
    for (int i = 0; i < 2; i++) {
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
        rig_cmd_ok(r, "restart", "uwsgi");
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
        pid_t worker = rig_wait_worker(r, 1, 0);
        rig_kill(r, worker, SIGKILL);
        rig_wait_worker(r, 1, worker);
    }
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 2 * 2 + 2 * 2);
}

rig_test(share, uwsgi_fetches_its_tcp_socket_by_zerg)
{
    serves_by_zerg(r, 4);
}

rig_test(share, uwsgi_fetches_its_unix_socket_by_zerg)
{
    serves_by_zerg(r, 1);
}

/* What a client of zerg gets, as "BYTES COUNT DESCRIPTORS". */
static const char *fetch_by_zerg(struct rig *r)
{
    return rig_expect(r, 0,
                      RIG_ARGV("python3", "-c",
                               "import socket, struct, sys\n"
                               "s = socket.socket(socket.AF_UNIX)\n"
                               "s.settimeout(30)\n"
                               "s.connect(sys.argv[1])\n"
                               "text, fds, _, _ = socket.recv_fds(s, 1000, 253)\n"
                               "assert s.recv(1) == b''\n"
                               "print(text[:10].decode(), struct.unpack('i', text[10:])[0], len(fds))\n",
                               rig_path(r, "place")))
        ->out;
}

rig_test(share, one_place_may_serve_several_sockets)
{
    rig_run(r, "--listen", served(r, 4, "zerg"), "--listen",
            rig_format(r, "admin=unix:%s/a.sock?serve=zerg:%s/place", r->dir, r->dir), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert_str_eq(fetch_by_zerg(r), "uwsgi-zerg 2 2\n");
}

rig_test(share, who_comes_while_the_supervisor_is_dead_waits_and_is_served)
{
    rig_run(r, "--listen", served(r, 4, "zerg"), "--", r->probe);
    rig_wait_state(r, "running");
    for (int i = 0; i < 5; i++) {
        rig_kill_supervisor(r);
        cr_assert_str_eq(fetch_by_zerg(r), "uwsgi-zerg 1 1\n");
    }
}

rig_test(share, the_path_is_removed_at_the_end)
{
    rig_run(r, "--listen", served(r, 4, "zerg"), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert_eq(access(rig_path(r, "place"), F_OK), 0);
    rig_stop(r);
    cr_assert_neq(access(rig_path(r, "place"), F_OK), 0);
}

rig_test(share, other_users_are_turned_away_and_the_services_user_is_not)
{
    rig_needs_root();
    cr_assert_eq(chmod(r->dir, 0755), 0);
    rig_run(r, "--listen", served(r, 4, "zerg"), "--user", "65534", "--", r->probe);
    rig_wait_state(r, "running");
    static const char code[] = "import socket, sys\n"
                               "s = socket.socket(socket.AF_UNIX)\n"
                               "s.settimeout(30)\n"
                               "s.connect(sys.argv[1])\n"
                               "print(len(socket.recv_fds(s, 1000, 253)[1]))\n";
    const char *place = rig_path(r, "place");
    cr_assert_str_eq(rig_expect(r, 0,
                                RIG_ARGV("setpriv", "--reuid=65533", "--clear-groups", "/usr/bin/python3",
                                         "-c", code, place))
                         ->out,
                     "0\n");
    cr_assert(rig_log_has(r, "of user 65533 was turned away"));
    cr_assert_str_eq(rig_expect(r, 0,
                                RIG_ARGV("setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3",
                                         "-c", code, place))
                         ->out,
                     "1\n");
}

/* --- s6 ------------------------------------------------------------------------------------------------- */

rig_test(share, s6_lists_and_retrieves)
{
    const char *list = need(r, "s6-fdholder-list"), *retrieve = need(r, "s6-fdholder-retrieve"),
               *place = rig_path(r, "place");

    rig_run(r, "--listen", served(r, 4, "fdholder"), "--listen", rig_format(r, "web=unix:%s/w.sock", r->dir),
            "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert_str_eq(rig_expect(r, 0, RIG_ARGV(list, place))->out, "web\nweb:2\n");
    cr_assert_str_eq(rig_expect(r, 0,
                                RIG_ARGV(retrieve, place, "web:2", "python3", "-c",
                                         "import socket; print(socket.socket(fileno=0).getsockname())"))
                         ->out,
                     rig_format(r, "%s/w.sock\n", r->dir));
    rig_kill_supervisor(r);
    cr_assert_str_eq(rig_expect(r, 0, RIG_ARGV(list, place))->out, "web\nweb:2\n");
}

rig_test(share, a_program_serves_what_s6_retrieved)
{
    const char *retrieve = need(r, "s6-fdholder-retrieve");

    rig_run(r, "--listen", served(r, 4, "fdholder"), "--set", "handoff=none", "--set", "stable_after=0", "--",
            retrieve, rig_path(r, "place"), "web", r->probe, "--from", "stdin", "--drain");
    rig_wait_state(r, "running");
    struct load *load = rig_load(r, rig_address(r, 4), 2);
    for (int i = 0; i < 3; i++) {
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
        rig_cmd_ok(r, "restart", "s6-fdholder-retrieve");
    }
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(share, s6_may_neither_take_nor_store_nor_delete)
{
    const char *retrieve = need(r, "s6-fdholder-retrieve"), *place = rig_path(r, "place");

    rig_run(r, "--listen", served(r, 4, "fdholder"), "--", r->probe);
    rig_wait_state(r, "running");
    cr_assert_neq(rig_exec(r, RIG_ARGV(retrieve, "-D", place, "web", "true"))->status, 0);
    cr_assert_neq(rig_exec(r, RIG_ARGV(retrieve, place, "nosuch", "true"))->status, 0);
    cr_assert_neq(rig_exec(r, RIG_ARGV(need(r, "s6-fdholder-store"), place, "mine"))->status, 0);
    cr_assert_neq(rig_exec(r, RIG_ARGV(need(r, "s6-fdholder-delete"), place, "web"))->status, 0);
    cr_assert_neq(rig_exec(r, RIG_ARGV(need(r, "s6-fdholder-getdump"), place, "true"))->status, 0);
    cr_assert_str_eq(rig_expect(r, 0, RIG_ARGV(need(r, "s6-fdholder-list"), place))->out, "web\n");
}

rig_test(share, nonsense_costs_its_sender_the_connection_and_nobody_else_anything)
{
    rig_run(r, "--listen", served(r, 4, "fdholder"), "--", r->probe);
    rig_wait_state(r, "running");
    const char *out = rig_expect(r, 0,
                                 RIG_ARGV("python3", "-c",
                                          "import socket, sys\n"
                                          "def connect():\n"
                                          "    s = socket.socket(socket.AF_UNIX)\n"
                                          "    s.settimeout(30)\n"
                                          "    s.connect(sys.argv[1])\n"
                                          "    return s\n"
                                          "def end(s):\n"
                                          "    try:\n"
                                          "        return s.recv(10)\n"
                                          "    except ConnectionResetError:\n"
                                          "        return b''\n"
                                          "silent = connect()\n"
                                          "for text in (b'\\0' * 6, b'GET / HTTP/1.0\\r\\n\\r\\n', "
                                          "b'\\0\\0\\x10\\0\\0\\0' + b'x' * 9000):\n"
                                          "    s = connect()\n"
                                          "    try:\n"
                                          "        s.sendall(text)\n"
                                          "    except BrokenPipeError:\n"
                                          "        pass\n"
                                          "    assert end(s)[6:] in (b'', b'\\x01'), text\n"
                                          "s = connect()\n"
                                          "for byte in b'\\0\\0\\0\\x01\\0\\0L':\n"
                                          "    s.sendall(bytes([byte]))\n"
                                          "print(s.recv(100))\n",
                                          rig_path(r, "place")))
                          ->out;
    cr_assert_str_eq(out, "b'\\x00\\x00\\x00\\t\\x00\\x00\\x00\\x00\\x00\\x00\\x01web\\x00'\n");
}

rig_test(share, one_client_too_many_is_turned_away)
{
    rig_run(r, "--listen", served(r, 4, "fdholder"), "--", r->probe);
    rig_wait_state(r, "running");
    rig_expect(r, 0,
               RIG_ARGV("python3", "-c",
                        "import socket, sys\n"
                        "def connect():\n"
                        "    s = socket.socket(socket.AF_UNIX)\n"
                        "    s.settimeout(30)\n"
                        "    s.connect(sys.argv[1])\n"
                        "    return s\n"
                        "first = [connect() for _ in range(64)]\n"
                        "for s in first:\n"
                        "    s.sendall(b'\\0\\0\\0\\x01\\0\\0L')\n"
                        "    assert s.recv(100)\n"
                        "assert connect().recv(1) == b''\n"
                        "first[0].sendall(b'\\0\\0\\0\\x01\\0\\0L')\n"
                        "assert first[0].recv(100)\n",
                        rig_path(r, "place")));
    cr_assert(rig_log_has(r, "there are 64 clients already"));
}

rig_test(share, wrong_places_are_refused)
{
    static const struct {
        const char *listen, *part;
    } cases[] = {
        {"127.0.0.1:0?serve=zerg", "neither zerg:PATH nor fdholder:PATH"},
        {"127.0.0.1:0?serve=zerg:", "unix:"},
        {"127.0.0.1:0?serve=zerg:/run/a,fdholder:/run/a", "two protocols at one path: /run/a"},
        {"unix:/run/a?serve=zerg:/run/a", "where socket true listens"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct rig_result *result =
            rig_expect(r, 2, rig_run_argv(r, RIG_ARGV("--listen", cases[i].listen, "--", "true")));
        cr_assert(strstr(result->err, cases[i].part) != NULL, "%s: %s", cases[i].listen, result->err);
    }
    const struct rig_result *result = rig_expect(
        r, 125,
        rig_run_argv(r, RIG_ARGV("--listen", "127.0.0.1:0?serve=zerg:/no/such/folder/z", "--", "true")));
    cr_assert(strstr(result->err, "/no/such/folder") != NULL, "%s", result->err);
}

/* --- einhorn -------------------------------------------------------------------------------------------- */

#define EINHORN                                                                                              \
    "--set", "handoff=einhorn", "--ready", "notify", "--listen", rig_address(r, 4), "--", "python3", "-u",   \
        "-c"

static const char ack[] =
    "import json, os, signal, socket\n"
    "assert int(os.environ['EINHORN_MASTER_PID']) == os.getppid()\n"
    "assert socket.socket(fileno=int(os.environ['EINHORN_FD_0'])).getsockname()[0] == '127.0.0.1'\n"
    "s = socket.socket(socket.AF_UNIX)\n"
    "s.connect(os.environ['EINHORN_SOCK_PATH'])\n"
    "s.sendall(%s)\n"
    "assert s.recv(1) == b''\n"
    "signal.pause()\n";

rig_test(share, einhorns_ack_makes_a_worker_ready)
{
    rig_run(
        r, EINHORN,
        rig_format(r, ack, "json.dumps({'command': 'worker:ack', 'pid': os.getpid()}).encode() + b'\\n'"));
    rig_wait_state(r, "running");
    cr_assert(rig_log_has(r, "ready"));
}

rig_test(share, einhorns_ack_in_rubys_yaml_does_too)
{
    rig_run(r, EINHORN,
            rig_format(r, ack, "b'--- %0Acommand: worker:ack%0Apid: ' + b'%d' % os.getpid() + b'%0A\\n'"));
    rig_wait_state(r, "running");
}

rig_test(share, an_ack_for_somebody_else_is_told_and_changes_nothing)
{
    rig_run(r, EINHORN, rig_format(r, ack, "b'{\"command\": \"worker:ack\", \"pid\": 1}\\n'"));
    rig_until(r, rig_log_has(r, "says that 1 is ready, which is no worker"));
    cr_assert_str_eq(rig_service_state(r), "starting");
}
