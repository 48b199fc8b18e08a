/* soft_state: what the supervisor remembers beside the descriptors. It does not decide what a column means.
 *
 * Memory: a header, then records. A record is a word `holds`, a key and two copies of the row. `holds` says
 * which copy is the row (1 or 2), or that the record is free (0). It is stored last, whatever is done to a
 * record: what dies before that store has changed nothing that a reader sees. Only one process writes at a
 * time, and the reader comes after its death, so that the order of the stores in the program is all that
 * matters. */
#include "config.h"

#include "wire/soft_state.h"

#include <errno.h>
#include <string.h>

#include "base/must.h"

#define MAGIC UINT64_C(0x7374617468747262) /* "brthtats" */
#define MAJOR 1
#define MOST_COLUMNS 4096 /* of any version; keeps the arithmetic far from overflow */

struct header {
    uint64_t magic; /* written last: 0 while the header is being made */
    uint32_t major;
    uint32_t header_size; /* records begin here; a later version may put more behind these members */
    uint32_t record_size;
    uint32_t columns;
    uint64_t n_records;
};

struct record {
    uint32_t holds;
    uint32_t reserved;
    char key[SOFT_STATE_KEY];
    int64_t copies[]; /* two rows, each of header.columns */
};

_Static_assert(sizeof(struct header) == 32 && sizeof(struct record) == 8 + SOFT_STATE_KEY,
               "another version reads this layout");

static struct header *header_of(const struct soft_state *s)
{
    return s->base;
}

static size_t record_size(size_t columns)
{
    return sizeof(struct record) + 2 * columns * sizeof(int64_t);
}

static struct record *record_at(const struct soft_state *s, size_t index)
{
    const struct header *h = header_of(s);
    return (struct record *)((char *)s->base + h->header_size + index * h->record_size);
}

/* A row that the caller may not be wrong about: the number of a record in use. */
static struct record *record_in_use(const struct soft_state *s, int index)
{
    must(index >= 0 && (size_t)index < soft_state_count(s));
    struct record *r = record_at(s, (size_t)index);
    must(r->holds != 0);
    return r;
}

static int64_t *copy_of(const struct soft_state *s, struct record *r, uint32_t which)
{
    return r->copies + (size_t)(which - 1) * header_of(s)->columns;
}

/* The store that makes what was written before it count. Neither the compiler nor the processor may move
 * stores of this process over it, in either direction: the copy that it gives up is the next to be written.
 */
static void record_set_holds(struct record *r, uint32_t which)
{
    __atomic_store_n(&r->holds, which, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static uint32_t record_get_holds(const struct record *r)
{
    return __atomic_load_n(&r->holds, __ATOMIC_ACQUIRE);
}

static size_t shared_columns(const struct soft_state *s)
{
    size_t columns = header_of(s)->columns;
    return columns < SOFT_STATE_COLUMNS ? columns : SOFT_STATE_COLUMNS;
}

size_t soft_state_size(size_t n_records)
{
    return sizeof(struct header) + n_records * record_size(SOFT_STATE_COLUMNS);
}

size_t soft_state_size_grown(const struct soft_state *s, size_t n_records)
{
    const struct header *h = header_of(s);
    return h->header_size + n_records * h->record_size;
}

/* Frees the records from number FROM on, then counts as many as fit. */
static void take_records(struct soft_state *s, size_t from)
{
    struct header *h = header_of(s);
    size_t n = (s->size - h->header_size) / h->record_size;
    for (size_t i = from; i < n; i++)
        record_set_holds(record_at(s, i), 0);
    __atomic_store_n(&h->n_records, n, __ATOMIC_RELEASE);
}

void soft_state_format(struct soft_state *s, void *memory, size_t size)
{
    must(size >= sizeof(struct header));
    *s = (struct soft_state){memory, size, 0};
    struct header *h = header_of(s);
    __atomic_store_n(&h->magic, 0, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    h->major = MAJOR;
    h->header_size = sizeof(struct header);
    h->columns = SOFT_STATE_COLUMNS;
    h->record_size = (uint32_t)record_size(SOFT_STATE_COLUMNS);
    take_records(s, 0);
    __atomic_store_n(&h->magic, MAGIC, __ATOMIC_RELEASE);
}

static bool header_is_sound(const struct header *h, size_t size)
{
    if (h->magic != MAGIC || h->major != MAJOR)
        return false;
    if (h->header_size < sizeof(*h) || h->header_size % 8 != 0 || h->header_size > size)
        return false;
    if (h->columns == 0 || h->columns > MOST_COLUMNS || h->record_size != record_size(h->columns))
        return false;
    return h->n_records <= (size - h->header_size) / h->record_size;
}

static bool record_is_sound(const struct record *r)
{
    uint32_t holds = record_get_holds(r);
    if (holds == 0)
        return true;
    return holds <= 2 && r->key[0] != '\0' && memchr(r->key, '\0', sizeof(r->key)) != NULL;
}

int soft_state_open(struct soft_state *s, void *memory, size_t size)
{
    struct soft_state found = {memory, size, 0};
    if (size < sizeof(struct header) || !header_is_sound(memory, size))
        return -EBADMSG;
    for (size_t i = 0; i < soft_state_count(&found); i++)
        if (!record_is_sound(record_at(&found, i)))
            return -EBADMSG;
    *s = found;
    return 0;
}

void soft_state_grow(struct soft_state *s, void *memory, size_t size)
{
    must(size >= s->size);
    *s = (struct soft_state){memory, size, 0};
    take_records(s, soft_state_count(s));
}

int soft_state_find(const struct soft_state *s, const char *key)
{
    for (size_t i = 0; i < soft_state_count(s); i++) {
        const char *found = soft_state_key(s, (int)i);
        if (found != NULL && strcmp(found, key) == 0)
            return (int)i;
    }
    return -ENOENT;
}

static int find_free(struct soft_state *s)
{
    size_t n = soft_state_count(s);
    while (s->first_free < n && soft_state_key(s, (int)s->first_free) != NULL)
        s->first_free++;
    return s->first_free < n ? (int)s->first_free : -ENOSPC;
}

int soft_state_add(struct soft_state *s, const char *key, const struct soft_state_row *row)
{
    int index = soft_state_find(s, key);
    if (index < 0)
        return soft_state_add_new(s, key, row);
    soft_state_write(s, index, row);
    return index;
}

int soft_state_add_new(struct soft_state *s, const char *key, const struct soft_state_row *row)
{
    size_t len = strlen(key);
    must(len > 0);
    if (len >= SOFT_STATE_KEY)
        return -ENAMETOOLONG;
    int index = find_free(s);
    if (index < 0)
        return index;
    struct record *r = record_at(s, (size_t)index);
    memset(r->key, 0, sizeof(r->key));
    memcpy(r->key, key, len);
    memset(copy_of(s, r, 1), 0, header_of(s)->columns * sizeof(int64_t));
    memcpy(copy_of(s, r, 1), row->column, shared_columns(s) * sizeof(int64_t));
    record_set_holds(r, 1);
    return index;
}

void soft_state_read(const struct soft_state *s, int index, struct soft_state_row *ret)
{
    struct record *r = record_in_use(s, index);
    memset(ret, 0, sizeof(*ret));
    memcpy(ret->column, copy_of(s, r, record_get_holds(r)), shared_columns(s) * sizeof(int64_t));
}

void soft_state_write(struct soft_state *s, int index, const struct soft_state_row *row)
{
    struct record *r = record_in_use(s, index);
    uint32_t now = record_get_holds(r), next = now == 1 ? 2 : 1;
    int64_t *to = copy_of(s, r, next);
    memcpy(to, copy_of(s, r, now),
           header_of(s)->columns * sizeof(int64_t)); /* a newer version's columns stay */
    memcpy(to, row->column, shared_columns(s) * sizeof(int64_t));
    record_set_holds(r, next);
}

void soft_state_remove(struct soft_state *s, int index)
{
    record_set_holds(record_in_use(s, index), 0);
    if ((size_t)index < s->first_free)
        s->first_free = (size_t)index;
}

size_t soft_state_count(const struct soft_state *s)
{
    return header_of(s)->n_records;
}

const char *soft_state_key(const struct soft_state *s, int index)
{
    must(index >= 0 && (size_t)index < soft_state_count(s));
    const struct record *r = record_at(s, (size_t)index);
    return record_get_holds(r) != 0 ? r->key : NULL;
}
