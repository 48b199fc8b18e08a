/* will: see the header. */
#include "config.h"

#include "sys/will.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LEAST_FD 10 /* the low numbers are for the supervisor's and workers' own */

int will_new(void)
{
    int fd = memfd_create("berth-will", MFD_CLOEXEC);
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, LEAST_FD);
    int err = errno;
    if (fd >= 0)
        close(fd);
    return high < 0 ? -err : high;
}

int will_add(int will, struct keeper_msg *m, int fd)
{
    m->count = fd >= 0 ? (uint32_t)fd + 1 : 0;
    ssize_t n = write(will, m, keeper_msg_size(m));
    return n < 0 ? -errno : (size_t)n == keeper_msg_size(m) ? 0 : -EIO;
}

int will_read(int will, struct keeper_msg *ret, int *ret_fd)
{
    struct keeper_msg raw = {0};
    ssize_t n = read(will, &raw, KEEPER_MSG_MIN);
    if (n <= 0)
        return n < 0 ? -errno : 0;
    if ((size_t)n != KEEPER_MSG_MIN || raw.name_len > LIMIT_HELD_NAME)
        return -EBADMSG;
    n = read(will, raw.name, raw.name_len);
    int r = n < 0 ? -errno : keeper_msg_parse(&raw, KEEPER_MSG_MIN + (size_t)n, ret);
    if (r < 0)
        return r;
    *ret_fd = ret->count > 0 ? (int)(ret->count - 1) : -1;
    return 1;
}

void will_pass(int fd, bool is_passed)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, is_passed ? 0 : FD_CLOEXEC);
}

static void format_name(char dst[32], int will)
{
    size_t n = strlen(WILL_HEIR_NAME);
    int digits = 1;
    memcpy(dst, WILL_HEIR_NAME, n);
    for (int rest = will; rest >= 10; rest /= 10)
        digits++;
    dst[n + (size_t)digits] = '\0';
    for (; digits > 0; will /= 10)
        dst[n + (size_t)--digits] = (char)('0' + will % 10);
}

static void pass_all(int will, bool is_passed)
{
    struct keeper_msg m;
    int fd;
    lseek(will, 0, SEEK_SET);
    while (will_read(will, &m, &fd) > 0)
        will_pass(fd, is_passed);
    lseek(will, 0, SEEK_SET);
    will_pass(will, is_passed);
}

int will_execute(int will, int binary, char *argv[], char *environment[])
{
    char name[32], *before = argv[0];
    format_name(name, will);
    pass_all(will, true);
    argv[0] = name;
    execveat(binary, "", argv, environment, AT_EMPTY_PATH);
    int err = errno;
    argv[0] = before;
    pass_all(will, false);
    return -err;
}

int will_find(const char *argv0)
{
    size_t n = strlen(WILL_HEIR_NAME);
    int will = 0;
    if (strncmp(argv0, WILL_HEIR_NAME, n) != 0 || !argv0[n])
        return -1;
    for (const char *c = argv0 + n; *c; c++) {
        if (*c < '0' || *c > '9' || will > 100000000)
            return -1;
        will = will * 10 + (*c - '0');
    }
    return will;
}
