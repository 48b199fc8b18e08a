/* run_args: the words of `berth run` and what they come to. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/mono.h"
#include "core/run_args.h"

#define N(array) (sizeof(array) / sizeof *(array))
#define MAX_WORDS 32

/* LINE's words are parted by single blanks. */
static int parse(const char *line, struct conf *ret, struct berr *err)
{
    cleanup_free char *text = mem_strdup(line);
    char *argv[MAX_WORDS + 1], *rest = text, *word;
    int argc = 0;

    while ((word = strsep(&rest, " ")) && argc < MAX_WORDS)
        argv[argc++] = word;
    argv[argc] = NULL;
    return run_args_parse(*line ? argc : 0, argv, ret, err);
}

static struct conf good(const char *line)
{
    struct conf c;
    struct berr err = {0};
    cr_assert_eq(parse(line, &c, &err), 0, "%s: %s", line, err.text);
    return c;
}

static void expect_refused(const char *line, const char *part)
{
    struct conf untouched = {.n_sockets = 77};
    struct berr err = {0};
    cr_expect_eq(parse(line, &untouched, &err), -EINVAL, "%s", line);
    cr_expect_eq(err.class, BERR_USAGE, "%s", line);
    cr_expect(strstr(err.text, part), "%s: %s", line, err.text);
    cr_expect_eq(untouched.n_sockets, 77);
}

Test(run_args, a_command_alone_is_one_essential_service)
{
    struct conf c = good("/usr/bin/python3.11 -m http.server 80");
    cr_expect(c.is_run);
    cr_expect_eq(c.n_services, 1);
    cr_expect_eq(c.n_sockets, 0);
    cr_expect_str_eq(c.services[0].name, "python3.11");
    cr_expect(c.services[0].with->essential);
    cr_expect_eq(c.services[0].command.n, 4);
    cr_expect_str_eq(c.services[0].command.v[1], "-m");
    conf_fini(&c);
}

Test(run_args, options_behind_the_command_belong_to_it)
{
    struct conf c = good("server --workers 5 -l :80 -- x");
    cr_expect_eq(c.services[0].with->workers, 1);
    cr_expect_eq(c.n_sockets, 0);
    cr_expect_eq(c.services[0].command.n, 7);
    conf_fini(&c);
}

Test(run_args, two_dashes_end_the_options)
{
    struct conf c = good("--workers 2 -- --odd -- x");
    cr_expect_eq(c.services[0].command.n, 3);
    cr_expect_str_eq(c.services[0].command.v[0], "--odd");
    cr_expect_str_eq(c.services[0].command.v[1], "--");
    conf_fini(&c);
}

Test(run_args, a_single_dash_is_a_command)
{
    struct conf c = good("-");
    cr_expect_str_eq(c.services[0].command.v[0], "-");
    cr_expect_str_eq(c.services[0].name, "-");
    conf_fini(&c);
}

Test(run_args, a_value_may_stand_in_the_same_word_or_in_the_next)
{
    static const char *const lines[] = {"-l :80 x", "-l:80 x", "--listen :80 x", "--listen=:80 x",
                                        "--listen=80 -- x"};
    for (size_t i = 0; i < N(lines); i++) {
        struct conf c = good(lines[i]);
        cr_expect_eq(c.n_sockets, 1, "%s", lines[i]);
        cr_expect_str_eq(c.sockets[0].listen.v[0], "tcp://:80", "%s", lines[i]);
        conf_fini(&c);
    }
}

static void expect_socket_names(const char *line, const char *names)
{
    struct conf c = good(line);
    char joined[256] = "";
    for (size_t i = 0; i < c.services[0].sockets.n; i++) {
        strcat(joined, i > 0 ? " " : "");
        strcat(joined, c.services[0].sockets.v[i]);
        cr_expect_str_eq(c.services[0].sockets.v[i], c.sockets[i].name);
    }
    cr_expect_str_eq(joined, names, "%s gives %s", line, joined);
    conf_fini(&c);
}

Test(run_args, sockets_are_called_as_given_or_after_the_service)
{
    expect_socket_names("-l :80 server", "server");
    expect_socket_names("-l :80 -l :81 server", "server-1 server-2");
    expect_socket_names("-l web=:80 -l :81 server", "web server");
    expect_socket_names("-l :81 -l web=:80 -l :82 server", "server-1 web server-2");
    expect_socket_names("-l server=:80 -l :81 server", "server server-1");
    expect_socket_names("-l server-1=:80 -l :81 -l :82 server", "server-1 server-2 server-3");
}

Test(run_args, a_name_given_twice_adds_an_address)
{
    struct conf c = good("-l web=:80 -l admin=unix:/a -l web=unix:/b server");
    cr_assert_eq(c.n_sockets, 2);
    cr_expect_eq(c.sockets[0].listen.n, 2);
    cr_expect_str_eq(c.sockets[0].listen.v[1], "unix:/b");
    cr_expect_eq(c.sockets[1].listen.n, 1);
    conf_fini(&c);
}

Test(run_args, an_equals_sign_within_an_address_is_no_name)
{
    struct conf c = good("-l unix:/a=b -l /c=d -l :80?backlog=5 server");
    cr_assert_eq(c.n_sockets, 3);
    cr_expect_str_eq(c.sockets[0].listen.v[0], "unix:/a=b");
    cr_expect_str_eq(c.sockets[1].listen.v[0], "unix:/c=d");
    cr_expect_eq(c.sockets[2].options->backlog, 5);
    conf_fini(&c);
}

Test(run_args, a_comma_belongs_to_the_address)
{
    struct conf c = good("-l unix:/a,b server");
    cr_expect_str_eq(c.sockets[0].listen.v[0], "unix:/a,b");
    conf_fini(&c);
}

Test(run_args, shorthands_set_their_keys)
{
    struct conf c =
        good("--workers 3 --ready delay:2s --restart always --reload signal:HUP --stop-signal INT "
             "--stop-timeout none --standby 0 --user nobody --env A=b=c --env=B= --log-level debug "
             "--log-format json "
             "server");
    const struct service_conf *s = &c.services[0];
    cr_expect_eq(s->with->workers, 3);
    cr_expect_eq(s->with->ready, READY_DELAY);
    cr_expect_eq(s->with->ready_delay_ns, 2 * NSEC_PER_SEC);
    cr_expect_eq(s->with->restart.policy, RESTART_ALWAYS);
    cr_expect_eq(s->with->reload_signal, SIGHUP);
    cr_expect_eq(s->with->stop_signal, SIGINT);
    cr_expect_eq(s->with->stop_timeout_ns, INT64_MAX);
    cr_expect_str_eq(s->with->user, "nobody");
    cr_expect_str_eq(strv_find_env(&s->with->environment, "A"), "b=c");
    cr_expect_str_eq(strv_find_env(&s->with->environment, "B"), "");
    cr_expect_eq(c.log_level, LOG_DEBUG);
    cr_expect_eq(c.log_format, LOG_JSON);
    conf_fini(&c);
}

Test(run_args, set_takes_any_key_of_a_service)
{
    struct conf c = good(
        "-s workers=2 --set restart_limit=3/1m --set=env.X=1 -ssuccess_status=3,4 -s essential=no server");
    cr_expect_eq(c.services[0].with->workers, 2);
    cr_expect_eq(c.services[0].with->restart.limit_count, 3);
    cr_expect_str_eq(strv_find_env(&c.services[0].with->environment, "X"), "1");
    cr_expect(c.services[0].with->restart.success_exit[4]);
    cr_expect_not(c.services[0].with->essential);
    conf_fini(&c);
}

Test(run_args, the_last_of_two_values_holds)
{
    struct conf c = good("--workers 2 --set workers=3 --workers=4 server");
    cr_expect_eq(c.services[0].with->workers, 4);
    conf_fini(&c);
}

static void expect_service_name(const char *line, const char *name)
{
    struct conf c = good(line);
    cr_expect_str_eq(c.services[0].name, name);
    conf_fini(&c);
}

Test(run_args, the_service_is_called_by_the_commands_basename)
{
    expect_service_name("./server", "server");
    expect_service_name("/opt/my@server+1", "my-server-1");
    expect_service_name("/opt/", "command");
    expect_service_name("sérver", "s--rver");
}

Test(run_args, a_long_name_is_cut_and_still_told_apart)
{
    char line[256];
    struct conf c;
    snprintf(line, sizeof line, "-l :80 -l :81 %0100d", 7);
    c = good(line);
    cr_expect_eq(strlen(c.services[0].name), LIMIT_NAME);
    cr_expect_leq(strlen(c.sockets[0].name), LIMIT_NAME);
    cr_expect_str_eq(c.sockets[1].name + strlen(c.sockets[1].name) - 3, "0-2");
    conf_fini(&c);
}

Test(run_args, what_is_wrong_is_named)
{
    static const struct {
        const char *line, *part;
    } cases[] = {
        {"", "there is no command to run"},
        {"--", "there is no command to run"},
        {"-l :80", "there is no command to run"},
        {"-l", "--listen wants [NAME=]ADDRESS behind it"},
        {"--workers", "--workers wants N behind it"},
        {"--lisen :80 x", "--lisen is not an option of berth run; did you mean --listen?"},
        {"--zzzzzzzzz x", "put -- before a command"},
        {"-x y", "-x is not an option of berth run"},
        {"-lx:y z", "--listen: "},
        {"-l nosuch z", "--listen: the address \"nosuch\""},
        {"-l :80?backlog=x z", "--listen: :80?backlog=x: backlog must be"},
        {"--workers x z", "--workers: workers must be a number from 0 to 4096, not \"x\""},
        {"--set workers z", "--set: it wants KEY=VALUE"},
        {"--set worker=1 z", "--set: \"worker\" is not a key of a service; did you mean workers?"},
        {"--take-over", "--take-over wants CONTROL behind it"},
        {"--take-over= z", "--take-over: it wants the control socket"},
        {"--set command=x z", "command stands at the end of the line"},
        {"--set sockets=x z", "sockets are given by --listen"},
        {"--set adopt=learn z", "adopt is not carried out by this version"},
        {"--env A z", "--env: it wants NAME=VALUE"},
        {"--env =A z", "cannot be a variable's name"},
        {"--adopt z", "--adopt is not carried out by this version of berth"},
        {"-a z", "--adopt is not carried out by this version of berth"},
        {"--adopt=x z", "--adopt takes no value"},
        {"--standby 1 z", "standby needs handoff = channel"},
        {"--standby 257 z", "--standby: standby must be a number from 0 to 256, not \"257\""},
        {"--log-level loud z", "\"loud\" is not one of debug, info, warning and error"},
        {"--log-format xml z", "\"xml\" is neither text nor json"},
        {"-l :80 -l :80 z", "has the same address tcp://:80"},
        {"-l web=:80 z {fd:z}", "no socket z is handed over"},
        {"-- ", "the command to run is empty"},
    };
    for (size_t i = 0; i < N(cases); i++)
        expect_refused(cases[i].line, cases[i].part);
}

Test(run_args, help_passes_to_whoever_answers_it)
{
    struct conf c = good("--help server");
    conf_fini(&c);
    c = good("-h server");
    conf_fini(&c);
}

/* Each "--word" of the help is an option: what is wrong is then its value, or the missing command. */
Test(run_args, the_help_names_only_options_that_are_there)
{
    int n = 0;
    for (const char *s = run_args_help(); (s = strstr(s, "--")); s += 2) {
        char line[64];
        size_t len = 2 + strspn(s + 2, "abcdefghijklmnopqrstuvwxyz-");
        struct conf c;
        struct berr err = {0};
        if (len == 2)
            continue;
        snprintf(line, sizeof line, "%.*s", (int)len, s);
        cr_expect_eq(parse(line, &c, &err), -EINVAL);
        cr_expect_not(strstr(err.text, "is not an option"), "%s", err.text);
        n++;
    }
    cr_assert_eq(n, 17);
}

Test(run_args, the_help_names_every_option_of_the_manual)
{
    static const char *const names[] = {"--listen",       "--adopt",      "--set",    "--workers",
                                        "--ready",        "--restart",    "--reload", "--stop-signal",
                                        "--stop-timeout", "--standby",    "--user",   "--env",
                                        "--log-level",    "--log-format", "--help",   "--take-over"};
    for (size_t i = 0; i < N(names); i++)
        cr_expect(strstr(run_args_help(), names[i]), "%s", names[i]);
    cr_expect(str_starts_with(run_args_help(), "Usage: berth run "));
}

Test(run_args, whose_place_is_taken)
{
    char option[] = "--take-over", path[] = "/run/other.sock", command[] = "x";
    char *const argv[] = {option, path, command, option, path, NULL};
    struct conf c;
    struct berr err = {0};
    cr_assert_eq(run_args_parse(5, argv, &c, &err), 0);
    cr_expect_eq(c.take_over, path); /* it outlives the configuration */
    conf_fini(&c);
    cr_assert_eq(run_args_parse(3, argv + 2, &c, &err), 0);
    cr_expect_null(c.take_over, "that is the command's");
    conf_fini(&c);
}

Test(run_args, as_many_words_as_the_limit_and_no_more)
{
    enum { MANY = LIMIT_COMMAND_WORDS + 1 };
    cleanup_free char **argv = mem_new_array(MANY + 1, sizeof *argv);
    char word[] = "x";
    struct conf c;
    struct berr err = {0};

    for (int i = 0; i < MANY; i++)
        argv[i] = word;
    cr_assert_eq(run_args_parse(MANY, argv, &c, &err), -E2BIG);
    cr_assert_eq(err.class, BERR_USAGE);
    cr_assert_eq(run_args_parse(MANY - 1, argv, &c, &err), 0);
    conf_fini(&c);
}

Test(run_args, as_many_sockets_as_the_limit_and_no_more)
{
    enum { MANY = LIMIT_SOCKETS + 1 };
    cleanup_free char **argv = mem_new_array(MANY + 2, sizeof *argv);
    static char listen[] = "-l:0", command[] = "x";
    struct conf c;
    struct berr err = {0};

    for (int i = 0; i < MANY; i++)
        argv[i] = listen;
    argv[MANY] = command;
    cr_assert_eq(run_args_parse(MANY + 1, argv, &c, &err), -EINVAL);
    cr_assert(strstr(err.text, "more than 16384 sockets"), "%s", err.text);
    cr_assert_eq(run_args_parse(LIMIT_HANDOFF_FDS + 2, argv + MANY - LIMIT_HANDOFF_FDS - 1, &c, &err),
                 -EINVAL);
    cr_assert(strstr(err.text, "1024 are the most that a worker can be handed"), "%s", err.text);
    cr_assert_eq(run_args_parse(LIMIT_HANDOFF_FDS + 1, argv + MANY - LIMIT_HANDOFF_FDS, &c, &err), 0, "%s",
                 err.text);
    cr_assert_eq(c.n_sockets, LIMIT_HANDOFF_FDS);
    conf_fini(&c);
}
