/* text_file: see the header. */
#include "config.h"

#include "sys/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/fd.h"

static int refuse(const char *path, int errnum, const char *why, struct berr *err)
{
    char quoted[300];
    return berr_set(err, BERR_SYSTEM, errnum, "%s could not be read: %s",
                    str_escape(quoted, sizeof quoted, path, strlen(path)), why);
}

int text_file_read(const char *path, struct buf *ret, struct berr *err)
{
    struct stat st;
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return refuse(path, errno, strerror(errno), err);
    if (!S_ISREG(st.st_mode))
        return refuse(path, EINVAL, "it is not a plain file", err);
    for (;;) {
        char bytes[4096];
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refuse(path, errno, strerror(errno), err);
        if (n == 0)
            return 0;
        buf_add(ret, bytes, (size_t)n);
        if (ret->overflown)
            return refuse(path, EFBIG, "it is too large", err);
    }
}
