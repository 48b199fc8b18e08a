/* conf_build: a configuration from the lines of its files. */
#ifndef BERTH_CORE_CONF_BUILD_H
#define BERTH_CORE_CONF_BUILD_H

#include "core/conf.h"
#include "core/conf_expand.h"
#include "core/conf_source.h"

/* Makes *RET of the lines of SOURCE and checks it as a whole. VARIABLE answers for ${NAME}. What is wrong is
 * added to SOURCE's problems; *RET is then to be freed and not to be used. */
void conf_build(struct conf_source *source, conf_variable *variable, const void *data, struct conf *ret);

/* All of C as a file that conf_build() makes the same of: every key that has a value. */
void conf_print(const struct conf *c, struct buf *out);
/* The same of one section. */
void conf_print_section(enum conf_section section, const void *of, struct buf *out);

#endif
