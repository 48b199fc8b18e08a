/* conf_diff: what is different between two configurations, by the names of their sections. */
#ifndef BERTH_CORE_CONF_DIFF_H
#define BERTH_CORE_CONF_DIFF_H

#include "core/conf.h"

enum conf_change_kind { CONF_ADDED, CONF_REMOVED, CONF_CHANGED };

struct conf_change {
    enum conf_change_kind kind;
    enum conf_section section;
    char name[LIMIT_NAME + 1]; /* "" for [supervisor] */
    char *detail;              /* CHANGED: "backlog 512 -> 1024, mode 0666 -> 0600"; owned, else NULL */
    bool needs_process;        /* of a service: its workers must be started anew to have it */
    char *impossible;          /* why it cannot be changed while berth runs; owned, NULL when it can */
};

struct conf_diff {
    struct conf_change *changes; /* the supervisor's first, then sockets, then services */
    size_t n;
};

void conf_diff_make(const struct conf *before, const struct conf *after, struct conf_diff *ret);
void conf_diff_fini(struct conf_diff *d);
/* "added", "removed", "changed". */
const char *conf_change_name(enum conf_change_kind kind);

/* A number that differs where a worker of S must be started anew to have what C says of it now. */
uint64_t conf_fingerprint(const struct conf *c, const struct service_conf *s);

#endif
