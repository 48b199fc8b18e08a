/* test_server_matrix: every folder of examples/servers is started as its reader would start it, on a TCP and
 * where it can on a Unix socket, restarted and killed under load. What it is to keep to is in the folder's
 * file `row`; that it did is written to tests/servers/NAME in the build folder, from which docs/servers.md is
 * made (examples/servers/table.sh). */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

#define CLIENTS 2
#define RESTARTS 2
#define KILLS 2
#define FAMILY_UNIX 1

/* The value of KEY in the folder's file `row`. */
static const char *row(struct rig *r, const char *server, const char *key)
{
    const char *text =
        rig_read_file(r, rig_format(r, "%s/examples/servers/%s/row", getenv("top_srcdir"), server));
    const char *line = strstr(rig_format(r, "\n%s", text), rig_format(r, "\n%s=", key));

    cr_assert_not_null(line, "%s has no %s in its row", server, key);
    const char *value = strchr(line + 1, '=') + 1;
    return rig_format(r, "%.*s", (int)strcspn(value, "\n"), value);
}

static void prepare(struct rig *r, const char *server, int family)
{
    const char *state = rig_path(r, "state");

    if (rig_find_program(r, row(r, server, "program")) == NULL)
        rig_skip("%s is not installed", row(r, server, "package"));
    cr_assert(mkdir(state, 0755) == 0 && chmod(r->dir, 0755) == 0);
    rig_env(r, rig_format(r, "LISTEN=%s", rig_address(r, family)));
    rig_env(r, rig_format(r, "STATE=%s", state));
    rig_env(r, rig_format(r, "BERTH_CONTROL=%s", r->control));
    const char *sanitizers = getenv("SANITIZERS");
    rig_env(r, rig_format(r, "BERTH_FLAGS=-I%s/include %s/.libs/libberth.a%s%s", getenv("top_srcdir"),
                          getenv("top_builddir"),
                          sanitizers != NULL && *sanitizers != '\0' ? " -fsanitize=" : "",
                          sanitizers != NULL ? sanitizers : ""));
    rig_env(r, rig_format(r, "PATH=%s:/usr/sbin:%s", getenv("top_builddir"), getenv("PATH")));
}

static const char *script(struct rig *r, const char *server)
{
    return rig_format(r, "%s/examples/servers/%s/run.sh", getenv("top_srcdir"), server);
}

static struct load *begin_load(struct rig *r, const char *server, int family)
{
    bool fastcgi = strcmp(row(r, server, "protocol"), "fastcgi") == 0;
    const char *page = rig_path(r, "state/index.php");
    struct load_options options = {.address = rig_address(r, family),
                                   .clients = CLIENTS,
                                   .pause_us = 2000,
                                   .fastcgi = fastcgi ? page : NULL};

    if (fastcgi)
        rig_expect(r, 0,
                   RIG_ARGV("cp",
                            rig_format(r, "%s/examples/servers/%s/index.php", getenv("top_srcdir"), server),
                            page));
    rig_wait_state(r, "running");
    struct load *load = load_start(&options);
    cr_assert_not_null(load);
    return load;
}

/* The inode of the held socket, as the keeper has it: berth never closes it. */
static unsigned long held_inode(struct rig *r)
{
    for (int fd = 3; fd < 64; fd++) {
        char path[64], target[64] = "";
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)r->keeper, fd);
        unsigned long inode =
            readlink(path, target, sizeof target - 1) > 0 ? rig_socket_inode(r->keeper, fd) : 0;
        if (inode != 0 &&
            strstr(rig_fds(r, rig_worker_pid(r, 1)), rig_format(r, "socket:[%lu]", inode)) != NULL)
            return inode;
    }
    return 0;
}

static void note(struct rig *r, const char *server, int family)
{
    const char *folder = rig_format(r, "%s/tests/servers", getenv("top_builddir"));

    cr_assert(mkdir(folder, 0777) == 0 || errno == EEXIST);
    rig_write_file(rig_format(r, "%s/%s.%s", folder, server, family == FAMILY_UNIX ? "unix" : "tcp"),
                   "passed\n");
}

static void run(struct rig *r, const char *server, int family)
{
    unsigned long lost = strtoul(row(r, server, "lost"), NULL, 10);

    prepare(r, server, family);
    rig_start(r, RIG_ARGV("sh", script(r, server)));
    struct load *load = begin_load(r, server, family);
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    unsigned long inode = held_inode(r);
    for (int i = 0; i < RESTARTS; i++) {
        rig_cmd_ok(r, "restart", row(r, server, "service"));
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    }
    for (int i = 0; i < KILLS; i++) {
        pid_t worker = rig_wait_worker(r, 1, 0);
        rig_kill(r, worker, SIGKILL);
        rig_wait_worker(r, 1, worker);
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    }
    cr_assert_eq(held_inode(r), inode, "it is the same socket as ever");
    rig_load_end(r, load, RESTARTS * lost + KILLS * CLIENTS);
    if (family == FAMILY_UNIX)
        cr_assert_eq(access(rig_address(r, family) + strlen("unix:"), F_OK), 0);
    note(r, server, family);
}

static void log_in(struct rig *r, const char *command, const char *expected)
{
    const char *key = rig_path(r, "key");
    const struct rig_result *result =
        rig_expect(r, 0,
                   RIG_ARGV("ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o",
                            "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-i", key, "-p",
                            rig_format(r, "%u", r->port), "root@127.0.0.1", command));

    cr_assert_str_eq(result->out, expected, "%s%s", result->out, result->err);
}

/* A process for each connection. root has another home here: both look for keys in it. */
static void run_ssh(struct rig *r, const char *server)
{
    const char *home = rig_path(r, "home");

    rig_needs_root();
    prepare(r, server, 4);
    rig_expect(r, 0, RIG_ARGV("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", rig_path(r, "key")));
    rig_expect(r, 0,
               RIG_ARGV("sh", "-c",
                        "umask 077 && mkdir -p \"$0/.ssh\" && cp \"$1.pub\" \"$0/.ssh/authorized_keys\"",
                        home, rig_path(r, "key")));
    rig_start(r, RIG_ARGV("unshare", "--mount", "--propagation", "unchanged", "sh", "-c",
                          "mount --bind \"$0\" /root && exec sh \"$1\"", home, script(r, server)));
    rig_wait_state(r, "waiting");
    for (int i = 0; i < 2; i++) {
        log_in(r, "echo hello; echo ${SSH_CONNECTION%% *}", "hello\n127.0.0.1\n");
        rig_cmd_ok(r, "restart", row(r, server, "service"));
        log_in(r, "echo again", "again\n");
        rig_kill_supervisor(r);
    }
    rig_wait_state(r, "waiting");
    note(r, server, 4);
}

#define TCP(name, folder)                                                                                    \
    rig_test(matrix, name##_on_tcp)                                                                          \
    {                                                                                                        \
        run(r, folder, 4);                                                                                   \
    }
#define BOTH(name, folder)                                                                                   \
    TCP(name, folder)                                                                                        \
    rig_test(matrix, name##_on_a_unix_socket)                                                                \
    {                                                                                                        \
        run(r, folder, FAMILY_UNIX);                                                                         \
    }

BOTH(nginx, "nginx")
BOTH(haproxy, "haproxy")
BOTH(haproxy_that_notifies, "haproxy-notify")
BOTH(gunicorn, "gunicorn")
BOTH(uvicorn, "uvicorn")
BOTH(uwsgi, "uwsgi")
BOTH(uwsgi_in_zerg_mode, "uwsgi-zerg")
BOTH(puma, "puma")
BOTH(unicorn, "unicorn")
BOTH(php_fpm, "php-fpm")
TCP(starman, "starman")
BOTH(h2o, "h2o")
BOTH(lighttpd, "lighttpd")
TCP(java, "java")
TCP(python, "python")
BOTH(go, "go")
BOTH(node, "node")
TCP(webrick, "webrick")
BOTH(libsystemd, "libsystemd")
BOTH(libberth, "libberth")
BOTH(s6_fdholder_retrieve, "s6-fdholder")

rig_test(matrix, openssh_as_inetd_starts_it)
{
    bool had_folder = access("/run/sshd", F_OK) == 0;

    run_ssh(r, "sshd");
    if (!had_folder)
        rmdir("/run/sshd");
}

rig_test(matrix, dropbear_as_inetd_starts_it)
{
    run_ssh(r, "dropbear");
}
