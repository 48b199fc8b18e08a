/* test_check: what `berth check` tells people and machines; and that `berth up` starts nothing where there is
 * a mistake. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "rig.h"

static const char *write_config(struct rig *r, const char *text)
{
    const char *path = rig_path(r, "berth.ini");
    FILE *f = fopen(path, "we");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
    return path;
}

static json_t *check_as_json(struct rig *r, int status, const char *path)
{
    const struct rig_result *result =
        rig_expect(r, status, RIG_ARGV(r->berth, "--json", "check", "-c", path));
    json_t *reply = json_loads(result->out, 0, NULL);
    cr_assert_not_null(reply, "%s", result->out);
    return reply;
}

static const char good[] =
    "[socket:web]\nlisten = :8080, unix:web.sock\n"
    "[service:web]\ncommand = server 'a b'\nsockets = web\nworkers = 2\nrequires = setup\nafter = log\n"
    "env.LINES = one${0x0a}two $$\ngroups =\n"
    "[service:setup]\ncommand = setup\ntype = oneshot\n"
    "[service:log]\ncommand = log\nstart = manual\n";

rig_test(check, prints_the_plan)
{
    const struct rig_result *result =
        rig_expect(r, 0, RIG_ARGV(r->berth, "check", "-c", write_config(r, good)));
    cr_assert(strstr(result->out, "1 socket, 3 services, no mistake found\n") != NULL, "%s", result->out);
    const char *setup = strstr(result->out, "setup"), *web = strstr(result->out, "\nweb      auto");
    cr_assert(strstr(result->out, "tcp://:8080") != NULL, "%s", result->out);
    cr_assert(setup != NULL && web != NULL && setup < web, "%s", result->out);
    cr_assert(strstr(web, "setup!, log  server 'a b'") != NULL, "%s", result->out);
    cr_assert_str_eq(result->err, "");
}

rig_test(check, tells_machines_the_plan)
{
    json_t *plan = check_as_json(r, 0, write_config(r, good)), *services = json_object_get(plan, "services");
    cr_assert_eq(json_array_size(json_object_get(plan, "errors")), 0);
    cr_assert_eq(json_array_size(json_object_get(plan, "files")), 1);
    cr_assert_eq(json_array_size(services), 3);
    json_t *web = json_array_get(services, 2);
    cr_assert_str_eq(json_string_value(json_object_get(web, "name")), "web");
    cr_assert_str_eq(json_string_value(json_object_get(web, "workers")), "2");
    cr_assert_str_eq(json_string_value(json_object_get(web, "env.LINES")), "one\ntwo $");
    cr_assert_str_eq(json_string_value(json_object_get(web, "groups")), "");
    cr_assert_null(json_object_get(web, "user"));
    json_decref(plan);
}

rig_test(check, tells_machines_every_mistake)
{
    json_t *reply = check_as_json(r, 2, write_config(r, "[service:a]\nworkers = x\nwokers = 1\n\033\n"));
    json_t *errors = json_object_get(reply, "errors"), *first = json_array_get(errors, 0);
    cr_assert_eq(json_array_size(errors), 3);
    cr_assert_not_null(strstr(json_string_value(json_object_get(first, "message")), "workers must be"));
    cr_assert_eq(json_integer_value(json_object_get(first, "line")), 2);
    cr_assert_str_eq(json_string_value(json_object_get(first, "section")), "service:a");
    json_decref(reply);
}

rig_test(check, ends_with_2_where_there_is_no_configuration)
{
    cr_assert_eq(chdir(r->dir), 0);
    if (access("/etc/berth/berth.ini", F_OK) != 0)
        rig_expect(r, 2, RIG_ARGV(r->berth, "check"));
    rig_expect(r, 2, RIG_ARGV(r->berth, "check", "-c", rig_path(r, "nothing")));
    rig_expect(r, 2, RIG_ARGV(r->berth, "check", "berth.ini"));
    rig_write_file(rig_path(r, "other.ini"), good);
    rig_env(r, rig_format(r, "BERTH_CONFIG=%s", rig_path(r, "other.ini")));
    rig_expect(r, 0, RIG_ARGV(r->berth, "check"));
}

rig_test(check, is_what_up_does_before_anything_else)
{
    const char *path = write_config(r, "[service:a]\ncommand = touch started\n[service:b]\n");
    cr_assert_eq(chdir(r->dir), 0);
    const struct rig_result *result = rig_expect(r, 2, RIG_ARGV(r->berth, "up", "-c", path));
    cr_assert(strstr(result->err, "berth.ini:3: service:b: there is no command") != NULL, "%s", result->err);
    cr_assert_lt(access("started", F_OK), 0);
}
