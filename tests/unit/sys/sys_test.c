/* What the tests of sys/ share. */
#include "config.h"

#include "sys_test.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char test_dir[64];

void test_dir_make(void)
{
    snprintf(test_dir, sizeof test_dir, "/tmp/berth-sys-XXXXXX");
    cr_assert(mkdtemp(test_dir) && chmod(test_dir, 0755) == 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void test_dir_remove(void)
{
    if (test_dir[0])
        nftw(test_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_path(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", test_dir, name);
    return path;
}

int test_in_child(int (*body)(void *), void *arg)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(body(arg));
    cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool test_become_nobody(void)
{
    return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
           setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

bool test_refuse_call(long nr, long arg0, int errnum)
{
    unsigned char any = arg0 == -1 ? 1 : 0;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 4),
        BPF_JUMP(BPF_JMP | BPF_JA, any ? 2 : 0, 0, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)arg0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)errnum),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

struct endpoint test_endpoint(const char *text)
{
    struct address a;
    struct endpoint e = {0};
    struct berr err = {0};
    cr_assert_eq(address_parse(text, &a, &err), 0, "%s", err.text);
    cr_assert_eq(address_to_endpoint(&a, &e), 0, "%s", text);
    return e;
}

struct socket_options test_options(void)
{
    return (struct socket_options){
        .backlog = 4096,
        .reuse_address = true,
        .ipv6_only = -1,
        .defer_accept = -1,
        .fast_open = -1,
        .keep_idle = -1,
        .keep_interval = -1,
        .keep_count = -1,
        .user_timeout_ms = -1,
        .receive_buffer = -1,
        .send_buffer = -1,
        .priority = -1,
        .tos = -1,
        .mark = -1,
        .mode = 0666,
        .unlink = true,
        .max_connections = -1,
        .max_per_source = -1,
    };
}

int test_connect(const struct endpoint *e)
{
    int fd = socket(e->family, e->type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&e->sa, e->len) == 0)
        return fd;
    int err = errno;
    close(fd);
    return -err;
}
