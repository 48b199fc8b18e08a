/* The limit of open descriptors: every held socket, process and pipe is one, so berth takes what it may have.
 */
#include "config.h"

#include "sys/rlimits.h"

#include <errno.h>

int rlimits_raise_nofile(struct rlimit *ret_before)
{
    struct rlimit before;
    if (getrlimit(RLIMIT_NOFILE, &before) < 0)
        return -errno;
    struct rlimit raised = {.rlim_cur = before.rlim_max, .rlim_max = before.rlim_max};
    if (raised.rlim_cur != before.rlim_cur && setrlimit(RLIMIT_NOFILE, &raised) < 0)
        return -errno;
    *ret_before = before;
    return 0;
}
