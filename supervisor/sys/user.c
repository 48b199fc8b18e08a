/* Users and groups, by name or by number. Digits are a number, also where somebody is called that.
 *
 * Remember: a container may have no /etc/passwd at all, so a bare number must work without an entry. */
#include "config.h"

#include "sys/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/units.h"

#define ENTRY_MAX ((size_t)1024 * 1024) /* a group of the whole company fits */
#define GROUPS_MAX 65536                /* NGROUPS_MAX of Linux */

/* The highest id is not one: the kernel reads it as "leave unchanged". */
static bool parse_id(const char *text, uint32_t *ret)
{
    uint64_t id;
    if (units_parse_uint(text, 0, UINT32_MAX - 1, &id) < 0)
        return false;
    *ret = (uint32_t)id;
    return true;
}

/* getpwnam_r and its kin say "no such entry" in several ways. */
static int lookup_error(int r)
{
    return r == 0 || r == ENOENT || r == ESRCH || r == EBADF || r == EPERM ? -ENOENT : -r;
}

static int find_passwd(const char *name, const uid_t *uid, struct passwd *ret, char **ret_buffer)
{
    for (size_t size = 1024; size <= ENTRY_MAX; size *= 4) {
        cleanup_free char *buffer = mem_new(size);
        struct passwd *found = NULL;
        int r =
            name ? getpwnam_r(name, ret, buffer, size, &found) : getpwuid_r(*uid, ret, buffer, size, &found);
        if (r == ERANGE || r == EINTR)
            continue;
        if (!found)
            return lookup_error(r);
        *ret_buffer = buffer;
        buffer = NULL;
        return 0;
    }
    return -ERANGE;
}

static int find_group(const char *name, gid_t *ret)
{
    for (size_t size = 1024; size <= ENTRY_MAX; size *= 4) {
        cleanup_free char *buffer = mem_new(size);
        struct group entry, *found = NULL;
        int r = getgrnam_r(name, &entry, buffer, size, &found);
        if (r == ERANGE || r == EINTR)
            continue;
        if (!found)
            return lookup_error(r);
        *ret = found->gr_gid;
        return 0;
    }
    return -ERANGE;
}

static int find_groups(struct user *u)
{
    for (int n = 32; n <= GROUPS_MAX;) {
        gid_t *groups = mem_new_array((size_t)n, sizeof *groups);
        int room = n;
        if (getgrouplist(u->name, u->gid, groups, &n) >= 0) {
            u->groups = groups;
            u->n_groups = (size_t)n;
            return 0;
        }
        free(groups);
        /* glibc says in N how many it wants; others leave it. */
        if (n <= room)
            n = room * 2;
    }
    return -ERANGE;
}

static int copy_entry(struct user *u, const struct passwd *entry)
{
    u->uid = entry->pw_uid;
    u->gid = entry->pw_gid;
    if (!str_copy(u->name, sizeof u->name, entry->pw_name) ||
        !str_copy(u->home, sizeof u->home, entry->pw_dir) ||
        !str_copy(u->shell, sizeof u->shell, entry->pw_shell))
        return -ENAMETOOLONG;
    return find_groups(u);
}

static int find_failed(struct berr *err, const char *kind, const char *database, const char *who, int r)
{
    char quoted[128];
    str_escape(quoted, sizeof quoted, who, strlen(who));
    if (r == -ENOENT)
        return berr_set(err, BERR_CONFIG, ENOENT,
                        "there is no %s \"%s\" on this host; add it (see %s), or give a number", kind, quoted,
                        database);
    return berr_set(err, BERR_SYSTEM, -r,
                    "the %s \"%s\" could not be looked up (%s); see %s and nsswitch.conf(5)", kind, quoted,
                    strerror(-r), database);
}

int user_find(const char *name_or_uid, struct user *ret, struct berr *err)
{
    struct user u = {.gid = (gid_t)-1};
    bool is_number = parse_id(name_or_uid, &u.uid);
    struct passwd entry;
    cleanup_free char *buffer = NULL;

    int r = find_passwd(is_number ? NULL : name_or_uid, &u.uid, &entry, &buffer);
    if (r == 0)
        r = copy_entry(&u, &entry);
    else if (r == -ENOENT && is_number)
        r = 0;
    if (r < 0)
        return find_failed(err, "user", "/etc/passwd", name_or_uid, r);
    *ret = u;
    return 0;
}

int user_find_group(const char *name_or_gid, gid_t *ret, struct berr *err)
{
    gid_t gid = 0;
    int r = parse_id(name_or_gid, &gid) ? 0 : find_group(name_or_gid, &gid);
    if (r < 0)
        return find_failed(err, "group", "/etc/group", name_or_gid, r);
    *ret = gid;
    return 0;
}

void user_variables(const struct user *u, struct strv *ret)
{
    if (*u->home)
        strv_put(ret, mem_printf("HOME=%s", u->home));
    if (*u->shell)
        strv_put(ret, mem_printf("SHELL=%s", u->shell));
    if (*u->name) {
        strv_put(ret, mem_printf("USER=%s", u->name));
        strv_put(ret, mem_printf("LOGNAME=%s", u->name));
    }
}

static bool is_in_group(const struct user *u, gid_t gid)
{
    if (u->gid == gid)
        return true;
    for (size_t i = 0; i < u->n_groups; i++)
        if (u->groups[i] == gid)
            return true;
    return false;
}

/* Do the mode bits let U do WANTED (of 4, 2, 1)? Where there is an access control list, they do not tell. */
static bool allows(const struct user *u, const char *path, const struct stat *st, unsigned wanted)
{
    unsigned bits = st->st_mode >> (u->uid == st->st_uid ? 6 : is_in_group(u, st->st_gid) ? 3 : 0);
    return (bits & wanted) == wanted || getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

static bool is_script(const char *path)
{
    char start[2];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, start, sizeof start) : -1;
    if (fd >= 0)
        close(fd);
    return n == 2 && memcmp(start, "#!", 2) == 0;
}

int user_may_execute(const struct user *u, const char *path, char *dst, size_t size)
{
    char real[PATH_MAX], quoted[300];
    struct stat st;
    if (u->uid == 0 || !realpath(path, real))
        return 1;
    for (char *slash = real; slash; slash = strchr(slash + 1, '/')) {
        char kept = slash[1];
        slash[1] = '\0';
        bool is_open = stat(real, &st) < 0 || allows(u, real, &st, 1);
        if (!is_open)
            snprintf(dst, size, "it may not pass the folder %s",
                     str_escape(quoted, sizeof quoted, real, strlen(real)));
        slash[1] = kept;
        if (!is_open)
            return 0;
    }
    if (stat(real, &st) < 0 || !S_ISREG(st.st_mode))
        return 1;
    if (allows(u, real, &st, is_script(real) ? 5 : 1))
        return 1;
    snprintf(dst, size, "its mode is %04o, and it belongs to user %u, group %u", (unsigned)st.st_mode & 07777,
             (unsigned)st.st_uid, (unsigned)st.st_gid);
    return 0;
}
