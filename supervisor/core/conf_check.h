/* conf_check: what no single key can tell: services naming unknown sockets, two sockets on one address, a
 * placeholder for a socket that the service does not have, circles, options that contradict each other. It
 * changes nothing that it checks. */
#ifndef BERTH_CORE_CONF_CHECK_H
#define BERTH_CORE_CONF_CHECK_H

#include "core/conf.h"

struct conf_report {
    /* KEY of the section SECTION, which is called NAME, is what SENTENCE is about; NULL: the section as a
     * whole. */
    void (*on_problem)(struct conf_report *self, enum conf_section section, const char *name, const char *key,
                       const char *sentence);
};

/* Reports everything that is wrong. */
void conf_check_all(const struct conf *c, struct conf_report *report);
/* The first of it: -EINVAL and a sentence that begins with the section's kind and name; 0 if there is none.
 */
int conf_check(const struct conf *c, struct berr *err);

#endif
