/* test_explain: what is explained is what a real worker gets. */
#include "config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

static const char *variable(json_t *list, const char *name)
{
    json_t *v;
    size_t i;

    json_array_foreach (list, i, v)
        if (strcmp(json_string_value(json_object_get(v, "name")), name) == 0)
            return json_string_value(json_object_get(v, "value"));
    return NULL;
}

/* Each variable of the one is in the other, with the same value unless it is the process's own. */
static void compare_variables(json_t *explained, json_t *dumped)
{
    const char *name;
    json_t *value, *v;
    size_t i;

    json_object_foreach(dumped, name, value)
    {
        const char *told = variable(explained, name);
        cr_assert_not_null(told, "%s was not explained", name);
        if (strcmp(name, "LISTEN_PID") != 0 && strcmp(name, "LISTEN_PIDFDID") != 0 &&
            strcmp(name, "NOTIFY_SOCKET") != 0)
            cr_assert_str_eq(told, json_string_value(value), "%s", name);
    }
    json_array_foreach (explained, i, v)
        cr_assert_not_null(json_object_get(dumped, json_string_value(json_object_get(v, "name"))),
                           "%s was not there", json_string_value(json_object_get(v, "name")));
}

static json_t *explain(struct rig *r)
{
    const struct rig_result *result = rig_cmd_ok(r, "--json", "explain", "probe");
    json_t *x = json_loads(result->out, 0, NULL);

    cr_assert_not_null(x, "%s", result->out);
    return x;
}

/* Starts the probe with OPTIONS, and compares what it got with what is told. */
static void compare(struct rig *r, const char *const *options)
{
    const char *args[64];
    size_t n = 0;

    while (options[n] != NULL) {
        args[n] = options[n];
        n++;
    }
    args[n++] = "--";
    args[n++] = r->probe;
    args[n++] = "--dump";
    args[n++] = rig_path(r, "dump");
    args[n] = NULL;
    rig_env(r, "NOTIFY_SOCKET=/nowhere");
    rig_env(r, "COLOUR=red");
    rig_start(r, rig_run_argv(r, args));
    const char *path = rig_path(r, "dump");
    rig_until(r, access(path, R_OK) == 0);
    json_t *dump = rig_read_json(r, path), *x = explain(r);
    compare_variables(json_object_get(x, "variables"), json_object_get(dump, "environment"));
    pid_t worker = rig_wait_worker(r, 1, 0);
    json_t *d;
    size_t i;
    json_array_foreach (json_object_get(x, "descriptors"), i, d) {
        int fd = (int)json_integer_value(json_object_get(d, "fd"));
        if (strcmp(json_string_value(json_object_get(d, "what")), "socket") == 0)
            cr_assert(rig_socket_inode(worker, fd) != 0, "descriptor %d is no socket", fd);
    }
    cr_assert_str_eq(json_string_value(json_array_get(json_object_get(x, "argv"), 1)), "--dump");
    json_decref(x);
}

rig_test(explain, tells_what_auto_gives)
{
    compare(r, RIG_ARGV("--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--listen",
                        rig_format(r, "admin=unix:%s/a.sock", r->dir)));
}

rig_test(explain, tells_what_every_dialect_gives)
{
    compare(r, RIG_ARGV("--set", "handoff=listen-fds,stdin,server-starter,einhorn,nginx", "--listen",
                        rig_address(r, 4), "--env", "COLOUR=blue", "--env", "PORT={port:probe}"));
}

rig_test(explain, tells_what_a_channel_and_another_user_give)
{
    rig_needs_root();
    cr_assert_eq(chmod(r->dir, 0777), 0);
    compare(r, RIG_ARGV("--set", "handoff=channel", "--user", "nobody", "--listen", rig_address(r, 4)));
}

/* FDSTORE is what fits below the descriptor of ready. */
rig_test(explain, tells_the_same_of_a_configuration_as_of_what_runs)
{
    rig_up(r, rig_format(r,
                         "[socket:web]\nlisten = %s\n[service:probe]\nsockets = web\nready = fd:6\n"
                         "command = sh -c 'echo >&6; exec sleep 1000'\n",
                         rig_address(r, 4)));
    rig_wait_state(r, "running");
    const char *running = rig_cmd_ok(r, "explain", "probe")->out;
    const char *planned = rig_cmd_ok(r, "explain", "-c", rig_path(r, "berth.ini"), "probe")->out;
    cr_assert(strstr(running, "  6   ready\n"), "%s", running);
    cr_assert(strstr(running, "FDSTORE=2\n"), "%s", running);
    cr_assert_str_eq(running, planned);
}

rig_test(explain, starts_and_binds_nothing_without_a_supervisor)
{
    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--", r->probe);
    rig_wait_state(r, "running");
    /* The address is taken, the command is not there, and there is no control socket: it does not matter. */
    const struct rig_result *result =
        rig_expect(r, 0,
                   RIG_ARGV(r->berth, "--control", rig_path(r, "nobody"), "run", "--explain", "--listen",
                            rig_format(r, "web=%s", rig_address(r, 4)), "--listen", "any=127.0.0.1:0", "--",
                            "/no/such/nginx", "{fd:web}", "{port:any}"));
    cr_assert(strstr(result->out, "NGINX=3;4;") != NULL, "%s", result->out);
    cr_assert(strstr(result->out, "{port:any} cannot be filled") != NULL, "%s", result->out);
    cr_assert(strstr(result->out, "the kernel chooses the port of any") != NULL, "%s", result->out);
}

rig_test(explain, says_what_is_wrong)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe);
    rig_wait_state(r, "running");
    rig_expect(r, 4, rig_cmd_argv(r, RIG_ARGV("explain", "prob")));
    rig_expect(r, 2, rig_cmd_argv(r, RIG_ARGV("explain")));
    rig_expect(r, 2, rig_cmd_argv(r, RIG_ARGV("explain", "probe", "--worker", "0")));
    rig_expect(r, 2, rig_cmd_argv(r, RIG_ARGV("explain", "probe", "-c", rig_path(r, "nothing.ini"))));
    rig_expect(r, 5, RIG_ARGV(r->berth, "--control", rig_path(r, "nobody"), "explain", "probe"));
    rig_expect(r, 2, rig_run_argv(r, RIG_ARGV("--explain", "--listen", "nonsense", "--", "true")));
}

static const char *write_config(struct rig *r, const char *text)
{
    const char *path = rig_path(r, "berth.ini");
    FILE *f = fopen(path, "we");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
    return path;
}

/* Nobody supervises anything here, and none of it could be bound or run. */
rig_test(explain, tells_what_a_configuration_would_give)
{
    const char *path =
        write_config(r, "[socket:web]\nlisten = 192.0.2.1:80\n[socket:adm]\nlisten = unix:adm.sock\n"
                        "[service:api]\ncommand = ./api --worker {worker} {fd:web} {path:adm}\n"
                        "sockets = adm, web\nenv.GREETING = ${0x20}a b\nworkers = 3\n"
                        "[service:other]\ncommand = /no/such/command\n");
    const struct rig_result *result =
        rig_expect(r, 0, RIG_ARGV(r->berth, "--json", "explain", "-c", path, "api", "--worker", "2"));
    json_t *x = json_loads(result->out, 0, NULL), *argv = json_object_get(x, "argv");
    cr_assert_eq(json_integer_value(json_object_get(x, "worker")), 2);
    cr_assert_eq(json_array_size(argv), 5);
    cr_assert_str_eq(json_string_value(json_array_get(argv, 0)), rig_path(r, "api"));
    cr_assert_str_eq(json_string_value(json_array_get(argv, 2)), "2");
    cr_assert_str_eq(json_string_value(json_array_get(argv, 3)), "4");
    cr_assert_str_eq(json_string_value(json_array_get(argv, 4)), rig_path(r, "adm.sock"));
    cr_assert_str_eq(variable(json_object_get(x, "variables"), "LISTEN_FDNAMES"), "adm:web");
    cr_assert_str_eq(variable(json_object_get(x, "variables"), "GREETING"), " a b");
    json_decref(x);
    result = rig_expect(r, 4, RIG_ARGV(r->berth, "explain", "-c", path, "apy"));
    cr_assert(strstr(result->err, "did you mean api?") != NULL, "%s", result->err);
    path = write_config(r, "[service:api]\ncommand = x\nworkers = y\n");
    result = rig_expect(r, 2, RIG_ARGV(r->berth, "explain", "-c", path, "api"));
    cr_assert(strstr(result->err, "berth.ini:3: service:api: workers must be") != NULL, "%s", result->err);
}
