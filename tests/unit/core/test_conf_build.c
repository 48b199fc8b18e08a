/* conf_build: lines to a configuration, and a configuration to lines. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/conf_build.h"
#include "core/conf_schema.h"

static struct conf_source source;
static struct conf conf;
static struct buf told;

static void set_up(void)
{
    source = (struct conf_source){0};
    conf_init(&conf);
    buf_init(&told, SIZE_MAX);
    conf_source_add_file(&source, "f", "/etc");
}

static void tear_down(void)
{
    conf_source_fini(&source);
    conf_fini(&conf);
    buf_fini(&told);
}

TestSuite(conf_build, .init = set_up, .fini = tear_down);

static const char *variable(const void *data, const char *name)
{
    return str_eq(name, "NAME") ? data : NULL;
}

/* TEXT has lines "[HEAD]" and "KEY=VALUE" and nothing else. */
static void add(const char *text)
{
    char *copy = mem_strdup(text);
    unsigned number = 0;
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
        struct conf_place place = {0, ++number};
        char *equals = strchr(line, '=');
        if (*line == '[') {
            line[strlen(line) - 1] = '\0';
            conf_source_add_head(&source, place, line + 1);
        } else {
            *equals = '\0';
            conf_source_add_line(&source, place, line, equals + 1);
        }
    }
    free(copy);
}

static const char *build(const char *text)
{
    add(text);
    conf_build(&source, variable, "value", &conf);
    conf_source_format_problems(&source, &told);
    return buf_str(&told);
}

Test(conf_build, sections_become_sockets_and_services)
{
    cr_assert_str_eq(build("[service:api]\ncommand=server {port:web}\nsockets=web\n[socket:web]\nlisten=:80\n"
                           "[supervisor]\nlog_level=debug\n[service:api]\nworkers=3"),
                     "");
    cr_expect_eq(conf.n_services, 1);
    cr_expect_eq(conf_find_service(&conf, "api")->with->workers, 3);
    cr_expect_eq(conf_find_socket(&conf, "web")->listen.n, 1);
    cr_expect_eq(conf.log_level, LOG_DEBUG);
}

Test(conf_build, variables_come_from_whom_the_caller_names)
{
    cr_assert_str_eq(build("[service:api]\ncommand=${NAME} $${NAME}"), "");
    cr_expect_str_eq(conf.services[0].command.v[0], "value");
    cr_expect_str_eq(conf.services[0].command.v[1], "${NAME}");
}

Test(conf_build, a_relative_path_belongs_to_the_folder_of_its_file)
{
    cr_assert_str_eq(build("[service:api]\ncommand=./server\ndirectory=data"), "");
    cr_expect_str_eq(conf.services[0].command.v[0], "/etc/server");
    cr_expect_str_eq(conf.services[0].with->directory, "/etc/data");
}

Test(conf_build, a_mistake_does_not_hide_the_next_one)
{
    cr_expect_str_eq(
        build("a=1\n[nothing:x]\nb=2\n[service:api]\nworkers=x\nwokers=2\n[socket:web]\nmode=9"),
        "f:1: a stands before any section; put it under [supervisor], [socket:NAME] or [service:NAME]\n"
        "f:2: nothing:x: there is no such section; there are [supervisor], [socket:NAME] and "
        "[service:NAME]\n"
        "f:5: service:api: workers must be a number from 0 to 4096, not \"x\"\n"
        "f:6: service:api: \"wokers\" is not a key of a service; did you mean workers?\n"
        "f:8: socket:web: mode must be an octal mode from 0 to 07777, not \"9\"\n");
}

Test(conf_build, what_follows_from_a_refused_line_is_not_told)
{
    conf_source_add_head(&source, (struct conf_place){0, 1}, "service:a");
    conf_source_refuse(&source, (struct conf_place){0, 2}, "service:a", "a NUL byte");
    conf_build(&source, variable, "", &conf);
    cr_expect_eq(source.n_problems, 1);
}

Test(conf_build, a_scalar_is_given_once_and_a_list_as_often_as_one_likes)
{
    cr_expect_str_eq(
        build("[service:a]\ncommand=x\nworkers=1\nworkers=1\nafter=b\nafter=c\n[service:b]\ncommand=x\n"
              "[service:c]\ncommand=x\nenv.A=1\nenv.B=1\nenv.A=1"),
        "f:4: service:a: workers is given twice; it has a value at f:3 already\n"
        "f:13: service:c: env.A is given twice; it has a value at f:11 already\n");
    cr_expect_eq(conf.services[0].with->after.n, 2);
}

Test(conf_build, a_check_of_the_whole_is_told_at_the_key_that_it_is_about)
{
    cr_expect_str_eq(
        build("[service:a]\ncommand=x {fd:w}\nenv.A=1\nenv.B={fd:v}\nsockets=w\n[socket:w]\nlisten=:80\n"
              "restart=x\n[service:b]"),
        "f:4: service:a: {fd:v} cannot be filled: no socket v is handed over (write {{fd:v} to mean it "
        "literally)\n"
        "f:8: socket:w: \"restart\" is not a key of a socket; berth.conf(5) lists them\n"
        "f:9: service:b: there is no command; say command = WORDS\n");
}

static const char everything[] =
    "[supervisor]\ncontrol=/run/c\ncontrol_mode=0660\ncontrol_group=root\nlog_level=debug\nlog_format=json\n"
    "shutdown_timeout=1m\nenv_file=/a, -/b\n"
    "[socket:web]\nlisten=:80, "
    "unix:/run/web\nlisten=[::1]:81\nbacklog=7\nkeep_alive=60s/10s/6\nserve=zerg:/z\n"
    "congestion=cubic\nmode=0600\nuser=root\ngroup=0\non_conflict=wait:5s\n"
    "[service:a]\ncommand=x 'a b' \"it's\" "
    "''\nsockets=web\nenv.A=${NAME}$$\nenv.B$=\nenv.C=${0x20}\nlimit.core=0\n"
    "groups=\numask=022\nnice=-1\nsuccess_status=3,TERM\nrestart_limit=5/"
    "1m\nready=delay:1s\nafter=b\nrequires=c\n"
    "[service:b]\ncommand=y\ntype=oneshot\n[service:c]\ncommand=z\ngroups=root\nreload=signal:HUP\n";

/* What is printed has a blank around its '='. */
static char *print(const struct conf *c)
{
    struct buf out;
    buf_init(&out, SIZE_MAX);
    conf_print(c, &out);
    return buf_take(&out);
}

Test(conf_build, what_is_printed_builds_to_what_prints_the_same)
{
    struct conf_source second = {0};
    struct conf again;
    cr_assert_str_eq(build(everything), "");
    char *first = print(&conf), *copy = mem_strdup(first);
    cr_assert_not_null(strstr(first, "\ngroups = \n"));
    conf_source_add_file(&second, "g", "/");
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
        char *equals = strstr(line, " = ");
        if (*line == '[') {
            line[strlen(line) - 1] = '\0';
            conf_source_add_head(&second, (struct conf_place){0, 1}, line + 1);
        } else {
            *equals = '\0';
            conf_source_add_line(&second, (struct conf_place){0, 1}, line, equals + 3);
        }
    }
    conf_build(&second, variable, "another", &again);
    cr_assert_eq(second.n_problems, 0, "%s", second.n_problems ? second.problems[0].sentence : "");
    char *printed = print(&again);
    cr_expect_str_eq(printed, first);
    cr_expect_eq(again.services[0].with->start_timeout_ns, conf.services[0].with->start_timeout_ns);
    cr_expect(again.services[0].with->has_groups && again.services[0].with->groups.n == 0);
    cr_expect_not(again.services[1].with->has_groups);
    cr_expect_not(again.services[1].with->has_start_timeout);
    free(first);
    free(copy);
    free(printed);
    conf_fini(&again);
    conf_source_fini(&second);
}
