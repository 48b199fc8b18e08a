/* cmd: the subcommands. Each file holds one of them as a constant table entry. */
#ifndef BERTH_CMD_CMD_H
#define BERTH_CMD_CMD_H

#include <jansson.h>
#include <stdbool.h>

#include "cmd/options.h"

/* What the command line says. The options that every command takes may stand before or behind its name. */
struct cmd_args {
    const char *control; /* --control; NULL: not given */
    bool json, no_color, help, version;
    bool no_wait, all, watch, dump, dry_run, follow; /* of some commands only */
    const char *worker, *config, *lines, *binary, *take_over; /* likewise; NULL: not given */
    int argc; /* the operands; with takes_words everything behind the command's name */
    char **argv;
    bool is_supervisor; /* this process was started by a keeper to be its supervisor */
    int full_argc;      /* the whole command line, for the keeper */
    char **full_argv;
};

struct cmd {
    const char *name;
    const char *args;             /* "SERVICE…" */
    const char *summary;          /* one line, for the list of commands */
    const char *help;             /* what else --help says; may be NULL */
    const struct option *options; /* its own, into a struct cmd_args; NULL: none */
    bool takes_words;             /* what is behind its name is its own affair, --help too */
    int (*run)(const struct cmd *self, const struct cmd_args *args);
};

extern const struct cmd cmd_run, cmd_up, cmd_check, cmd_update, cmd_upgrade, cmd_reload, cmd_status,
    cmd_start, cmd_stop, cmd_restart, cmd_scale, cmd_signal, cmd_events, cmd_logs, cmd_sockets, cmd_exec,
    cmd_explain, cmd_shutdown, cmd_help, cmd_version;

/* All of them, in the order in which help lists them; ends with NULL. */
extern const struct cmd *const cmd_table[];
/* The options of every command; ends with a NULL name. */
extern const struct option cmd_common_options[];

/* The whole of berth behind main(): global options, the subcommand, its exit status. */
int cmd_main(int argc, char *argv[], bool is_supervisor);

/* `berth --check-state`: see core/upgrade.h. */
int cmd_check_state(void);

/* NULL when there is none of that name. */
const struct cmd *cmd_find(const char *name);
/* One sentence about an unknown command, with the nearest known one; 2. */
int cmd_fail_unknown(const char *name);
void cmd_print_help(const struct cmd *cmd);

/* "berth: SENTENCE" on stderr, with file:line where there is one; the exit status of the error. */
int cmd_fail(const struct berr *err);
/* A usage error: the sentence, and where help is; 2. */
int cmd_usage_error(const struct cmd *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* -c, for the tables of options of the commands. */
#define CMD_CONFIG                                                                                           \
    {                                                                                                        \
        "config", 'c', "FILE", "the configuration ($BERTH_CONFIG, ./berth.ini, /etc/berth/berth.ini)",       \
            offsetof(struct cmd_args, config)                                                                \
    }

/* Standard output gets everything that was printed. 0, or 1 and a sentence: a full disk or a closed pipe. */
int cmd_flush(void);
/* VALUE on standard output, for a person's and a machine's eyes; or on one line. */
void cmd_print_json(const json_t *value);
void cmd_print_json_line(const json_t *value);
/* Is standard output a terminal that may have colours? */
bool cmd_has_colors(const struct cmd_args *args);

#endif
