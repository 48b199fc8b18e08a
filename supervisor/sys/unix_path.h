/* unix_path: the file of a held Unix socket, and its hidden hard link from which a vanished path is put back.
 *
 * The socket is bound to PATH itself, not to a name that is moved there later: the kernel remembers the name
 * of the bind for good, and programs compare what getsockname(2) says with their own configuration. */
#ifndef BERTH_SYS_UNIX_PATH_H
#define BERTH_SYS_UNIX_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/berr.h"
#include "wire/socket_options.h"

/* The address of PATH; "@NAME" is the abstract NAME. -ENAMETOOLONG beyond 107 bytes; -EINVAL when it is
 * empty. */
int unix_path_address(const char *path, struct sockaddr_un *ret, socklen_t *ret_len);
/* Does the file at PATH belong to a live socket of whatever type? Asks with connect(2) in a way that no
 * server notices. 1; 0: dead; negative errno: cannot be told. */
int unix_path_is_live(const char *path);

/* Binds the socket FD to PATH, with O's owner, group and mode, and tells it to listen where LISTENS. Nobody
 * but root gets in before owner and mode are right and it listens. A dead socket at PATH is replaced; a live
 * one is -EADDRINUSE, also if it is ours, and any other file -EEXIST. Of several that try at once, one wins.
 * Also leaves the hidden link. Negative errno and a sentence. May wait up to two seconds for another starter.
 */
int unix_path_bind(int fd, const char *path, const struct socket_options *o, bool listens, struct berr *err);
/* The same without the hidden link. */
int unix_path_bind_unguarded(int fd, const char *path, const struct socket_options *o, bool listens,
                             struct berr *err);

/* Gives the file of a held socket O's owner, group and mode. Negative errno and a sentence. */
int unix_path_set_access(const char *path, const struct socket_options *o, struct berr *err);

/* Which file PATH leads to, by the numbers that are the same in every mount namespace that shares it; false
 * where it leads to no socket. */
bool unix_path_file(const char *path, uint64_t *ret_device, uint64_t *ret_inode);

enum unix_path_state {
    UNIX_PATH_OURS, /* the path leads to the socket */
    UNIX_PATH_MISSING,
    UNIX_PATH_FOREIGN, /* another file or socket stands there */
};
/* Compares PATH with the hidden link. Negative errno: the hidden link is gone too. */
int unix_path_check(const char *path);
/* Puts the path back from the hidden link, by rename over whatever stands there. Negative errno. */
int unix_path_restore(const char *path);
/* Removes the hidden link and, if REMOVE_PATH and it is still ours, the path. Keeps errno. */
void unix_path_give_up(const char *path, bool remove_path);
/* Removes PATH if it is a stream socket that was shut down for good, though somebody may hold it still. Keeps errno. */
void unix_path_remove_deaf(const char *path);
/* Removes PATH if it is a socket that nobody holds any more. Keeps errno. */
void unix_path_remove_dead(const char *path);

#endif
