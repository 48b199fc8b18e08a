/* rlimits: berth raises its own soft limit of descriptors as far as it may; its workers get the old one. */
#ifndef BERTH_SYS_RLIMITS_H
#define BERTH_SYS_RLIMITS_H

#include <sys/resource.h>

/* Raises the soft RLIMIT_NOFILE to the hard one; what it was goes into *RET_BEFORE. Negative errno. */
int rlimits_raise_nofile(struct rlimit *ret_before);

#endif
