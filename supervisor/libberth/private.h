/* private: what the files of libberth share. Nothing here is exported. */
#ifndef BERTH_LIBBERTH_PRIVATE_H
#define BERTH_LIBBERTH_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "berth/berth.h"

#define LIBBERTH_PACKET 65536 /* bytes of a channel's packet */
#define LIBBERTH_FDS 253      /* descriptors of one */

/* A packet of the channel, as its text has it. The strings are in the text. */
struct libberth_packet {
    bool has_sockets, activates, drains;
    size_t total, first, n; /* how many sockets in all, which is the first here, and how many are here */
    const char *names[LIBBERTH_FDS], *addresses[LIBBERTH_FDS];
};

/* Cuts TEXT, N bytes and a place for a NUL behind them, into *RET. -EPROTO when it contradicts itself or has
 * a NUL inside. */
int libberth_packet_parse(char *text, size_t n, struct libberth_packet *ret);

/* The channel's descriptor, CLOEXEC; -1: there is none. */
int libberth_channel(void);
/* Sends TEXT with FD (-1: none): 1, 0 or negative errno, as berth_notify(). FLAGS as send(2). */
int libberth_send(const char *text, size_t n, int fd, int flags);
/* Looks up where messages go, so that libberth_send() asks no variable any more. */
void libberth_prepare_send(void);
/* A clock that is never set. */
long long libberth_now_ms(void);
/* A decimal number from MIN to MAX and nothing else; -1 if it is not. */
long libberth_number(const char *text, long min, long max);

#endif
