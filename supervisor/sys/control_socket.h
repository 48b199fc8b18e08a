/* control_socket: where the control socket is, making it, connecting to it. */
#ifndef BERTH_SYS_CONTROL_SOCKET_H
#define BERTH_SYS_CONTROL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/berr.h"

/* EXPLICIT (or NULL), else $BERTH_CONTROL, else the default of this uid (berth(1), FILES). "@NAME" is an
 * abstract one. The folder is not made here. *RET_CHOSEN says whether the user chose it. Into DST; negative
 * errno and a sentence. */
int control_socket_path(char *dst, size_t size, const char *explicit_path, bool *ret_chosen,
                        struct berr *err);
/* A listening SOCK_STREAM socket at PATH with MODE and GROUP (NULL: none), CLOEXEC and non-blocking; its folder is made where it is
 * one of the defaults (0755 /run/berth, 0700 /tmp/berth-UID, which must be ours). A dead socket there is
 * replaced, a live one is -EADDRINUSE. */
int control_socket_listen(const char *path, mode_t mode, const char *group, struct berr *err);
/* Another MODE for the socket at PATH; nothing for an abstract one. */
void control_socket_set_mode(const char *path, mode_t mode);
/* A connected descriptor, CLOEXEC; BERR_UNREACHABLE with a sentence that says what to check. */
int control_socket_connect(const char *path, struct berr *err);
/* The same without ever waiting, and the descriptor does not wait either: -EAGAIN while too many others do. */
int control_socket_dial(const char *path, struct berr *err);
/* The file itself where PATH is a symbolic link; false where that does not fit DST. */
bool control_socket_resolve(char *dst, size_t size, const char *path);
/* The socket at FROM is at TO from now on, whatever is there; in one step. Negative errno. */
int control_socket_move(const char *from, const char *to);
/* The listening FD takes no more clients, whoever else holds it, and PATH goes if it still leads to it.
 * Connections stay. */
void control_socket_retire(int fd, const char *path);

#endif
