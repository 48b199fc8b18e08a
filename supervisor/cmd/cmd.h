/* cmd: the subcommands. Each file holds one of them as a constant table entry. */
#ifndef BERTH_CMD_CMD_H
#define BERTH_CMD_CMD_H

#include <stdbool.h>

/* What stands before the subcommand. */
struct cmd_global {
    const char *control; /* --control; NULL: not given */
    bool json, no_color;
    bool is_supervisor;  /* this process was started by a keeper to be its supervisor */
    int full_argc;       /* the whole command line, for the keeper */
    char **full_argv;
};

struct cmd {
    const char *name;
    const char *args;    /* "SERVICE…" */
    const char *summary; /* one line, for the list of commands */
    const char *help;    /* the rest of --help; may be NULL */
    /* ARGV[0] is the first word behind the command's name. The exit status. */
    int (*run)(const struct cmd_global *global, int argc, char *argv[]);
};

extern const struct cmd cmd_run, cmd_status, cmd_start, cmd_stop, cmd_restart, cmd_scale, cmd_signal, cmd_events, cmd_sockets,
    cmd_shutdown, cmd_help, cmd_version;

/* All of them, in the order in which help lists them; ends with NULL. */
extern const struct cmd *const cmd_table[];

/* The whole of berth behind main(): global options, the subcommand, its exit status. */
int cmd_main(int argc, char *argv[], bool is_supervisor);

/* "berth: SENTENCE" on stderr, with file:line where there is one; the exit status of the error. */
struct berr;
int cmd_fail(const struct berr *err);
/* A usage error: the sentence, and where help is; 2. */
int cmd_usage_error(const struct cmd *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
