/* user: users and groups by name or number (getpwnam(3), getgrnam(3), getgrouplist(3)). */
#ifndef BERTH_SYS_USER_H
#define BERTH_SYS_USER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/berr.h"
#include "base/str.h"

struct user {
    uid_t uid;
    gid_t gid;     /* its primary group; (gid_t)-1 for a bare number without an entry */
    gid_t *groups; /* supplementary groups, owned (free()) */
    size_t n_groups;
    char name[64], home[256], shell[256]; /* "" when it has no entry */
};

/* -ENOENT and a sentence for a name that is not there. */
int user_find(const char *name_or_uid, struct user *ret, struct berr *err);
int user_find_group(const char *name_or_gid, gid_t *ret, struct berr *err);
/* HOME, SHELL, USER and LOGNAME, as far as they are known, are added to *RET. */
void user_variables(const struct user *u, struct strv *ret);

/* May U execute the file at PATH (absolute; links are followed), and pass every folder on the way? 1 or 0,
 * with the reason in DST; 1 where that cannot be told (no such file, an access control list, root). Scripts
 * need to be read, too. */
int user_may_execute(const struct user *u, const char *path, char *dst, size_t size);

#endif
