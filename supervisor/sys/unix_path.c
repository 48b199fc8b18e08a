/* Unix sockets in the file system: one owner a path, right permissions from the first moment, and a way back
 * when somebody removes the file.
 *
 * Beside /run/NAME stands its hard link /run/.NAME.berth, the guard: it is the same file, so comparing the
 * two tells whether the path is still ours, and a new link to it brings a lost path back. The lock that lets
 * exactly one of several starters win is a flock(2) on the directory, so that no lock file is left behind.
 *
 * Remember: a path is removed only when it was seen to be dead, and a dead socket's file can never come to
 * life again. */
#include "config.h"

#include "sys/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/fd.h"
#include "sys/holder.h"
#include "sys/user.h"

#define LOCK_TRIES 100
#define LOCK_PAUSE_NS 20000000
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* Linux 6.6 */
#endif

/* PATH as its directory, open, and its names in there. */
struct place {
    int dir_fd;              /* owned */
    const char *path, *name; /* borrowed */
    char quoted[256];        /* the path for a sentence */
    char guard[NAME_MAX + 1];
};

static void place_close(struct place *p)
{
    fd_close(&p->dir_fd);
}
#define cleanup_place __attribute__((cleanup(place_close)))

static int place_open(struct place *p, const char *path)
{
    const char *slash = strrchr(path, '/');
    char dir[PATH_MAX] = ".";
    p->path = path;
    p->name = slash ? slash + 1 : path;
    str_escape(p->quoted, sizeof p->quoted, path, strlen(path));
    if (!*p->name || str_eq(p->name, ".") || str_eq(p->name, ".."))
        return -EISDIR;
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof dir ||
        snprintf(p->guard, sizeof p->guard, ".%s.berth", p->name) >= (int)sizeof p->guard)
        return -ENAMETOOLONG;
    if (slash)
        snprintf(dir, sizeof dir, "%.*s", len ? (int)len : 1, path);
    p->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return p->dir_fd < 0 ? -errno : 0;
}

/* Others hold the lock for as long as a bind takes. Whoever keeps it longer must not keep us for ever. */
static int place_lock(const struct place *p)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(p->dir_fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return -EBUSY;
}

int unix_path_address(const char *path, struct sockaddr_un *ret, socklen_t *ret_len)
{
    size_t len = strlen(path);
    if (len == 0)
        return -EINVAL;
    if (len >= sizeof ret->sun_path)
        return -ENAMETOOLONG;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, path, len);
    /* An abstract name is as long as its address says; a path has its NUL. */
    *ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    if (path[0] == '@') {
        ret->sun_path[0] = '\0';
        *ret_len -= 1;
    }
    return 0;
}

int unix_path_is_live(const char *path)
{
    struct sockaddr_un un;
    socklen_t len;
    int r = unix_path_address(path, &un, &len);
    if (r < 0)
        return r;
    /* A stream socket could not tell "dead" from "not listening yet". A datagram socket only gets as far as
     * the type of its peer, and EPROTOTYPE is as good a sign of life as any; the server is not disturbed. */
    cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&un, len) == 0 || errno == EPROTOTYPE || errno == EPERM)
        return 1;
    return errno == ECONNREFUSED ? 0 : -errno;
}

/* --- sentences --- */

static int in_use(const struct place *p, struct berr *err)
{
    struct endpoint e = {.family = AF_UNIX, .type = SOCK_STREAM, .only_v6 = -1};
    struct holder h;
    char who[512] = "held by a process that is not visible here";
    if (unix_path_address(p->path, (struct sockaddr_un *)&e.sa, &e.len) == 0 && holder_find(&e, &h) == 1)
        holder_format(who, sizeof who, &h);
    return berr_set(err, BERR_SYSTEM, EADDRINUSE,
                    "unix:%s is in use, %s; stop that process or choose another path", p->quoted, who);
}

static const char *no_descriptor_way_out(int errnum)
{
    return errnum == EMFILE ? "raise this process's limit of open files (ulimit -n)"
                            : "raise the system's limit of open files (fs.file-max)";
}

static int cannot_open(const struct place *p, int r, struct berr *err)
{
    if (r == -EMFILE || r == -ENFILE)
        return berr_set(err, BERR_SYSTEM, -r, "unix:%s cannot be made, since no descriptor is left (%s); %s",
                        p->quoted, strerror(-r), no_descriptor_way_out(-r));
    if (r == -ENOENT || r == -ENOTDIR)
        return berr_set(
            err, BERR_SYSTEM, -r,
            "unix:%s cannot be made, since its directory does not exist; create the directory first",
            p->quoted);
    if (r == -ENAMETOOLONG)
        return berr_set(err, BERR_SYSTEM, ENAMETOOLONG,
                        "unix:%s is too long for a Unix socket; choose a path of at most 107 bytes",
                        p->quoted);
    if (r == -EISDIR)
        return berr_set(err, BERR_SYSTEM, EISDIR, "unix:%s names a directory; give the path of a file in it",
                        p->quoted);
    if (r == -EBUSY)
        return berr_set(err, BERR_SYSTEM, EBUSY,
                        "unix:%s cannot be made, since another process keeps its directory locked (flock); "
                        "end that process",
                        p->quoted);
    return berr_set(err, BERR_SYSTEM, -r,
                    "unix:%s cannot be made, since its directory cannot be opened and locked (%s); "
                    "berth needs to read and to write it",
                    p->quoted, strerror(-r));
}

static int cannot(const struct place *p, const char *what, int errnum, struct berr *err)
{
    const char *way_out = "check the directory's file system";
    if (errnum == EACCES || errnum == EPERM)
        way_out = "give berth's user that right, or choose another path";
    else if (errnum == EROFS)
        way_out = "choose a path on a file system that can be written";
    else if (errnum == EMFILE || errnum == ENFILE)
        way_out = no_descriptor_way_out(errnum);
    return berr_set(err, BERR_SYSTEM, errnum, "unix:%s: cannot %s (%s); %s", p->quoted, what,
                    strerror(errnum), way_out);
}

/* --- binding --- */

/* A path was removed behind its owner's back, while the owner and its guard live on. The guard's name may be
 * too long for an address, so it is asked by way of a descriptor; without /proc the path alone has to tell.
 */
static bool has_live_guard(const struct place *p)
{
    char link[64];
    cleanup_fd int fd = openat(p->dir_fd, p->guard, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return unix_path_is_live(link) == 1;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    /* The inode's number alone may have been given to a new file meanwhile. */
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Takes the dead socket DEAD away. Someone who knows nothing of our lock may have bound the path since we
 * looked: so it is moved aside first, and put back if it is not the one that was dead. */
static int remove_dead(const struct place *p, const struct stat *dead)
{
    char aside[64];
    struct stat st;
    snprintf(aside, sizeof aside, ".berth-dead-%d", (int)getpid());
    if (renameat(p->dir_fd, p->name, p->dir_fd, aside) < 0)
        return errno == ENOENT ? 0 : -errno;
    bool is_dead = fstatat(p->dir_fd, aside, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_same_file(&st, dead);
    if (!is_dead && linkat(p->dir_fd, aside, p->dir_fd, p->name, 0) < 0 && errno != EEXIST)
        return -errno;
    unlinkat(p->dir_fd, aside, 0);
    return is_dead ? 0 : -EADDRINUSE;
}

/* Makes way for the bind, or says what stands in the way. */
static int clear_path(const struct place *p, struct berr *err)
{
    struct stat st;
    if (fstatat(p->dir_fd, p->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return cannot(p, "see what is there", errno, err);
        return has_live_guard(p) ? in_use(p, err) : 0;
    }
    if (!S_ISSOCK(st.st_mode))
        return berr_set(err, BERR_SYSTEM, EEXIST,
                        "unix:%s exists and is not a socket, and berth removes no such file; move it away or "
                        "choose another "
                        "path",
                        p->quoted);
    int live = unix_path_is_live(p->path);
    if (live < 0 && live != -ENOENT)
        return cannot(p, "tell whether the socket there is in use", -live, err);
    if (live == 1 || has_live_guard(p))
        return in_use(p, err);
    int r = remove_dead(p, &st);
    if (r == -EADDRINUSE)
        return in_use(p, err);
    return r < 0 ? cannot(p, "remove the dead socket there", -r, err) : 0;
}

struct owner {
    uid_t uid; /* -1: unchanged */
    gid_t gid;
};

static int find_owner(const struct socket_options *o, struct owner *ret, struct berr *err)
{
    struct owner owner = {(uid_t)-1, (gid_t)-1};
    if (*o->user) {
        struct user u;
        int r = user_find(o->user, &u, err);
        if (r < 0)
            return r;
        free(u.groups);
        owner.uid = u.uid;
    }
    if (*o->group) {
        int r = user_find_group(o->group, &owner.gid, err);
        if (r < 0)
            return r;
    }
    *ret = owner;
    return 0;
}

static int chmod_by_fd(int path_fd, mode_t mode)
{
    char link[64];
    if (syscall(SYS_fchmodat2, path_fd, "", mode, AT_EMPTY_PATH) == 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", path_fd);
    return chmod(link, mode) < 0 ? -errno : 0;
}

/* By a descriptor: whoever may write the directory could put a link to another file there meanwhile. The mode
 * comes last, for until then it is 0 and nobody gets in. */
static int set_owner_and_mode(const struct place *p, const struct owner *owner, mode_t mode, struct berr *err)
{
    cleanup_fd int fd = openat(p->dir_fd, p->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return cannot(p, "open the new socket's file", errno, err);
    if (!S_ISSOCK(st.st_mode))
        return cannot(p, "keep the socket's file, which was replaced at once", EEXIST, err);
    bool is_changed = owner->uid != (uid_t)-1 || owner->gid != (gid_t)-1;
    if (is_changed && fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) < 0)
        return cannot(p, "give the socket its owner and group", errno, err);
    int r = chmod_by_fd(fd, mode);
    return r < 0 ? cannot(p, "give the socket its mode", -r, err) : 0;
}

static int bind_locked_out(int fd, const struct place *p, struct berr *err)
{
    struct sockaddr_un un;
    socklen_t len;
    int r = unix_path_address(p->path, &un, &len);
    if (r < 0)
        return cannot_open(p, r, err);
    mode_t before = umask(0777);
    r = bind(fd, (struct sockaddr *)&un, len) < 0 ? -errno : 0;
    umask(before);
    if (r == -EADDRINUSE)
        return in_use(p, err);
    return r < 0 ? cannot(p, "make the socket's file", -r, err) : 0;
}

/* The guard comes before the owner: the kernel lets nobody but root link a special file of another's. */
static int open_up(int fd, const struct place *p, const struct socket_options *o, const struct owner *owner,
                   bool listens, bool guarded, struct berr *err)
{
    if (guarded) {
        unlinkat(p->dir_fd, p->guard, 0);
        if (linkat(p->dir_fd, p->name, p->dir_fd, p->guard, 0) < 0)
            return cannot(p, "make the hidden hard link beside it", errno, err);
    }
    if (listens && listen(fd, o->backlog) < 0)
        return cannot(p, "listen", errno, err);
    return set_owner_and_mode(p, owner, o->mode, err);
}

/* Opens and locks the place of PATH, and finds its owner to be. */
static int enter_place(struct place *p, const char *path, const struct socket_options *o,
                       struct owner *ret_owner, struct berr *err)
{
    int r = find_owner(o, ret_owner, err);
    if (r < 0)
        return r;
    r = place_open(p, path);
    if (r == 0)
        r = place_lock(p);
    return r < 0 ? cannot_open(p, r, err) : 0;
}

static int bind_path(int fd, const char *path, const struct socket_options *o, bool listens, bool guarded,
                     struct berr *err)
{
    cleanup_place struct place p = {.dir_fd = -1};
    struct owner owner;
    int r = enter_place(&p, path, o, &owner, err);
    if (r == 0)
        r = clear_path(&p, err);
    if (r == 0)
        r = bind_locked_out(fd, &p, err);
    if (r < 0)
        return r;

    r = open_up(fd, &p, o, &owner, listens, guarded, err);
    if (r < 0) {
        unlinkat(p.dir_fd, p.name, 0);
        if (guarded)
            unlinkat(p.dir_fd, p.guard, 0);
    }
    return r;
}

int unix_path_bind(int fd, const char *path, const struct socket_options *o, bool listens, struct berr *err)
{
    return bind_path(fd, path, o, listens, true, err);
}

int unix_path_bind_unguarded(int fd, const char *path, const struct socket_options *o, bool listens,
                             struct berr *err)
{
    return bind_path(fd, path, o, listens, false, err);
}

int unix_path_set_access(const char *path, const struct socket_options *o, struct berr *err)
{
    cleanup_place struct place p = {.dir_fd = -1};
    struct owner owner;
    int r = enter_place(&p, path, o, &owner, err);
    return r < 0 ? r : set_owner_and_mode(&p, &owner, o->mode, err);
}

bool unix_path_file(const char *path, uint64_t *ret_device, uint64_t *ret_inode)
{
    struct stat st;
    if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    *ret_device = st.st_dev;
    *ret_inode = st.st_ino;
    return true;
}

/* --- guarding --- */

static int check(const struct place *p)
{
    struct stat guard, st;
    if (fstatat(p->dir_fd, p->guard, &guard, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISSOCK(guard.st_mode))
        return -ENOTSOCK;
    if (fstatat(p->dir_fd, p->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? UNIX_PATH_MISSING : -errno;
    return st.st_ino == guard.st_ino && st.st_dev == guard.st_dev ? UNIX_PATH_OURS : UNIX_PATH_FOREIGN;
}

int unix_path_check(const char *path)
{
    cleanup_place struct place p = {.dir_fd = -1};
    int r = place_open(&p, path);
    return r < 0 ? r : check(&p);
}

int unix_path_restore(const char *path)
{
    cleanup_place struct place p = {.dir_fd = -1};
    char fresh[64];
    int r = place_open(&p, path);
    if (r == 0)
        r = place_lock(&p);
    if (r == 0)
        r = check(&p);
    /* rename(2) of one link over another link of the same file does nothing, not even remove the source. */
    if (r < 0 || r == UNIX_PATH_OURS)
        return r < 0 ? r : 0;
    snprintf(fresh, sizeof fresh, ".berth-back-%d", (int)getpid());
    unlinkat(p.dir_fd, fresh, 0);
    if (linkat(p.dir_fd, p.guard, p.dir_fd, fresh, 0) < 0)
        return -errno;
    if (renameat(p.dir_fd, fresh, p.dir_fd, p.name) < 0) {
        r = -errno;
        unlinkat(p.dir_fd, fresh, 0);
        return r;
    }
    return 0;
}

void unix_path_give_up(const char *path, bool remove_path)
{
    int saved = errno;
    cleanup_place struct place p = {.dir_fd = -1};
    if (place_open(&p, path) == 0 && place_lock(&p) == 0 && check(&p) >= 0) {
        if (remove_path && check(&p) == UNIX_PATH_OURS)
            unlinkat(p.dir_fd, p.name, 0);
        unlinkat(p.dir_fd, p.guard, 0);
    }
    errno = saved;
}

/* One that is bound and does not listen yet refuses too; but whoever binds does so under the lock. */
static bool is_deaf(const char *path)
{
    struct sockaddr_un un;
    socklen_t len;
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && unix_path_address(path, &un, &len) == 0 &&
           connect(fd, (struct sockaddr *)&un, len) < 0 && errno == ECONNREFUSED;
}

void unix_path_remove_deaf(const char *path)
{
    int saved = errno;
    cleanup_place struct place p = {.dir_fd = -1};
    if (place_open(&p, path) == 0 && place_lock(&p) == 0 && is_deaf(path))
        unlinkat(p.dir_fd, p.name, 0);
    errno = saved;
}

void unix_path_remove_dead(const char *path)
{
    int saved = errno;
    cleanup_place struct place p = {.dir_fd = -1};
    struct stat st;
    if (place_open(&p, path) == 0 && place_lock(&p) == 0 &&
        fstatat(p.dir_fd, p.name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode) &&
        unix_path_is_live(path) == 0)
        remove_dead(&p, &st);
    errno = saved;
}
