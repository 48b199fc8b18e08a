/* test_log_format: a log for machines: every line is an object, from the first one to the last. */
#include "config.h"

#include <string.h>

#include "rig.h"

static const char *config(struct rig *r, const char *format)
{
    return rig_format(r,
                      "[supervisor]\nlog_format = %s\nlog_level = debug\n[socket:web]\nlisten = unix:w.sock\n"
                      "[service:web]\ncommand = %s --drain\nsockets = web\n"
                      "[service:bad]\ncommand = sh -c 'exit 3'\nrestart = no\n",
                      format, r->probe);
}

/* Python, which is not ours, reads every line of the log. */
static void expect_objects(struct rig *r)
{
    rig_expect(r, 0, RIG_ARGV("python3", "-m", "json.tool", "--json-lines", r->err_path));
}

/* The first line whose message begins with TEXT. Borrowed. */
static json_t *find(struct rig *r, const char *text)
{
    for (const char *line = rig_log(r); *line; line += strcspn(line, "\n") + 1) {
        const char *one = rig_format(r, "%.*s", (int)strcspn(line, "\n"), line);
        const char *file = rig_path(r, "line");
        rig_write_file(file, one);
        json_t *object = rig_read_json(r, file);
        const char *message = json_string_value(json_object_get(object, "message"));
        if (strncmp(message, text, strlen(text)) == 0)
            return object;
    }
    cr_assert(false, "no line says \"%s\": %s", text, rig_log(r));
    return NULL;
}

static const char *string(json_t *object, const char *member)
{
    const char *value = json_string_value(json_object_get(object, member));
    return value ? value : "(none)";
}

rig_test(log_format, every_line_of_json_is_an_object_with_its_pairs_as_members)
{
    rig_up(r, config(r, "json"));
    rig_wait_state_of(r, "web", "running");
    rig_wait_state_of(r, "bad", "failed");
    pid_t worker = rig_pid_of(r, "web", 1);
    json_t *started = find(r, "started");
    rig_cmd_ok(r, "restart", "web");
    cr_assert_eq(rig_stop(r), 0);
    expect_objects(r);
    cr_assert_str_eq(string(find(r, "exited with status 3"), "level"), "warning");
    cr_assert_str_eq(string(find(r, "exited with status 3"), "service"), "bad");
    cr_assert_str_eq(string(find(r, "listening on"), "subject"), "socket web");
    cr_assert_str_eq(string(started, "message"), "started");
    cr_assert_eq(json_integer_value(json_object_get(find(r, "stopping: sent TERM"), "pid")), worker);
    cr_assert_eq(json_integer_value(json_object_get(find(r, "ended"), "status")), 0);
    cr_assert(strlen(string(started, "time")) == strlen("2026-11-21T08:12:53.007Z"));
}

rig_test(log_format, a_successor_writes_it_as_well)
{
    rig_up(r, config(r, "json"));
    rig_wait_state_of(r, "web", "running");
    rig_kill_supervisor(r);
    rig_cmd_ok(r, "restart", "web");
    rig_until(r, strstr(rig_log(r), "\"subject\":\"web/1#2\""));
}

rig_test(log_format, an_update_changes_it)
{
    rig_up(r, config(r, "text"));
    rig_wait_state_of(r, "web", "running");
    cr_assert(rig_log_has(r, "info web/1#1: started (pid="));
    rig_configure(r, config(r, "json"));
    rig_cmd_ok(r, "update");
    rig_cmd_ok(r, "restart", "web");
    rig_until(r, strstr(rig_log(r), "\"subject\":\"web/1#2\""));
}

rig_test(log_format, run_has_an_option_for_it)
{
    rig_run(r, "--log-format", "json", "--", "sh", "-c", "exit 0");
    cr_assert_eq(rig_wait_exit(r), 0);
    expect_objects(r);
}
