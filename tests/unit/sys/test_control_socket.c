/* The control socket. */
#include "config.h"

#include "sys/control_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys_test.h"

TestSuite(control_socket, .init = test_dir_make, .fini = test_dir_remove);

/* The path for EXPLICIT, and whether it counts as chosen. */
static const char *path_for(const char *explicit_path, bool *ret_chosen)
{
    static char path[108];
    struct berr err = {0};
    cr_assert_eq(control_socket_path(path, sizeof path, explicit_path, ret_chosen, &err), 0, "%s", err.text);
    return path;
}

Test(control_socket, the_option_comes_before_the_variable_before_the_default)
{
    bool chosen = false;
    setenv("BERTH_CONTROL", "/run/b.sock", 1);
    cr_assert_str_eq(path_for("/run/a.sock", &chosen), "/run/a.sock");
    cr_assert(chosen);
    chosen = false;
    cr_assert_str_eq(path_for(NULL, &chosen), "/run/b.sock");
    cr_assert(chosen);
    setenv("BERTH_CONTROL", "", 1);
    if (geteuid() == 0)
        cr_assert_str_eq(path_for(NULL, &chosen), "/run/berth/control.sock");
    else
        path_for(NULL, &chosen);
    cr_assert(!chosen);
}

Test(control_socket, a_path_that_is_too_long_is_refused)
{
    char path[200], dst[108] = "untouched";
    bool chosen;
    struct berr err = {0};
    snprintf(path, sizeof path, "/%0*d", 150, 0);
    cr_assert_eq(control_socket_path(dst, sizeof dst, path, &chosen, &err), -ENAMETOOLONG);
    cr_assert_not_null(strstr(err.text, "107"));
    cr_assert_eq(err.class, BERR_USAGE);
}

Test(control_socket, it_listens_with_its_mode_and_answers)
{
    struct berr err = {0};
    struct stat st;
    const char *path = test_path("c.sock");
    cleanup_fd int fd = control_socket_listen(path, 0620, NULL, &err);
    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(fd_is_nonblock(fd), 1);
    cr_assert_eq(lstat(path, &st), 0);
    cr_assert_eq(st.st_mode, S_IFSOCK | 0620);
    cr_assert_eq(st.st_nlink, 1);

    cleanup_fd int client = control_socket_connect(path, &err);
    cr_assert_geq(client, 0, "%s", err.text);
    cr_assert_eq(fcntl(client, F_GETFD), FD_CLOEXEC);
    cleanup_fd int server = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(server, 0);
}

Test(control_socket, a_live_one_is_not_replaced_and_a_dead_one_is)
{
    struct berr err = {0};
    const char *path = test_path("c.sock");
    cleanup_fd int fd = control_socket_listen(path, 0600, NULL, &err);
    cr_assert_eq(control_socket_listen(path, 0600, NULL, &err), -EADDRINUSE);
    cr_assert_not_null(strstr(err.text, "control socket"), "%s", err.text);
    cleanup_fd int client = control_socket_connect(path, &err);
    cr_assert_geq(client, 0);
    fd_close(&fd);
    cleanup_fd int next = control_socket_listen(path, 0600, NULL, &err);
    cr_assert_geq(next, 0, "%s", err.text);
}

Test(control_socket, an_abstract_one_works_likewise)
{
    char name[64];
    struct berr err = {0};
    snprintf(name, sizeof name, "@berth-test-control-%d", (int)getpid());
    cleanup_fd int fd = control_socket_listen(name, 0600, NULL, &err);
    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert_eq(control_socket_listen(name, 0600, NULL, &err), -EADDRINUSE);
    cleanup_fd int client = control_socket_connect(name, &err);
    cr_assert_geq(client, 0, "%s", err.text);
    control_socket_retire(fd, name);
    cr_assert_lt(control_socket_connect(name, &err), 0);
    cr_assert_eq(err.class, BERR_UNREACHABLE);
}

Test(control_socket, nobody_at_the_other_end_is_unreachable_and_explained)
{
    struct berr err = {0};
    const char *path = test_path("c.sock");
    cr_assert_eq(control_socket_connect(path, &err), -ENOENT);
    cr_assert_eq(err.class, BERR_UNREACHABLE);
    cr_assert_not_null(strstr(err.text, path), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "--control"), "%s", err.text);

    close(control_socket_listen(path, 0600, NULL, &err));
    cr_assert_eq(control_socket_connect(path, &err), -ECONNREFUSED);
    cr_assert_eq(err.class, BERR_UNREACHABLE);
    cr_assert_not_null(strstr(err.text, "gone"), "%s", err.text);
}

Test(control_socket, a_retired_one_is_gone_although_others_hold_it)
{
    struct berr err = {0};
    const char *path = test_path("c.sock");
    cleanup_fd int fd = control_socket_listen(path, 0600, NULL, &err);
    cleanup_fd int held = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    cr_assert_geq(held, 0);
    control_socket_retire(fd, path);
    cr_assert_eq(access(path, F_OK), -1);
}

Test(control_socket, anothers_live_one_at_the_path_is_not_removed_by_retiring_ours)
{
    struct berr err = {0};
    const char *path = test_path("c.sock");
    cleanup_fd int old = control_socket_listen(path, 0600, NULL, &err);
    cr_assert_eq(unlink(path), 0);
    cleanup_fd int new = control_socket_listen(path, 0600, NULL, &err);
    cr_assert_geq(new, 0, "%s", err.text);
    control_socket_retire(old, path);
    cr_assert_eq(access(path, F_OK), 0);
}

/* --- the folders of the defaults: as somebody else than root --- */

static int make_runtime_folder(void *arg)
{
    struct stat st;
    struct berr err = {0};
    bool chosen;
    char path[108], folder[128];
    if (!test_become_nobody() || setenv("XDG_RUNTIME_DIR", arg, 1) < 0 || unsetenv("BERTH_CONTROL") < 0)
        return 1;
    if (control_socket_path(path, sizeof path, NULL, &chosen, &err) != 0 || chosen)
        return 2;
    snprintf(folder, sizeof folder, "%s/berth", (const char *)arg);
    if (strncmp(path, folder, strlen(folder)) != 0 || strcmp(path + strlen(folder), "/control.sock") != 0)
        return 3;
    umask(0);
    cleanup_fd int fd = control_socket_listen(path, 0600, NULL, &err);
    if (fd < 0 || lstat(folder, &st) < 0 || (st.st_mode & 07777) != 0700)
        return 4;
    /* A folder that others may look into is not trusted. */
    chmod(folder, 0755);
    fd_close(&fd);
    return control_socket_listen(path, 0600, NULL, &err) == -EPERM && strstr(err.text, folder) ? 0 : 5;
}

Test(control_socket, the_default_folder_is_made_for_its_user_alone)
{
    if (geteuid() != 0)
        test_skip("only root can become somebody else to try it");
    cr_assert_eq(chown(test_dir, NOBODY, NOBODY), 0);
    cr_assert_eq(test_in_child(make_runtime_folder, test_dir), 0);
}

static int refuse_foreign_folder(void *arg)
{
    struct berr err = {0};
    bool chosen;
    char path[108];
    uid_t uid = *(uid_t *)arg;
    if (setresuid(uid, uid, uid) < 0 || unsetenv("XDG_RUNTIME_DIR") < 0 || unsetenv("BERTH_CONTROL") < 0)
        return 1;
    if (control_socket_path(path, sizeof path, NULL, &chosen, &err) != 0)
        return 2;
    return control_socket_listen(path, 0600, NULL, &err) == -EPERM && strstr(err.text, "not a folder of uid") ? 0
                                                                                                        : 3;
}

Test(control_socket, a_folder_in_tmp_that_is_not_ours_is_refused)
{
    if (geteuid() != 0)
        test_skip("only root can become somebody else to try it");
    char folder[64];
    uid_t uid = 3000000000u + (uid_t)getpid();
    snprintf(folder, sizeof folder, "/tmp/berth-%u", (unsigned)uid);
    cr_assert_eq(mkdir(folder, 0700), 0);
    int r = test_in_child(refuse_foreign_folder, &uid);
    rmdir(folder);
    cr_assert_eq(r, 0);
}

Test(control_socket, a_folder_of_the_users_choice_is_not_made)
{
    struct berr err = {0};
    cr_assert_eq(control_socket_listen(test_path("nowhere/c.sock"), 0600, NULL, &err), -ENOENT);
    cr_assert_not_null(strstr(err.text, "create the directory"), "%s", err.text);
}
