/* env_files: the variables of a service's env_file, as its next worker would get them. */
#ifndef BERTH_ENGINE_ENV_FILES_H
#define BERTH_ENGINE_ENV_FILES_H

#include "core/conf.h"

/* Reads the files of S in their order and puts their variables into *RET, in place of those of the same name.
 * A negative errno and a sentence that names the file and, where it has to do with one, the line. */
int env_files_read(const struct service_conf *s, struct strv *ret, struct berr *err);
/* The same for a list of FILES, each perhaps behind a '-'. */
int env_files_read_list(const struct strv *files, struct strv *ret, struct berr *err);

#endif
