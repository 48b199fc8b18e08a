/* cmd: reads what stands before and behind the command's name, runs the command, and sees to it that its
 * output arrived.
 *
 * It knows no command but by the table. To remember: only commands that are clients ignore SIGPIPE; `run`
 * becomes the keeper, whose workers must not inherit that. */
#include "config.h"

#include "cmd/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/str.h"
#include "core/upgrade.h"
#include "sys/fd.h"

const struct cmd *const cmd_table[] = {
    &cmd_run,     &cmd_up,    &cmd_check,   &cmd_status,   &cmd_start,   &cmd_stop,    &cmd_restart,
    &cmd_reload,  &cmd_scale, &cmd_signal,  &cmd_update,   &cmd_upgrade, &cmd_logs,    &cmd_events,
    &cmd_sockets, &cmd_exec,  &cmd_explain, &cmd_shutdown, &cmd_help,    &cmd_version, NULL,
};

const struct option cmd_common_options[] = {
    {"control", 0, "PATH", "the control socket ($BERTH_CONTROL, or the default of this user)",
     offsetof(struct cmd_args, control)},
    {"json", 0, NULL, "JSON instead of text", offsetof(struct cmd_args, json)},
    {"no-color", 0, NULL, "no colours on a terminal either", offsetof(struct cmd_args, no_color)},
    {"help", 'h', NULL, "this text", offsetof(struct cmd_args, help)},
    {NULL, 0, NULL, NULL, 0},
};

static const struct option version_option[] = {
    {"version", 'V', NULL, "which berth this is", offsetof(struct cmd_args, version)},
    {NULL, 0, NULL, NULL, 0},
};

const struct cmd *cmd_find(const char *name)
{
    for (const struct cmd *const *c = cmd_table; *c; c++) {
        if (str_eq((*c)->name, name))
            return *c;
    }
    return NULL;
}

int cmd_fail_unknown(const char *name)
{
    const char *names[32];
    char quoted[128];
    size_t n = 0;

    for (; cmd_table[n]; n++)
        names[n] = cmd_table[n]->name;
    must(n < sizeof names / sizeof *names);
    names[n] = NULL;
    const char *nearest = str_nearest(name, names);
    str_escape(quoted, sizeof quoted, name, strlen(name));
    if (nearest)
        return cmd_usage_error(NULL, "unknown command '%s', did you mean '%s'?", quoted, nearest);
    return cmd_usage_error(NULL, "unknown command '%s'", quoted);
}

int cmd_fail(const struct berr *err)
{
    fprintf(stderr, "berth: ");
    if (err->file[0] && err->line > 0)
        fprintf(stderr, "%s:%u: ", err->file, err->line);
    else if (err->file[0])
        fprintf(stderr, "%s: ", err->file);
    fprintf(stderr, "%s\n", err->text);
    return berr_exit_status(err);
}

int cmd_usage_error(const struct cmd *cmd, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "berth%s%s: ", cmd ? " " : "", cmd ? cmd->name : "");
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, " (see 'berth%s%s --help')\n", cmd ? " " : "", cmd ? cmd->name : "");
    return 2;
}

int cmd_flush(void)
{
    static bool is_told;

    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    if (!is_told)
        fprintf(stderr, "berth: the output could not be written completely%s%s\n", errno ? ": " : "",
                errno ? strerror(errno) : "");
    is_told = true;
    return 1;
}

static int put_json(const char *bytes, size_t n, void *data)
{
    return fwrite(bytes, 1, n, data) == n ? 0 : -1;
}

/* A failure sticks to stdout and is found by cmd_flush(). */
static void print_json(const json_t *value, size_t flags)
{
    if (json_dump_callback(value, put_json, stdout, flags | JSON_ENCODE_ANY) == 0)
        putchar('\n');
}

void cmd_print_json(const json_t *value)
{
    print_json(value, JSON_INDENT(2));
}

void cmd_print_json_line(const json_t *value)
{
    print_json(value, JSON_COMPACT);
}

bool cmd_has_colors(const struct cmd_args *args)
{
    const char *forbidden = getenv("NO_COLOR"), *term = getenv("TERM");

    return !args->no_color && !(forbidden && forbidden[0]) && !(term && str_eq(term, "dumb")) &&
           isatty(STDOUT_FILENO);
}

/* What is behind the command's name, then the command. */
static int run_command(const struct cmd *cmd, struct cmd_args *args)
{
    const struct option *const tables[] = {cmd->options ? cmd->options : cmd_common_options,
                                           cmd->options ? cmd_common_options : NULL, NULL};
    struct berr err;

    if (!cmd->takes_words) {
        if (options_parse(tables, OPTIONS_ANYWHERE, args->argc, args->argv, args, &args->argc, &err) < 0)
            return cmd_usage_error(cmd, "%s", err.text);
        if (args->help) {
            cmd_print_help(cmd);
            return 0;
        }
        signal(SIGPIPE, SIG_IGN);
    }
    return cmd->run(cmd, args);
}

int cmd_main(int argc, char *argv[], bool is_supervisor)
{
    const struct option *const tables[] = {cmd_common_options, version_option, NULL};
    struct cmd_args args = {.is_supervisor = is_supervisor, .full_argc = argc, .full_argv = argv};
    struct berr err;
    int n = 0, given = argc > 0 ? argc - 1 : 0;

    /* Nothing that is opened from now on may land on a standard descriptor that somebody closed. */
    int r = fd_ensure_standard();
    if (r < 0) {
        fprintf(stderr, "berth: /dev/null cannot be opened in place of a closed standard descriptor: %s\n",
                strerror(-r));
        return 125;
    }
    if (argc == 2 && str_eq(argv[1], UPGRADE_QUESTION))
        return cmd_check_state();
    /* The keeper hands the command line on as it is; moving words about happens in a copy. */
    cleanup_free char **words = mem_new_array((size_t)given + 1, sizeof *words);
    for (int i = 0; i < given; i++)
        words[i] = argv[i + 1];
    if (options_parse(tables, OPTIONS_FIRST, given, words, &args, &n, &err) < 0)
        return cmd_usage_error(NULL, "%s", err.text);
    args.argc = n > 0 ? n - 1 : 0;
    args.argv = words + (n > 0);

    const struct cmd *cmd = n > 0          ? cmd_find(words[0])
                            : args.version ? &cmd_version
                            : args.help    ? &cmd_help
                                           : NULL;
    if (!cmd)
        return n > 0 ? cmd_fail_unknown(words[0]) : cmd_usage_error(NULL, "no command is given");
    if (cmd == &cmd_help)
        args.help = false; /* 'berth --help' is the list, not help about help */
    int status = run_command(cmd, &args);
    int flushed = cmd_flush();
    return status != 0 ? status : flushed;
}
