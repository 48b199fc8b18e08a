/* conf_schema: every key sets, refuses and prints back; none is accepted that is not carried out. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mono.h"
#include "core/conf_schema.h"

#define N(array) (sizeof(array) / sizeof *(array))

static struct conf conf;
static struct socket_conf *web;
static struct service_conf *api;

static void set_up(void)
{
    conf_init(&conf);
    web = conf_add_socket(&conf, "web");
    api = conf_add_service(&conf, "api");
}

static void tear_down(void)
{
    conf_fini(&conf);
}

TestSuite(conf_schema, .init = set_up, .fini = tear_down);

static int set(enum conf_section section, const char *key, const char *value, struct berr *err)
{
    return section == CONF_SOCKET ? conf_set_socket(web, key, value, err)
                                  : conf_set_service(api, key, value, err);
}

static const struct conf_key *find(enum conf_section section, const char *name)
{
    for (const struct conf_key *k = conf_schema(section); k->name; k++)
        if (k->is_prefix ? str_starts_with(name, k->name) : str_eq(name, k->name))
            return k;
    cr_assert_fail("no key %s", name);
    return NULL;
}

/* The value in force of KEY, borrowed until the next call. */
static const char *printed(enum conf_section section, const char *key)
{
    static char text[4096];
    const struct conf_key *k = find(section, key);
    struct buf out;

    buf_init(&out, sizeof text - 1);
    k->print(section == CONF_SOCKET ? (void *)web : (void *)api, k, &out);
    cr_assert_not(out.overflown);
    strcpy(text, buf_str(&out));
    buf_fini(&out);
    return text;
}

static void expect_set(enum conf_section section, const char *key, const char *value, const char *print)
{
    struct berr err = {0};
    cr_expect_eq(set(section, key, value, &err), 0, "%s = %s: %s", key, value, err.text);
    cr_expect_str_eq(printed(section, key), print, "%s = %s is printed as %s", key, value,
                     printed(section, key));
}

static void expect_refused(enum conf_section section, const char *key, const char *value, const char *part)
{
    struct berr err = {0};
    int r = set(section, key, value, &err);
    cr_expect(r == -EINVAL || r == -ERANGE, "%s = %s gives %d", key, value, r);
    cr_expect(strstr(err.text, part), "%s = %s: %s", key, value, err.text);
    cr_expect_eq(err.text[strcspn(err.text, "\n")], '\0', "one line: %s", err.text);
}

static void check_row(const struct conf_key *k)
{
    cr_expect(k->set && k->print, "%s", k->name);
    cr_expect_str_neq(k->value, "", "%s", k->name);
    cr_expect_eq(k->sentence[strlen(k->sentence) - 1], '.', "%s has no whole sentence", k->name);
    cr_expect_eq(k->is_prefix, k->name[strlen(k->name) - 1] == '.', "%s", k->name);
}

Test(conf_schema, every_row_is_complete_and_stands_once)
{
    for (int section = CONF_SOCKET; section <= CONF_SERVICE; section++)
        for (const struct conf_key *k = conf_schema(section); k->name; k++) {
            check_row(k);
            for (const struct conf_key *other = k + 1; other->name; other++)
                cr_expect_str_neq(k->name, other->name);
        }
}

Test(conf_schema, what_is_printed_at_first_is_the_default_as_it_stands_in_the_table)
{
    for (int section = CONF_SOCKET; section <= CONF_SERVICE; section++)
        for (const struct conf_key *k = conf_schema(section); k->name; k++)
            cr_expect_str_eq(printed(section, k->name), k->initial, "%s", k->name);
}

Test(conf_schema, defaults_are_what_the_manual_says)
{
    cr_expect_eq(web->options->backlog, 4096);
    cr_expect(web->options->reuse_address);
    cr_expect_eq(web->options->ipv6_only, -1);
    cr_expect_eq(web->options->defer_accept, -1);
    cr_expect_eq(web->options->fast_open, -1);
    cr_expect_eq(web->options->user_timeout_ms, -1);
    cr_expect_eq(web->options->mark, -1);
    cr_expect_eq(web->options->keep_idle, -1);
    cr_expect_eq(web->options->mode, 0666);
    cr_expect(web->options->unlink);
    cr_expect_eq(api->with->workers, 1);
    cr_expect_eq(api->with->restart.policy, RESTART_ON_FAILURE);
    cr_expect(api->with->restart.success_exit[0]);
    cr_expect_not(api->with->restart.success_exit[1]);
    cr_expect_eq(api->with->restart.stable_after_ns, 10 * NSEC_PER_SEC);
    cr_expect_eq(api->with->restart.limit_count, 0);
    cr_expect_eq(api->with->stop_signal, SIGTERM);
    cr_expect_eq(api->with->stop_timeout_ns, 10 * NSEC_PER_SEC);
    cr_expect_eq(api->with->start_timeout_ns, 60 * NSEC_PER_SEC);
    cr_expect_eq(api->with->kill, KILL_GROUP);
    cr_expect_eq(api->with->reload, RELOAD_ROLLING);
    cr_expect_eq(api->with->rolling_step, 0);
    cr_expect_eq(api->with->max_generations, 2);
    cr_expect_eq(api->with->settle_ns, NSEC_PER_SEC);
    cr_expect_not(api->with->has_umask || api->with->has_nice || api->with->has_groups);
}

struct example {
    const char *key, *value, *print; /* print NULL: as the value */
};

static const struct example socket_examples[] = {
    {"listen", " :80 ,unix:/a ", "tcp://:80, unix:/a"},
    {"backlog", "1", NULL},
    {"backlog", "2147483647", NULL},
    {"reuse_address", "no", NULL},
    {"reuse_address", "on", "yes"},
    {"reuse_port", "yes", NULL},
    {"reuse_port", "per-worker", NULL},
    {"ipv6_only", "yes", NULL},
    {"ipv6_only", "no", NULL},
    {"ipv6_only", "auto", NULL},
    {"defer_accept", "5s", NULL},
    {"defer_accept", "off", NULL},
    {"fast_open", "256", NULL},
    {"fast_open", "no", "off"},
    {"no_delay", "yes", NULL},
    {"keep_alive", "yes", NULL},
    {"keep_alive", "60s/10s/6", NULL},
    {"keep_alive", "1m/10/6", "60s/10s/6"},
    {"keep_alive", "no", NULL},
    {"user_timeout", "1500ms", "1.5s"},
    {"user_timeout", "off", NULL},
    {"congestion", "bbr", NULL},
    {"congestion", "exactly15chars_", NULL},
    {"mptcp", "yes", NULL},
    {"non_blocking", "yes", NULL},
    {"non_blocking", "no", NULL},
    {"when_stopped", "refuse", NULL},
    {"receive_buffer", "64K", "65536"},
    {"send_buffer", "1", NULL},
    {"send_buffer", "off", NULL},
    {"priority", "0", NULL},
    {"tos", "255", NULL},
    {"mark", "4294967295", NULL},
    {"mark", "off", NULL},
    {"interface", "eth0", NULL},
    {"free_bind", "yes", NULL},
    {"transparent", "yes", NULL},
    {"pass_credentials", "yes", NULL},
    {"mode", "660", "0660"},
    {"mode", "0000", NULL},
    {"user", "www-data", NULL},
    {"group", "33", NULL},
    {"unlink", "no", NULL},
    {"on_conflict", "wait", NULL},
    {"on_conflict", "wait:30s", NULL},
    {"on_conflict", "wait", NULL},
    {"on_conflict", "fail", NULL},
    {"accept", "yes", NULL},
    {"serve", "zerg:/run/z.sock,fdholder:@name", "zerg:/run/z.sock, fdholder:@name"},
    {"max_connections", "4096", NULL},
    {"max_per_source", "1", NULL},
    {"max_per_source", "off", NULL},
};

static const struct example service_examples[] = {
    {"command", "a  'b c' \"d'e\"", "a 'b c' 'd'\\''e'"},
    {"sockets", "web,admin", "web, admin"},
    {"handoff", "listen-fds", NULL},
    {"listen_pid", "omit", NULL},
    {"listen_pid", "1", NULL},
    {"workers", "0", NULL},
    {"workers", "4096", NULL},
    {"standby", "0", NULL},
    {"standby", "256", NULL},
    {"start", "manual", NULL},
    {"start", "on-demand", NULL},
    {"idle_stop", "1m", NULL},
    {"idle_stop", "none", NULL},
    {"type", "oneshot", NULL},
    {"type", "daemon", NULL},
    {"after", "a, b", NULL},
    {"requires", "db", NULL},
    {"essential", "yes", NULL},
    {"ready", "delay:1.5s", NULL},
    {"ready", "exec", NULL},
    {"ready", "notify", NULL},
    {"ready", "fd:3", NULL},
    {"ready", "fd:255", NULL},
    {"watchdog", "10ms", NULL},
    {"watchdog", "1.5s", NULL},
    {"watchdog", "off", NULL},
    {"store_max", "0", NULL},
    {"store_max", "512", NULL},
    {"start_timeout", "none", NULL},
    {"start_timeout", "2m", NULL},
    {"restart", "always", NULL},
    {"restart", "no", NULL},
    {"success_status", "3, TERM,255", "0, 3, 255, TERM"},
    {"restart_delay", "0s", NULL},
    {"restart_delay_max", "1h", NULL},
    {"restart_limit", "5/1m", NULL},
    {"restart_limit", "none", NULL},
    {"stable_after", "0s", NULL},
    {"stop_signal", "SIGINT", "INT"},
    {"stop_signal", "RTMIN+3", NULL},
    {"stop_timeout", "none", NULL},
    {"kill", "process", NULL},
    {"kill", "cgroup", NULL},
    {"reload", "signal:HUP", NULL},
    {"reload", "restart", NULL},
    {"reload", "rolling", NULL},
    {"rolling_step", "1", NULL},
    {"rolling_step", "all", NULL},
    {"max_generations", "8", NULL},
    {"settle", "250ms", NULL},
    {"user", "nobody", NULL},
    {"group", "nogroup", NULL},
    {"groups", "a, b", NULL},
    {"umask", "27", "0027"},
    {"directory", "/srv", NULL},
    {"env.A", "b = c", "env.A = b = c\n"},
    {"env.A", "", "env.A = \n"},
    {"clear_env", "yes", NULL},
    {"nice", "-20", NULL},
    {"nice", "19", NULL},
    {"limit.nofile", "1K", "limit.nofile = 1024:1024\n"},
    {"limit.nofile", "5:unlimited", "limit.nofile = 5:unlimited\n"},
    {"limit.core", "infinity", "limit.nofile = 5:unlimited\nlimit.core = unlimited:unlimited\n"},
    {"no_new_privileges", "yes", NULL},
    {"ready", "check:test -e /x", NULL},
    {"reload", "command:sh -c 'a b'", NULL},
    {"before_start", "sh -c 'a b'", NULL},
    {"after_start", "x", NULL},
    {"before_stop", "x y", NULL},
    {"after_stop", "x", NULL},
    {"health", "curl http://localhost", NULL},
    {"health", "off", NULL},
    {"health_interval", "10ms", NULL},
    {"health_timeout", "1m", NULL},
    {"health_retries", "100", NULL},
    {"max_age", "1d", NULL},
    {"max_age", "off", NULL},
    {"max_memory", "512M", "536870912"},
    {"max_memory", "off", NULL},
    {"output", "prefix", NULL},
    {"output", "file:/var/log/api: 1.log", NULL},
    {"output", "pipe:logger", NULL},
    {"output", "null", NULL},
    {"output", "inherit", NULL},
    {"output_max", "1024", "1K"},
    {"output_max", "1025", NULL},
    {"output_max", "3G", NULL},
    {"output_max", "1048576M", "1T"},
    {"output_keep", "0", NULL},
    {"output_keep", "999", NULL},
    {"chroot", "/srv/root", NULL},
    {"env_file", "/etc/a,-/etc/b", "/etc/a, -/etc/b"},
    {"cpus", "0-3,5", "0-3, 5"},
    {"cpus", "4 , 8191", "0-5, 8191"},
    {"oom_score_adjust", "-1000", NULL},
    {"oom_score_adjust", "0", NULL},
    {"oom_score_adjust", "1000", NULL},
    {"capabilities", "CAP_NET_BIND_SERVICE,sys_chroot", "net_bind_service, sys_chroot"},
    {"cgroup", "auto", NULL},
    {"cgroup", "no", NULL},
    {"cgroup", "web/api", NULL},
    {"memory_max", "512M", "536870912"},
    {"cpu_max", "50%", NULL},
    {"cpu_max", "819200%", NULL},
    {"cpu_max", "20ms/40ms", NULL},
    {"cpu_max", "1.5s/100ms", "1500%"},
    {"cpu_max", "1.5ms/1s", NULL},
    {"pids_max", "4194304", NULL},
};

Test(conf_schema, every_key_sets_and_prints_back)
{
    for (size_t i = 0; i < N(socket_examples); i++) {
        const struct example *e = &socket_examples[i];
        expect_set(CONF_SOCKET, e->key, e->value, e->print ? e->print : e->value);
    }
    for (size_t i = 0; i < N(service_examples); i++) {
        const struct example *e = &service_examples[i];
        expect_set(CONF_SERVICE, e->key, e->value, e->print ? e->print : e->value);
    }
}

static bool has_example(enum conf_section section, const struct conf_key *k)
{
    const struct example *all = section == CONF_SOCKET ? socket_examples : service_examples;
    size_t n = section == CONF_SOCKET ? N(socket_examples) : N(service_examples);
    for (size_t i = 0; i < n; i++)
        if (find(section, all[i].key) == k)
            return true;
    return false;
}

Test(conf_schema, every_key_has_an_example_here)
{
    for (int section = CONF_SOCKET; section <= CONF_SERVICE; section++)
        for (const struct conf_key *k = conf_schema(section); k->name; k++)
            cr_expect(has_example(section, k), "%s", k->name);
}

/* Prefixes print lines, and lists append: for the others, what is printed sets the same again. */
Test(conf_schema, what_is_printed_can_be_read_again)
{
    for (size_t i = 0; i < N(service_examples); i++) {
        const char *key = service_examples[i].key;
        const struct conf_key *k = find(CONF_SERVICE, key);
        char first[4096];
        struct berr err = {0};
        if (k->is_prefix || k->is_list)
            continue;
        cr_assert_eq(set(CONF_SERVICE, key, service_examples[i].value, &err), 0);
        strcpy(first, printed(CONF_SERVICE, key));
        cr_expect_eq(set(CONF_SERVICE, key, first, &err), 0, "%s = %s: %s", key, first, err.text);
        cr_expect_str_eq(printed(CONF_SERVICE, key), first);
    }
}

Test(conf_schema, values_out_of_range_are_refused_with_the_range)
{
    static const struct example cases[] = {
        {"backlog", "0", "backlog must be a number from 1 to 2147483647, not \"0\""},
        {"backlog", "2147483648", "not \"2147483648\""},
        {"backlog", "-1", "from 1 to"},
        {"backlog", "", "not \"\""},
        {"backlog", " 1", "from 1 to"},
        {"reuse_address", "maybe", "reuse_address must be yes or no, not \"maybe\""},
        {"reuse_port", "always", "no, yes or per-worker"},
        {"ipv6_only", "-1", "auto, yes or no"},
        {"defer_accept", "500ms", "a duration from 1s to 32767s, or off"},
        {"defer_accept", "0", "from 1s"},
        {"defer_accept", "1500ms", "from 1s"},
        {"defer_accept", "32768s", "to 32767s"},
        {"fast_open", "0", "from 1 to 65535, or off"},
        {"fast_open", "65536", "from 1 to 65535"},
        {"keep_alive", "60", "IDLE/INTERVAL/COUNT"},
        {"keep_alive", "60/10", "IDLE/INTERVAL/COUNT"},
        {"keep_alive", "60/10/128", "IDLE/INTERVAL/COUNT"},
        {"keep_alive", "0/10/6", "IDLE/INTERVAL/COUNT"},
        {"keep_alive", "60/10/6/1", "IDLE/INTERVAL/COUNT"},
        {"keep_alive", "//", "IDLE/INTERVAL/COUNT"},
        {"user_timeout", "25d", "to 24d"},
        {"congestion", "exactly16chars__", "at most 15"},
        {"congestion", "", "at most 15"},
        {"receive_buffer", "2G", "below 2G"},
        {"receive_buffer", "0", "a size"},
        {"tos", "256", "from 0 to 255"},
        {"mark", "4294967296", "from 0 to 4294967295"},
        {"interface", "a_very_long_name", "at most 15"},
        {"mode", "888", "octal"},
        {"mode", "10000", "07777"},
        {"on_conflict", "wait:", "fail, wait or wait:DURATION"},
        {"on_conflict", "retry", "fail, wait or wait:DURATION"},
        {"listen", "", "a list of addresses"},
        {"listen", ":80,", "a list of addresses"},
        {"listen", ":80,,:81", "a list of addresses"},
        {"listen", "http://x", "http://x"},
    };
    for (size_t i = 0; i < N(cases); i++)
        expect_refused(CONF_SOCKET, cases[i].key, cases[i].value, cases[i].print);
}

Test(conf_schema, bad_values_of_a_service_are_refused_with_what_is_expected)
{
    static const struct example cases[] = {
        {"command", "", "command must be a command"},
        {"command", "''", "command must be a command"},
        {"command", "'a", "quote is not closed"},
        {"sockets", "", "a list of sockets' names"},
        {"sockets", "a,,b", "a list of sockets' names"},
        {"sockets", "a b", "is not a socket's name"},
        {"handoff", "telepathy", "is not a kind of handoff"},
        {"listen_pid", "2", "child, omit or 1"},
        {"workers", "4097", "workers must be a number from 0 to 4096, not \"4097\""},
        {"standby", "257", "standby must be a number from 0 to 256, not \"257\""},
        {"start", "later", "auto, manual or on-demand"},
        {"output", "", "inherit, prefix, file:PATH, null or pipe:SERVICE"},
        {"output", "file:", "inherit, prefix, file:PATH"},
        {"output", "pipe:", "pipe:SERVICE"},
        {"output", "pipe:a b", "pipe:SERVICE"},
        {"output", "/var/log/x", "file:PATH"},
        {"output_max", "1023", "a size from 1K to 1T"},
        {"output_max", "1025G", "a size from 1K to 1T"},
        {"output_max", "off", "a size from 1K to 1T"},
        {"output_keep", "1000", "a number from 0 to 999"},
        {"output_keep", "-1", "a number from 0 to 999"},
        {"ready", "delay:", "exec, notify, fd:NUMBER (from 3 to 255), delay:DURATION or check:COMMAND"},
        {"ready", "fd:2", "fd:NUMBER (from 3 to 255)"},
        {"ready", "fd:256", "fd:NUMBER (from 3 to 255)"},
        {"ready", "fd:", "fd:NUMBER (from 3 to 255)"},
        {"watchdog", "9ms", "a duration of at least 10ms, or off"},
        {"store_max", "513", "a number from 0 to 512"},
        {"watchdog", "none", "a duration of at least 10ms, or off"},
        {"ready", "soon", "exec, notify, fd:NUMBER (from 3 to 255), delay:DURATION or check:COMMAND"},
        {"start_timeout", "1y", "or none"},
        {"restart", "sometimes", "no, on-failure or always"},
        {"success_status", "256", "a list of exit codes and signals"},
        {"success_status", "", "a list of exit codes and signals"},
        {"success_status", "3,NOSIG", "a list of exit codes and signals"},
        {"restart_delay", "-1s", "a duration"},
        {"restart_delay", "none", "a duration"},
        {"restart_limit", "5", "COUNT/PERIOD"},
        {"restart_limit", "0/1m", "COUNT/PERIOD"},
        {"restart_limit", "1000001/1m", "from 1 to 1000000"},
        {"restart_limit", "5/0", "COUNT/PERIOD"},
        {"restart_limit", "/", "COUNT/PERIOD"},
        {"stop_signal", "NOSIG", "a signal such as TERM or 15"},
        {"stop_signal", "0", "a signal"},
        {"kill", "all", "group, process or cgroup"},
        {"reload", "signal:", "restart, signal:SIGNAL or command:COMMAND"},
        {"reload", "signal:NOSIG", "restart, signal:SIGNAL or command:COMMAND"},
        {"user", "", "a user's name or number"},
        {"umask", "1000", "from 0 to 0777"},
        {"umask", "x", "from 0 to 0777"},
        {"env.", "x", "cannot be a variable's name"},
        {"env.A=B", "x", "cannot be a variable's name"},
        {"nice", "20", "from -20 to 19"},
        {"nice", "-21", "from -20 to 19"},
        {"nice", "-", "from -20 to 19"},
        {"limit.nofiles", "1", "did you mean nofile?"},
        {"limit.", "1", "is not a limit"},
        {"limit.nofile", "x", "SOFT or SOFT:HARD"},
        {"limit.nofile", "1:2:3", "SOFT or SOFT:HARD"},
        {"limit.nofile", ":", "SOFT or SOFT:HARD"},
        {"limit.nofile", "5:4", "soft limit above its hard one"},
        {"chroot", "", "a directory"},
        {"env_file", "", "a list of files"},
        {"env_file", "-", "a list of files"},
        {"env_file", "/a,", "a list of files"},
        {"cpus", "", "a list of processors"},
        {"cpus", "3-1", "a list of processors"},
        {"cpus", "1-", "a list of processors"},
        {"cpus", "-1", "a list of processors"},
        {"cpus", "0,8192", "a list of processors"},
        {"cpus", "0-1-2", "a list of processors"},
        {"oom_score_adjust", "1001", "from -1000 to 1000"},
        {"oom_score_adjust", "-1001", "from -1000 to 1000"},
        {"capabilities", "net admin", "a list of capabilities"},
        {"capabilities", "cap_", "a list of capabilities"},
        {"capabilities", "a,,b", "a list of capabilities"},
        {"cgroup", "", "a relative path"},
        {"cgroup", "/a", "a relative path"},
        {"cgroup", "a//b", "a relative path"},
        {"cgroup", "a/../b", "a relative path"},
        {"cgroup", "./a", "a relative path"},
        {"cgroup", "a/", "a relative path"},
        {"memory_max", "0", "a size such as 512M"},
        {"memory_max", "lots", "a size such as 512M"},
        {"cpu_max", "0%", "a percentage such as 50%"},
        {"cpu_max", "819201%", "a percentage such as 50%"},
        {"cpu_max", "%", "a percentage such as 50%"},
        {"cpu_max", "50", "a percentage such as 50%"},
        {"cpu_max", "10ms/2s", "a percentage such as 50%"},
        {"cpu_max", "10ms/", "a percentage such as 50%"},
        {"cpu_max", "100us/10ms", "a percentage such as 50%"},
        {"pids_max", "0", "from 1 to 4194304"},
        {"pids_max", "4194305", "from 1 to 4194304"},
    };
    for (size_t i = 0; i < N(cases); i++)
        expect_refused(CONF_SERVICE, cases[i].key, cases[i].value, cases[i].print);
}

Test(conf_schema, a_refused_value_changes_nothing)
{
    struct berr err;
    expect_set(CONF_SERVICE, "workers", "7", "7");
    expect_refused(CONF_SERVICE, "workers", "x", "must be");
    expect_set(CONF_SERVICE, "sockets", "a", "a");
    expect_refused(CONF_SERVICE, "sockets", "b, c d", "not a socket's name");
    cr_expect_str_eq(printed(CONF_SERVICE, "workers"), "7");
    cr_expect_str_eq(printed(CONF_SERVICE, "sockets"), "a");
    cr_expect_eq(set(CONF_SERVICE, "success_status", "3, x", &err), -EINVAL);
    cr_expect_not(api->with->restart.success_exit[3]);
}

Test(conf_schema, lists_given_again_are_appended_and_scalars_replaced)
{
    expect_set(CONF_SERVICE, "sockets", "a", "a");
    expect_set(CONF_SERVICE, "sockets", "b , c", "a, b, c");
    expect_set(CONF_SOCKET, "listen", ":80", "tcp://:80");
    expect_set(CONF_SOCKET, "listen", ":81", "tcp://:80, tcp://:81");
    expect_set(CONF_SERVICE, "command", "a b", "a b");
    expect_set(CONF_SERVICE, "command", "c", "c");
    expect_set(CONF_SERVICE, "user", "a", "a");
    expect_set(CONF_SERVICE, "user", "b", "b");
    expect_set(CONF_SERVICE, "env.A", "1", "env.A = 1\n");
    expect_set(CONF_SERVICE, "env.B", "2", "env.A = 1\nenv.B = 2\n");
    expect_set(CONF_SERVICE, "env.A", "3", "env.A = 3\nenv.B = 2\n");
}

Test(conf_schema, no_groups_at_all_is_a_list_too)
{
    expect_set(CONF_SERVICE, "groups", "", "");
    cr_assert(api->with->has_groups);
    cr_assert_eq(api->with->groups.n, 0);
}

Test(conf_schema, no_capability_at_all_is_a_list_too)
{
    expect_set(CONF_SERVICE, "capabilities", "", "");
    cr_assert(api->with->surroundings->has_capabilities);
    cr_assert_eq(api->with->surroundings->capabilities.n, 0);
}

Test(conf_schema, a_service_without_rarer_surroundings_has_no_room_for_them)
{
    expect_set(CONF_SERVICE, "user", "nobody", "nobody");
    cr_assert_null(api->with->surroundings);
}

Test(conf_schema, a_refused_list_of_the_surroundings_changes_nothing)
{
    expect_set(CONF_SERVICE, "cpus", "1", "1");
    expect_refused(CONF_SERVICE, "cpus", "2, x", "a list of processors");
    cr_expect_str_eq(printed(CONF_SERVICE, "cpus"), "1");
    expect_set(CONF_SERVICE, "capabilities", "kill", "kill");
    expect_refused(CONF_SERVICE, "capabilities", "chown, !", "a list of capabilities");
    cr_expect_str_eq(printed(CONF_SERVICE, "capabilities"), "kill");
    expect_set(CONF_SERVICE, "env_file", "/a", "/a");
    expect_refused(CONF_SERVICE, "env_file", "/b, -", "a list of files");
    cr_expect_str_eq(printed(CONF_SERVICE, "env_file"), "/a");
}

Test(conf_schema, a_service_has_at_most_so_many_files_of_variables)
{
    struct berr err = {0};
    for (int i = 0; i < LIMIT_ENV_FILES; i++)
        cr_assert_eq(set(CONF_SERVICE, "env_file", "-/x", &err), 0);
    cr_assert_eq(set(CONF_SERVICE, "env_file", "-/x", &err), -E2BIG);
    cr_assert(strstr(err.text, "env_file has more than 64 files") != NULL, "%s", err.text);
}

Test(conf_schema, a_cgroups_path_has_a_limit)
{
    char path[LIMIT_CGROUP + 2];
    struct berr err = {0};
    memset(path, 'a', sizeof path);
    path[LIMIT_CGROUP] = '\0';
    cr_assert_eq(set(CONF_SERVICE, "cgroup", path, &err), 0);
    path[LIMIT_CGROUP] = 'a';
    path[LIMIT_CGROUP + 1] = '\0';
    cr_assert_eq(set(CONF_SERVICE, "cgroup", path, &err), -EINVAL);
}

static const char *const later_socket[][2] = {
    {"on_conflict", "take"},
};
static const char *const later_service[][2] = {
    {"adopt", "learn"},
    {"ready", "listen"},
    {"handoff", "adopt"},
};

Test(conf_schema, what_is_not_carried_out_yet_is_refused_as_that)
{
    for (size_t i = 0; i < N(later_socket); i++)
        expect_refused(CONF_SOCKET, later_socket[i][0], later_socket[i][1],
                       "is not carried out by this version of berth");
    for (size_t i = 0; i < N(later_service); i++)
        expect_refused(CONF_SERVICE, later_service[i][0], later_service[i][1],
                       "is not carried out by this version of berth");
}

Test(conf_schema, what_asks_for_nothing_more_is_let_through)
{
    struct berr err;
    cr_expect_eq(set(CONF_SOCKET, "accept", "no", &err), 0);
    cr_expect_eq(set(CONF_SERVICE, "adopt", "declared", &err), 0);
    cr_expect_eq(set(CONF_SERVICE, "type", "daemon", &err), 0);
}

Test(conf_schema, a_misspelt_key_gets_the_nearest_one)
{
    expect_refused(CONF_SOCKET, "back_log", "1",
                   "\"back_log\" is not a key of a socket; did you mean backlog?");
    expect_refused(CONF_SERVICE, "worker", "1",
                   "\"worker\" is not a key of a service; did you mean workers?");
    expect_refused(CONF_SERVICE, "wachtdog", "1", "did you mean watchdog?");
    expect_refused(CONF_SERVICE, "zzzzzzzzzzzz", "1", "berth.conf(5) lists them");
    expect_refused(CONF_SERVICE, "", "1", "is not a key");
}

Test(conf_schema, foreign_text_is_escaped_in_sentences)
{
    expect_refused(CONF_SERVICE, "a\nb", "1", "\"a\\x0ab\" is not a key");
    expect_refused(CONF_SERVICE, "workers", "1\n\033[31m", "not \"1\\x0a\\x1b[31m\"");
}

Test(conf_schema, options_on_an_address_are_taken_for_the_whole_socket)
{
    struct berr err = {0};
    cr_assert_eq(conf_add_address(web, ":80?backlog=512&no_delay&defer_accept=5s", &err), 0, "%s", err.text);
    cr_expect_eq(web->listen.n, 1);
    cr_expect_str_eq(web->listen.v[0], "tcp://:80");
    cr_expect_eq(web->options->backlog, 512);
    cr_expect(web->options->no_delay);
    cr_expect_eq(web->options->defer_accept, 5);
}

Test(conf_schema, a_bad_option_on_an_address_is_refused_and_nothing_is_taken)
{
    static const char *const texts[][2] = {
        {":80?backlog=512&backlog=x", ":80?backlog=512&backlog=x: backlog must be"},
        {":80?nosuch=1", "is not a key of a socket"},
        {":80?listen=:81", "listen cannot be an option of an address"},
        {":80?backlog=%zz", "must look like"},
        {":80?=5", "must look like"},
        {":80?on_conflict=take", "is not carried out"},
    };
    for (size_t i = 0; i < N(texts); i++) {
        struct berr err = {0};
        cr_expect_eq(conf_add_address(web, texts[i][0], &err), -EINVAL, "%s", texts[i][0]);
        cr_expect(strstr(err.text, texts[i][1]), "%s", err.text);
        cr_expect_eq(web->listen.n, 0);
        cr_expect_eq(web->options->backlog, 4096);
    }
}

Test(conf_schema, a_socket_is_served_in_at_most_so_many_places)
{
    struct socket_options options = {0};
    struct socket_conf s = {.name = (char[]){"web"}, .options = &options};
    struct berr err = {0};
    char text[32];
    conf_set_defaults(CONF_SOCKET, &s);
    for (int i = 0; i < LIMIT_SERVE; i++) {
        snprintf(text, sizeof text, "zerg:/run/%d", i);
        cr_assert_eq(conf_set_socket(&s, "serve", text, &err), 0);
    }
    cr_assert_eq(conf_set_socket(&s, "serve", "zerg:/run/x", &err), -E2BIG);
    cr_assert(strstr(err.text, "more than 16 places") != NULL, "%s", err.text);
    strv_fini(&s.serve);
}
