/* soft_state: what the supervisor remembers beside the descriptors, laid out for a memfd that outlives it.
 *
 * Records, each a key and a row of numbers, as many as its kind has; a row only ever grows at its end, and a
 * reader of another version takes the columns that both know and sees 0 for the rest. kill -9 between any two
 * instructions of the writer leaves either the old or the new row, never a mixture. */
#ifndef BERTH_WIRE_SOFT_STATE_H
#define BERTH_WIRE_SOFT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Other versions cannot read a memory of this one. A test has a binary with its own. */
#ifndef SOFT_STATE_MAJOR
#define SOFT_STATE_MAJOR 2
#endif

#define SOFT_STATE_KEY 160    /* bytes of a key, with its NUL */
#define SOFT_STATE_COLUMNS 16 /* the most numbers that this version writes into a row */
#define SOFT_STATE_SIZES 64   /* of records, for which free ones are found again */

struct soft_state_row {
    unsigned n; /* columns that are there, at most SOFT_STATE_COLUMNS; the rest is 0 */
    int64_t column[SOFT_STATE_COLUMNS];
};

/* A view of mapped memory; owns nothing. */
struct soft_state {
    void *base;
    size_t size;
    int free[SOFT_STATE_SIZES]; /* the first free record of each size, 0: none */
};

/* Bytes needed for no record at all. */
size_t soft_state_least_size(void);
/* Writes an empty header over MEMORY of SIZE bytes, at least the least. */
void soft_state_format(struct soft_state *s, void *memory, size_t size);
/* Accepts MEMORY (aligned to 8 bytes) as found, and ends the write that its writer died in. -EBADMSG: not
 * such a memory, of another major version, or its sizes do not add up. */
int soft_state_open(struct soft_state *s, void *memory, size_t size);
/* Of which version MEMORY says that it is, above 0; 0: it is no such memory. */
unsigned soft_state_major(const void *memory, size_t size);
/* The memory was enlarged to SIZE, and perhaps moved. */
void soft_state_grow(struct soft_state *s, void *memory, size_t size);

/* Makes a record for KEY, which has none, with ROW in it: there is no instant at which a new record stands
 * without its row. Its number, above 0; -ENOSPC: grow first; -EINVAL: no key; -ENAMETOOLONG. */
int soft_state_add(struct soft_state *s, const char *key, const struct soft_state_row *row);
/* All of them take the number of a record. */
const char *soft_state_key(const struct soft_state *s, int record);
void soft_state_read(const struct soft_state *s, int record, struct soft_state_row *ret);
/* The columns that the record has, of which ROW may know more or less. */
void soft_state_write(struct soft_state *s, int record, const struct soft_state_row *row);
/* One column, which the record has. A second process may do this to a record that the first leaves alone. */
void soft_state_set(struct soft_state *s, int record, size_t column, int64_t value);
/* Frees the record; its number may be another's later. */
void soft_state_remove(struct soft_state *s, int record);
/* The record after RECORD, the first for 0; 0 after the last. */
int soft_state_next(const struct soft_state *s, int record);

#endif
