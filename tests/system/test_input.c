/* test_input: what a user may get wrong on the command line. Each mistake is one sentence on stderr that
 * names the culprit, the right exit status, and nothing started. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "rig.h"

struct mistake {
    int status;
    const char *culprit; /* is in the sentence */
    const char *args[8]; /* behind "berth run" */
};

/* The command of every one would leave a file. */
static void make_mistake(struct rig *r, const struct mistake *m)
{
    const char *argv[24] = {0}, *witness = rig_path(r, "started"), *words = "";
    const struct rig_result *result;
    size_t n = 0;

    for (size_t i = 0; i < 8 && m->args[i] != NULL; i++) {
        argv[n++] = m->args[i];
        words = rig_format(r, "%s %s", words, m->args[i]);
    }
    argv[n++] = "--";
    argv[n++] = "touch";
    argv[n++] = witness;
    result = rig_exec(r, rig_run_argv(r, argv));
    cr_expect(result->status == m->status, "run%s: ended with %d, not %d: %s", words, result->status,
              m->status, result->err);
    cr_expect(strstr(result->err, m->culprit) != NULL, "run%s: \"%s\" is not in: %s", words, m->culprit,
              result->err);
    /* What only shows when it is tried is told by the log. */
    cr_expect(strncmp(result->err, m->status == 2 ? "berth: " : "error ", 6) == 0, "run%s: %s", words,
              result->err);
    cr_expect(strlen(result->err) > 20 && strchr(result->err, ' ') != NULL, "run%s: no sentence: %s", words,
              result->err);
    cr_expect(result->out[0] == '\0', "run%s: stdout: %s", words, result->out);
    cr_expect(access(witness, F_OK) < 0, "run%s: the command was started", words);
    unlink(witness);
}

static void make_mistakes(struct rig *r, const struct mistake *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        make_mistake(r, &table[i]);
}

#define MAKE(r, ...)                                                                                         \
    static const struct mistake table[] = {__VA_ARGS__};                                                     \
    make_mistakes(r, table, sizeof(table) / sizeof(*table))

rig_test(input, wrong_options_are_refused)
{
    MAKE(r, {2, "--nonsense", {"--nonsense"}}, {2, "-Z", {"-Z"}}, {2, "--workers", {"--workers"}},
         {2, "--workerz", {"--workerz", "3"}});
}

rig_test(input, wrong_addresses_are_refused)
{
    MAKE(r, {2, "70000", {"--listen", ":70000"}}, {2, "-1", {"--listen", "127.0.0.1:-1"}},
         {2, "http", {"--listen", "http://:80"}}, {2, "999.1.1.1", {"--listen", "tcp4://999.1.1.1:80"}},
         {2, "[::1", {"--listen", "[::1:80"}}, {2, "[gg::1]", {"--listen", "[gg::1]:80"}},
         {2, "8080x", {"--listen", ":8080x"}}, {2, "unix:", {"--listen", "unix:"}},
         {2, "bogus", {"--listen", ":80?bogus=1"}}, {2, "backlog", {"--listen", ":80?backlog=many"}},
         {2, "vsock", {"--listen", "vsock://x:1"}});
}

rig_test(input, an_empty_address_is_refused)
{
    MAKE(r, {2, "--listen", {"--listen", ""}}, {2, "--listen", {"--listen", "web="}});
}

rig_test(input, a_unix_path_that_is_too_long_is_refused)
{
    char path[300];
    struct mistake m = {2, "299 bytes", {"--listen", path}};

    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    make_mistake(r, &m);
}

rig_test(input, names_that_cannot_be_resolved_are_named)
{
    static const struct mistake m = {125, "no.such.host.invalid", {"--listen", "no.such.host.invalid:80"}};

    make_mistake(r, &m);
}

rig_test(input, addresses_that_this_host_does_not_have_are_named)
{
    static const struct mistake m = {125, "203.0.113.7", {"--listen", "203.0.113.7:80"}};

    rig_needs_root();
    make_mistake(r, &m);
}

rig_test(input, wrong_numbers_and_durations_are_refused)
{
    MAKE(r, {2, "many", {"--workers", "many"}}, {2, "-1", {"--workers", "-1"}},
         {2, "5000", {"--workers", "5000"}},
         {2, "99999999999999999999", {"--workers", "99999999999999999999"}},
         {2, "soon", {"--stop-timeout", "soon"}}, {2, "10parsecs", {"--stop-timeout", "10parsecs"}},
         {2, "NOPE", {"--stop-signal", "NOPE"}}, {2, "sometimes", {"--restart", "sometimes"}},
         {2, "telepathy", {"--ready", "telepathy"}}, {2, "3:1m", {"--set", "restart_limit=3:1m"}},
         {2, "maybe", {"--set", "no_new_privileges=maybe"}}, {2, "9999", {"--set", "umask=9999"}});
}

rig_test(input, wrong_keys_are_refused_and_the_nearest_is_named)
{
    MAKE(r, {2, "stop_timeout", {"--set", "stop_timeuot=3s"}}, {2, "zzz", {"--set", "zzz=3"}},
         {2, "KEY=VALUE", {"--set", "workers"}}, {2, "files", {"--set", "limit.files=3"}},
         {2, "NAME=VALUE", {"--env", "NOVALUE"}});
}

rig_test(input, what_this_version_does_not_do_is_refused_and_not_skipped)
{
    MAKE(r, {2, "adopt", {"--set", "adopt=learn"}}, {2, "listen", {"--ready", "listen"}},
         {2, "--adopt", {"--adopt"}});
}

rig_test(input, wrong_placeholders_are_refused)
{
    MAKE(r, {2, "admin", {"--listen", "web=127.0.0.1:0", "--env", "X={fd:admin}"}},
         {2, "web", {"--env", "X={port:web}"}});
}

rig_test(input, unknown_users_groups_and_folders_are_named)
{
    MAKE(r, {125, "nobody-of-that-name", {"--user", "nobody-of-that-name"}},
         {125, "no-such-group", {"--set", "group=no-such-group"}});
}

rig_test(input, a_folder_that_is_not_there_is_named)
{
    static const struct mistake m = {125, "/no/such/folder", {"--set", "directory=/no/such/folder"}};

    make_mistake(r, &m);
}

rig_test(input, a_socket_path_in_a_missing_folder_is_named)
{
    static const struct mistake m = {
        125, "/no/such/folder/web.sock", {"--listen", "/no/such/folder/web.sock"}};

    make_mistake(r, &m);
}

rig_test(input, the_same_address_twice_is_refused)
{
    MAKE(r, {2, "8080", {"--listen", "a=127.0.0.1:8080", "--listen", "b=127.0.0.1:8080"}});
}

rig_test(input, a_missing_command_is_refused)
{
    const struct rig_result *result = rig_expect(r, 2, rig_run_argv(r, RIG_ARGV("--workers", "2")));

    cr_assert(strncmp(result->err, "berth: ", 7) == 0, "%s", result->err);
    rig_expect(r, 2, rig_run_argv(r, RIG_ARGV("--")));
    rig_expect(r, 2, RIG_ARGV(r->berth));
}

rig_test(input, an_unusable_control_socket_is_named)
{
    const struct rig_result *result =
        rig_exec(r, RIG_ARGV(r->berth, "--control", "/no/such/folder/control.sock", "run", "--", "true"));

    cr_assert(result->status == 125, "%d: %s", result->status, result->err);
    cr_assert_not_null(strstr(result->err, "/no/such/folder/control.sock"), "%s", result->err);
    result = rig_exec(r, RIG_ARGV(r->berth, "--control"));
    cr_assert(result->status == 2, "%d", result->status);
}

rig_test(input, foreign_text_is_escaped)
{
    const struct rig_result *result =
        rig_exec(r, rig_run_argv(r, RIG_ARGV("--restart", "\033[31mred\nberth: all is well", "--", "true")));

    cr_assert(result->status == 2);
    cr_assert(strchr(result->err, '\033') == NULL && strchr(result->err, '\n') == strrchr(result->err, '\n'),
              "%s", result->err);
}
