/* env_file: variables written in a file, in the format of systemd's EnvironmentFile=: lines NAME=VALUE; lines
 * that are blank or begin with # or ; mean nothing. Nothing is expanded.
 *
 * A value ends with its line, less the blanks around it; a backslash takes the meaning of the character
 * behind it, also of the line's end. A value may begin with quoted parts, which may be several lines long: in
 * '…' every character stands for itself, in "…" a backslash counts before ", \, `, $ and the line's end. */
#ifndef BERTH_CORE_ENV_FILE_H
#define BERTH_CORE_ENV_FILE_H

#include <stddef.h>

#include "base/berr.h"
#include "base/str.h"

/* Puts every variable of the N bytes at TEXT into *RET, in place of one of the same name that is there.
 * Stricter than systemd, which skips what it cannot read: -EINVAL (-E2BIG for more than
 * LIMIT_ENV_FILE_VARIABLES) and a sentence, with the line in err->line; *RET is unchanged then. */
int env_file_parse(const char *text, size_t n, struct strv *ret, struct berr *err);

#endif
