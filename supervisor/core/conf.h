/* conf: what is wanted, as plain values: the sockets and the services. Where it comes from (arguments, or
 * files) is not known here. Everything inside is owned by the struct conf. */
#ifndef BERTH_CORE_CONF_H
#define BERTH_CORE_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/berr.h"
#include "base/limits.h"
#include "base/logline.h"
#include "base/name_table.h"
#include "base/str.h"
#include "core/cpus.h"
#include "core/restart.h"
#include "wire/address.h"
#include "wire/socket_options.h"

struct socket_conf {
    char *name;
    struct strv listen;             /* addresses, as address_format() has them */
    struct strv serve;              /* "zerg:PATH", "fdholder:PATH": where programs may fetch it */
    struct socket_options *options; /* base/shared: other sockets have the same, once all of it is known */
};

enum listen_pid { LISTEN_PID_CHILD, LISTEN_PID_OMIT, LISTEN_PID_ONE };
enum ready_how { READY_EXEC, READY_NOTIFY, READY_FD, READY_DELAY, READY_LISTEN, READY_CHECK };
#define READY_FD_LEAST 3 /* 0 to 2 are for other things */
#define READY_FD_MOST 255
enum kill_how { KILL_GROUP, KILL_PROCESS, KILL_CGROUP };
enum reload_how { RELOAD_ROLLING, RELOAD_RESTART, RELOAD_SIGNAL, RELOAD_COMMAND };
enum start_how { START_AUTO, START_MANUAL, START_ON_DEMAND };

enum service_type { TYPE_DAEMON, TYPE_ONESHOT };

struct limit_conf {
    int resource; /* RLIMIT_… */
    struct rlimit value;
};

enum output_how { OUTPUT_INHERIT, OUTPUT_PREFIX, OUTPUT_FILE, OUTPUT_NULL, OUTPUT_PIPE };

/* Where its workers' standard output and error go. */
struct output_conf {
    enum output_how how;
    char *target; /* OUTPUT_FILE: the path; OUTPUT_PIPE: the service; else NULL */
    int64_t max;  /* OUTPUT_FILE: bytes of a file, and how many older ones are kept */
    int keep;
};

/* The rarer parts of a process's surroundings. What is NULL, 0, false or empty is inherited. */
struct surroundings {
    char *chroot;
    struct strv env_files; /* "-" in front of a path: it may be missing */
    struct cpus *cpus;
    bool has_oom_score_adjust, has_capabilities;
    int oom_score_adjust;
    struct strv capabilities; /* exactly these, in lower case and without "cap_" */
    char *cgroup;             /* as written; conf_cgroup() tells what comes of it */
    uint64_t memory_max;      /* bytes */
    uint64_t pids_max;
    int64_t cpu_quota_us; /* within each cpu_period_us */
    int64_t cpu_period_us;
};

/* Commands around the life of a service. */
enum hook { HOOK_BEFORE_START, HOOK_AFTER_START, HOOK_BEFORE_STOP, HOOK_AFTER_STOP, HOOK_COUNT };

struct hooks_conf {
    struct strv commands[HOOK_COUNT]; /* empty: none */
};

/* What is looked at while a worker runs. */
struct upkeep_conf {
    struct strv health; /* a command; empty: none */
    int64_t health_interval_ns, health_timeout_ns;
    int health_retries;
    int64_t max_age_ns;  /* INT64_MAX: off */
    uint64_t max_memory; /* bytes; 0: off */
};

/* All that is said of a service but which program and which sockets: what a thousand services often have in
 * common. */
struct service_settings {
    struct strv handoff; /* words of berth.conf(5); empty is "auto" */
    enum listen_pid listen_pid;
    unsigned workers, standby;
    enum start_how start;
    enum service_type type;
    struct strv after, requires; /* names of services; requires does not repeat them in after */
    int64_t idle_stop_ns; /* INT64_MAX: never */
    bool essential;
    enum ready_how ready;
    int64_t ready_delay_ns; /* READY_DELAY */
    int ready_fd;           /* READY_FD */
    struct strv ready_check; /* READY_CHECK: a command */
    int64_t start_timeout_ns;
    bool has_start_timeout; /* somebody has set it: else a oneshot has none */
    int store_max;            /* descriptors that a worker may leave for the next one */
    int64_t watchdog_ns;      /* INT64_MAX: off */
    struct restart_conf restart;
    int stop_signal;
    int64_t stop_timeout_ns; /* INT64_MAX: no limit */
    enum kill_how kill;
    enum reload_how reload;
    int reload_signal;    /* RELOAD_SIGNAL */
    struct strv reload_command; /* RELOAD_COMMAND */
    unsigned rolling_step;      /* 0: all */
    unsigned max_generations;
    int64_t settle_ns;
    /* the process's surroundings; NULL, false or empty: inherited */
    char *user, *group, *directory;
    struct strv groups;
    bool has_groups, has_umask, has_nice, no_new_privileges, clear_env;
    mode_t umask;
    int nice;
    struct strv environment; /* "NAME=VALUE" of env.NAME; may hold placeholders */
    struct limit_conf *limits;
    size_t n_limits;
    struct hooks_conf *hooks;   /* NULL: none */
    struct upkeep_conf *upkeep; /* NULL: all defaults, nothing is looked at */
    struct output_conf *output; /* NULL: all defaults, it is inherited */
    struct surroundings *surroundings; /* NULL: nothing of it is set */
};

struct service_conf {
    char *name;
    struct strv command;
    struct strv sockets;           /* names, in the order of their descriptors */
    struct service_settings *with; /* base/shared, like a socket's options */
    bool is_sink; /* other services' output goes into its standard input: conf_mark_sinks() */
};

struct conf {
    struct socket_conf *sockets;
    size_t n_sockets;
    struct service_conf *services;
    size_t n_services;
    struct name_table socket_names, service_names;
    void *texts; /* conf_share(): what the sections' own texts are in, else NULL */
    /* [supervisor] */
    char *control; /* NULL: the default of this user */
    mode_t control_mode;
    char *control_group; /* NULL: none */
    struct strv include;
    struct strv env_file;
    enum log_level log_level;
    enum log_format log_format;
    int64_t shutdown_timeout_ns; /* INT64_MAX: no limit */
    bool is_explained;           /* `berth run --explain`: nothing is to be started */
    bool is_run;                 /* from `berth run`: one essential service */
    const char *take_over;       /* `berth run --take-over`: whose; of its arguments, or NULL */
};

enum conf_section { CONF_SUPERVISOR, CONF_SOCKET, CONF_SERVICE };

void conf_init(struct conf *c);
void conf_fini(struct conf *c);
/* A new one with every default in place; borrowed, valid until the next add. NAME has been checked by the
 * caller, and may be "" for a socket that conf_name_socket() names later. */
struct socket_conf *conf_add_socket(struct conf *c, const char *name);
struct service_conf *conf_add_service(struct conf *c, const char *name);
/* Gives S, which is C's, another NAME. */
void conf_name_socket(struct conf *c, struct socket_conf *s, const char *name);
void conf_name_service(struct conf *c, struct service_conf *s, const char *name);
/* Frees what S owns. */
void conf_service_fini(struct service_conf *s);
/* What sections of C have in common is kept once from now on, and their own texts in one piece: nothing of a section
 * is to be changed any more. */
void conf_share(struct conf *c);
/* A copy of its own of S. */
struct service_conf conf_service_copy(const struct service_conf *s);
/* NULL where there is none. */
struct socket_conf *conf_find_socket(const struct conf *c, const char *name);
struct service_conf *conf_find_service(const struct conf *c, const char *name);

/* Does berth accept for S (accept = yes)? conf_check() sees to it that either all of its sockets are so or
 * none. */
bool conf_accepts(const struct conf *c, const struct service_conf *s);

/* Does berth itself take in what the workers of S write? */
static inline bool conf_captures(const struct service_conf *s)
{
    return s->with->output && (s->with->output->how == OUTPUT_PREFIX || s->with->output->how == OUTPUT_FILE);
}

/* The address number I of S. */
void conf_get_address(const struct socket_conf *s, size_t i, struct address *ret);

/* Finds out which services are sinks of others; once all of C is there. */
void conf_mark_sinks(struct conf *c);

/* WATCHDOG_USEC of its workers; 0: they are not watched. */
static inline uint64_t conf_watchdog_us(const struct service_conf *s)
{
    return s->with->watchdog_ns == INT64_MAX ? 0 : (uint64_t)s->with->watchdog_ns / 1000;
}

/* The cgroup that workers of S get: a path below berth's own, "auto" for one that berth names, or NULL for
 * none. */
const char *conf_cgroup(const struct service_conf *s);

/* "zerg:PATH" in its two parts: the length of the protocol's word, and the path as an address. -EINVAL and a
 * sentence. */
int conf_parse_serve(const char *text, size_t *ret_word, struct address *ret, struct berr *err);

#endif
