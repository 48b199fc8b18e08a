/* fdholder: the requests that a client of s6's fd-holder may make, and our replies.
 *
 * s6 (skarnet.org), s6-fdholderd's protocol in skalibs' unixmessage framing: a frame is the payload's length
 * (32 bits, big-endian), the number of descriptors with it (16 bits, big-endian), and the payload. Foreign
 * bytes; no I/O. */
#ifndef BERTH_WIRE_FDHOLDER_H
#define BERTH_WIRE_FDHOLDER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

#define FDHOLDER_ID 255 /* bytes of an identifier */

enum fdholder_kind {
    FDHOLDER_LIST,     /* 'L': all identifiers */
    FDHOLDER_RETRIEVE, /* 'R': a descriptor */
    FDHOLDER_TAKE,     /* 'R' with the delete flag: … and forget it */
    FDHOLDER_OTHER,    /* anything else that is a frame: storing, deleting, dumps */
};

struct fdholder_request {
    enum fdholder_kind kind;
    char id[FDHOLDER_ID + 1]; /* of RETRIEVE and TAKE */
};

/* Takes the first request off the N bytes: how many bytes it had; 0: it is not whole yet; -EBADMSG: it is
 * none, or a longer one than a client that retrieves and lists ever sends. */
ssize_t fdholder_parse(const char *bytes, size_t n, struct fdholder_request *ret);

/* Each appends one frame. RESULT is 0 or an errno; N_FDS go with the frame. */
void fdholder_format_result(struct buf *out, int result, size_t n_fds);
/* IDS: N identifiers. */
void fdholder_format_list(struct buf *out, const char *const *ids, size_t n);

#endif
