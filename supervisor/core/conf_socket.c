/* conf_socket: the keys of [socket:NAME]. */
#include "config.h"

#include "core/conf_tables.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/mono.h"
#include "base/units.h"
#include "core/conf_value.h"
#include "wire/query.h"

/* The kernel's own bounds (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT). */
#define KEEP_SECONDS_MAX 32767
#define KEEP_COUNT_MAX 127

/* Options that ride on an address belong to the whole socket. */
static int take_query(struct socket_conf *s, const char *query, struct berr *err)
{
    char key[64], value[256];
    int r;

    while ((r = query_next(&query, key, sizeof key, value, sizeof value)) > 0) {
        if (str_eq(key, "listen"))
            return berr_set(err, BERR_CONFIG, EINVAL, "listen cannot be an option of an address");
        r = conf_set_socket(s, key, value, err);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return berr_set(err, BERR_CONFIG, -r, "its options must look like ?backlog=512&no_delay=yes");
    return 0;
}

int conf_add_address(struct socket_conf *s, const char *text, struct berr *err)
{
    struct address a;
    struct socket_options options = *s->options;
    struct socket_conf with_options = {.name = s->name, .serve = s->serve, .options = &options};
    char quoted[300], canonical[ADDRESS_TEXT];
    int r;

    if (s->listen.n >= LIMIT_ADDRESSES)
        return berr_set(err, BERR_CONFIG, E2BIG,
                        "socket %s has more than %d addresses; give the rest another socket's name",
                        *s->name ? s->name : "without a name", LIMIT_ADDRESSES);
    r = address_parse(text, &a, err);
    if (r < 0)
        return r;
    /* The options are plain values, so a copy tries them out; a list is added to in any case. */
    r = take_query(&with_options, a.query, err);
    s->serve = with_options.serve;
    if (r < 0) {
        berr_prefix(err, "%s", str_escape(quoted, sizeof quoted, text, strlen(text)));
        return r;
    }
    *s->options = options;
    strv_add(&s->listen, address_format(canonical, sizeof canonical, &a));
    return 0;
}

static int set_listen(void *section, const struct conf_key *self, const char *key, const char *value,
                      struct berr *err)
{
    const char *cursor = value;
    char item[600];
    int r = *value ? 0 : -EINVAL;

    while (r >= 0 && (r = value_next_item(&cursor, item, sizeof item)) > 0) {
        r = conf_add_address(section, item, err);
        if (r < 0)
            return r;
    }
    return r < 0 ? value_refuse(self, key, value, err) : 0;
}

static void print_listen(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct socket_conf *s = section;

    (void)self;
    for (size_t i = 0; i < s->listen.n; i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", s->listen.v[i]);
}

/* "IDLE/INTERVAL/COUNT" */
static int parse_keep_alive(const char *value, struct socket_options *o)
{
    char idle[32], interval[32];
    const char *first = strchr(value, '/'), *second = first ? strchr(first + 1, '/') : NULL;
    int64_t idle_s, interval_s;
    uint64_t count;

    if (!second || first - value >= (int)sizeof idle || second - first > (int)sizeof interval)
        return -EINVAL;
    memcpy(idle, value, (size_t)(first - value));
    idle[first - value] = '\0';
    memcpy(interval, first + 1, (size_t)(second - first - 1));
    interval[second - first - 1] = '\0';
    if (value_parse_duration(idle, NSEC_PER_SEC, 1, KEEP_SECONDS_MAX, &idle_s) < 0 ||
        value_parse_duration(interval, NSEC_PER_SEC, 1, KEEP_SECONDS_MAX, &interval_s) < 0 ||
        units_parse_uint(second + 1, 1, KEEP_COUNT_MAX, &count) < 0)
        return -EINVAL;
    o->keep_alive = true;
    o->keep_idle = (int)idle_s;
    o->keep_interval = (int)interval_s;
    o->keep_count = (int)count;
    return 0;
}

static int set_keep_alive(void *section, const struct conf_key *self, const char *key, const char *value,
                          struct berr *err)
{
    struct socket_options *o = ((struct socket_conf *)section)->options;
    bool on;

    if (strchr(value, '/'))
        return parse_keep_alive(value, o) < 0 ? value_refuse(self, key, value, err) : 0;
    if (units_parse_bool(value, &on) < 0)
        return value_refuse(self, key, value, err);
    o->keep_alive = on;
    o->keep_idle = o->keep_interval = o->keep_count = -1;
    return 0;
}

static void print_keep_alive(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct socket_options *o = ((const struct socket_conf *)section)->options;

    (void)self;
    if (o->keep_alive && o->keep_idle >= 0)
        buf_printf(out, "%ds/%ds/%d", o->keep_idle, o->keep_interval, o->keep_count);
    else
        buf_add_str(out, o->keep_alive ? "yes" : "no");
}

static int set_on_conflict(void *section, const struct conf_key *self, const char *key, const char *value,
                           struct berr *err)
{
    struct socket_options *o = ((struct socket_conf *)section)->options;
    int64_t wait_ns = -1;

    if (str_eq(value, "take"))
        return value_refuse_later(key, value, err);
    if (str_eq(value, "fail")) {
        o->on_conflict = ON_CONFLICT_FAIL;
        return 0;
    }
    if (!str_eq(value, "wait") &&
        (!str_starts_with(value, "wait:") || units_parse_duration(value + strlen("wait:"), &wait_ns) < 0))
        return value_refuse(self, key, value, err);
    o->on_conflict = ON_CONFLICT_WAIT;
    o->conflict_wait_ns = wait_ns;
    return 0;
}

static void print_on_conflict(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct socket_options *o = ((const struct socket_conf *)section)->options;
    char text[40];

    (void)self;
    buf_add_str(out, o->on_conflict == ON_CONFLICT_FAIL ? "fail" : "wait");
    if (o->on_conflict == ON_CONFLICT_WAIT && o->conflict_wait_ns >= 0)
        buf_printf(out, ":%s", units_format_duration(text, sizeof text, o->conflict_wait_ns));
}

/* Words of the protocols, with their colons. */
static const char *const serve_words[] = {"zerg:", "fdholder:"};

int conf_parse_serve(const char *text, size_t *ret_word, struct address *ret, struct berr *err)
{
    cleanup_free char *address = NULL;
    char quoted[200];

    for (size_t i = 0; i < sizeof serve_words / sizeof *serve_words; i++) {
        size_t n = strlen(serve_words[i]);
        if (!str_starts_with(text, serve_words[i]))
            continue;
        address = mem_printf("unix:%s", text + n);
        int r = address_parse(address, ret, err);
        if (r == 0 && ret->query[0])
            r = berr_set(err, BERR_CONFIG, EINVAL, "%s: a path at which a socket is served has no options",
                         str_escape(quoted, sizeof quoted, text, strlen(text)));
        if (r == 0)
            *ret_word = n - 1;
        return r;
    }
    return berr_set(err, BERR_CONFIG, EINVAL, "\"%s\" is neither zerg:PATH nor fdholder:PATH",
                    str_escape(quoted, sizeof quoted, text, strlen(text)));
}

static int set_serve(void *section, const struct conf_key *self, const char *key, const char *value, struct berr *err)
{
    struct socket_conf *s = section;
    struct address a;
    const char *cursor = value;
    char item[160];
    size_t word;
    int r = *value ? 0 : -EINVAL;

    while (r >= 0 && (r = value_next_item(&cursor, item, sizeof item)) > 0) {
        int parsed = conf_parse_serve(item, &word, &a, err);
        if (parsed < 0)
            return parsed;
        if (s->serve.n >= LIMIT_SERVE)
            return berr_set(err, BERR_CONFIG, E2BIG, "socket %s is to be served in more than %d places", s->name, LIMIT_SERVE);
        strv_add(&s->serve, item);
    }
    return r < 0 ? value_refuse(self, key, value, err) : 0;
}

static const char *const reuse_port_words[] = {"no", "yes", "per-worker", NULL};
static const char *const ipv6_only_words[] = {"auto", "no", "yes", NULL}; /* from -1 on */
static const char *const non_blocking_words[] = {"auto", "yes", "no", NULL};
static const char *const when_stopped_words[] = {"hold", "refuse", NULL};

#define SECTION struct socket_conf
#define THROUGH options
#define BLOCK struct socket_options
#define VALUE_AT VALUE_IN_BLOCK

/* clang-format off */
const struct conf_key conf_socket_keys[] = {
    {"listen", "", "The addresses; each is one descriptor, and all of them carry the socket's name.",
     "a list of addresses", .is_list = true, .is_own = true, .set = set_listen, .print = print_listen, .locate = value_locate_addresses},
    {"backlog", "4096", "How many connections may wait; the kernel's somaxconn caps it.", VALUE_NUMBER(backlog, 1, 2147483647)},
    {"reuse_address", "yes", "SO_REUSEADDR: connections in TIME_WAIT never block a bind.", VALUE_BOOL(reuse_address)},
    {"reuse_port", "no", "SO_REUSEPORT; per-worker holds one socket for each worker.",
     VALUE_WORD(reuse_port, reuse_port_words, "no, yes or per-worker")},
    {"ipv6_only", "auto", "IPV6_V6ONLY; auto: as the address says.",
     VALUE_WORD(ipv6_only, ipv6_only_words, "auto, yes or no"), .min = -1},
    {"defer_accept", "off", "TCP_DEFER_ACCEPT: a connection counts once it has sent something, or after this time.",
     "a duration from 1s to 32767s, or off", .set = value_set_duration, .print = value_print_duration, .min = 1, .max = 32767,
     .unit = NSEC_PER_SEC, .none = "off", .none_value = -1, VALUE_AT(defer_accept)},
    {"fast_open", "off", "TCP_FASTOPEN: how many such connections may wait.", VALUE_NUMBER_OR_OFF(fast_open, 1, 65535)},
    {"no_delay", "no", "TCP_NODELAY, inherited by the connections.", VALUE_BOOL(no_delay)},
    {"keep_alive", "no", "SO_KEEPALIVE, with the times in whole seconds, inherited by the connections.",
     "yes, no or IDLE/INTERVAL/COUNT such as 60s/10s/6", .set = set_keep_alive, .print = print_keep_alive},
    {"user_timeout", "off", "TCP_USER_TIMEOUT: how long sent data may stay unanswered.",
     "a duration from 1ms to 24d, or off", .set = value_set_duration, .print = value_print_duration, .min = 1,
     .max = INT64_C(24) * 86400 * 1000, .unit = NSEC_PER_MSEC, .none = "off", .none_value = -1, VALUE_AT(user_timeout_ms)},
    {"congestion", "", "TCP_CONGESTION: the algorithm's name.", VALUE_CHARS(congestion, "a name of at most 15 characters")},
    {"mptcp", "no", "Multipath TCP.", VALUE_BOOL(mptcp)},
    {"non_blocking", "auto", "O_NONBLOCK, one flag for all holders: auto leaves it to the workers; when none is left it is cleared, but set for nginx.",
     VALUE_WORD(non_blocking, non_blocking_words, "auto, yes or no")},
    {"when_stopped", "hold", "While its services are stopped: let connections wait, or refuse them.",
     VALUE_WORD(when_stopped, when_stopped_words, "hold or refuse")},
    {"receive_buffer", "off", "SO_RCVBUF.", VALUE_SIZE_OR_OFF(receive_buffer)},
    {"send_buffer", "off", "SO_SNDBUF.", VALUE_SIZE_OR_OFF(send_buffer)},
    {"priority", "off", "SO_PRIORITY.", VALUE_NUMBER_OR_OFF(priority, 0, 2147483647)},
    {"tos", "off", "IP_TOS and IPV6_TCLASS.", VALUE_NUMBER_OR_OFF(tos, 0, 255)},
    {"mark", "off", "SO_MARK.", VALUE_NUMBER_OR_OFF(mark, 0, 4294967295)},
    {"interface", "", "SO_BINDTODEVICE: the network interface.", VALUE_CHARS(interface, "a name of at most 15 characters")},
    {"free_bind", "no", "IP_FREEBIND: the address need not exist yet.", VALUE_BOOL(free_bind)},
    {"transparent", "no", "IP_TRANSPARENT.", VALUE_BOOL(transparent)},
    {"pass_credentials", "no", "SO_PASSCRED, for Unix sockets.", VALUE_BOOL(pass_credentials)},
    {"mode", "0666", "Permissions of a Unix socket's file.", VALUE_MODE(mode)},
    {"user", "", "Owner of a Unix socket's file.", VALUE_CHARS(user, "a user's name or number of at most 63 characters")},
    {"group", "", "Group of a Unix socket's file.", VALUE_CHARS(group, "a group's name or number of at most 63 characters")},
    {"unlink", "yes", "Remove a Unix socket's file when the socket is given up.", VALUE_BOOL(unlink)},
    {"accept", "no", "berth accepts, and starts a worker for each connection, with it as standard input and output.",
     VALUE_BOOL(accept)},
    {"max_connections", "64", "With accept: how many connections are served at once; others wait in the queue.",
     VALUE_NUMBER(max_connections, 1, LIMIT_WORKERS)},
    {"max_per_source", "off", "With accept: how many of one source, a host or a Unix user, are served at once; others are turned away.",
     VALUE_NUMBER_OR_OFF(max_per_source, 1, LIMIT_WORKERS)},
    {"serve", "", "Where programs fetch it: for uWSGI's --zerg, or for a client of s6's fd-holder.", "a list of zerg:PATH and fdholder:PATH",
     .is_list = true, .is_own = true, .set = set_serve, .print = value_print_strv, .locate = value_locate_serve, VALUE_IN_SECTION(serve), .is_live = true},
    {"on_conflict", "fail", "When the address is taken at the first bind: fail and name the holder, or wait until it is free.",
     "fail, wait or wait:DURATION", .set = set_on_conflict, .print = print_on_conflict},
    {.name = NULL},
};
/* clang-format on */
