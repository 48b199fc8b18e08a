/* run_args: arguments to configuration. It asks nobody: no environment, no file, no clock, so that the
 * command and every later supervisor read the same words in the same way. */
#include "config.h"

#include "core/run_args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "core/conf_check.h"
#include "core/conf_schema.h"

#define FALLBACK_NAME "command"

struct run_option {
    const char *name;     /* "--listen" */
    char letter;          /* 'l', or 0 */
    const char *argument; /* "[NAME=]ADDRESS"; NULL: it takes none */
    const char *key;      /* of a service, for the shorthands; else NULL */
    /* VALUE is NULL without an argument. */
    int (*apply)(struct conf *c, const struct run_option *self, const char *value, struct berr *err);
};

static struct service_conf *service_of(struct conf *c)
{
    must(c->n_services == 1);
    return &c->services[0];
}

/* "web=:80" has a name; "unix:/a=b" has none, as "unix:/a" cannot be one. */
static const char *split_name(const char *text, char name[LIMIT_NAME + 1])
{
    const char *equals = strchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : 0;

    name[0] = '\0';
    if (n == 0 || n > LIMIT_NAME)
        return text;
    memcpy(name, text, n);
    name[n] = '\0';
    if (str_is_name(name))
        return equals + 1;
    name[0] = '\0';
    return text;
}

static int apply_listen(struct conf *c, const struct run_option *self, const char *value, struct berr *err)
{
    char name[LIMIT_NAME + 1];
    const char *address = split_name(value, name);
    struct socket_conf *s = *name ? conf_find_socket(c, name) : NULL;

    (void)self;
    if (!s && c->n_sockets >= LIMIT_SOCKETS)
        return berr_set(err, BERR_USAGE, EINVAL, "there are more than %d sockets", LIMIT_SOCKETS);
    if (!s)
        s = conf_add_socket(c, name);
    return conf_add_address(s, address, err);
}

static int apply_adopt(struct conf *c, const struct run_option *self, const char *value, struct berr *err)
{
    (void)c, (void)value;
    return berr_set(err, BERR_USAGE, EINVAL, "%s is not carried out by this version of berth", self->name);
}

static int apply_set(struct conf *c, const struct run_option *self, const char *value, struct berr *err)
{
    const char *equals = strchr(value, '=');
    cleanup_free char *key = NULL;

    if (!equals)
        return berr_set(err, BERR_USAGE, EINVAL, "it wants KEY=VALUE");
    key = mem_strndup(value, (size_t)(equals - value));
    if (str_eq(key, "command"))
        return berr_set(err, BERR_USAGE, EINVAL, "command stands at the end of the line, behind the options");
    if (str_eq(key, "sockets"))
        return berr_set(err, BERR_USAGE, EINVAL,
                        "sockets are given by --listen, in the order of their descriptors");
    (void)self;
    return conf_set_service(service_of(c), key, equals + 1, err);
}

static int apply_key(struct conf *c, const struct run_option *self, const char *value, struct berr *err)
{
    return conf_set_service(service_of(c), self->key, value, err);
}

static int apply_env(struct conf *c, const struct run_option *self, const char *value, struct berr *err)
{
    const char *equals = strchr(value, '=');
    cleanup_free char *key = NULL;

    (void)self;
    if (!equals)
        return berr_set(err, BERR_USAGE, EINVAL, "it wants NAME=VALUE");
    key = mem_printf("env.%.*s", (int)(equals - value), value);
    return conf_set_service(service_of(c), key, equals + 1, err);
}

static int apply_log_level(struct conf *c, const struct run_option *self, const char *value, struct berr *err)
{
    int level = log_level_parse(value);
    char quoted[64];

    (void)self;
    if (level < 0)
        return berr_set(err, BERR_USAGE, EINVAL, "\"%s\" is not one of debug, info, warning and error",
                        str_escape(quoted, sizeof quoted, value, strlen(value)));
    c->log_level = (enum log_level)level;
    return 0;
}

static int apply_log_format(struct conf *c, const struct run_option *self, const char *value,
                            struct berr *err)
{
    char quoted[64];

    (void)self;
    if (!str_eq(value, "text") && !str_eq(value, "json"))
        return berr_set(err, BERR_USAGE, EINVAL, "\"%s\" is neither text nor json",
                        str_escape(quoted, sizeof quoted, value, strlen(value)));
    c->log_format = str_eq(value, "json") ? LOG_JSON : LOG_TEXT;
    return 0;
}

static int apply_take_over(struct conf *c, const struct run_option *self, const char *value, struct berr *err)
{
    (void)self;
    if (!*value)
        return berr_set(err, BERR_USAGE, EINVAL, "it wants the control socket of the berth that runs");
    c->take_over = value;
    return 0;
}

static int apply_explain(struct conf *c, const struct run_option *self, const char *value, struct berr *err)
{
    (void)self, (void)value, (void)err;
    c->is_explained = true;
    return 0;
}

/* The command answers --help before it comes here, so this only lets it pass. */
static int apply_help(struct conf *c, const struct run_option *self, const char *value, struct berr *err)
{
    (void)c, (void)self, (void)value, (void)err;
    return 0;
}

static const struct run_option options[] = {
    {"--listen", 'l', "[NAME=]ADDRESS", NULL, apply_listen},
    {"--adopt", 'a', NULL, NULL, apply_adopt},
    {"--set", 's', "KEY=VALUE", NULL, apply_set},
    {"--workers", 0, "N", "workers", apply_key},
    {"--ready", 0, "HOW", "ready", apply_key},
    {"--restart", 0, "POLICY", "restart", apply_key},
    {"--reload", 0, "HOW", "reload", apply_key},
    {"--stop-signal", 0, "SIGNAL", "stop_signal", apply_key},
    {"--stop-timeout", 0, "DURATION", "stop_timeout", apply_key},
    {"--standby", 0, "N", "standby", apply_key},
    {"--user", 0, "NAME", "user", apply_key},
    {"--env", 0, "NAME=VALUE", NULL, apply_env},
    {"--take-over", 0, "CONTROL", NULL, apply_take_over},
    {"--log-level", 0, "LEVEL", NULL, apply_log_level},
    {"--log-format", 0, "FORMAT", NULL, apply_log_format},
    {"--explain", 0, NULL, NULL, apply_explain},
    {"--help", 'h', NULL, NULL, apply_help},
};
#define N_OPTIONS (sizeof options / sizeof *options)

const char *run_args_help(void)
{
    return "Usage: berth run [OPTIONS] [--] COMMAND [ARG...]\n"
           "\n"
           "Binds the sockets once, runs COMMAND on them and keeps it running. Ends with its status.\n"
           "\n"
           "  -l, --listen [NAME=]ADDRESS  bind ADDRESS and keep it over restarts; may be repeated\n"
           "  -s, --set KEY=VALUE          set any key of a service; may be repeated\n"
           "      --workers N              run N processes at once (1)\n"
           "      --standby N              keep N more of them booted, for when one dies (0)\n"
           "      --ready HOW              a worker is ready: exec, or delay:DURATION (exec)\n"
           "      --restart POLICY         no, on-failure or always (on-failure)\n"
           "      --reload HOW             on HUP: restart, or signal:SIGNAL (restart)\n"
           "      --stop-signal SIGNAL     asks a worker to end (TERM)\n"
           "      --stop-timeout DURATION  then it is killed (10s)\n"
           "      --user NAME              run COMMAND as this user\n"
           "      --env NAME=VALUE         set a variable; may be repeated\n"
           "      --take-over CONTROL      take the sockets over from the berth that has this control "
           "socket\n"
           "      --log-level LEVEL        debug, info, warning or error (info)\n"
           "      --log-format FORMAT      text, or json: an object in a line (text)\n"
           "      --explain                start nothing; tell what COMMAND would be given\n"
           "  -h, --help                   show this\n"
           "  -a, --adopt                  not carried out by this version\n"
           "\n"
           "ADDRESS is PORT, HOST:PORT, tcp://[IPv6]:PORT, udp://HOST:PORT, unix:PATH or unix:@NAME; options "
           "of the\n"
           "socket may follow it, as in ':8080?backlog=512'. In COMMAND, {fd:NAME}, {port:NAME}, "
           "{host:NAME},\n"
           "{path:NAME} and {address:NAME} stand for a socket, {worker} and {generation} for numbers. See "
           "berth(1)\nand, for the keys, berth.conf(5).\n";
}

static int unknown_option(const char *word, size_t n, struct berr *err)
{
    const char *names[N_OPTIONS + 1] = {NULL}, *nearest;
    cleanup_free char *name = mem_strndup(word, n);
    char quoted[128];

    for (size_t i = 0; i < N_OPTIONS; i++)
        names[i] = options[i].name;
    nearest = str_nearest(name, names);
    str_escape(quoted, sizeof quoted, name, n);
    if (nearest)
        return berr_set(err, BERR_USAGE, EINVAL, "%s is not an option of berth run; did you mean %s?", quoted,
                        nearest);
    return berr_set(err, BERR_USAGE, EINVAL,
                    "%s is not an option of berth run; put -- before a command that begins so", quoted);
}

/* Finds the option that WORD is, and the VALUE that stands in the same word, or NULL. */
static const struct run_option *find_option(const char *word, const char **ret_value, struct berr *err)
{
    bool is_long = word[1] == '-';
    size_t n = is_long ? strcspn(word, "=") : 2;

    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct run_option *o = &options[i];
        if (is_long ? strlen(o->name) != n || memcmp(o->name, word, n) != 0 : o->letter != word[1])
            continue;
        *ret_value = word[n] == '\0' ? NULL : word + n + is_long;
        return o;
    }
    unknown_option(word, is_long ? n : strlen(word), err);
    return NULL;
}

/* Reads the option at argv[I]; how many words it took. */
static int take_option(struct conf *c, int i, int argc, char *const argv[], struct berr *err)
{
    const char *value = NULL;
    const struct run_option *o = find_option(argv[i], &value, err);
    int n_words = 1, r;

    if (!o)
        return -EINVAL;
    if (!o->argument && value)
        return berr_set(err, BERR_USAGE, EINVAL, "%s takes no value", o->name);
    if (o->argument && !value) {
        if (i + 1 >= argc)
            return berr_set(err, BERR_USAGE, EINVAL, "%s wants %s behind it", o->name, o->argument);
        value = argv[i + 1];
        n_words = 2;
    }
    r = o->apply(c, o, value, err);
    if (r == 0)
        return n_words;
    err->class = BERR_USAGE;
    if (o->argument)
        berr_prefix(err, "%s", o->name);
    return r;
}

/* The basename of COMMAND, made a NAME. */
static void service_name(const char *command, char name[LIMIT_NAME + 1])
{
    const char *slash = strrchr(command, '/');
    size_t n = 0;

    for (const char *s = slash ? slash + 1 : command; *s && n < LIMIT_NAME; s++) {
        char one[2] = {*s, '\0'};
        name[n++] = str_is_name(one) ? *s : '-';
    }
    name[n] = '\0';
    if (n == 0)
        strcpy(name, FALLBACK_NAME);
}

#define NUMBER_ROOM 11 /* "-4294967295" */

/* The next free "NAME-1", "NAME-2", … ; a user may have taken some of them. */
static void number_name(const struct conf *c, const char *name, unsigned *number, char ret[LIMIT_NAME + 1])
{
    do
        snprintf(ret, LIMIT_NAME + 1, "%.*s-%u", LIMIT_NAME - NUMBER_ROOM, name, ++*number);
    while (conf_find_socket(c, ret));
}

static void name_sockets(struct conf *c, const char *command)
{
    char name[LIMIT_NAME + 1], numbered[LIMIT_NAME + 1];
    unsigned unnamed = 0, number = 0;

    for (size_t i = 0; i < c->n_sockets; i++)
        unnamed += !*c->sockets[i].name;
    service_name(command, name);
    for (size_t i = 0; i < c->n_sockets; i++) {
        struct socket_conf *s = &c->sockets[i];
        if (*s->name)
            continue;
        if (unnamed == 1 && !conf_find_socket(c, name)) {
            conf_name_socket(c, s, name);
        } else {
            number_name(c, name, &number, numbered);
            conf_name_socket(c, s, numbered);
        }
    }
}

/* What only the whole line tells: the command, and what is called after it. */
static int finish(struct conf *c, int argc, char *const argv[], struct berr *err)
{
    struct service_conf *s = service_of(c);
    char name[LIMIT_NAME + 1];
    int r;

    if (argc == 0)
        return berr_set(err, BERR_USAGE, EINVAL, "there is no command to run; berth run --help says more");
    if (argv[0][0] == '\0')
        return berr_set(err, BERR_USAGE, EINVAL, "the command to run is empty");
    if (argc > LIMIT_COMMAND_WORDS)
        return berr_set(err, BERR_USAGE, E2BIG, "the command has %d words, and %d are the most", argc,
                        LIMIT_COMMAND_WORDS);
    for (int i = 0; i < argc; i++)
        strv_add(&s->command, argv[i]);
    service_name(argv[0], name);
    conf_name_service(c, s, name);
    name_sockets(c, argv[0]);
    for (size_t i = 0; i < c->n_sockets; i++)
        strv_add(&s->sockets, c->sockets[i].name);
    r = conf_check(c, err);
    if (r < 0)
        err->class = BERR_USAGE;
    return r;
}

int run_args_parse(int argc, char *const argv[], struct conf *ret, struct berr *err)
{
    struct conf c;
    int i = 0, r = 0;

    conf_init(&c);
    c.is_run = true;
    conf_add_service(&c, FALLBACK_NAME)->with->essential = true;
    while (r >= 0 && i < argc && argv[i][0] == '-' && argv[i][1] != '\0') {
        if (str_eq(argv[i], "--")) {
            i++;
            break;
        }
        r = take_option(&c, i, argc, argv, err);
        i += r;
    }
    if (r >= 0)
        r = finish(&c, argc - i, argv + i, err);
    if (r < 0) {
        conf_fini(&c);
        return r;
    }
    *ret = c;
    return 0;
}
