/* up: supervises what a configuration says. It is read and checked here, once, before anything starts; then
 * this process becomes the keeper, which holds the text of what was read, or, when a keeper started it, the
 * supervisor, which is given that text. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/keep.h"
#include "cmd/plan.h"
#include "engine/supervisor.h"
#include "keeper/keeper.h"
#include "sys/fd.h"
#include "sys/fdpass.h"

#define CANNOT_BEGIN 125

/* The exit status of the process that reads the configuration; at 0 the text is in the pair. */
static int load(const struct cmd_args *args, int to)
{
    struct plan_file file;
    int status = plan_load(args, &file);
    cleanup_fd int fd = status == 0 ? conf_load_store(&file.conf, file.path) : -1;
    plan_fini(&file);
    if (status != 0)
        return status;
    ssize_t r = fd < 0 ? fd : fdpass_send(to, "", 1, fd, 0);
    if (r >= 0)
        return 0;
    fprintf(stderr, "berth: no memory for the configuration: memfd_create: %s\n", strerror((int)-r));
    return CANNOT_BEGIN;
}

static int fail(const char *what, int err)
{
    fprintf(stderr, "berth: the configuration cannot be read: %s: %s\n", what, strerror(err));
    return CANNOT_BEGIN;
}

/* This process is to live long: what reading takes up is left to another one, and ends with it. */
static int load_apart(const struct cmd_args *args, int *ret_fd)
{
    int pair[2], status;
    char byte;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return fail("socketpair", errno);
    cleanup_fd int from = pair[0], to = pair[1];
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return fail("fork", errno);
    if (pid == 0)
        exit(load(args, to));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail("waitpid", errno);
    if (!WIFEXITED(status))
        return fail("its process was killed", EINTR);
    if (WEXITSTATUS(status) != 0)
        return WEXITSTATUS(status);
    cleanup_fd int fd = -1;
    ssize_t r = fdpass_recv(from, &byte, 1, &fd, MSG_DONTWAIT);
    if (r <= 0 || fd < 0)
        return fail("recvmsg", r < 0 ? (int)-r : EBADMSG);
    *ret_fd = fd_dup_high(fd);
    return *ret_fd >= 0 ? 0 : fail("fcntl", -*ret_fd);
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct supervisor_options options = {
        .control = args->control, .keeper_fd = KEEPER_SUPERVISOR_FD, .take_over = args->take_over};
    struct berr err;

    if (args->argc > 0)
        return cmd_usage_error(self, "'up' takes no operand");
    if (args->take_over && !*args->take_over)
        return cmd_usage_error(self, "--take-over wants the control socket of the berth that runs");
    if (args->is_supervisor) {
        cleanup_free char *path = NULL;
        options.config = conf_load_find(args->config, &path, &err) < 0 ? "" : path;
        return supervisor_main(NULL, &options);
    }
    int fd = -1;
    int status = load_apart(args, &fd);
    return status == 0 ? keep_with(args, fd) : status;
}

static const struct option options[] = {
    CMD_CONFIG,
    {"take-over", 0, "CONTROL", "take the sockets over from the berth that has this control socket",
     offsetof(struct cmd_args, take_over)},
    {NULL, 0, NULL, NULL, 0},
};

const struct cmd cmd_up = {
    .name = "up",
    .args = "",
    .summary = "supervise what a configuration says, in the foreground",
    .help = "Nothing is started when there is a mistake in the configuration; all of them are told.\n"
            "HUP or 'berth update' reads it again, TERM ends everything in order.",
    .options = options,
    .run = run,
};
