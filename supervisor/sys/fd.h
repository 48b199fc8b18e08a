/* fd: owning a descriptor. An int whose name ends in fd; -1 is none. */
#ifndef BERTH_SYS_FD_H
#define BERTH_SYS_FD_H

#include <stdbool.h>

/* Closes *FD if it is one, keeps errno, and makes it -1. */
void fd_close(int *fd);
/* `cleanup_fd int fd = …;`: closed when it goes out of scope. */
#define cleanup_fd __attribute__((cleanup(fd_close)))

/* Takes the descriptor out of *FD, which becomes -1. */
static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* O_NONBLOCK on or off, on the description that every holder shares. Negative errno. */
int fd_set_nonblock(int fd, bool on);
int fd_is_nonblock(int fd); /* 1, 0, or negative errno */
/* Do both lead to the same open file? Where the kernel does not tell (kcmp(2)): to the same file, open in the
 * same way. */
bool fd_is_same(int a, int b);
/* A duplicate with CLOEXEC that is at least 10, out of the way of 0 to 9. Negative errno. */
int fd_dup_high(int fd);
/* Opens /dev/null on those of 0, 1 and 2 that are closed, so that no later descriptor can land there.
 * Negative errno. */
int fd_ensure_standard(void);

#endif
