/* Owning descriptors: closing them once, and keeping them out of the places that others count on.
 *
 * Remember: O_NONBLOCK belongs to the open file description, so that changing it here changes it for every
 * process that shares the socket. */
#include "config.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_HIGH_FD 10

void fd_close(int *fd)
{
    int saved = errno;
    /* EINTR is no reason to try again: Linux has released the number by then. */
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

int fd_set_nonblock(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0)
        return -errno;
    return 0;
}

int fd_is_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    return (flags & O_NONBLOCK) != 0;
}

int fd_dup_high(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_HIGH_FD);
    return high < 0 ? -errno : high;
}

int fd_ensure_standard(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* The lowest free number is FD itself, since those below are open. It is the one kind of descriptor
         * that is not CLOEXEC: children expect 0, 1 and 2. */
        if (open("/dev/null", O_RDWR) < 0)
            return -errno;
    }
    return 0;
}

bool fd_is_same(int a, int b)
{
    struct stat one, other;
    pid_t self = getpid();
    long r = syscall(SYS_kcmp, self, self, KCMP_FILE, (unsigned long)a, (unsigned long)b);
    if (r >= 0)
        return r == 0;
    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino && (one.st_mode & S_IFMT) == (other.st_mode & S_IFMT) &&
           fcntl(a, F_GETFL) == fcntl(b, F_GETFL);
}
