/* soft_state: what the supervisor remembers beside the descriptors. It does not decide what a column means.
 *
 * Memory: a header, then records without gaps, counted in words of 8 bytes. A new row is first written into
 * the header; then the header says whose it is; then the record gets it; then the header says that this is
 * done. Whoever dies in the middle has either not begun, or his successor does it again. Only one process
 * writes rows at a time, and the reader comes after its death, so that the order of the stores in the program
 * is all that matters. */
#include "config.h"

#include "wire/soft_state.h"

#include <errno.h>
#include <string.h>

#include "base/must.h"

#define MAGIC UINT64_C(0x7374617468747262) /* "brthtats" */
#define WORD sizeof(int64_t)

struct header {
    uint64_t magic; /* written last: 0 while the header is being made */
    uint32_t major;
    uint32_t header_size; /* records begin here; a later version may have more columns below */
    uint64_t end;         /* … and end here */
    uint32_t changing;    /* the record that `row` is for; 0: none */
    uint32_t columns;     /* of `row` */
    int64_t row[SOFT_STATE_COLUMNS];
};

struct record {
    uint16_t words; /* of all of it */
    uint16_t key_words;
    uint16_t columns;
    uint16_t in_use;
    int64_t body[]; /* the key, then the row; in a free one, its first word is the next free one's number */
};

_Static_assert(offsetof(struct header, row) == 32 && sizeof(struct record) == WORD,
               "another version reads this layout");

static struct header *header_of(const struct soft_state *s)
{
    return s->base;
}

static struct record *record_at(const struct soft_state *s, size_t number)
{
    return (struct record *)((char *)s->base + number * WORD);
}

/* The one that the caller may not be wrong about. */
static struct record *record_in_use(const struct soft_state *s, int number)
{
    must(number > 0 && (size_t)number * WORD < header_of(s)->end);
    struct record *r = record_at(s, (size_t)number);
    must(r->in_use == 1);
    return r;
}

static const char *key_of(const struct record *r)
{
    return (const char *)r->body;
}

static int64_t *row_of(struct record *r)
{
    return r->body + r->key_words;
}

/* Stores of this process are not moved over this, in either direction, by the compiler; the processor does
 * not matter to who comes after its death. */
static void settle(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

size_t soft_state_least_size(void)
{
    return sizeof(struct header);
}

void soft_state_format(struct soft_state *s, void *memory, size_t size)
{
    must(size >= sizeof(struct header));
    *s = (struct soft_state){.base = memory, .size = size};
    struct header *h = header_of(s);
    h->magic = 0;
    settle();
    *h = (struct header){.major = SOFT_STATE_MAJOR, .header_size = sizeof *h, .end = sizeof *h};
    settle();
    h->magic = MAGIC;
}

unsigned soft_state_major(const void *memory, size_t size)
{
    const struct header *h = memory;
    return size >= offsetof(struct header, row) && h->magic == MAGIC ? h->major : 0;
}

static bool header_is_sound(const struct header *h, size_t size)
{
    size_t least = offsetof(struct header, row);
    if (size < sizeof *h || h->magic != MAGIC || h->major != SOFT_STATE_MAJOR)
        return false;
    return h->header_size >= least && h->header_size % WORD == 0 && h->end % WORD == 0 && h->end <= size &&
           h->header_size <= h->end && h->columns <= (h->header_size - least) / WORD;
}

static bool record_is_sound(const struct record *r, size_t words_left)
{
    if (r->words < 2 || r->words > words_left || r->in_use > 1)
        return false;
    if (!r->in_use)
        return true;
    return r->key_words > 0 && r->words == 1 + r->key_words + r->columns && key_of(r)[0] != '\0' &&
           memchr(key_of(r), '\0', r->key_words * WORD) != NULL;
}

static void put_into_free(struct soft_state *s, struct record *r, size_t number)
{
    if (r->words >= SOFT_STATE_SIZES)
        return;
    r->body[0] = s->free[r->words];
    s->free[r->words] = (int)number;
}

/* The record gets the row that the header has for it. */
static void carry_out(struct header *h, struct record *r)
{
    memcpy(row_of(r), h->row, h->columns * WORD);
    settle();
    h->changing = 0;
}

int soft_state_open(struct soft_state *s, void *memory, size_t size)
{
    struct soft_state found = {.base = memory, .size = size};
    struct header *h = memory;
    struct record *changing = NULL;
    if (size < sizeof *h || !header_is_sound(h, size))
        return -EBADMSG;
    for (size_t at = h->header_size / WORD, end = h->end / WORD; at < end;
         at += record_at(&found, at)->words) {
        struct record *r = record_at(&found, at);
        if (!record_is_sound(r, end - at))
            return -EBADMSG;
        if (at == h->changing)
            changing = r;
    }
    if (h->changing != 0 && (!changing || !changing->in_use || h->columns > changing->columns))
        return -EBADMSG;
    if (changing)
        carry_out(h, changing);
    for (size_t at = h->header_size / WORD, end = h->end / WORD; at < end; at += record_at(&found, at)->words)
        if (!record_at(&found, at)->in_use)
            put_into_free(&found, record_at(&found, at), at);
    *s = found;
    return 0;
}

void soft_state_grow(struct soft_state *s, void *memory, size_t size)
{
    must(size >= s->size);
    s->base = memory;
    s->size = size;
}

static void fill(struct record *r, const char *key, size_t key_words, const struct soft_state_row *row)
{
    r->key_words = (uint16_t)key_words;
    r->columns = (uint16_t)row->n;
    memset(r->body, 0, key_words * WORD);
    memcpy(r->body, key, strlen(key));
    memcpy(row_of(r), row->column, row->n * WORD);
    settle();
    r->in_use = 1;
    settle();
}

int soft_state_add(struct soft_state *s, const char *key, const struct soft_state_row *row)
{
    struct header *h = header_of(s);
    size_t key_words = strlen(key) / WORD + 1, words = 1 + key_words + row->n, number = h->end / WORD;
    must(row->n <= SOFT_STATE_COLUMNS);
    if (!*key)
        return -EINVAL;
    if (strlen(key) >= SOFT_STATE_KEY)
        return -ENAMETOOLONG;
    if (words < SOFT_STATE_SIZES && s->free[words] != 0) {
        number = (size_t)s->free[words];
        s->free[words] = (int)record_at(s, number)->body[0];
        fill(record_at(s, number), key, key_words, row);
        return (int)number;
    }
    if (words * WORD > s->size - h->end)
        return -ENOSPC;
    record_at(s, number)->words = (uint16_t)words;
    fill(record_at(s, number), key, key_words, row);
    h->end += words * WORD; /* from now on it is there */
    return (int)number;
}

const char *soft_state_key(const struct soft_state *s, int record)
{
    return key_of(record_in_use(s, record));
}

void soft_state_read(const struct soft_state *s, int record, struct soft_state_row *ret)
{
    struct record *r = record_in_use(s, record);
    *ret = (struct soft_state_row){.n = r->columns < SOFT_STATE_COLUMNS ? r->columns : SOFT_STATE_COLUMNS};
    memcpy(ret->column, row_of(r), ret->n * WORD);
}

void soft_state_write(struct soft_state *s, int record, const struct soft_state_row *row)
{
    struct record *r = record_in_use(s, record);
    struct header *h = header_of(s);
    size_t room = (h->header_size - offsetof(struct header, row)) / WORD;
    h->columns = row->n < r->columns ? row->n : r->columns;
    h->columns = h->columns < room ? h->columns : (uint32_t)room;
    memcpy(h->row, row->column, h->columns * WORD);
    settle();
    h->changing = (uint32_t)record;
    settle();
    carry_out(h, r);
    settle();
}

void soft_state_set(struct soft_state *s, int record, size_t column, int64_t value)
{
    struct record *r = record_in_use(s, record);
    must(column < r->columns);
    __atomic_store_n(&row_of(r)[column], value, __ATOMIC_RELEASE);
}

void soft_state_remove(struct soft_state *s, int record)
{
    struct record *r = record_in_use(s, record);
    r->in_use = 0;
    settle();
    put_into_free(s, r, (size_t)record);
}

int soft_state_next(const struct soft_state *s, int record)
{
    const struct header *h = header_of(s);
    size_t at = record > 0 ? (size_t)record + record_at(s, (size_t)record)->words : h->header_size / WORD;
    while (at < h->end / WORD && !record_at(s, at)->in_use)
        at += record_at(s, at)->words;
    return at < h->end / WORD ? (int)at : 0;
}
