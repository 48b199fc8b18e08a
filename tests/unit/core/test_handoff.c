/* handoff: the dialects to the letter, and whose variables never reach a worker. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "core/handoff/handoff.h"

#define N(array) (sizeof(array) / sizeof *(array))

static const struct handoff_socket two_sockets[] = {{.name = "web", .fd = 17}, {.name = "admin", .fd = 9}};

static struct handoff_input input_of(size_t n, enum listen_pid listen_pid, bool knows_pidfdid)
{
    return (struct handoff_input){.service = "s",
                                  .worker = 1,
                                  .generation = 1,
                                  .listen_pid = listen_pid,
                                  .sockets = two_sockets,
                                  .n_sockets = n,
                                  .knows_pidfdid = knows_pidfdid};
}

static struct handoff_output emit(const char *word, const struct handoff_input *in)
{
    struct strv words = {NULL, 0};
    struct handoff_output out = {0};
    struct berr err;

    if (word)
        strv_add(&words, word);
    cr_assert_eq(handoff_emit(&words, "/usr/bin/server", in, &out, &err), 0);
    strv_fini(&words);
    return out;
}

Test(handoff, listen_fds_says_how_many_from_where_and_their_names)
{
    struct handoff_input in = input_of(2, LISTEN_PID_CHILD, true);
    struct handoff_output out = emit("listen-fds", &in);
    cr_expect_str_eq(strv_find_env(&out.environment, "LISTEN_FDS"), "2");
    cr_expect_str_eq(strv_find_env(&out.environment, "LISTEN_FDNAMES"), "web:admin");
    cr_expect_str_eq(strv_find_env(&out.environment, "LISTEN_FDS_FIRST_FD"), "3");
    handoff_output_fini(&out);
}

/* What the child writes must land in the string that is handed over; ASan sees a place that is too small. */
static void write_into(char *place, const char *digits, const struct strv *environment, const char *name)
{
    cr_assert_not_null(place, "%s", name);
    strcpy(place, digits);
    cr_assert_str_eq(strv_find_env(environment, name), digits);
}

Test(handoff, the_childs_pid_has_its_place_reserved)
{
    struct handoff_input in = input_of(1, LISTEN_PID_CHILD, true);
    struct handoff_output out = emit("listen-fds", &in);
    write_into(out.listen_pid, "2147483647", &out.environment, "LISTEN_PID");
    write_into(out.listen_pidfdid, "18446744073709551615", &out.environment, "LISTEN_PIDFDID");
    handoff_output_fini(&out);
    cr_assert_null(out.listen_pid);
}

Test(handoff, a_kernel_without_unique_pidfds_gets_no_pidfdid)
{
    struct handoff_input in = input_of(1, LISTEN_PID_CHILD, false);
    struct handoff_output out = emit("listen-fds", &in);
    cr_assert_null(out.listen_pidfdid);
    cr_assert_null(strv_find_env(&out.environment, "LISTEN_PIDFDID"));
    cr_assert_not_null(out.listen_pid);
    handoff_output_fini(&out);
}

Test(handoff, for_wrappers_the_pid_is_left_out_or_is_1)
{
    struct handoff_input omit = input_of(1, LISTEN_PID_OMIT, true), one = input_of(1, LISTEN_PID_ONE, true);
    struct handoff_output omitted = emit("listen-fds", &omit), fixed = emit("listen-fds", &one);
    cr_expect_null(strv_find_env(&omitted.environment, "LISTEN_PID"));
    cr_expect_null(strv_find_env(&omitted.environment, "LISTEN_PIDFDID"));
    cr_expect_str_eq(strv_find_env(&fixed.environment, "LISTEN_PID"), "1");
    cr_expect_null(strv_find_env(&fixed.environment, "LISTEN_PIDFDID"));
    cr_expect_null(omitted.listen_pid);
    cr_expect_null(fixed.listen_pid);
    handoff_output_fini(&omitted);
    handoff_output_fini(&fixed);
}

Test(handoff, without_sockets_nothing_is_said)
{
    struct handoff_input in = input_of(0, LISTEN_PID_CHILD, true);
    struct handoff_output out = emit("listen-fds", &in);
    cr_assert_eq(out.environment.n, 0);
    cr_assert_null(out.listen_pid);
    handoff_output_fini(&out);
}

Test(handoff, auto_and_no_word_at_all_are_listen_fds)
{
    struct handoff_input in = input_of(2, LISTEN_PID_ONE, true);
    struct handoff_output automatic = emit("auto", &in), unsaid = emit(NULL, &in);
    cr_expect_str_eq(strv_find_env(&automatic.environment, "LISTEN_FDS"), "2");
    cr_expect_str_eq(strv_find_env(&unsaid.environment, "LISTEN_FDS"), "2");
    handoff_output_fini(&automatic);
    handoff_output_fini(&unsaid);
}

Test(handoff, none_says_nothing)
{
    struct handoff_input in = input_of(2, LISTEN_PID_CHILD, true);
    struct handoff_output out = emit("none", &in);
    cr_assert_eq(out.environment.n, 0);
    handoff_output_fini(&out);
}

Test(handoff, a_dialect_named_twice_speaks_once)
{
    struct handoff_input in = input_of(1, LISTEN_PID_CHILD, true);
    struct strv words = {NULL, 0};
    struct handoff_output out = {0};
    struct berr err;
    strv_add(&words, "auto");
    strv_add(&words, "listen-fds");
    cr_assert_eq(handoff_emit(&words, "x", &in, &out, &err), 0);
    cr_assert_eq(out.environment.n, 5);
    write_into(out.listen_pid, "1", &out.environment, "LISTEN_PID");
    handoff_output_fini(&out);
    strv_fini(&words);
}

Test(handoff, more_descriptors_than_the_limit_are_refused)
{
    static struct handoff_socket many[LIMIT_HANDOFF_FDS + 1];
    struct handoff_input in = input_of(LIMIT_HANDOFF_FDS + 1, LISTEN_PID_OMIT, false);
    struct strv words = {NULL, 0};
    struct handoff_output out = {0};
    struct berr err = {0};
    char name[LIMIT_NAME + 1];

    memset(name, 'n', LIMIT_NAME);
    name[LIMIT_NAME] = '\0';
    for (size_t i = 0; i < N(many); i++)
        many[i].name = name;
    in.sockets = many;
    cr_assert_eq(handoff_emit(&words, "x", &in, &out, &err), -E2BIG);
    cr_assert_str_neq(err.text, "");
    cr_assert_eq(out.environment.n, 0);
    in.n_sockets = LIMIT_HANDOFF_FDS;
    cr_assert_eq(handoff_emit(&words, "x", &in, &out, &err), 0);
    cr_assert_eq(strlen(strv_find_env(&out.environment, "LISTEN_FDNAMES")),
                 LIMIT_HANDOFF_FDS * (LIMIT_NAME + 1) - 1);
    handoff_output_fini(&out);
}

Test(handoff, words_are_known_or_named_in_the_refusal)
{
    struct berr err = {0};
    cr_expect_eq(handoff_check_word("auto", &err), 0);
    cr_expect_eq(handoff_check_word("listen-fds", &err), 0);
    cr_expect_eq(handoff_check_word("none", &err), 0);
    cr_expect_eq(handoff_check_word("einhorn", &err), -EINVAL);
    cr_expect_str_eq(err.text, "handoff = einhorn is not carried out by this version of berth");
    cr_expect_eq(handoff_check_word("listenfds", &err), -EINVAL);
    cr_expect(strstr(err.text, "\"listenfds\" is not a kind of handoff"), "%s", err.text);
}

Test(handoff, variables_of_dialects_and_managers_are_foreign)
{
    static const char *const names[] = {
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_PIDFDID",
        "LISTEN_FDNAMES",
        "LISTEN_FDS_FIRST_FD",
        "SERVER_STARTER_PORT",
        "SERVER_STARTER_GENERATION",
        "EINHORN_FDS",
        "EINHORN_FD_0",
        "EINHORN_MASTER_PID",
        "NGINX",
        "FPM_SOCKETS",
        "FPM_SOCKETS_1",
        "UNICORN_FD",
        "GUNICORN_FD",
        "GUNICORN_PID",
        "PUMA_INHERIT_0",
        "YAHNS_FD",
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
        "WATCHDOG_PID",
        "MAINPID",
        "TABLEFLIP_HAS_PARENT_7DIU3",
        "ECDYSIS_RUST_UPGRADE",
        "GOAGAIN_FD",
        "OVERSEER_IS_SLAVE",
        "HAPROXY_MWORKER_REEXEC",
        "HAPROXY_PROCESSES",
        "FDSTORE",
        "UPSTART_FDS",
        "UPSTART_EVENTS",
        "NOTIFY_FD",
        "REMOTE_ADDR",
        "REMOTE_PORT",
        "BERTH_SERVICE",
        "BERTH_WORKER",
        "BERTH_GENERATION",
        "BERTH_CHANNEL",
    };
    for (size_t i = 0; i < N(names); i++)
        cr_expect(handoff_is_foreign_variable(names[i]), "%s", names[i]);
}

Test(handoff, a_users_own_variables_are_not_foreign)
{
    static const char *const names[] = {
        "PATH",          "HOME",         "",
        "LISTEN",        "LISTEN_ADDR",  "LISTEN_PORT",
        "LISTEN_FD",     "NGINX_PORT",   "UWSGI_SOCKET",
        "WATCHDOG",      "EINHORN",      "PUMA_THREADS",
        "BERTH_CONTROL", "BERTH_CONFIG", "HAPROXY_STATS",
        "NOTIFY",        "PORT",         "REMOTE_ADDRESS",
    };
    for (size_t i = 0; i < N(names); i++)
        cr_expect_not(handoff_is_foreign_variable(names[i]), "%s", names[i]);
}

Test(handoff, every_variable_that_a_dialect_sets_is_one_that_it_owns)
{
    struct handoff_input in = input_of(2, LISTEN_PID_CHILD, true);
    for (size_t i = 0; handoff_dialects[i]; i++) {
        struct handoff_output out = emit(handoff_dialects[i]->word, &in);
        for (size_t k = 0; k < out.environment.n; k++) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(out.environment.v[k], "="),
                     out.environment.v[k]);
            cr_expect(handoff_is_foreign_variable(name), "%s", name);
        }
        handoff_output_fini(&out);
    }
}
