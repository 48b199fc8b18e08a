/* memory_file: a text in a memfd that nobody can change any more, to be held by somebody else. */
#ifndef BERTH_SYS_MEMORY_FILE_H
#define BERTH_SYS_MEMORY_FILE_H

#include <stddef.h>

/* The descriptor (CLOEXEC, at least 10), or negative errno. */
int memory_file_new(const char *name, const void *bytes, size_t n);
/* All that is in FD, with a NUL behind it, the caller's; at most MOST bytes. Negative errno. */
int memory_file_read(int fd, size_t most, char **ret, size_t *ret_n);

#endif
