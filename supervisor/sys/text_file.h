/* text_file: a small file, whole. */
#ifndef BERTH_SYS_TEXT_FILE_H
#define BERTH_SYS_TEXT_FILE_H

#include "base/berr.h"
#include "base/buf.h"

/* The contents of PATH into RET, which the caller has initialised; its limit is the most that is read. Never
 * blocks on a FIFO: only plain files are read. -ENOENT, -EFBIG or another negative errno, and a sentence that
 * names PATH. */
int text_file_read(const char *path, struct buf *ret, struct berr *err);

#endif
