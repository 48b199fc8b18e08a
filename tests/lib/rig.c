/* rig: a test's surroundings from its first line to its last, and what is printed when it fails.
 *
 * The test process is a subreaper, so that every process that berth leaves behind becomes its child and is
 * found. To remember: Criterion does not count failures in a fini, so all checks are in rig_end(), which the
 * story's end calls. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig_private.h"

#define LOG_TAIL 12000

struct rig *rig_current;
extern char **environ;

char *rig_keep(struct rig *r, char *take_text)
{
    struct rig_private *p = r->private;

    cr_assert_not_null(take_text);
    p->strings = realloc(p->strings, (p->n_strings + 1) * sizeof(*p->strings));
    cr_assert_not_null(p->strings);
    return p->strings[p->n_strings++] = take_text;
}

const char *rig_format(struct rig *r, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    cr_assert(vasprintf(&text, fmt, args) >= 0);
    va_end(args);
    return rig_keep(r, text);
}

const char *rig_path(struct rig *r, const char *name)
{
    return rig_format(r, "%s/%s", r->dir, name);
}

const char *rig_read_file(struct rig *r, const char *path)
{
    FILE *in = fopen(path, "re");
    char *text = NULL;
    size_t len = 0;

    if (in == NULL)
        return "";
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    for (int c = getc(in); c != EOF; c = getc(in))
        putc(c, out);
    fclose(in);
    fclose(out);
    return rig_keep(r, text);
}

json_t *rig_read_json(struct rig *r, const char *path)
{
    json_error_t error;
    json_t *value = json_loads(rig_read_file(r, path), 0, &error);

    cr_assert_not_null(value, "%s: %s", path, error.text);
    json_array_append_new(r->private->replies, value);
    return value;
}

void rig_write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "we");

    cr_assert_not_null(out, "%s: %s", path, strerror(errno));
    cr_assert(fputs(text, out) >= 0 && fclose(out) == 0, "%s: %s", path, strerror(errno));
}

int rig_times(int n)
{
    const char *wanted = getenv("BERTH_TEST_TIMES");
    if (wanted != NULL)
        n = atoi(wanted);
    cr_assert(n > 0, "BERTH_TEST_TIMES is to be a number above 0");
    return n;
}

void rig_env(struct rig *r, const char *assignment)
{
    struct rig_private *p = r->private;
    size_t n = 0, name = strcspn(assignment, "=");

    while (p->environment != NULL && p->environment[n] != NULL) {
        if (strncmp(p->environment[n], assignment, name) == 0 && p->environment[n][name] == '=') {
            size_t last = n;
            while (p->environment[last + 1] != NULL)
                last++;
            p->environment[n] = p->environment[last];
            p->environment[last] = NULL;
        } else {
            n++;
        }
    }
    if (assignment[name] == '\0')
        return;
    p->environment = realloc(p->environment, (n + 2) * sizeof(*p->environment));
    cr_assert_not_null(p->environment);
    p->environment[n] = rig_keep(r, strdup(assignment));
    p->environment[n + 1] = NULL;
}

/* Little is taken over, so that a test sees the same wherever it runs; the sanitizers' options must be. */
static void environment_init(struct rig *r)
{
    static const char *const kept[] = {
        "PATH=", "HOME=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=", "TSAN_OPTIONS="};

    for (char **e = environ; *e != NULL; e++)
        for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
            if (strncmp(*e, kept[i], strlen(kept[i])) == 0)
                rig_env(r, *e);
}

/* A network of our own, with nothing in it but the loopback; false where we may not. */
static bool network_init(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd;

    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0)
        return false;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &loopback) == 0, "loopback: %s", strerror(errno));
    close(fd);
    return true;
}

/* A port that was free a moment ago, below the ephemeral range's usual users. */
static unsigned port_find(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&in, len) == 0 &&
              getsockname(fd, (struct sockaddr *)&in, &len) == 0);
    close(fd);
    return ntohs(in.sin_port);
}

/* A program of the build folder. */
static const char *built(struct rig *r, const char *name)
{
    const char *top = getenv("top_builddir");

    cr_assert(top != NULL && getenv("BERTH") != NULL,
              "run me by `make check`, or with BERTH and top_builddir set");
    return rig_format(r, "%s/%s", top, name);
}

struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof(*r));
    char dir[] = "/tmp/berth-test-XXXXXX";

    cr_assert_not_null(r);
    r->private = calloc(1, sizeof(*r->private));
    cr_assert_not_null(r->private);
    rig_current = r;
    *r->private = (struct rig_private){.report_fd = -1, .events_fd = -1, .replies = json_array()};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    cr_assert_not_null(mkdtemp(dir), "mkdtemp: %s", strerror(errno));
    /* Tests that change their uid must get at it too. */
    cr_assert(chmod(dir, 0755) == 0);
    r->dir = rig_keep(r, strdup(dir));
    r->control = rig_keep(r, strdup(rig_path(r, "control.sock")));
    r->report = rig_keep(r, strdup(rig_path(r, "report")));
    r->out_path = rig_path(r, "stdout");
    r->err_path = rig_path(r, "stderr");
    r->berth = getenv("BERTH");
    r->probe = built(r, "tests/lib/probe");
    cr_assert(mkfifo(r->report, 0666) == 0 && chmod(r->report, 0666) == 0);
    r->private->report_fd = open(r->report, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    cr_assert(r->private->report_fd >= 0);
    environment_init(r);
    r->port = network_init() ? 8080 : port_find();
    return r;
}

bool rig_skips_are_failures(void)
{
    const char *ci = getenv("CI");

    return ci != NULL && strcmp(ci, "true") == 0;
}

void rig_needs_root(void)
{
    if (geteuid() != 0)
        rig_skip("needs root");
}

const char *rig_find_program(struct rig *r, const char *program)
{
    const char *path = getenv("PATH");
    char *folders =
        rig_keep(r, strdup(rig_format(r, "%s:/usr/sbin:/sbin", path != NULL ? path : "/usr/bin:/bin")));

    for (char *folder = strtok(folders, ":"); folder != NULL; folder = strtok(NULL, ":")) {
        const char *file = rig_format(r, "%s/%s", folder, program);
        if (access(file, X_OK) == 0)
            return file;
    }
    return NULL;
}

const char *rig_log(struct rig *r)
{
    return rig_read_file(r, r->err_path);
}

bool rig_log_has(struct rig *r, const char *text)
{
    return strstr(rig_log(r), text) != NULL;
}

static void dump_file(struct rig *r, const char *title, const char *path)
{
    const char *text = rig_read_file(r, path);
    size_t n = strlen(text);

    fprintf(stderr, "---- %s\n%s\n", title, n > LOG_TAIL ? text + n - LOG_TAIL : text);
}

void rig_dump(struct rig *r)
{
    json_t *status = rig_status(r);
    char *text = status != NULL ? json_dumps(status, JSON_INDENT(1)) : NULL;

    fprintf(stderr, "==== what the test left (%s)\n", r->dir);
    dump_file(r, "berth's stdout", r->out_path);
    dump_file(r, "berth's stderr", r->err_path);
    fprintf(stderr, "---- status\n%s\n---- processes\n", text != NULL ? text : "(nobody answers)");
    free(text);
    rig_dump_processes();
}

/* Removes the folder; the first socket file in it is named in *RET_SOCKET. Tests make no folders in folders.
 */
static void folder_remove(struct rig *r, const char *path, const char **ret_socket)
{
    DIR *dir = opendir(path);
    struct stat st;

    if (dir == NULL)
        return;
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        const char *file = rig_format(r, "%s/%s", path, e->d_name);
        if (lstat(file, &st) == 0 && S_ISDIR(st.st_mode))
            folder_remove(r, file, ret_socket);
        else if (S_ISSOCK(st.st_mode))
            *ret_socket = file;
        unlink(file);
    }
    closedir(dir);
    rmdir(path);
}

static void rig_free(struct rig *r)
{
    struct rig_private *p = r->private;

    if (p->report_fd >= 0)
        close(p->report_fd);
    rig_events_close(r);
    json_decref(p->replies);
    for (size_t i = 0; i < p->n_strings; i++)
        free(p->strings[i]);
    free(p->strings);
    free(p->environment);
    free(p);
    free(r);
    rig_current = NULL;
}

/* Whoever has been killed may need a while to be gone. Those that are left; their number. */
static size_t wait_for_the_dying(struct rig *r, pid_t *dst, size_t max)
{
    long deadline = rig_deadline();

    for (;;) {
        bool waits = false;
        rig_reap_strays(r);
        size_t n = rig_descendants(dst, max);
        for (size_t i = 0; i < n; i++)
            waits = waits || rig_is_ending(r, dst[i]);
        if (!waits || r->leaves_processes || rig_now_ms() > deadline)
            return n;
        poll(NULL, 0, 1);
    }
}

void rig_end(struct rig *r)
{
    const char *socket = NULL;
    pid_t left[16];
    size_t n;

    if (r->pid > 0)
        rig_stop(r);
    n = wait_for_the_dying(r, left, 16);
    if (n > 0 && !r->leaves_processes) {
        rig_dump(r);
        cr_expect(n == 0, "%zu processes are left behind, pid %d first", n, (int)left[0]);
    }
    rig_kill_descendants();
    folder_remove(r, r->dir, &socket);
    cr_expect_null(socket, "a socket file is left behind: %s", socket);
    rig_free(r);
}

static void clear_up(struct rig *r)
{
    const char *socket = NULL;

    rig_kill_descendants();
    folder_remove(r, r->dir, &socket);
    rig_free(r);
}

const char *rig_leave(const char *fmt, ...)
{
    static char reason[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(reason, sizeof(reason), fmt, args);
    va_end(args);
    clear_up(rig_current);
    return reason;
}

void rig_fini(void)
{
    if (rig_current == NULL)
        return;
    rig_dump(rig_current);
    clear_up(rig_current);
}
