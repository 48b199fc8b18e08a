/* unix_path: the file of a held Unix socket, and its hidden hard link from which a vanished path is put back. */
#ifndef BERTH_SYS_UNIX_PATH_H
#define BERTH_SYS_UNIX_PATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/berr.h"
#include "wire/socket_options.h"

/* Binds the socket FD to PATH as listener.h promises and, where LISTENS, tells it to listen before the path
 * appears. Also leaves the hidden link. Negative errno and a sentence. */
int unix_path_bind(int fd, const char *path, const struct socket_options *o, bool listens, struct berr *err);

enum unix_path_state {
    UNIX_PATH_OURS,     /* the path leads to the socket */
    UNIX_PATH_MISSING,
    UNIX_PATH_FOREIGN,  /* another file or socket stands there */
};
/* Compares PATH with the hidden link. Negative errno: the hidden link is gone too. */
int unix_path_check(const char *path);
/* Puts the path back from the hidden link, by rename over whatever stands there. Negative errno. */
int unix_path_restore(const char *path);
/* Removes the hidden link and, if REMOVE_PATH and it is still ours, the path. Keeps errno. */
void unix_path_give_up(const char *path, bool remove_path);

#endif
