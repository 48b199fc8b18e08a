/* handoff: the dialects to the letter, and whose variables never reach a worker. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "core/handoff/handoff.h"

#define N(array) (sizeof(array) / sizeof *(array))

static struct handoff_socket two_sockets[] = {
    {.name = "web", .fd = 17, .declared = "tcp://:8080", .parts = 1},
    {.name = "admin", .fd = 9, .declared = "unix:/run/admin.sock", .parts = 1}};

/* Fills what the kernel would say of each. */
static void set_up(void)
{
    for (size_t i = 0; i < N(two_sockets); i++) {
        struct address a;
        struct berr err;
        cr_assert_eq(address_parse(i == 0 ? "tcp://0.0.0.0:8080" : two_sockets[i].declared, &a, &err), 0);
        cr_assert_eq(address_to_endpoint(&a, &two_sockets[i].endpoint), 0);
    }
}

TestSuite(handoff, .init = set_up);

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

Test(handoff, auto_and_no_word_at_all_are_listen_fds_and_server_starter)
{
    struct handoff_input in = input_of(2, LISTEN_PID_ONE, true);
    struct handoff_output automatic = emit("auto", &in), unsaid = emit(NULL, &in);
    cr_expect_str_eq(strv_find_env(&automatic.environment, "LISTEN_FDS"), "2");
    cr_expect_str_eq(strv_find_env(&unsaid.environment, "LISTEN_FDS"), "2");
    cr_expect_str_eq(strv_find_env(&automatic.environment, "SERVER_STARTER_PORT"),
                     "8080=3;/run/admin.sock=4");
    cr_expect_str_eq(strv_find_env(&unsaid.environment, "SERVER_STARTER_PORT"), "8080=3;/run/admin.sock=4");
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
    cr_assert_eq(out.environment.n, 7);
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
    for (size_t i = 0; i < N(many); i++) {
        many[i].declared = two_sockets[0].declared;
        many[i].endpoint = two_sockets[0].endpoint;
    }
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
    cr_expect_eq(handoff_check_word("adopt", &err), -EINVAL);
    cr_expect_str_eq(err.text, "handoff = adopt is not carried out by this version of berth");
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
        if (handoff_dialects[i] == &handoff_channel || handoff_dialects[i] == &handoff_php_fpm)
            continue; /* the one says nothing here, the other knows no name for these */
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

/* One socket, as declared and as bound. */
static struct handoff_output emit_one(const char *word, const char *declared, const char *bound,
                                      unsigned parts)
{
    static struct handoff_socket one;
    struct handoff_input in = input_of(1, LISTEN_PID_OMIT, false);
    struct address a;
    struct berr err;

    one = (struct handoff_socket){.name = "web", .fd = 9, .declared = declared, .parts = parts};
    cr_assert_eq(address_parse(bound, &a, &err), 0, "%s", bound);
    cr_assert_eq(address_to_endpoint(&a, &one.endpoint), 0, "%s", bound);
    in.sockets = &one;
    in.generation = 7;
    in.parent_pid = 42;
    return emit(word, &in);
}

static void expect_one(const char *word, const char *declared, const char *bound, unsigned parts,
                       const char *name, const char *value)
{
    struct handoff_output out = emit_one(word, declared, bound, parts);
    const char *got = strv_find_env(&out.environment, name);
    cr_expect(got && strcmp(got, value) == 0, "%s for %s: %s, not %s", name, declared, got ? got : "(none)",
              value);
    handoff_output_fini(&out);
}

Test(handoff, server_starter_names_an_address_as_its_user_writes_it)
{
    static const char *const cases[][3] = {
        {"tcp://:8080", "tcp://[::]:8080", "8080=3"},
        {"tcp4://:8080", "tcp://0.0.0.0:8080", "8080=3"},
        {"tcp6://:8080", "tcp://[::]:8080", "[::]:8080=3"},
        {"tcp://10.0.0.1:8080", "tcp://10.0.0.1:8080", "10.0.0.1:8080=3"},
        {"tcp://[::1]:8080", "tcp://[::1]:8080", "[::1]:8080=3"},
        {"tcp://web.example:8080", "tcp://10.0.0.1:8080", "web.example:8080=3"},
        {"udp://:53", "udp://0.0.0.0:53", "53=3"},
        {"unix:/run/a.sock", "unix:/run/a.sock", "/run/a.sock=3"},
    };
    for (size_t i = 0; i < N(cases); i++)
        expect_one("server-starter", cases[i][0], cases[i][1], 1, "SERVER_STARTER_PORT", cases[i][2]);
    expect_one("server-starter", "tcp://:80", "tcp://[::]:80", 1, "SERVER_STARTER_GENERATION", "7");
}

Test(handoff, server_starter_tells_the_port_that_the_kernel_chose)
{
    expect_one("server-starter", "tcp://127.0.0.1:0", "tcp://127.0.0.1:41234", 1, "SERVER_STARTER_PORT",
               "127.0.0.1:41234=3");
}

Test(handoff, server_starter_tells_the_sockets_of_one_name_apart)
{
    expect_one("server-starter", "tcp://localhost:80", "tcp://[::1]:80", 2, "SERVER_STARTER_PORT",
               "[::1]:80=3");
}

Test(handoff, php_fpm_gets_its_own_keys)
{
    expect_one("php-fpm", "tcp://localhost:9000", "tcp://127.0.0.1:9000", 2, "FPM_SOCKETS",
               "127.0.0.1:9000=3");
    expect_one("php-fpm", "tcp://:9000", "tcp://[::]:9000", 1, "FPM_SOCKETS", ":::9000=3");
    expect_one("php-fpm", "unix:/run/php.sock", "unix:/run/php.sock", 1, "FPM_SOCKETS", "/run/php.sock=3");
}

Test(handoff, php_fpm_goes_on_in_another_variable_after_128_sockets)
{
    static struct handoff_socket many[130];
    struct handoff_input in = input_of(N(many), LISTEN_PID_OMIT, false);
    for (size_t i = 0; i < N(many); i++)
        many[i] = two_sockets[0];
    in.sockets = many;
    struct handoff_output out = emit("php-fpm", &in);
    const char *first = strv_find_env(&out.environment, "FPM_SOCKETS");
    const char *last = first ? strrchr(first, '=') : NULL;
    cr_expect(last && strcmp(last, "=130") == 0, "%s", first);
    cr_expect_str_eq(strv_find_env(&out.environment, "FPM_SOCKETS_1"), "0.0.0.0:8080=131,0.0.0.0:8080=132");
    cr_expect_null(strv_find_env(&out.environment, "FPM_SOCKETS_2"));
    handoff_output_fini(&out);
}

Test(handoff, only_nginx_expects_non_blocking_sockets)
{
    char nginx[] = "nginx";
    char *one[] = {nginx, NULL};
    struct strv none = {NULL, 0}, words = {one, 1};
    cr_expect(handoff_is_non_blocking(&none, "/usr/sbin/nginx"));
    cr_expect(handoff_is_non_blocking(&words, "wrapper"));
    cr_expect_not(handoff_is_non_blocking(&none, "gunicorn"));
}

Test(handoff, nginx_and_unicorn_get_lists_of_numbers)
{
    struct handoff_input in = input_of(2, LISTEN_PID_CHILD, true);
    struct handoff_output nginx = emit("nginx", &in), unicorn = emit("unicorn", &in);
    cr_expect_str_eq(strv_find_env(&nginx.environment, "NGINX"), "3;4;");
    cr_expect_str_eq(strv_find_env(&unicorn.environment, "UNICORN_FD"), "3,4");
    handoff_output_fini(&nginx);
    handoff_output_fini(&unicorn);
}

Test(handoff, einhorn_counts_its_sockets_in_every_way_that_it_had)
{
    struct handoff_input in = input_of(2, LISTEN_PID_CHILD, true);
    in.worker = 3;
    in.parent_pid = 42;
    in.einhorn_path = "/run/ack.sock";
    struct handoff_output out = emit("einhorn", &in);
    static const char *const expected[][2] = {
        {"EINHORN_FD_COUNT", "2"},
        {"EINHORN_FD_0", "3"},
        {"EINHORN_FD_1", "4"},
        {"EINHORN_FDS", "3 4"},
        {"EINHORN_FD_FAMILY_0", "AF_INET"},
        {"EINHORN_FD_FAMILY_1", "AF_UNIX"},
        {"EINHORN_MASTER_PID", "42"},
        {"EINHORN_CHILD_INDEX", "2"},
        {"EINHORN_SOCK_PATH", "/run/ack.sock"},
    };
    for (size_t i = 0; i < N(expected); i++)
        cr_expect_str_eq(strv_find_env(&out.environment, expected[i][0]), expected[i][1], "%s",
                         expected[i][0]);
    handoff_output_fini(&out);
}

Test(handoff, stdin_says_nothing_but_wants_descriptor_0)
{
    struct handoff_input in = input_of(1, LISTEN_PID_CHILD, true);
    struct handoff_output out = emit("stdin", &in);
    cr_expect(out.on_stdin);
    cr_expect_eq(out.environment.n, 0);
    handoff_output_fini(&out);
}

/* What the words come to for COMMAND, as the variables that tell. */
static void expect_tells(const char *words, const char *command, const char *expected)
{
    struct strv list = {NULL, 0};
    char text[256];
    if (*words)
        strv_add(&list, words);
    cr_expect_str_eq(handoff_tells(text, sizeof text, &list, command), expected, "%s for %s", words, command);
    strv_fini(&list);
}

Test(handoff, auto_knows_some_programs_by_their_names)
{
    expect_tells("", "/usr/sbin/nginx", "NGINX, LISTEN_FDS, SERVER_STARTER_PORT");
    expect_tells("auto", "php-fpm8.2", "FPM_SOCKETS, LISTEN_FDS, SERVER_STARTER_PORT");
    expect_tells("auto", "/usr/bin/gunicorn", "LISTEN_FDS, SERVER_STARTER_PORT");
    expect_tells("nginx", "/usr/bin/gunicorn", "NGINX");
    expect_tells("none", "/usr/sbin/nginx", "");
}

Test(handoff, auto_does_not_tell_unicorn_twice)
{
    expect_tells("auto", "/usr/bin/unicorn_rails", "UNICORN_FD, SERVER_STARTER_PORT");
}

Test(handoff, auto_leaves_out_what_cannot_be_said)
{
    struct handoff_output out = emit_one("auto", "unix:/run/a;b.sock", "unix:/run/a;b.sock", 1);
    cr_expect_str_eq(strv_find_env(&out.environment, "LISTEN_FDS"), "1");
    cr_expect_null(strv_find_env(&out.environment, "SERVER_STARTER_PORT"));
    cr_expect_null(strv_find_env(&out.environment, "SERVER_STARTER_GENERATION"));
    cr_assert_eq(out.left_out.n, 1);
    cr_expect(strstr(out.left_out.v[0], "/run/a;b.sock"), "%s", out.left_out.v[0]);
    handoff_output_fini(&out);
}

Test(handoff, what_was_asked_for_and_cannot_be_said_is_an_error)
{
    static const char *const cases[][2] = {
        {"server-starter", "unix:/run/a;b.sock"}, {"server-starter", "unix:@name"},
        {"server-starter", "vsock://1:5"},        {"php-fpm", "unix:/run/a,b.sock"},
        {"php-fpm", "udp://127.0.0.1:53"},        {"php-fpm", "unix:@name"}};
    for (size_t i = 0; i < N(cases); i++) {
        struct handoff_socket one = {.name = "web", .fd = 9, .declared = cases[i][1], .parts = 1};
        struct handoff_input in = input_of(1, LISTEN_PID_OMIT, false);
        struct handoff_output out = {0};
        struct strv words = {NULL, 0};
        struct address a;
        struct berr err = {0};
        cr_assert_eq(address_parse(cases[i][1], &a, &err), 0);
        cr_assert_eq(address_to_endpoint(&a, &one.endpoint), 0);
        in.sockets = &one;
        strv_add(&words, cases[i][0]);
        cr_expect_eq(handoff_emit(&words, "x", &in, &out, &err), -EINVAL, "%s", cases[i][1]);
        cr_expect(strstr(err.text, cases[i][0]), "%s", err.text);
        cr_expect_eq(out.environment.n, 0);
        strv_fini(&words);
    }
}

Test(handoff, words_that_contradict_each_other_are_named)
{
    static const struct {
        const char *one, *other;
        bool fits;
    } pairs[] = {{"unicorn", "listen-fds", false}, {"none", "listen-fds", false}, {"none", "auto", false},
                 {"channel", "stdin", false},      {"stdin", "listen-fds", true}, {"nginx", "einhorn", true},
                 {"auto", "unicorn", true},        {"nginx", "nginx", true}};
    for (size_t i = 0; i < N(pairs); i++) {
        struct strv words = {NULL, 0};
        struct berr err = {0};
        strv_add(&words, pairs[i].one);
        strv_add(&words, pairs[i].other);
        cr_expect_eq(handoff_check_words(&words, &err), pairs[i].fits ? 0 : -EINVAL, "%s, %s", pairs[i].one,
                     pairs[i].other);
        cr_expect(pairs[i].fits || strstr(err.text, pairs[i].one), "%s", err.text);
        strv_fini(&words);
    }
}

Test(handoff, only_some_words_tell_of_what_was_stored)
{
    static const struct {
        const char *word, *command;
        bool tells;
    } rows[] = {{NULL, "server", true},         {"auto", "server", true}, {"listen-fds", "x", true},
                {"channel", "x", true},         {"none", "x", false},     {"stdin", "x", false},
                {"server-starter", "x", false}, {NULL, "unicorn", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strv words = {NULL, 0};
        if (rows[i].word)
            strv_add(&words, rows[i].word);
        cr_expect_eq(handoff_tells_stored(&words, rows[i].command), rows[i].tells, "%s %s",
                     rows[i].word ? rows[i].word : "", rows[i].command);
        strv_fini(&words);
    }
}
