/* conf_claims: two sockets that want one place: the part of core/conf_check that compares them. */
#ifndef BERTH_CORE_CONF_CLAIMS_H
#define BERTH_CORE_CONF_CLAIMS_H

#include "core/conf_check.h"

/* One section that is looked at. */
struct check {
    const struct conf *conf;
    struct conf_report *report;
    enum conf_section section;
    const char *name;
};

/* Reports a sentence about KEY of the section at hand; NULL: about the section. */
void conf_refuse(const struct check *x, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Addresses that are the same, or take each other in, and paths at which sockets are served. Changes the name
 * in X. */
void conf_check_claims(struct check *x);

/* What the output of S contradicts (core/conf_output). */
void conf_check_output(const struct check *x, const struct service_conf *s);
/* What spares of S contradict (core/conf_standby). */
void conf_check_standby(const struct check *x, const struct service_conf *s);
/* Two services with one file. Changes the name in X. */
void conf_check_output_files(struct check *x);

#endif
