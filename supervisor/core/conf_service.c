/* conf_service: the keys of [service:NAME]. */
#include "config.h"

#include "core/conf_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/mono.h"
#include "base/signame.h"
#include "base/units.h"
#include "core/conf_value.h"
#include "core/handoff/handoff.h"
#include "core/words.h"

int conf_set_words(struct strv *ret, const struct conf_key *self, const char *key, const char *value, struct berr *err)
{
    struct strv words = {NULL, 0};
    int r = words_split(value, &words, err);

    if (r < 0)
        return r;
    if (words.n == 0 || words.v[0][0] == '\0') {
        strv_fini(&words);
        return value_refuse(self, key, value, err);
    }
    strv_fini(ret);
    *ret = words;
    return 0;
}

void conf_print_words(const struct strv *words, struct buf *out)
{
    for (size_t i = 0; i < words->n; i++) {
        if (i > 0)
            buf_add_char(out, ' ');
        words_quote(out, words->v[i]);
    }
}

static int set_command(void *section, const struct conf_key *self, const char *key, const char *value,
                       struct berr *err)
{
    return conf_set_words(&((struct service_conf *)section)->command, self, key, value, err);
}

static void print_command(const void *section, const struct conf_key *self, struct buf *out)
{
    (void)self;
    conf_print_words(&((const struct service_conf *)section)->command, out);
}

/* Appends every item of VALUE that CHECK lets through, or none of them. */
static int append_items(struct strv *ret, const struct conf_key *self, const char *key, const char *value,
                        int (*check)(const char *item, struct berr *err), struct berr *err)
{
    struct strv items = {NULL, 0};
    const char *cursor = value;
    char item[256];
    int r = *value ? 0 : value_refuse(self, key, value, err);

    while (r == 0 && (r = value_next_item(&cursor, item, sizeof item)) != 0) {
        r = r < 0 ? value_refuse(self, key, value, err) : check(item, err);
        if (r < 0)
            break;
        strv_add(&items, item);
    }
    for (size_t i = 0; r == 0 && i < items.n; i++)
        strv_add(ret, items.v[i]);
    strv_fini(&items);
    return r;
}

static int check_socket_name(const char *item, struct berr *err)
{
    char quoted[128];
    if (str_is_name(item))
        return 0;
    return berr_set(err, BERR_CONFIG, EINVAL,
                    "\"%s\" is not a socket's name: letters, digits, '.', '_' and '-', at most %d",
                    str_escape(quoted, sizeof quoted, item, strlen(item)), LIMIT_NAME);
}

static int check_nothing(const char *item, struct berr *err)
{
    (void)item, (void)err;
    return 0;
}

static int set_sockets(void *section, const struct conf_key *self, const char *key, const char *value,
                       struct berr *err)
{
    struct service_conf *s = section;
    return append_items(&s->sockets, self, key, value, check_socket_name, err);
}

static int set_handoff(void *section, const struct conf_key *self, const char *key, const char *value,
                       struct berr *err)
{
    struct service_conf *s = section;
    return append_items(&s->with->handoff, self, key, value, handoff_check_word, err);
}

static void print_handoff(const void *section, const struct conf_key *self, struct buf *out)
{
    if (((const struct service_conf *)section)->with->handoff.n == 0)
        buf_add_str(out, "auto");
    value_print_strv(section, self, out);
}

static int check_service_name(const char *item, struct berr *err)
{
    char quoted[128];
    if (str_is_name(item))
        return 0;
    return berr_set(err, BERR_CONFIG, EINVAL,
                    "\"%s\" is not a service's name: letters, digits, '.', '_' and '-', at most %d",
                    str_escape(quoted, sizeof quoted, item, strlen(item)), LIMIT_NAME);
}

static int set_services(void *section, const struct conf_key *self, const char *key, const char *value,
                        struct berr *err)
{
    struct strv *names = value_member(section, self);
    return append_items(names, self, key, value, check_service_name, err);
}

/* Whether it was set matters: a oneshot has no limit by itself. */
static int set_start_timeout(void *section, const struct conf_key *self, const char *key, const char *value,
                             struct berr *err)
{
    int r = value_set_duration(section, self, key, value, err);
    if (r == 0)
        ((struct service_conf *)section)->with->has_start_timeout = true;
    return r;
}

static void print_start_timeout(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct service_conf *s = section;
    if (s->with->has_start_timeout || s->with->type != TYPE_ONESHOT)
        value_print_duration(section, self, out);
}

/* An empty list is one too: no supplementary group at all. */
static int set_groups(void *section, const struct conf_key *self, const char *key, const char *value,
                      struct berr *err)
{
    struct service_conf *s = section;
    int r = *value ? append_items(&s->with->groups, self, key, value, check_nothing, err) : 0;
    if (r == 0)
        s->with->has_groups = true;
    return r;
}

static bool has_groups(const void *section)
{
    return ((const struct service_conf *)section)->with->has_groups;
}

static int set_ready(void *section, const struct conf_key *self, const char *key, const char *value,
                     struct berr *err)
{
    struct service_conf *s = section;
    int64_t delay_ns;

    if (str_eq(value, "exec")) {
        s->with->ready = READY_EXEC;
        return 0;
    }
    if (str_eq(value, "notify")) {
        s->with->ready = READY_NOTIFY;
        return 0;
    }
    if (str_starts_with(value, "check:")) {
        int r = conf_set_words(&s->with->ready_check, self, key, value + strlen("check:"), err);
        if (r == 0)
            s->with->ready = READY_CHECK;
        return r;
    }
    if (str_starts_with(value, "fd:")) {
        uint64_t fd;
        if (units_parse_uint(value + strlen("fd:"), READY_FD_LEAST, READY_FD_MOST, &fd) < 0)
            return value_refuse(self, key, value, err);
        s->with->ready = READY_FD;
        s->with->ready_fd = (int)fd;
        return 0;
    }
    if (str_eq(value, "listen"))
        return value_refuse_later(key, value, err);
    if (!str_starts_with(value, "delay:") || units_parse_duration(value + strlen("delay:"), &delay_ns) < 0)
        return value_refuse(self, key, value, err);
    s->with->ready = READY_DELAY;
    s->with->ready_delay_ns = delay_ns;
    return 0;
}

static void print_ready(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct service_conf *s = section;
    char text[40];

    (void)self;
    if (s->with->ready == READY_CHECK) {
        buf_add_str(out, "check:");
        conf_print_words(&s->with->ready_check, out);
    } else if (s->with->ready == READY_FD)
        buf_printf(out, "fd:%d", s->with->ready_fd);
    else if (s->with->ready == READY_DELAY)
        buf_printf(out, "delay:%s", units_format_duration(text, sizeof text, s->with->ready_delay_ns));
    else
        buf_add_str(out, s->with->ready == READY_NOTIFY ? "notify" : "exec");
}

static int set_reload(void *section, const struct conf_key *self, const char *key, const char *value,
                      struct berr *err)
{
    struct service_conf *s = section;
    int signo;

    if (str_eq(value, "restart")) {
        s->with->reload = RELOAD_RESTART;
        return 0;
    }
    if (str_starts_with(value, "command:")) {
        int r = conf_set_words(&s->with->reload_command, self, key, value + strlen("command:"), err);
        if (r == 0)
            s->with->reload = RELOAD_COMMAND;
        return r;
    }
    if (str_eq(value, "rolling")) {
        s->with->reload = RELOAD_ROLLING;
        return 0;
    }
    signo = str_starts_with(value, "signal:") ? signame_parse(value + strlen("signal:")) : -EINVAL;
    if (signo < 0)
        return value_refuse(self, key, value, err);
    s->with->reload = RELOAD_SIGNAL;
    s->with->reload_signal = signo;
    return 0;
}

static void print_reload(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct service_conf *s = section;
    char number[16];

    (void)self;
    if (s->with->reload == RELOAD_COMMAND) {
        buf_add_str(out, "command:");
        conf_print_words(&s->with->reload_command, out);
    } else if (s->with->reload == RELOAD_SIGNAL)
        buf_printf(out, "signal:%s", signame_format(s->with->reload_signal, number));
    else
        buf_add_str(out, s->with->reload == RELOAD_ROLLING ? "rolling" : "restart");
}

static int set_signal(void *section, const struct conf_key *self, const char *key, const char *value,
                      struct berr *err)
{
    int signo = signame_parse(value);
    if (signo < 0)
        return value_refuse(self, key, value, err);
    *(int *)value_member(section, self) = signo;
    return 0;
}

static void print_signal(const void *section, const struct conf_key *self, struct buf *out)
{
    char number[16];
    buf_add_str(out, signame_format(*(const int *)value_const_member(section, self), number));
}

/* Exit code 0 stays a success whatever else is one: a list given by the user adds to the default. */
static int set_success_status(void *section, const struct conf_key *self, const char *key, const char *value,
                              struct berr *err)
{
    struct restart_conf *restart = &((struct service_conf *)section)->with->restart, with_it = *restart;
    const char *cursor = value;
    char item[32];
    int r = *value ? 0 : -EINVAL;

    while (r >= 0 && (r = value_next_item(&cursor, item, sizeof item)) > 0) {
        uint64_t code;
        int signo = -EINVAL;
        if (units_parse_uint(item, 0, 255, &code) == 0)
            with_it.success_exit[code] = true;
        else if (item[0] < '0' || item[0] > '9')
            signo = r = signame_parse(item);
        else
            r = -EINVAL;
        if (signo > 0)
            with_it.success_signal[signo] = true;
    }
    if (r < 0)
        return value_refuse(self, key, value, err);
    *restart = with_it;
    return 0;
}

static void print_success_status(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct restart_conf *restart = &((const struct service_conf *)section)->with->restart;
    const char *comma = "";
    char number[16];

    (void)self;
    for (int i = 0; i < 256; i++)
        if (restart->success_exit[i]) {
            buf_printf(out, "%s%d", comma, i);
            comma = ", ";
        }
    for (int i = 1; i < 65; i++)
        if (restart->success_signal[i]) {
            buf_printf(out, "%s%s", comma, signame_format(i, number));
            comma = ", ";
        }
}

static int set_restart_limit(void *section, const struct conf_key *self, const char *key, const char *value,
                             struct berr *err)
{
    struct restart_conf *restart = &((struct service_conf *)section)->with->restart;
    const char *slash = strchr(value, '/');
    char count[16];
    uint64_t n;
    int64_t period_ns;

    if (str_eq(value, "none")) {
        restart->limit_count = 0;
        return 0;
    }
    if (!slash || slash - value >= (int)sizeof count)
        return value_refuse(self, key, value, err);
    memcpy(count, value, (size_t)(slash - value));
    count[slash - value] = '\0';
    if (units_parse_uint(count, 1, 1000000, &n) < 0 ||
        value_parse_duration(slash + 1, 1, 1, INT64_MAX, &period_ns) < 0)
        return value_refuse(self, key, value, err);
    restart->limit_count = (unsigned)n;
    restart->limit_period_ns = period_ns;
    return 0;
}

static void print_restart_limit(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct restart_conf *restart = &((const struct service_conf *)section)->with->restart;
    char text[40];

    (void)self;
    if (restart->limit_count == 0)
        buf_add_str(out, "none");
    else
        buf_printf(out, "%u/%s", restart->limit_count,
                   units_format_duration(text, sizeof text, restart->limit_period_ns));
}

static const char *const listen_pid_words[] = {"child", "omit", "1", NULL};
static const char *const type_words[] = {"daemon", "oneshot", NULL};
static const char *const start_words[] = {"auto", "manual", "on-demand", NULL};
static const char *const restart_words[] = {"no", "on-failure", "always", NULL};
static const char *const kill_words[] = {"group", "process", "cgroup", NULL};

#define SECTION struct service_conf
#define THROUGH with
#define BLOCK struct service_settings
#define VALUE_AT VALUE_IN_BLOCK

/* clang-format off */
const struct conf_key conf_service_keys[] = {
    {"command", "", "Words as a shell would split them, without a shell; {fd:S}, {port:S}, {host:S}, {path:S} and {address:S} stand for "
     "socket S, {worker} and {generation} for numbers.", "a command", .is_own = true, .set = set_command, .print = print_command, .locate = value_locate_command},
    {"sockets", "", "Which held sockets it gets, in the order of their descriptors.", "a list of sockets' names",
     .is_list = true, .is_own = true, .set = set_sockets, .print = value_print_strv, VALUE_IN_SECTION(sockets)},
    {"handoff", "auto", "How a worker is told of its sockets.", "a list of auto, listen-fds, stdin, server-starter, einhorn, nginx, php-fpm, unicorn, channel and none",
     .is_list = true, .set = set_handoff, .print = print_handoff, VALUE_AT(handoff)},
    {"listen_pid", "child", "What LISTEN_PID says: the worker itself, nothing, or 1, for commands that are wrappers.",
     VALUE_WORD(listen_pid, listen_pid_words, "child, omit or 1")},
    {"workers", "1", "Processes that run at once.", VALUE_NUMBER(workers, 0, LIMIT_WORKERS), .is_live = true},
    {"standby", "0", "Spares kept started and booted beside them; with handoff = channel they wait for their sockets, and take the place of a worker that dies.",
     VALUE_NUMBER(standby, 0, LIMIT_STANDBY), .is_live = true},
    {"start", "auto", "Whether it is started by itself, when asked to, or by the first connection or datagram.",
     VALUE_WORD(start, start_words, "auto, manual or on-demand"), .is_live = true},
    {"type", "daemon", "What it is: something that runs until it is stopped, or a oneshot that runs to its end, and then counts as up.",
     VALUE_WORD(type, type_words, "daemon or oneshot")},
    {"after", "", "It is started once these are up, or will not come up, and stopped before them.", "a list of services' names",
     .is_list = true, .set = set_services, .print = value_print_strv, VALUE_AT(after), .is_live = true},
    {"requires", "", "The same, and they must be up: they are started with it, it fails where one of them has failed, and is stopped before one is stopped.",
     "a list of services' names", .is_list = true, .set = set_services, .print = value_print_strv, VALUE_AT(requires), .is_live = true},
    {"idle_stop", "none", "With start = on-demand: how long it may be without a connection before it is stopped.",
     VALUE_DURATION_OR_NONE(idle_stop_ns), .is_live = true},
    {"essential", "no", "When it ends for good, everything is shut down.", VALUE_BOOL(essential), .is_live = true},
    {"ready", "exec", "When a worker counts as ready: once its program runs, when it says so (READY=1 at NOTIFY_SOCKET or over its channel, or einhorn's ack), when it writes a newline to a descriptor, that long after its start, or when a command ends with status 0.",
     "exec, notify, fd:NUMBER (from 3 to 255), delay:DURATION or check:COMMAND",
     .set = set_ready, .print = print_ready, .is_live = true},
    {"start_timeout", "1m", "How long it may take to become ready; a oneshot has no limit unless one is set.", "a duration such as 250ms or 10s, or none",
     .set = set_start_timeout, .print = print_start_timeout, .max = INT64_MAX, .unit = 1, .none = "none", .none_value = INT64_MAX,
     VALUE_AT(start_timeout_ns), .is_live = true},
    {"restart", "on-failure", "Whether an ended worker is started again.",
     VALUE_WORD(restart.policy, restart_words, "no, on-failure or always"), .is_live = true},
    {"success_status", "0", "Exit codes and signals that are no failure, besides 0.", "a list of exit codes and signals",
     .is_list = true, .set = set_success_status, .print = print_success_status, .is_live = true},
    {"restart_delay", "100ms", "The first delay before a restart; it doubles, with jitter.", VALUE_DURATION(restart.delay_ns), .is_live = true},
    {"restart_delay_max", "30s", "The longest delay before a restart.", VALUE_DURATION(restart.delay_max_ns), .is_live = true},
    {"restart_limit", "none", "More restarts than COUNT within PERIOD, and the service has failed.",
     "none or COUNT/PERIOD such as 5/1m, COUNT from 1 to 1000000", .set = set_restart_limit, .print = print_restart_limit, .is_live = true},
    {"stable_after", "10s", "A worker that ran so long is restarted at once when it ends.", VALUE_DURATION(restart.stable_after_ns), .is_live = true},
    {"stop_signal", "TERM", "The signal that asks a worker to end.", "a signal such as TERM or 15",
     .set = set_signal, .print = print_signal, VALUE_AT(stop_signal), .is_live = true},
    {"stop_timeout", "10s", "How long a worker has to end before it is killed.", VALUE_DURATION_OR_NONE(stop_timeout_ns), .is_live = true},
    {"kill", "group", "Who is killed then: its process group, the process alone, or all that is in its cgroup.",
     VALUE_WORD(kill, kill_words, "group, process or cgroup")},
    {"reload", "rolling", "What a reload does.", "rolling, restart, signal:SIGNAL or command:COMMAND", .set = set_reload, .print = print_reload, .is_live = true},
    {"rolling_step", "all", "With reload = rolling: how many workers are replaced at a time.", "a number from 1 to " VALUE_TEXT(LIMIT_WORKERS) ", or all",
     .set = value_set_number, .print = value_print_number, .min = 1, .max = LIMIT_WORKERS, .none = "all", .none_value = 0, VALUE_AT(rolling_step), .is_live = true},
    {"max_generations", "2", "With reload = rolling: how many generations of workers may live at once.", VALUE_NUMBER(max_generations, 2, LIMIT_LANES), .is_live = true},
    {"settle", "1s", "How long a new worker must stay ready before the one that it replaces is told to go; with reload = signal, how long one must outlive the signal.", VALUE_DURATION(settle_ns), .is_live = true},
    {"watchdog", "off", "A worker that is ready must give a sign of life (WATCHDOG=1 at NOTIFY_SOCKET) within this time, or it is ended with ABRT and started again.",
     "a duration of at least 10ms, or off", .set = value_set_duration, .print = value_print_duration, .min = 10 * NSEC_PER_MSEC, .max = INT64_MAX, .unit = 1,
     .none = "off", .none_value = INT64_MAX, VALUE_AT(watchdog_ns)},
    {"store_max", "64", "How many descriptors a worker may leave for the next one in its place (FDSTORE=1 at NOTIFY_SOCKET).",
     VALUE_NUMBER(store_max, 0, LIMIT_STORE), .is_live = true},
    {"user", "", "The user it runs as.", VALUE_STRING(user, "a user's name or number")},
    {"group", "", "The group it runs as; without it, the user's own.", VALUE_STRING(group, "a group's name or number")},
    {"groups", "", "Its supplementary groups; an empty list is none at all.", "a list of groups", .is_list = true,
     .set = set_groups, .print = value_print_strv, .is_given = has_groups, VALUE_AT(groups)},
    {"umask", "", "Its file mode creation mask.", "an octal mask from 0 to 0777", .set = conf_set_umask, .print = conf_print_umask},
    {"directory", "", "Its working directory.", VALUE_STRING(directory, "a directory"), .locate = value_locate_path},
    {"chroot", "", "Its root directory: the command and the working directory are looked up inside it.", "a directory",
     .set = conf_set_surrounding_string, .print = conf_print_surrounding_string, .locate = value_locate_path, SURROUNDINGS_AT(chroot)},
    {"env.", "", "A variable; placeholders work in it.", "a text", .is_prefix = true, .set = conf_set_env, .print = conf_print_env},
    {"env_file", "", "Files of variables, read at each start; one with a leading - may be missing.", "a list of files", .is_list = true,
     .set = conf_set_env_file, .print = conf_print_surrounding_list, .locate = value_locate_list, SURROUNDINGS_AT(env_files)},
    {"clear_env", "no", "Inherit no variable.", VALUE_BOOL(clear_env)},
    {"nice", "", "Its niceness.", "a number from -20 to 19", .min = -20, .max = 19, .set = conf_set_nice, .print = conf_print_nice,
     VALUE_AT(nice)},
    {"cpus", "", "The processors that it may run on.", "a list of processors such as 0-3, 5", .is_list = true,
     .set = conf_set_cpus, .print = conf_print_cpus, SURROUNDINGS_AT(cpus)},
    {"oom_score_adjust", "", "How readily the kernel kills it when memory runs out.", "a number from -1000 to 1000", .min = -1000, .max = 1000,
     .set = conf_set_oom_score_adjust, .print = conf_print_oom_score_adjust, SURROUNDINGS_AT(oom_score_adjust)},
    {"limit.", "", "A resource limit, by setrlimit(2)'s name; one number is both.", "SOFT or SOFT:HARD, each a size or unlimited",
     .is_prefix = true, .set = conf_set_limit, .print = conf_print_limit},
    {"no_new_privileges", "no", "Neither it nor its children gain privileges by exec.", VALUE_BOOL(no_new_privileges)},
    {"before_start", "", "Runs before its workers are started, and before a restart; where it fails, they are not.", "a command", .min = HOOK_BEFORE_START, .set = conf_set_hook, .print = conf_print_hook, .locate = value_locate_command, .is_live = true},
    {"after_start", "", "Runs once all of its workers are ready.", "a command", .min = HOOK_AFTER_START, .set = conf_set_hook, .print = conf_print_hook, .locate = value_locate_command, .is_live = true},
    {"before_stop", "", "Runs before its workers are asked to end, when it is stopped.", "a command", .min = HOOK_BEFORE_STOP, .set = conf_set_hook, .print = conf_print_hook, .locate = value_locate_command, .is_live = true},
    {"after_stop", "", "Runs once all of its workers have ended.", "a command", .min = HOOK_AFTER_STOP, .set = conf_set_hook, .print = conf_print_hook, .locate = value_locate_command, .is_live = true},
    {"health", "off", "Is run for each worker that is ready, from time to time; one for which it keeps failing is replaced.", "a command, or off",
     .set = conf_set_health, .print = conf_print_health, .locate = value_locate_command, .is_live = true},
    {"health_interval", "10s", "How long it is from one run of health to the next.", "a duration of at least 10ms", .set = conf_set_health_interval,
     .print = conf_print_health_interval, .is_live = true},
    {"health_timeout", "5s", "How long a run of health may take before it counts as failed.", "a duration of at least 10ms",
     .set = conf_set_health_timeout, .print = conf_print_health_timeout, .is_live = true},
    {"health_retries", "3", "How many runs in a row must fail before the worker is replaced.", "a number from 1 to 100", .min = 1, .max = 100,
     .set = conf_set_health_retries, .print = conf_print_health_retries, .is_live = true},
    {"max_age", "off", "A worker that has run so long is replaced, one at a time.", "a duration of at least 1s, or off", .set = conf_set_max_age,
     .print = conf_print_max_age, .is_live = true},
    {"max_memory", "off", "A worker that has more memory, its children's with it, is replaced, one at a time.", "a size such as 512M, or off",
     .set = conf_set_max_memory, .print = conf_print_max_memory, .is_live = true},
    {"output", "inherit", "Where standard output and error go: to berth's own, to berth's output with a name before each line, to a file, nowhere, or into another service's standard input.",
     "inherit, prefix, file:PATH, null or pipe:SERVICE", .set = conf_set_output, .print = conf_print_output, .locate = conf_locate_output},
    {"output_max", "10M", "With output = file: a larger file is put aside for a new one.", "a size from 1K to 1T such as 64K",
     .min = 1024, .max = INT64_C(1) << 40, .set = conf_set_output_max, .print = conf_print_output_max, .is_live = true},
    {"output_keep", "5", "With output = file: how many older files are kept.", "a number from 0 to " VALUE_TEXT(LIMIT_OUTPUT_KEEP),
     .max = LIMIT_OUTPUT_KEEP, .set = conf_set_output_keep, .print = conf_print_output_keep, .is_live = true},
    {"capabilities", "", "The capabilities that it keeps, also as another user, and no others; an empty list is none at all.",
     "a list of capabilities such as net_bind_service", .is_list = true, .set = conf_set_capabilities, .print = conf_print_surrounding_list,
     SURROUNDINGS_AT(capabilities)},
    {"cgroup", "", "Its own cgroup: one that berth names, none, or a path below the one that berth is in.",
     "auto, no or a relative path of at most 255 bytes", .set = conf_set_cgroup, .print = conf_print_surrounding_string,
     SURROUNDINGS_AT(cgroup)},
    {"memory_max", "", "The most memory for all of its workers together.", "a size such as 512M", .min = 1, .max = INT64_MAX,
     .set = conf_set_surrounding_size, .print = conf_print_surrounding_number, SURROUNDINGS_AT(memory_max)},
    {"cpu_max", "", "The most processor time for all of its workers together: 100% is one processor.",
     "a percentage such as 50%, or QUOTA/PERIOD such as 20ms/40ms, both from 1ms and PERIOD to 1s", .set = conf_set_cpu_max,
     .print = conf_print_cpu_max},
    {"pids_max", "", "The most processes and threads for all of its workers together.", "a number from 1 to 4194304", .min = 1, .max = 4194304,
     .set = conf_set_surrounding_number, .print = conf_print_surrounding_number, SURROUNDINGS_AT(pids_max)},
    {.name = NULL},
};

const struct conf_later_key conf_service_later_keys[] = {
    {"adopt", "declared"},
    {NULL, NULL},
};
/* clang-format on */
