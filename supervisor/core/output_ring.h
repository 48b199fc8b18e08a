/* output_ring: the latest output of a service's workers, in memory that outlives the supervisor.
 *
 * A ring of records. A record is a run of bytes that one worker slot wrote: whose, when, and where in the
 * stream of that slot it begins. What is new is put at the head; for its room the caller drops records at the
 * tail. Positions ("at") are counted from the first byte ever and never repeat.
 *
 * Bytes get in by a read(2) straight into the ring: begin, read, commit. A process that is killed between two
 * of these leaves a memory in which output_ring_recover() sees whether the read had taken the bytes out of
 * the pipe: before it the target is nothing but 0xFF, which no text in UTF-8 contains. So a run of 0xFF alone
 * may be lost then, and no other byte is lost or doubled. */
#ifndef BERTH_CORE_OUTPUT_RING_H
#define BERTH_CORE_OUTPUT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/* A view of mapped memory; owns nothing. */
struct output_ring {
    void *base;
};

struct output_record {
    unsigned slot;     /* from 1 */
    int64_t time_ms;   /* when it was read, wall clock */
    uint64_t offset;   /* of its first byte in the slot's stream */
    const char *bytes; /* in the ring: valid until it is dropped */
    size_t len;        /* never 0 */
};

/* Bytes that the memory needs. */
size_t output_ring_size(void);
/* Begins an empty ring in zeroed MEMORY, aligned to 8 bytes. */
void output_ring_format(struct output_ring *r, void *memory);
/* Accepts MEMORY of SIZE bytes as found. -EBADMSG: it is no such ring, or its records do not add up. */
int output_ring_open(struct output_ring *r, void *memory, size_t size);

/* The record at *AT, or the oldest where that is gone (0 begins there); *AT moves on to the next one. False
 * at the head. */
bool output_ring_next(const struct output_ring *r, uint64_t *at, struct output_record *ret);
/* Forgets the oldest record; there is one. */
void output_ring_drop(struct output_ring *r);

/* How many of WANTED bytes (at least 1) can be read in one piece: 1 to LIMIT_OUTPUT_PART. */
size_t output_ring_chunk(const struct output_ring *r, size_t wanted);
/* Is there room for a record of LEN bytes, as output_ring_chunk() said, without dropping one? Some room is
 * kept back for output_ring_renew(). */
bool output_ring_fits(const struct output_ring *r, size_t len);
/* Puts what there is of SLOT from stream offset OFFSET on anew at the head, so that it does not go with the
 * oldest; the older records of it are forgotten. False, and nothing is done, where that is more
 * than LIMIT_OUTPUT_REST bytes or does not fit. */
bool output_ring_renew(struct output_ring *r, unsigned slot, uint64_t offset);
/* Notes that LEN bytes of SLOT, which fit, are about to be read. Where they are to be read to. */
void *output_ring_begin(struct output_ring *r, unsigned slot, int64_t time_ms, uint64_t offset, size_t len);
/* N bytes were read, at most the LEN of begin; 0: none. */
void output_ring_commit(struct output_ring *r, size_t n);
/* Commits a read that the process which began it did not live to commit; false when there was none, or it
 * had not happened. */
bool output_ring_recover(struct output_ring *r);
/* Adds bytes that no read brings. They fit. */
void output_ring_put(struct output_ring *r, unsigned slot, int64_t time_ms, uint64_t offset,
                     const void *bytes, size_t len);

/* Where SLOT's stream ends as far as the ring knows; false when it has nothing of it. */
bool output_ring_end(const struct output_ring *r, unsigned slot, uint64_t *ret);
/* Copies SLOT's bytes from stream offset *OFFSET on, at most SIZE; how many. What the ring has not any more
 * is passed over: *OFFSET is then where the copy begins. *AT (0 at first) is a place to look from, which is
 * moved forward past what lies before *OFFSET. */
size_t output_ring_copy(const struct output_ring *r, unsigned slot, uint64_t *offset, uint64_t *at, char *dst,
                        size_t size);

#endif
