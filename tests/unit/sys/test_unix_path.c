/* The file of a held Unix socket. */
#include "config.h"

#include "sys/unix_path.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/fd.h"
#include "sys_test.h"

TestSuite(unix_path, .init = test_dir_make, .fini = test_dir_remove);

static int new_socket(int type)
{
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    return fd;
}

/* A bound and listening socket at PATH. */
static int bind_at(const char *path)
{
    struct socket_options o = test_options();
    struct berr err = {0};
    int fd = new_socket(SOCK_STREAM);
    cr_assert_eq(unix_path_bind(fd, path, &o, true, &err), 0, "%s", err.text);
    return fd;
}

/* Binding PATH must fail with ERRNUM and a sentence that has PART in it. */
static void expect_refusal(const char *path, int errnum, const char *part)
{
    struct socket_options o = test_options();
    struct berr err = {0};
    cleanup_fd int fd = new_socket(SOCK_STREAM);
    int r = unix_path_bind(fd, path, &o, true, &err);
    cr_assert_eq(r, -errnum, "%d: %s", r, err.text);
    cr_assert_not_null(strstr(err.text, part), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "unix:"), "%s", err.text);
}

static int connect_to(const char *path)
{
    struct endpoint e = {.family = AF_UNIX, .type = SOCK_STREAM};
    cr_assert_eq(unix_path_address(path, (struct sockaddr_un *)&e.sa, &e.len), 0);
    return test_connect(&e);
}

static void expect_connect(const char *path)
{
    int fd = connect_to(path);
    cr_assert_geq(fd, 0, "%s", strerror(-fd));
    close(fd);
}

static bool exists(const char *name)
{
    struct stat st;
    return lstat(test_path(name), &st) == 0;
}

Test(unix_path, a_bound_path_has_its_name_mode_and_hidden_link)
{
    struct socket_options o = test_options();
    struct berr err = {0};
    struct stat st;
    struct sockaddr_un un;
    socklen_t len = sizeof un;
    const char *path = test_path("a.sock");
    o.mode = 0640;
    cleanup_fd int fd = new_socket(SOCK_STREAM);
    umask(0077);
    cr_assert_eq(unix_path_bind(fd, path, &o, true, &err), 0, "%s", err.text);
    cr_assert_eq(umask(0022), 0077);
    cr_assert_eq(lstat(path, &st), 0);
    cr_assert_eq(st.st_mode, S_IFSOCK | 0640, "%o", st.st_mode);
    cr_assert_eq(st.st_nlink, 2);
    cr_assert(exists(".a.sock.berth"));
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&un, &len), 0);
    cr_assert_str_eq(un.sun_path, path);
    cr_assert_eq(unix_path_check(path), UNIX_PATH_OURS);
    expect_connect(path);
}

Test(unix_path, owner_and_group_are_given)
{
    if (geteuid() != 0)
        test_skip("only root may give a file away");
    struct socket_options o = test_options();
    struct berr err = {0};
    struct stat st;
    const char *path = test_path("a.sock");
    str_copy(o.user, sizeof o.user, "65534");
    str_copy(o.group, sizeof o.group, "12345");
    o.mode = 0660;
    cleanup_fd int fd = new_socket(SOCK_STREAM);
    cr_assert_eq(unix_path_bind(fd, path, &o, true, &err), 0, "%s", err.text);
    cr_assert_eq(lstat(path, &st), 0);
    cr_assert_eq(st.st_uid, 65534);
    cr_assert_eq(st.st_gid, 12345);
    cr_assert_eq(st.st_mode & 07777, 0660);
}

Test(unix_path, an_unknown_owner_leaves_nothing_behind)
{
    struct socket_options o = test_options();
    struct berr err = {0};
    str_copy(o.user, sizeof o.user, "no-such-user");
    cleanup_fd int fd = new_socket(SOCK_STREAM);
    cr_assert_eq(unix_path_bind(fd, test_path("a.sock"), &o, true, &err), -ENOENT);
    cr_assert_not_null(strstr(err.text, "no-such-user"));
    cr_assert(!exists("a.sock") && !exists(".a.sock.berth"));
}

/* Shared with a child that watches the path as fast as it can. */
struct watch {
    atomic_bool is_done;
    atomic_uint seen, wrong;
};

static bool is_wrong(const struct stat *st)
{
    mode_t mode = st->st_mode & 07777;
    return mode != 0 && (mode != 0600 || st->st_uid != (geteuid() ? geteuid() : NOBODY));
}

/* The kernel does not read owner and mode in one piece: what is wrong must be so at a second look as well. */
static void watch_mode(struct watch *w, const char *path)
{
    struct stat st, again;
    while (!w->is_done) {
        if (lstat(path, &st) < 0)
            continue;
        w->seen++;
        if (is_wrong(&st) && lstat(path, &again) == 0 && again.st_ino == st.st_ino && is_wrong(&again))
            w->wrong++;
    }
}

Test(unix_path, there_is_no_moment_with_a_wrong_mode_or_owner)
{
    struct socket_options o = test_options();
    struct berr err = {0};
    const char *path = test_path("a.sock");
    struct watch *w = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(w, MAP_FAILED);
    o.mode = 0600;
    if (geteuid() == 0)
        str_copy(o.user, sizeof o.user, "65534");
    pid_t pid = fork();
    if (pid == 0) {
        watch_mode(w, path);
        _exit(0);
    }
    for (int i = 0; i < 200 || (w->seen == 0 && i < 20000); i++) {
        cleanup_fd int fd = new_socket(SOCK_STREAM);
        cr_assert_eq(unix_path_bind(fd, path, &o, true, &err), 0, "%s", err.text);
        unix_path_give_up(path, true);
    }
    w->is_done = true;
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_assert_gt(w->seen, 0);
    cr_assert_eq(w->wrong, 0);
    munmap(w, sizeof *w);
}

/* --- what is there already --- */

Test(unix_path, a_live_owners_path_stays_and_its_process_is_named)
{
    char pid[32];
    const char *path = test_path("a.sock");
    snprintf(pid, sizeof pid, "(pid %d,", (int)getpid());
    cleanup_fd int fd = bind_at(path);
    expect_refusal(path, EADDRINUSE, pid);
    expect_connect(path);
    cr_assert_eq(unix_path_check(path), UNIX_PATH_OURS);
}

Test(unix_path, a_socket_that_is_bound_and_does_not_listen_is_live)
{
    struct sockaddr_un un;
    socklen_t len;
    const char *path = test_path("a.sock");
    cr_assert_eq(unix_path_address(path, &un, &len), 0);
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
    for (size_t i = 0; i < 3; i++) {
        cleanup_fd int fd = new_socket(types[i]);
        cr_assert_eq(bind(fd, (struct sockaddr *)&un, len), 0);
        cr_assert_eq(unix_path_is_live(path), 1);
        expect_refusal(path, EADDRINUSE, "in use");
        fd_close(&fd);
        cr_assert_eq(unix_path_is_live(path), 0);
        unlink(path);
    }
}

Test(unix_path, a_dead_socket_is_replaced)
{
    const char *path = test_path("a.sock");
    close(bind_at(path));
    cr_assert_eq(connect_to(path), -ECONNREFUSED);
    cleanup_fd int fd = bind_at(path);
    expect_connect(path);
    cr_assert_eq(unix_path_check(path), UNIX_PATH_OURS);
}

Test(unix_path, other_files_are_never_removed)
{
    const char *path = test_path("a.sock");
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    expect_refusal(path, EEXIST, "not a socket");
    cr_assert(exists("a.sock"));
    unlink(path);
    cr_assert_eq(symlink("elsewhere", path), 0);
    expect_refusal(path, EEXIST, "not a socket");
    cr_assert(exists("a.sock"));
}

Test(unix_path, a_path_whose_file_was_removed_still_belongs_to_its_live_owner)
{
    const char *path = test_path("a.sock");
    cleanup_fd int fd = bind_at(path);
    unlink(path);
    expect_refusal(path, EADDRINUSE, "in use");
    cr_assert_eq(unix_path_restore(path), 0);
    expect_connect(path);
}

Test(unix_path, what_cannot_be_made_is_explained)
{
    char longest[300];
    expect_refusal(test_path("nowhere/a.sock"), ENOENT, "directory does not exist");
    snprintf(longest, sizeof longest, "%s/%0*d", test_dir, 150, 0);
    expect_refusal(longest, ENAMETOOLONG, "107 bytes");
    expect_refusal("/tmp/", EISDIR, "directory");
    cr_assert_eq(mkdir(test_path("a.sock"), 0700), 0);
    expect_refusal(test_path("a.sock"), EEXIST, "not a socket");
}

Test(unix_path, that_no_descriptor_is_left_is_told_and_no_fault_of_the_directory)
{
    const char *path = test_path("a.sock");
    struct rlimit most;
    getrlimit(RLIMIT_NOFILE, &most);
    int next = dup(0);
    close(next);
    most.rlim_cur = (rlim_t)next + 1; /* for the socket itself */
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &most), 0);
    expect_refusal(path, EMFILE, "ulimit -n");
    cr_assert(!exists("a.sock"));
}

Test(unix_path, the_longest_path_is_bound_and_guarded)
{
    char path[108];
    size_t len = (size_t)snprintf(path, sizeof path, "%s/", test_dir);
    memset(path + len, 'x', 107 - len);
    path[107] = '\0';
    cleanup_fd int fd = bind_at(path);
    expect_connect(path);
    unlink(path);
    expect_refusal(path, EADDRINUSE, "in use");
    cr_assert_eq(unix_path_restore(path), 0);
    expect_connect(path);
}

static int bind_as_nobody(void *arg)
{
    struct socket_options o = test_options();
    struct berr err = {0};
    if (!test_become_nobody())
        return 1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (unix_path_bind(fd, arg, &o, true, &err) != -EACCES)
        return 2;
    return strstr(err.text, "Permission denied") && strstr(err.text, arg) ? 0 : 3;
}

Test(unix_path, a_directory_that_may_not_be_written_is_told)
{
    if (geteuid() != 0)
        test_skip("only root can become somebody else to try it");
    cr_assert_eq(test_in_child(bind_as_nobody, (void *)(uintptr_t)test_path("a.sock")), 0);
}

/* --- guarding --- */

Test(unix_path, a_removed_path_is_missed_and_put_back)
{
    const char *path = test_path("a.sock");
    cleanup_fd int fd = bind_at(path);
    unlink(path);
    cr_assert_eq(unix_path_check(path), UNIX_PATH_MISSING);
    cr_assert_eq(unix_path_restore(path), 0);
    cr_assert_eq(unix_path_check(path), UNIX_PATH_OURS);
    expect_connect(path);
    cr_assert_eq(unix_path_restore(path), 0);
    cr_assert_eq(unix_path_check(path), UNIX_PATH_OURS);
}

Test(unix_path, a_foreign_file_in_its_place_is_found_and_replaced)
{
    const char *path = test_path("a.sock");
    cleanup_fd int fd = bind_at(path);
    unlink(path);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    cr_assert_eq(unix_path_check(path), UNIX_PATH_FOREIGN);
    cr_assert_eq(unix_path_restore(path), 0);
    expect_connect(path);
}

Test(unix_path, without_the_hidden_link_nothing_can_be_told)
{
    const char *path = test_path("a.sock");
    cleanup_fd int fd = bind_at(path);
    unlink(test_path(".a.sock.berth"));
    cr_assert_eq(unix_path_check(path), -ENOENT);
    cr_assert_eq(unix_path_restore(path), -ENOENT);
    expect_connect(path);
}

Test(unix_path, giving_up_removes_what_is_ours)
{
    const char *path = test_path("a.sock");
    cleanup_fd int one = bind_at(path);
    errno = EXDEV;
    unix_path_give_up(path, true);
    cr_assert_eq(errno, EXDEV);
    cr_assert(!exists("a.sock") && !exists(".a.sock.berth"));

    cleanup_fd int two = bind_at(path);
    unix_path_give_up(path, false);
    cr_assert(exists("a.sock") && !exists(".a.sock.berth"));
}

Test(unix_path, giving_up_leaves_a_foreign_file_alone)
{
    const char *path = test_path("a.sock");
    cleanup_fd int fd = bind_at(path);
    unlink(path);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    unix_path_give_up(path, true);
    cr_assert(exists("a.sock") && !exists(".a.sock.berth"));
}

Test(unix_path, only_a_dead_socket_is_removed_as_dead)
{
    const char *path = test_path("a.sock");
    int fd = bind_at(path);
    unix_path_remove_dead(path);
    cr_assert(exists("a.sock"));
    close(fd);
    unix_path_remove_dead(path);
    cr_assert(!exists("a.sock"));
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    unix_path_remove_dead(path);
    cr_assert(exists("a.sock"));
}

/* --- races --- */

#define STARTERS 8

/* Waits for the start, tries to bind, tells how it went, and holds what it has until the end. */
static void start_one(const char *path, int start_fd, int result_fd, int end_fd)
{
    struct socket_options o = test_options();
    struct berr err = {0};
    char byte;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (read(start_fd, &byte, 1) != 0)
        _exit(1);
    int r = unix_path_bind(fd, path, &o, true, &err);
    if (write(result_fd, &r, sizeof r) != sizeof r || read(end_fd, &byte, 1) != 0)
        _exit(2);
    _exit(0);
}

/* All start when the pipe's other end is closed; returns how many won. */
static int race(const char *path)
{
    int start[2], result[2], end[2], winners = 0;
    cr_assert(pipe2(start, O_CLOEXEC) == 0 && pipe2(result, O_CLOEXEC) == 0 && pipe2(end, O_CLOEXEC) == 0);
    for (int i = 0; i < STARTERS; i++) {
        if (fork() == 0) {
            close(start[1]);
            close(end[1]);
            start_one(path, start[0], result[1], end[0]);
        }
    }
    close(start[1]);
    for (int i = 0; i < STARTERS; i++) {
        int r = -1;
        cr_assert_eq(read(result[0], &r, sizeof r), sizeof r);
        cr_assert(r == 0 || r == -EADDRINUSE, "%s", strerror(-r));
        winners += r == 0;
    }
    expect_connect(path);
    cr_assert_eq(unix_path_check(path), UNIX_PATH_OURS);
    close(end[1]);
    for (int i = 0; i < STARTERS; i++) {
        int status;
        cr_assert_geq(wait(&status), 0);
        cr_assert_eq(status, 0);
    }
    close(start[0]);
    close(result[0]);
    close(result[1]);
    close(end[0]);
    return winners;
}

Test(unix_path, of_many_starters_exactly_one_wins)
{
    const char *path = test_path("a.sock");
    cr_assert_eq(race(path), 1);
    /* From the second time on they find a dead socket. */
    for (int i = 0; i < 10; i++)
        cr_assert_eq(race(path), 1);
}
