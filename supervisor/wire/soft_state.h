/* soft_state: what the supervisor remembers beside the descriptors, laid out for a memfd that outlives it.
 *
 * A fixed array of records, each a key and a row of numbers that only ever grows at its end; a reader of
 * another version takes the columns that both know and sees 0 for the rest. A record has two copies and a
 * word that says which one holds: an update is written to the other copy and then made to hold by one
 * store, so that kill -9 between any two instructions leaves either the old or the new row, never a
 * mixture. */
#ifndef BERTH_WIRE_SOFT_STATE_H
#define BERTH_WIRE_SOFT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOFT_STATE_KEY 160     /* bytes of a key, with its NUL */
#define SOFT_STATE_COLUMNS 16  /* numbers that this version writes */

struct soft_state_row {
    int64_t column[SOFT_STATE_COLUMNS];
};

/* A view of mapped memory; owns nothing. */
struct soft_state {
    void *base;
    size_t size;
    size_t first_free; /* no record before this one is free */
};

/* Bytes needed for N records of this version. */
size_t soft_state_size(size_t n_records);
/* Bytes needed for N records of S, which may be another version's and of another size: for growing it. */
size_t soft_state_size_grown(const struct soft_state *s, size_t n_records);
/* Writes an empty header over MEMORY of SIZE bytes. */
void soft_state_format(struct soft_state *s, void *memory, size_t size);
/* Accepts MEMORY (aligned to 8 bytes) as found. -EBADMSG: not such a memory, of another major version, or
 * its sizes do not add up. */
int soft_state_open(struct soft_state *s, void *memory, size_t size);
/* Grows the record count after the memory was enlarged (and perhaps moved); SIZE is never less than
 * before. */
void soft_state_grow(struct soft_state *s, void *memory, size_t size);

/* The number of a record by key; -ENOENT. */
int soft_state_find(const struct soft_state *s, const char *key);
/* Writes ROW into the record of KEY (not empty), which is made if it is new: there is no instant at which a new
 * record stands without its row. Its number; -ENOSPC: grow first; -ENAMETOOLONG. */
int soft_state_add(struct soft_state *s, const char *key, const struct soft_state_row *row);
/* The same for a KEY that is known not to be there yet. */
int soft_state_add_new(struct soft_state *s, const char *key, const struct soft_state_row *row);
void soft_state_read(const struct soft_state *s, int index, struct soft_state_row *ret);
void soft_state_write(struct soft_state *s, int index, const struct soft_state_row *row);
/* Frees the record; its number may be given to another key. */
void soft_state_remove(struct soft_state *s, int index);
/* Records in use are those with a key; COUNT bounds their numbers. NULL for a free one. */
size_t soft_state_count(const struct soft_state *s);
const char *soft_state_key(const struct soft_state *s, int index);

#endif
