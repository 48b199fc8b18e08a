/* log_file: a file that lines are appended to and that is put aside when it has grown to its limit:
 * PATH becomes PATH.1, what was PATH.1 becomes PATH.2, up to PATH.KEEP.
 *
 * No line is split between two files, and none is lost: what is put aside is renamed, never copied. A process
 * that dies in between is followed by one that goes on with it. Nothing here blocks but the file system
 * itself. */
#ifndef BERTH_SYS_LOG_FILE_H
#define BERTH_SYS_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct log_file {
    const char *path; /* borrowed */
    int64_t max;      /* bytes */
    unsigned keep;    /* how many older files stay */
    int fd;           /* owned; -1: not open */
    int64_t size;     /* of the open file, as far as is known */
    int aside_error;  /* negative errno: it could not be put aside, and grows on; 0: it could, last time */
};

/* Opens nothing yet. */
void log_file_init(struct log_file *f, const char *path, int64_t max, unsigned keep);
/* Lets go of the file; the next write opens PATH anew. */
void log_file_close(struct log_file *f);

/* Makes ready for appending from the N BYTES, at least 1: opens the file, and puts it aside where the first
 * line would take it beyond its limit, unless CONTINUES says that the file ends in the beginning of that
 * line. How many of the bytes may be appended at once: whole lines where there are any. Negative errno:
 * -EINVAL for what is no regular file. */
ssize_t log_file_prepare(struct log_file *f, const char *bytes, size_t n, bool continues);
/* Appends N bytes to the file that is open; how many it took, or negative errno when it took none. */
ssize_t log_file_append(struct log_file *f, const char *bytes, size_t n);
/* Takes back what was appended behind SIZE. */
void log_file_cut(struct log_file *f, int64_t size);
/* How many of the N BYTES an earlier process appended when the file had SIZE bytes; 0 where the file is
 * another one by now. */
size_t log_file_count(const struct log_file *f, int64_t size, const char *bytes, size_t n);

#endif
