/* output_ring: see the header.
 *
 * Records are in one piece, so that one read fills one: where the end of the memory is too near, a filler is
 * put there. What dies between two stores leaves a ring that can be read, for a record counts when `head` is
 * stored behind it, and room is another's only when `tail` has been stored before it. One process writes at a
 * time, and readers come after its death or are itself. */
#include "config.h"

#include "core/output_ring.h"

#include <errno.h>
#include <string.h>

#include "base/must.h"

#define MAGIC UINT64_C(0x31676e6972747562) /* "butring1" */
#define NOWHERE UINT64_MAX
#define FILLER 0         /* the slot of what only fills the memory up to its end */
#define DEAD UINT32_MAX  /* the slot of a record whose bytes stand in a later one as well */
#define SHORT_CHUNK 256u /* a shorter piece at the end of the memory is not worth its record */
#define UNREAD 0xff

struct header {
    uint64_t magic;
    uint64_t tail, head; /* where the oldest record begins, and where the next one will */
    uint64_t intent;     /* equal to `head`: a read into the record there has been begun */
    uint64_t reserved[4];
    char data[LIMIT_OUTPUT_RING];
};

struct record {
    uint32_t len;
    uint32_t slot;
    int64_t time_ms;
    uint64_t offset;
    char bytes[];
};

_Static_assert(sizeof(struct header) == 64 + LIMIT_OUTPUT_RING && sizeof(struct record) == 24,
               "another version reads this layout");
_Static_assert(LIMIT_OUTPUT_RING % 8 == 0 && LIMIT_OUTPUT_PART % 8 == 0 &&
                   4 * LIMIT_OUTPUT_PART <= LIMIT_OUTPUT_RING,
               "a read leaves room for what was there before");

static struct header *header_of(const struct output_ring *r)
{
    return r->base;
}

/* The store that makes what was written before it count; nothing may be moved over it. */
static void store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* From AT to the end of the memory. */
static size_t left_at(uint64_t at)
{
    return LIMIT_OUTPUT_RING - (size_t)(at % LIMIT_OUTPUT_RING);
}

static size_t room_of(size_t len)
{
    return sizeof(struct record) + (len + 7) / 8 * 8;
}

static struct record *record_at(const struct output_ring *r, uint64_t at)
{
    return (struct record *)(void *)(header_of(r)->data + at % LIMIT_OUTPUT_RING);
}

/* Is what stands at AT only there to fill the memory up to its end? */
static bool is_filler(const struct output_ring *r, uint64_t at)
{
    return left_at(at) < sizeof(struct record) || record_at(r, at)->slot == FILLER;
}

/* Is the record at AT one that nobody is to see? It is as long as any. */
static bool is_dead(const struct output_ring *r, uint64_t at)
{
    return !is_filler(r, at) && record_at(r, at)->slot == DEAD;
}

/* Behind what stands at AT. */
static uint64_t behind(const struct output_ring *r, uint64_t at)
{
    return at + (is_filler(r, at) ? left_at(at) : room_of(record_at(r, at)->len));
}

size_t output_ring_size(void)
{
    return sizeof(struct header);
}

void output_ring_format(struct output_ring *r, void *memory)
{
    struct header *h = memory;
    r->base = memory;
    h->tail = h->head = 0;
    h->intent = NOWHERE;
    store(&h->magic, MAGIC);
}

/* Is what stands at AT a whole filler or record that ends at HEAD at the latest? */
static bool is_sound(const struct output_ring *r, uint64_t at, uint64_t head)
{
    if (is_filler(r, at))
        return left_at(at) <= head - at;
    size_t len = record_at(r, at)->len;
    return len > 0 && len <= LIMIT_OUTPUT_PART && room_of(len) <= left_at(at) && room_of(len) <= head - at;
}

int output_ring_open(struct output_ring *r, void *memory, size_t size)
{
    struct header *h = memory;
    struct output_ring found = {memory};
    if (size < sizeof *h || h->magic != MAGIC || h->tail > h->head || h->head - h->tail > LIMIT_OUTPUT_RING ||
        h->tail % 8 != 0 || h->head % 8 != 0)
        return -EBADMSG;
    for (uint64_t at = h->tail; at < h->head; at = behind(&found, at))
        if (!is_sound(&found, at, h->head))
            return -EBADMSG;
    *r = found;
    return 0;
}

/* Past what is no record that anybody is to see. */
static uint64_t skip(const struct output_ring *r, uint64_t at)
{
    while (at < header_of(r)->head && (is_filler(r, at) || is_dead(r, at)))
        at = behind(r, at);
    return at;
}

bool output_ring_next(const struct output_ring *r, uint64_t *at, struct output_record *ret)
{
    const struct header *h = header_of(r);
    uint64_t here = *at = skip(r, *at < h->tail ? h->tail : *at);
    if (here >= h->head)
        return false;
    const struct record *record = record_at(r, here);
    *ret = (struct output_record){record->slot, record->time_ms, record->offset, record->bytes, record->len};
    *at = behind(r, here);
    return true;
}

void output_ring_drop(struct output_ring *r)
{
    struct header *h = header_of(r);
    struct output_record dropped;
    uint64_t at = h->tail;
    bool is_there = output_ring_next(r, &at, &dropped);
    must(is_there);
    store(&h->tail, at);
}

/* What a filler has to take before LEN bytes can begin. */
static size_t filler_before(const struct output_ring *r, size_t len)
{
    size_t left = left_at(header_of(r)->head);
    size_t least = len < SHORT_CHUNK ? len : SHORT_CHUNK;
    return left < room_of(least) ? left : 0;
}

size_t output_ring_chunk(const struct output_ring *r, size_t wanted)
{
    size_t len = wanted < LIMIT_OUTPUT_PART ? wanted : LIMIT_OUTPUT_PART;
    if (filler_before(r, len) > 0)
        return len;
    size_t room = left_at(header_of(r)->head) - sizeof(struct record);
    return len < room ? len : room;
}

static bool has_room(const struct output_ring *r, size_t len, size_t kept_back)
{
    const struct header *h = header_of(r);
    return h->head - h->tail + filler_before(r, len) + room_of(len) + kept_back <= LIMIT_OUTPUT_RING;
}

bool output_ring_fits(const struct output_ring *r, size_t len)
{
    return has_room(r, len, room_of(LIMIT_OUTPUT_REST) + 2 * room_of(SHORT_CHUNK));
}

/* The record at the head, not yet counted, with its place in the memory made. */
static struct record *prepare(struct output_ring *r, unsigned slot, int64_t time_ms, uint64_t offset,
                              size_t len)
{
    struct header *h = header_of(r);
    must(len > 0 && len <= LIMIT_OUTPUT_PART && slot != FILLER && slot != DEAD && has_room(r, len, 0));
    size_t filler = filler_before(r, len);
    if (filler >= sizeof(struct record))
        record_at(r, h->head)->slot = FILLER;
    if (filler > 0)
        store(&h->head, h->head + filler);
    struct record *record = record_at(r, h->head);
    must(room_of(len) <= left_at(h->head));
    *record = (struct record){.len = (uint32_t)len, .slot = slot, .time_ms = time_ms, .offset = offset};
    return record;
}

void *output_ring_begin(struct output_ring *r, unsigned slot, int64_t time_ms, uint64_t offset, size_t len)
{
    struct record *record = prepare(r, slot, time_ms, offset, len);
    memset(record->bytes, UNREAD, len);
    store(&header_of(r)->intent, header_of(r)->head);
    return record->bytes;
}

void output_ring_commit(struct output_ring *r, size_t n)
{
    struct header *h = header_of(r);
    must(h->intent == h->head && n <= record_at(r, h->head)->len);
    if (n == 0) {
        store(&h->intent, NOWHERE);
        return;
    }
    record_at(r, h->head)->len = (uint32_t)n;
    store(&h->head, behind(r, h->head)); /* the intent, which names the old head, is over with it */
}

bool output_ring_recover(struct output_ring *r)
{
    struct header *h = header_of(r);
    if (h->intent != h->head)
        return false;
    const struct record *record = record_at(r, h->head);
    size_t n = record->len <= LIMIT_OUTPUT_PART ? record->len : 0, unread = 0;
    while (unread < n && (unsigned char)record->bytes[unread] == UNREAD)
        unread++;
    output_ring_commit(r, unread < n ? n : 0);
    return unread < n;
}

void output_ring_put(struct output_ring *r, unsigned slot, int64_t time_ms, uint64_t offset,
                     const void *bytes, size_t len)
{
    struct record *record = prepare(r, slot, time_ms, offset, len);
    memcpy(record->bytes, bytes, len);
    store(&header_of(r)->head, behind(r, header_of(r)->head));
}

bool output_ring_end(const struct output_ring *r, unsigned slot, uint64_t *ret)
{
    struct output_record record;
    uint64_t at = 0;
    bool found = false;
    while (output_ring_next(r, &at, &record))
        if (record.slot == slot) {
            *ret = record.offset + record.len;
            found = true;
        }
    return found;
}

size_t output_ring_copy(const struct output_ring *r, unsigned slot, uint64_t *offset, uint64_t *at, char *dst,
                        size_t size)
{
    struct output_record record;
    uint64_t here = *at;
    bool has_begun = false;
    size_t n = 0;
    while (n < size) {
        uint64_t before = here;
        if (!output_ring_next(r, &here, &record))
            break;
        if (record.slot != slot || record.offset + record.len <= *offset + n) {
            if (!has_begun)
                *at = here;
            continue;
        }
        if (!has_begun) {
            *at = before;
            *offset = record.offset > *offset ? record.offset : *offset;
        }
        if (record.offset > *offset + n)
            break; /* a gap, which our own order of writing does not leave */
        has_begun = true;
        size_t skip = (size_t)(*offset + n - record.offset);
        size_t part = record.len - skip < size - n ? record.len - skip : size - n;
        memcpy(dst + n, record.bytes + skip, part);
        n += part;
    }
    return n;
}

/* The records of SLOT from position AT up to END are not to be seen any more. */
static void forget_records(struct output_ring *r, unsigned slot, uint64_t at, uint64_t end)
{
    while (at < end) {
        uint64_t next = behind(r, at);
        if (!is_filler(r, at) && record_at(r, at)->slot == slot)
            record_at(r, at)->slot = DEAD;
        at = next;
    }
}

/* First the copy, then the older records: a death in between leaves bytes twice, at the same offsets, and
 * those who read go by offsets. */
bool output_ring_renew(struct output_ring *r, unsigned slot, uint64_t offset)
{
    char rest[LIMIT_OUTPUT_REST + 1];
    struct header *h = header_of(r);
    struct output_record record;
    int64_t time_ms = 0;
    uint64_t at = 0, end = h->head;
    size_t n = output_ring_copy(r, slot, &offset, &at, rest, sizeof rest);
    if (n == 0 || n > LIMIT_OUTPUT_REST || !has_room(r, n, room_of(SHORT_CHUNK)))
        return false;
    for (uint64_t here = at; output_ring_next(r, &here, &record);)
        time_ms = record.slot == slot ? record.time_ms : time_ms;
    for (size_t done = 0, len; done < n; done += len) {
        len = output_ring_chunk(r, n - done);
        output_ring_put(r, slot, time_ms, offset + done, rest + done, len);
    }
    forget_records(r, slot, at > h->tail ? at : h->tail, end);
    store(&h->tail, skip(r, h->tail));
    return true;
}
