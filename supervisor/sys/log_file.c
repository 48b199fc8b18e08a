/* log_file: see the header.
 *
 * Remember: older files are moved from the highest number down, and only up to the first number that is free.
 * So a process that died in the middle has left a gap, and whoever begins again closes it without pushing the
 * oldest file out. */
#include "config.h"

#include "sys/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"

#define FILE_MODE 0640

void log_file_init(struct log_file *f, const char *path, int64_t max, unsigned keep)
{
    *f = (struct log_file){.path = path, .max = max, .keep = keep, .fd = -1};
}

void log_file_close(struct log_file *f)
{
    fd_close(&f->fd);
}

static int open_file(struct log_file *f)
{
    struct stat st;
    if (f->fd >= 0)
        return 0;
    /* Neither a FIFO without a reader nor a terminal may hold us up. */
    cleanup_fd int fd =
        open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);
    if (fd < 0)
        return errno == ENXIO ? -EINVAL : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    f->size = st.st_size;
    f->fd = fd_dup_high(fd); /* out of the way of the numbers that workers are given */
    return f->fd < 0 ? f->fd : 0;
}

/* "PATH.3"; false where that is no path. */
static bool older(char dst[PATH_MAX], const struct log_file *f, unsigned number)
{
    return snprintf(dst, PATH_MAX, "%s.%u", f->path, number) < PATH_MAX;
}

static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* PATH.1 up to the first free number move up by one. */
static int make_way(const struct log_file *f)
{
    char from[PATH_MAX], to[PATH_MAX];
    unsigned last = 1;
    while (last < f->keep && older(to, f, last) && is_there(to))
        last++;
    for (; last > 1; last--)
        if (!older(from, f, last - 1) || !older(to, f, last) || rename(from, to) < 0)
            return -errno;
    return 0;
}

/* Is the file at PATH the one that is open? Somebody else may have put it aside. */
static bool is_ours(const struct log_file *f)
{
    struct stat open_one, there;
    return fstat(f->fd, &open_one) == 0 && stat(f->path, &there) == 0 && open_one.st_ino == there.st_ino &&
           open_one.st_dev == there.st_dev;
}

static int open_anew(struct log_file *f)
{
    log_file_close(f);
    return open_file(f);
}

static int put_aside(struct log_file *f)
{
    char to[PATH_MAX];
    if (!is_ours(f))
        return open_anew(f);
    int r = f->keep > 0 ? make_way(f) : 0;
    if (r < 0)
        return r;
    if (f->keep == 0)
        r = unlink(f->path);
    else
        r = older(to, f, 1) ? rename(f->path, to) : (errno = ENAMETOOLONG, -1);
    return r < 0 ? -errno : open_anew(f);
}

/* What others did to the file meanwhile: cut it, or removed it. */
static int look_again(struct log_file *f)
{
    struct stat st;
    int r = open_file(f);
    if (r < 0)
        return r;
    if (fstat(f->fd, &st) < 0)
        return -errno;
    f->size = st.st_size;
    return st.st_nlink == 0 ? open_anew(f) : 0;
}

/* The longest run of whole lines that is at most ROOM bytes long; 0: not even the first is. */
static size_t lines_within(const char *bytes, size_t n, int64_t room)
{
    if (room <= 0)
        return 0;
    if ((int64_t)n <= room)
        return n;
    const char *newline = memrchr(bytes, '\n', (size_t)room);
    return newline ? (size_t)(newline - bytes) + 1 : 0;
}

static size_t first_line(const char *bytes, size_t n)
{
    const char *newline = memchr(bytes, '\n', n);
    return newline ? (size_t)(newline - bytes) + 1 : n;
}

ssize_t log_file_prepare(struct log_file *f, const char *bytes, size_t n, bool continues)
{
    int r = look_again(f);
    if (r < 0)
        return r;
    size_t fit = lines_within(bytes, n, f->max - f->size);
    if (fit > 0)
        return (ssize_t)fit;
    if (continues)
        return (ssize_t)first_line(bytes, n);
    if (f->size > 0) {
        r = f->aside_error = put_aside(f);
        if (f->fd < 0)
            return r;
    }
    fit = lines_within(bytes, n, f->max - f->size);
    return (ssize_t)(fit > 0 ? fit : first_line(bytes, n));
}

ssize_t log_file_append(struct log_file *f, const char *bytes, size_t n)
{
    ssize_t written;
    do
        written = write(f->fd, bytes, n);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return -errno;
    f->size += written;
    return written == 0 ? -ENOSPC : written;
}

void log_file_cut(struct log_file *f, int64_t size)
{
    if (f->fd >= 0 && ftruncate(f->fd, size) == 0)
        f->size = size;
}

size_t log_file_count(const struct log_file *f, int64_t size, const char *bytes, size_t n)
{
    char there[4096];
    size_t same = 0;
    cleanup_fd int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    while (fd >= 0 && same < n) {
        size_t part = n - same < sizeof there ? n - same : sizeof there;
        ssize_t got = pread(fd, there, part, size + (int64_t)same);
        if (got <= 0 || memcmp(there, bytes + same, (size_t)got) != 0)
            break;
        same += (size_t)got;
    }
    return same;
}
