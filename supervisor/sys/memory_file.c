/* memory_file: see the header. */
#include "config.h"

#include "sys/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/fd.h"

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        n -= (size_t)written;
    }
    return 0;
}

int memory_file_new(const char *name, const void *bytes, size_t n)
{
    cleanup_fd int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, bytes, n);
    if (r < 0)
        return r;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return -errno;
    return fd_dup_high(fd);
}

int memory_file_read(int fd, size_t most, char **ret, size_t *ret_n)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size < 0 || (size_t)st.st_size > most)
        return -EFBIG;
    size_t n = (size_t)st.st_size, done = 0;
    char *text = mem_new(n + 1);
    while (done < n) {
        ssize_t got = pread(fd, text + done, n - done, (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            int err = got < 0 ? errno : EIO;
            free(text);
            return -err;
        }
        done += (size_t)got;
    }
    *ret = text;
    *ret_n = n;
    return 0;
}
