/* The control socket: where it is, who may make it, and what to say when nobody answers.
 *
 * Remember: /tmp/berth-UID stands where anybody may write, so it counts only if it is ours alone. */
#include "config.h"

#include "sys/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/fd.h"
#include "sys/unix_path.h"

#define BACKLOG 64
#define CONNECT_SECONDS 5

/* Is this path too long for *DST? */
static bool default_path(char *dst, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int n;
    if (geteuid() == 0)
        n = snprintf(dst, size, "/run/berth/control.sock");
    else if (runtime && runtime[0] == '/')
        n = snprintf(dst, size, "%s/berth/control.sock", runtime);
    else
        n = snprintf(dst, size, "/tmp/berth-%u/control.sock", (unsigned)geteuid());
    return n < 0 || (size_t)n >= size;
}

int control_socket_path(char *dst, size_t size, const char *explicit_path, bool *ret_chosen, struct berr *err)
{
    const char *chosen = explicit_path ? explicit_path : getenv("BERTH_CONTROL");
    bool is_chosen = chosen && *chosen;
    struct sockaddr_un un;
    socklen_t len;
    char path[512];
    if (is_chosen ? !str_copy(path, sizeof path, chosen) : default_path(path, sizeof path))
        path[0] = '\0';
    if (!path[0] || unix_path_address(path, &un, &len) < 0 || !str_copy(dst, size, path))
        return berr_set(
            err, BERR_USAGE, ENAMETOOLONG,
            "the path of the control socket is longer than the 107 bytes that a Unix socket may have; "
            "give a shorter one with --control or BERTH_CONTROL");
    *ret_chosen = is_chosen;
    return 0;
}

/* The folder of PATH, if PATH is the default one and berth makes it; else "". */
static void default_folder(char *dst, size_t size, const char *path)
{
    dst[0] = '\0';
    char standard[512];
    if (default_path(standard, sizeof standard) || !str_eq(path, standard))
        return;
    *strrchr(standard, '/') = '\0';
    str_copy(dst, size, standard);
}

static int check_folder(const char *folder, struct berr *err)
{
    struct stat st;
    if (lstat(folder, &st) < 0)
        return berr_set(err, BERR_SYSTEM, errno,
                        "the folder %s of the control socket cannot be read (%s); check it, or "
                        "choose another place with --control",
                        folder, strerror(errno));
    bool is_ours = S_ISDIR(st.st_mode) && st.st_uid == geteuid();
    /* Only in /run is it right that others may look in. */
    bool is_private =
        geteuid() == 0 ? !(st.st_mode & (S_IWGRP | S_IWOTH)) : !(st.st_mode & (S_IRWXG | S_IRWXO));
    if (is_ours && is_private)
        return 0;
    return berr_set(err, BERR_SYSTEM, EPERM,
                    "the folder %s is not a folder of uid %u alone, so the control socket is not "
                    "safe in it; remove it, or choose another place with --control",
                    folder, (unsigned)geteuid());
}

static int make_folder(const char *path, struct berr *err)
{
    char folder[512];
    default_folder(folder, sizeof folder, path);
    if (!*folder)
        return 0;
    mode_t before = umask(0);
    int r = mkdir(folder, geteuid() == 0 ? 0755 : 0700) < 0 ? -errno : 0;
    umask(before);
    if (r == 0)
        return 0;
    if (r != -EEXIST)
        return berr_set(err, BERR_SYSTEM, -r,
                        "the folder %s for the control socket cannot be made (%s); choose another "
                        "place with --control",
                        folder, strerror(-r));
    return check_folder(folder, err);
}

static int listen_abstract(int fd, const char *path, struct berr *err)
{
    struct sockaddr_un un;
    socklen_t len;
    char quoted[256];
    int r = unix_path_address(path, &un, &len);
    if (r == 0 && (bind(fd, (struct sockaddr *)&un, len) < 0 || listen(fd, BACKLOG) < 0))
        r = -errno;
    if (r == 0)
        return 0;
    str_escape(quoted, sizeof quoted, path, strlen(path));
    return berr_set(
        err, BERR_SYSTEM, -r, "the control socket %s cannot be made (%s); %s", quoted, strerror(-r),
        r == -EADDRINUSE ? "another supervisor has it: end that one or choose another name with --control"
                         : "choose another name with --control");
}

int control_socket_listen(const char *path, mode_t mode, const char *group, struct berr *err)
{
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return berr_set(err, BERR_SYSTEM, errno, "the control socket cannot be made (%s)", strerror(errno));
    if (path[0] == '@') {
        int r = listen_abstract(fd, path, err);
        return r < 0 ? r : take_fd(&fd);
    }
    int r = make_folder(path, err);
    if (r < 0)
        return r;
    struct socket_options options = {.backlog = BACKLOG, .mode = mode};
    if (group && !str_copy(options.group, sizeof options.group, group))
        return berr_set(err, BERR_CONFIG, EINVAL, "control_group %s is too long", group);
    r = unix_path_bind_unguarded(fd, path, &options, true, err);
    if (r < 0)
        return berr_prefix(err, "control socket"), r;
    return take_fd(&fd);
}

void control_socket_set_mode(const char *path, mode_t mode)
{
    if (path[0] != '@' && chmod(path, mode) < 0)
        return; /* its path is gone: there is nothing to change */
}

static int unreachable(const char *path, int errnum, struct berr *err)
{
    char quoted[256];
    str_escape(quoted, sizeof quoted, path, strlen(path));
    const char *reason = strerror(errnum);
    const char *check = "check that berth runs, and where (--control or BERTH_CONTROL)";
    if (errnum == ENOENT || (errnum == ECONNREFUSED && path[0] == '@')) {
        reason = "there is no such socket";
    } else if (errnum == ECONNREFUSED) {
        reason = "the supervisor that made it is gone";
        check = "start berth again";
    } else if (errnum == EACCES || errnum == EPERM) {
        check = "use the user that runs berth, or become root";
    } else if (errnum == EAGAIN) {
        reason = "too many clients are waiting";
        check = "try again, and see whether the supervisor hangs";
    }
    return berr_set(err, BERR_UNREACHABLE, errnum, "no supervisor answers at %s: %s; %s", quoted, reason,
                    check);
}

int control_socket_connect(const char *path, struct berr *err)
{
    struct sockaddr_un un;
    socklen_t len;
    int r = unix_path_address(path, &un, &len);
    if (r < 0)
        return unreachable(path, -r, err);
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return unreachable(path, errno, err);
    /* A full queue would make connect(2) wait for ever. */
    const struct timeval patience = {.tv_sec = CONNECT_SECONDS}, none = {0};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&un, len) < 0)
        return unreachable(path, errno, err);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
    return take_fd(&fd);
}

int control_socket_dial(const char *path, struct berr *err)
{
    struct sockaddr_un un;
    socklen_t len;
    int r = unix_path_address(path, &un, &len);
    if (r < 0)
        return unreachable(path, -r, err);
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&un, len) < 0)
        return unreachable(path, errno, err);
    return take_fd(&fd);
}

bool control_socket_resolve(char *dst, size_t size, const char *path)
{
    char real[PATH_MAX];
    struct stat st;
    bool is_link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && realpath(path, real);
    return str_copy(dst, size, is_link ? real : path);
}

int control_socket_move(const char *from, const char *to)
{
    return rename(from, to) < 0 ? -errno : 0;
}

void control_socket_retire(int fd, const char *path)
{
    /* Other holders of it, a keeper for one, do not keep it alive after this. */
    shutdown(fd, SHUT_RDWR);
    if (path[0] != '@')
        unix_path_remove_deaf(path);
}
