/* A memfd, mapped. The keeper holds the descriptor too, so the memory outlives the process that wrote it.
 *
 * Remember: the file never shrinks (it is sealed against that), hence no access behind a mapping can raise
 * SIGBUS. */
#include "config.h"

#include "sys/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int memfd_new(const char *name)
{
    /* vm.memfd_noexec=2 refuses a memfd that could be executed; kernels before 6.3 do not know the flag. */
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

static int map(struct shared_memory *m, int fd, size_t size)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED)
        return -errno;
    *m = (struct shared_memory){.fd = fd, .base = base, .size = size};
    return 0;
}

int shared_memory_new(struct shared_memory *m, const char *name, size_t size)
{
    cleanup_fd int fd = memfd_new(name);
    if (fd < 0)
        return fd;
    if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
        return -errno;
    int r = map(m, fd, size);
    if (r == 0)
        take_fd(&fd);
    return r;
}

int shared_memory_open(struct shared_memory *m, int fd)
{
    cleanup_fd int owned = fd;
    struct stat st;
    if (fstat(owned, &st) < 0)
        return -errno;
    int seals = fcntl(owned, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK) || st.st_size <= 0)
        return -EINVAL;
    int r = map(m, owned, (size_t)st.st_size);
    if (r == 0)
        take_fd(&owned);
    return r;
}

int shared_memory_grow(struct shared_memory *m, size_t size)
{
    if (size < m->size)
        return -EINVAL;
    if (ftruncate(m->fd, (off_t)size) < 0)
        return -errno;
    void *base = mremap(m->base, m->size, size, MREMAP_MAYMOVE);
    if (base == MAP_FAILED)
        return -errno;
    m->base = base;
    m->size = size;
    return 0;
}

void shared_memory_close(struct shared_memory *m)
{
    if (m->base)
        munmap(m->base, m->size);
    fd_close(&m->fd);
    m->base = NULL;
    m->size = 0;
}
