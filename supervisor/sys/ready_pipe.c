/* ready_pipe: see the header. tee(2) is how one looks into a pipe without taking anything out. */
#include "config.h"

#include "sys/ready_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys/fd.h"

#define AT_ONCE 4096

int ready_pipe_new(int *ret_ours, int *ret_theirs)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    cleanup_fd int ours = ends[0], theirs = ends[1];
    int r = fd_set_nonblock(ours, true);
    if (r < 0)
        return r;
    *ret_ours = take_fd(&ours);
    *ret_theirs = take_fd(&theirs);
    return 0;
}

/* A copy of what is there. How much, 0 at the end, or negative errno. */
static ssize_t peek(int ours, char *bytes)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    cleanup_fd int out = ends[0], in = ends[1];
    ssize_t n = tee(ours, in, AT_ONCE, SPLICE_F_NONBLOCK);
    if (n < 0)
        return -errno;
    return n == 0 ? 0 : read(out, bytes, (size_t)n);
}

int ready_pipe_look(int ours)
{
    char bytes[AT_ONCE];
    for (;;) {
        ssize_t n = peek(ours, bytes);
        if (n == -EAGAIN)
            return 0;
        if (n <= 0)
            return n == 0 ? -EPIPE : (int)n;
        if (memchr(bytes, '\n', (size_t)n))
            return 1;
        if (read(ours, bytes, (size_t)n) != n) /* it says nothing, and would wake us again */
            return -EIO;
    }
}
