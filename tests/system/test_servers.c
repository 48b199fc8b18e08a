/* test_servers: real servers on held sockets, each with the reader of the handoff that its authors wrote:
 * they serve, are restarted by berth restart, and are killed under load, and nobody is refused. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define CLIENTS 2
#define RESTARTS 3
#define KILLS 3

static const char *need(struct rig *r, const char *program)
{
    const char *path = rig_find_program(r, program);

    if (path == NULL)
        rig_skip("%s is not installed", program);
    return path;
}

static bool answers(struct rig *r)
{
    char body[256];

    return load_ask(rig_address(r, 4), "/", body, sizeof(body)) == 0 && strncmp(body, "pid=", 4) == 0;
}

/* LOST: how many requests one restart may cost, as the server's own way to stop has it. */
static void try_it(struct rig *r, const char *service, unsigned long lost)
{
    struct load *load;

    rig_until(r, answers(r));
    load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int i = 0; i < RESTARTS; i++) {
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
        rig_cmd_ok(r, "restart", service);
    }
    for (int i = 0; i < KILLS; i++) {
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
        pid_t worker = rig_wait_worker(r, 1, 0);
        rig_kill(r, worker, SIGKILL);
        rig_wait_worker(r, 1, worker);
    }
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, RESTARTS * lost + KILLS * CLIENTS);
}

rig_test(servers, nginx_by_a_placeholder_in_its_variable)
{
    const char *nginx = need(r, "nginx"), *conf = rig_path(r, "nginx.conf");

    rig_write_file(
        conf, rig_format(r,
                         "daemon off; worker_processes 1; pid %s/nginx.pid; error_log stderr;\n"
                         "events { }\n"
                         "http { access_log off; client_body_temp_path %s/t1; proxy_temp_path %s/t2; "
                         "fastcgi_temp_path %s/t3; uwsgi_temp_path %s/t4; scgi_temp_path %s/t5;\n"
                         "server { listen 127.0.0.1:%u; location / { return 200 \"pid=$pid\\n\"; } } }\n",
                         r->dir, r->dir, r->dir, r->dir, r->dir, r->dir, r->port));
    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--env", "NGINX={fd:web};",
            "--stop-signal", "QUIT", "--set", "stable_after=0", "--", nginx, "-c", conf);
    try_it(r, "nginx", 0);
}

rig_test(servers, gunicorn_by_listen_fds)
{
    const char *gunicorn = need(r, "gunicorn"), *top = getenv("top_srcdir");

    rig_env(r, "PYTHONDONTWRITEBYTECODE=1");
    rig_run(r, "--listen", rig_address(r, 4), "--set", "stable_after=0", "--", gunicorn, "--workers", "1",
            "--chdir", rig_format(r, "%s/tests/system", top), "web:app");
    try_it(r, "gunicorn", 0);
}

rig_test(servers, gunicorn_by_a_placeholder)
{
    const char *gunicorn = need(r, "gunicorn"), *top = getenv("top_srcdir");

    rig_env(r, "PYTHONDONTWRITEBYTECODE=1");
    /* Told twice of one descriptor, by LISTEN_FDS too, it would close it once too often. */
    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--set", "stable_after=0", "--set",
            "handoff=none", "--", gunicorn, "--workers", "1", "--chdir",
            rig_format(r, "%s/tests/system", top), "--bind", "fd://{fd:web}", "web:app");
    try_it(r, "gunicorn", 0);
}

rig_test(servers, node_by_its_descriptor)
{
    const char *node = need(r, "node");
    static const char program[] =
        "const s = require('http').createServer((q, a) => a.end('pid=' + process.pid + '\\n'));"
        "process.on('SIGTERM', () => s.close(() => process.exit(0)));"
        "s.listen({fd: Number(process.argv[1])});";

    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--set", "stable_after=0", "--", node,
            "-e", program, "{fd:web}");
    try_it(r, "node", CLIENTS);
}

rig_test(servers, python_by_its_descriptor)
{
    const char *python = need(r, "python3"), *top = getenv("top_srcdir");

    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--set", "stable_after=0", "--",
            python, rig_format(r, "%s/tests/system/web.py", top), "{fd:web}");
    try_it(r, "python3", CLIENTS);
}

rig_test(servers, a_c_program_by_libsystemds_own_reader)
{
    const char *top = getenv("top_builddir"), *program = rig_format(r, "%s/tests/lib/sd_probe", top);

    if (access(program, X_OK) < 0)
        rig_skip("built without libsystemd");
    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--set", "stable_after=0", "--",
            program);
    try_it(r, "sd_probe", CLIENTS);
    cr_assert(answers(r));
    char body[256];
    cr_assert(load_ask(rig_address(r, 4), "/", body, sizeof(body)) == 0);
    cr_assert_not_null(strstr(body, "name=web"), "%s", body);
}
