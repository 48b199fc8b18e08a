/* cgroup: see the header. */
#include "config.h"

#include "sys/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"
#include "sys/text_file.h"

#define TEXT_MAX ((size_t)1024 * 1024) /* of a file of the kernel: a machine may have thousands of mounts */
#define DEPTH_MAX 16                   /* of cgroups that a worker has made in its own */

/* --- where we are -------------------------------------------------------------------------------------- */

/* The kernel writes blanks and backslashes in a path as \ooo. */
static bool unescape(const char *text, size_t n, char ret[PATH_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++, len++) {
        if (len + 1 >= PATH_MAX)
            return false;
        ret[len] = text[i];
        if (text[i] == '\\' && i + 3 < n) {
            ret[len] = (char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
            i += 3;
        }
    }
    ret[len] = '\0';
    return true;
}

/* The NUMBERth field of LINE, from 0; its length in *RET_N. */
static const char *find_field(const char *line, unsigned number, size_t *ret_n)
{
    for (; number > 0; number--) {
        line += strcspn(line, " \n");
        if (*line != ' ')
            return NULL;
        line++;
    }
    *ret_n = strcspn(line, " \n");
    return line;
}

/* "36 35 98:0 ROOT POINT rw master:1 - cgroup2 cgroup2 rw": ROOT is the cgroup that is seen at POINT. */
static bool read_mount(const char *line, char root[PATH_MAX], char point[PATH_MAX])
{
    size_t n, end = strcspn(line, "\n");
    cleanup_free char *copy = mem_strndup(line, end);
    const char *type = strstr(copy, " - ");
    const char *field;
    if (!type || !str_starts_with(type, " - cgroup2 "))
        return false;
    field = find_field(copy, 3, &n);
    if (!field || !unescape(field, n, root))
        return false;
    field = find_field(copy, 4, &n);
    return field && unescape(field, n, point);
}

/* The part of PATH below ROOT; NULL when it is not there. */
static const char *below(const char *path, const char *root)
{
    size_t n = str_eq(root, "/") ? 0 : strlen(root);
    if (strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0'))
        return NULL;
    return str_eq(path + n, "/") ? "" : path + n;
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line ? line + 1 : line;
}

/* "0::/PATH" among the lines. Outside of our cgroup namespace it begins with "/..". */
static bool read_membership(const char *text, char path[PATH_MAX])
{
    for (const char *line = text; *line; line = next_line(line)) {
        size_t n = strcspn(line, "\n");
        if (!str_starts_with(line, "0::/") || str_starts_with(line, "0::/..") || n - 3 >= PATH_MAX)
            continue;
        memcpy(path, line + 3, n - 3);
        path[n - 3] = '\0';
        return true;
    }
    return false;
}

int cgroup_find(const char *mountinfo, const char *membership, char ret[PATH_MAX])
{
    char path[PATH_MAX], root[PATH_MAX], point[PATH_MAX];
    if (!read_membership(membership, path))
        return -ENOENT;
    for (const char *line = mountinfo; *line; line = next_line(line)) {
        const char *rest = read_mount(line, root, point) ? below(path, root) : NULL;
        if (rest && strlen(point) + strlen(rest) < PATH_MAX) {
            strcpy(ret, point);
            strcat(ret, rest);
            return 0;
        }
    }
    return -ENOENT;
}

int cgroup_find_own(char ret[PATH_MAX], struct berr *err)
{
    struct buf mounts, membership;
    buf_init(&mounts, TEXT_MAX);
    buf_init(&membership, TEXT_MAX);
    int r = text_file_read("/proc/self/mountinfo", &mounts, err);
    if (r == 0)
        r = text_file_read("/proc/self/cgroup", &membership, err);
    if (r == 0 && (r = cgroup_find(buf_str(&mounts), buf_str(&membership), ret)) < 0)
        berr_set(err, BERR_SYSTEM, -r, "berth is in no cgroup of version 2 that is mounted here");
    buf_fini(&mounts);
    buf_fini(&membership);
    return r;
}

/* --- making them --------------------------------------------------------------------------------------- */

static bool make_path(char ret[PATH_MAX], const char *dir, const char *name)
{
    return snprintf(ret, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

static int write_file(const char *dir, const char *name, const char *text)
{
    char path[PATH_MAX];
    if (!make_path(path, dir, name))
        return -ENAMETOOLONG;
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return -errno;
    return 0;
}

static int read_file(const char *dir, const char *name, struct buf *ret, struct berr *err)
{
    char path[PATH_MAX];
    buf_init(ret, TEXT_MAX);
    if (!make_path(path, dir, name))
        return berr_set(err, BERR_SYSTEM, ENAMETOOLONG, "%s is too long", dir);
    return text_file_read(path, ret, err);
}

/* Is WORD one of those in the file? */
static int has_word(const char *dir, const char *name, const char *word, struct berr *err)
{
    struct buf text;
    size_t n = strlen(word);
    bool found = false;
    int r = read_file(dir, name, &text, err);
    for (const char *at = buf_str(&text); r == 0 && *at; at += strspn(at, " \n")) {
        size_t len = strcspn(at, " \n");
        found = found || (len == n && memcmp(at, word, n) == 0);
        at += len;
    }
    buf_fini(&text);
    return r < 0 ? r : found;
}

static int pass_on(const char *dir, const char *controller, struct berr *err)
{
    char word[64];
    int r = has_word(dir, "cgroup.subtree_control", controller, err);
    if (r != 0)
        return r < 0 ? r : 0;
    r = has_word(dir, "cgroup.controllers", controller, err);
    if (r < 0)
        return r;
    if (r == 0)
        return berr_set(err, BERR_SYSTEM, ENOTSUP, "the controller %s is missing in %s/cgroup.controllers",
                        controller, dir);
    snprintf(word, sizeof word, "+%s", controller);
    r = write_file(dir, "cgroup.subtree_control", word);
    if (r == -EBUSY)
        return berr_set(err, BERR_SYSTEM, EBUSY,
                        "the controller %s cannot be passed on by %s while processes are in it", controller,
                        dir);
    if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r, "the controller %s could not be passed on by %s: %s",
                        controller, dir, strerror(-r));
    return 0;
}

int cgroup_make(const char *base, const char *path, const char *controller, struct berr *err)
{
    char dir[PATH_MAX];
    int r;
    if (!make_path(dir, base, path))
        return berr_set(err, BERR_SYSTEM, ENAMETOOLONG, "%s/%s is too long", base, path);
    for (char *slash = dir + strlen(base); slash;) {
        *slash = '\0';
        if (controller && (r = pass_on(dir, controller, err)) < 0)
            return r;
        *slash = '/';
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        if (mkdir(dir, 0755) < 0 && errno != EEXIST)
            return berr_set(err, BERR_SYSTEM, errno, "%s could not be made: %s", dir, strerror(errno));
        if (slash)
            *slash = '/';
    }
    return 0;
}

int cgroup_limit(const char *dir, const char *name, const char *text, struct berr *err)
{
    int r = write_file(dir, name, text ? text : "max");
    if (r == 0 || (r == -ENOENT && !text))
        return 0;
    return berr_set(err, BERR_SYSTEM, -r, "\"%s\" could not be written into %s/%s: %s", text ? text : "max",
                    dir, name, strerror(-r));
}

int cgroup_open(const char *dir)
{
    char path[PATH_MAX];
    if (!make_path(path, dir, "cgroup.procs"))
        return -ENAMETOOLONG;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cgroup_move(const char *dir, const pid_t *pids, size_t n)
{
    int r = mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", (int)pids[i]);
        r = write_file(dir, "cgroup.procs", number);
    }
    return r;
}

static bool is_below(const struct dirent *entry)
{
    return entry->d_type == DT_DIR && !str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..");
}

static int count_below(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;
    if (!d)
        return -errno;
    for (struct dirent *entry; (entry = readdir(d));)
        n += is_below(entry);
    closedir(d);
    return n;
}

static int pass_nothing_on(const char *dir)
{
    struct buf text;
    struct berr err;
    int r = read_file(dir, "cgroup.subtree_control", &text, &err);
    for (const char *at = buf_str(&text); r == 0 && *at; at += strspn(at, " \n")) {
        size_t n = strcspn(at, " \n");
        cleanup_free char *word = mem_printf("-%.*s", (int)n, at);
        r = write_file(dir, "cgroup.subtree_control", word);
        at += n;
    }
    buf_fini(&text);
    return r;
}

int cgroup_move_back(const char *dir, const char *name, const pid_t *pids, size_t n)
{
    char path[PATH_MAX];
    int r = count_below(dir);
    if (r != 1 || !make_path(path, dir, name))
        return r < 0 ? r : -EBUSY;
    if ((r = pass_nothing_on(dir)) < 0 || (r = cgroup_move(dir, pids, n)) < 0)
        return r;
    return rmdir(path) < 0 ? -errno : 0;
}

/* --- ending them --------------------------------------------------------------------------------------- */

bool cgroup_has_kill(const char *dir)
{
    char path[PATH_MAX];
    return make_path(path, dir, "cgroup.kill") && access(path, F_OK) == 0;
}

static int signal_each(const char *dir, int signo)
{
    struct buf text;
    struct berr err;
    int r = read_file(dir, "cgroup.procs", &text, &err), n = 0;
    for (char *at = text.data; r == 0 && at && *at; at += *at == '\n') {
        long pid = strtol(at, &at, 10);
        /* 0 is one that our pid namespace does not show. */
        if (pid > 0 && kill((pid_t)pid, signo) == 0)
            n++;
    }
    buf_fini(&text);
    return r < 0 ? r : n > 0 ? 0 : -ESRCH;
}

static int ask_populated(const char *dir)
{
    struct buf text;
    struct berr err;
    int r = read_file(dir, "cgroup.events", &text, &err);
    if (r == 0 && !strstr(buf_str(&text), "populated 1"))
        r = -ESRCH;
    buf_fini(&text);
    return r == -ENOENT || r == -ENODEV ? -ESRCH : r;
}

int cgroup_signal(const char *dir, int signo)
{
    int r = ask_populated(dir);
    if (r < 0 || signo == 0)
        return r;
    return signo == SIGKILL ? write_file(dir, "cgroup.kill", "1") : signal_each(dir, signo);
}

static int remove_below(const char *dir, unsigned depth)
{
    if (rmdir(dir) == 0 || errno == ENOENT)
        return 0;
    if (errno != EBUSY || depth >= DEPTH_MAX)
        return -errno;
    DIR *d = opendir(dir);
    if (!d)
        return -errno;
    for (struct dirent *entry; (entry = readdir(d));) {
        char path[PATH_MAX];
        if (is_below(entry) && make_path(path, dir, entry->d_name))
            remove_below(path, depth + 1);
    }
    closedir(d);
    return rmdir(dir) < 0 && errno != ENOENT ? -errno : 0;
}

int cgroup_remove(const char *dir)
{
    return remove_below(dir, 0);
}

int cgroup_remove_path(const char *base, const char *path)
{
    char dir[PATH_MAX];
    if (!make_path(dir, base, path))
        return -ENAMETOOLONG;
    int r = cgroup_remove(dir);
    char *slash = strrchr(dir, '/');
    for (*slash = '\0'; r == 0 && strlen(dir) > strlen(base) && rmdir(dir) == 0; *slash = '\0')
        slash = strrchr(dir, '/');
    return r;
}
