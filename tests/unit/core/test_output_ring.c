/* output_ring: the latest bytes of each stream are there, whole and in order, whatever was dropped for them
 * and wherever its writer died. */
#include "config.h"

#include "core/output_ring.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static _Alignas(8) char memory[LIMIT_OUTPUT_RING + 4096];
static struct output_ring ring;

static void begin_empty(void)
{
    memset(memory, 0, sizeof memory);
    output_ring_format(&ring, memory);
}

/* As the engine does it: room, a read of the letter C, commit. How many bytes it came to. */
static size_t add(unsigned slot, uint64_t offset, size_t wanted, char c)
{
    size_t len = output_ring_chunk(&ring, wanted);
    while (!output_ring_fits(&ring, len))
        output_ring_drop(&ring);
    memset(output_ring_begin(&ring, slot, 7, offset, len), c, len);
    output_ring_commit(&ring, len);
    return len;
}

static struct output_record first(void)
{
    struct output_record record = {0};
    uint64_t at = 0;
    cr_assert(output_ring_next(&ring, &at, &record));
    return record;
}

static bool is_empty(void)
{
    struct output_record record;
    uint64_t at = 0;
    return !output_ring_next(&ring, &at, &record);
}

Test(output_ring, an_empty_one_has_nothing, .init = begin_empty)
{
    uint64_t end, offset = 0, at = 0;
    char text[8];
    cr_expect(is_empty());
    cr_expect_not(output_ring_end(&ring, 1, &end));
    cr_expect_eq(output_ring_copy(&ring, 1, &offset, &at, text, sizeof text), 0);
    cr_expect_not(output_ring_recover(&ring));
}

Test(output_ring, a_record_tells_whose_when_and_where, .init = begin_empty)
{
    output_ring_put(&ring, 3, 12345, 100, "hello", 5);
    struct output_record record = first();
    cr_expect_eq(record.slot, 3);
    cr_expect_eq(record.time_ms, 12345);
    cr_expect_eq(record.offset, 100);
    cr_expect_eq(record.len, 5);
    cr_expect(memcmp(record.bytes, "hello", 5) == 0);
    output_ring_drop(&ring);
    cr_expect(is_empty());
}

Test(output_ring, a_read_is_never_longer_than_a_part_and_never_cut_to_nothing, .init = begin_empty)
{
    cr_expect_eq(output_ring_chunk(&ring, LIMIT_OUTPUT_PART), LIMIT_OUTPUT_PART);
    cr_expect_eq(output_ring_chunk(&ring, LIMIT_OUTPUT_PART + 1), LIMIT_OUTPUT_PART);
    for (uint64_t i = 0, offset = 0; i < 20000; i++) {
        size_t n = add(1, offset, 1 + i % 4000, 'x');
        cr_assert(n >= 1 && n <= 1 + i % 4000);
        offset += n;
    }
}

Test(output_ring, the_oldest_goes_for_the_newest, .init = begin_empty)
{
    for (uint64_t i = 0; i < 10; i++)
        add(1, i * LIMIT_OUTPUT_PART, LIMIT_OUTPUT_PART, (char)('a' + i));
    uint64_t end;
    cr_assert(output_ring_end(&ring, 1, &end));
    cr_expect_leq(first().offset + 4 * LIMIT_OUTPUT_PART, end + LIMIT_OUTPUT_PART);
    cr_expect_gt(first().offset, 0);
}

Test(output_ring, a_read_that_brought_nothing_leaves_nothing, .init = begin_empty)
{
    output_ring_begin(&ring, 1, 0, 0, 100);
    output_ring_commit(&ring, 0);
    cr_expect(is_empty());
    cr_expect_not(output_ring_recover(&ring));
    memcpy(output_ring_begin(&ring, 1, 0, 0, 100), "ab", 2);
    output_ring_commit(&ring, 2);
    cr_expect_eq(first().len, 2);
}

Test(output_ring, a_death_before_the_read_leaves_nothing, .init = begin_empty)
{
    output_ring_begin(&ring, 1, 0, 0, 100);
    cr_assert_eq(output_ring_open(&ring, memory, output_ring_size()), 0);
    cr_expect_not(output_ring_recover(&ring));
    cr_expect(is_empty());
    cr_expect_not(output_ring_recover(&ring), "and that is over");
}

Test(output_ring, a_death_after_the_read_leaves_what_was_read, .init = begin_empty)
{
    memcpy(output_ring_begin(&ring, 2, 9, 50, 6), "\xff\xff\xff\xff\xffx", 6);
    cr_assert_eq(output_ring_open(&ring, memory, output_ring_size()), 0);
    cr_expect(output_ring_recover(&ring));
    cr_expect_eq(first().slot, 2);
    cr_expect_eq(first().offset, 50);
    cr_expect_eq(first().len, 6);
    cr_expect_not(output_ring_recover(&ring), "once");
}

Test(output_ring, a_death_after_the_commit_does_not_double_it, .init = begin_empty)
{
    memcpy(output_ring_begin(&ring, 2, 9, 50, 2), "ab", 2);
    output_ring_commit(&ring, 2);
    cr_assert_eq(output_ring_open(&ring, memory, output_ring_size()), 0);
    cr_expect_not(output_ring_recover(&ring));
    output_ring_drop(&ring);
    cr_expect(is_empty());
}

Test(output_ring, what_is_none_is_refused, .init = begin_empty)
{
    struct output_ring found;
    output_ring_put(&ring, 1, 0, 0, "abc", 3);
    cr_expect_eq(output_ring_open(&found, memory, output_ring_size() - 1), -EBADMSG);
    cr_expect_eq(output_ring_open(&found, memory, output_ring_size()), 0);
    uint32_t *len = (uint32_t *)(void *)(memory + 64);
    *len = 100000;
    cr_expect_eq(output_ring_open(&found, memory, output_ring_size()), -EBADMSG, "too long");
    *len = 0;
    cr_expect_eq(output_ring_open(&found, memory, output_ring_size()), -EBADMSG, "without an end");
    memset(memory, 0, 8);
    cr_expect_eq(output_ring_open(&found, memory, output_ring_size()), -EBADMSG, "no magic");
}

Test(output_ring, a_copy_goes_over_the_records_of_others, .init = begin_empty)
{
    char text[16];
    uint64_t offset = 2, at = 0;
    output_ring_put(&ring, 1, 0, 0, "abcd", 4);
    output_ring_put(&ring, 2, 0, 0, "XXXX", 4);
    output_ring_put(&ring, 1, 0, 4, "efgh", 4);
    cr_expect_eq(output_ring_copy(&ring, 1, &offset, &at, text, sizeof text), 6);
    cr_expect(memcmp(text, "cdefgh", 6) == 0);
    cr_expect_eq(output_ring_copy(&ring, 1, &offset, &at, text, 3), 3);
    cr_expect(memcmp(text, "cde", 3) == 0);
    offset = 8;
    cr_expect_eq(output_ring_copy(&ring, 1, &offset, &at, text, sizeof text), 0);
    output_ring_put(&ring, 1, 0, 8, "ij", 2);
    cr_expect_eq(output_ring_copy(&ring, 1, &offset, &at, text, sizeof text), 2);
    cr_expect(memcmp(text, "ij", 2) == 0);
}

Test(output_ring, a_copy_passes_over_what_was_dropped, .init = begin_empty)
{
    char text[16];
    uint64_t offset = 1, at = 0;
    output_ring_put(&ring, 1, 0, 0, "abcd", 4);
    output_ring_put(&ring, 1, 0, 4, "efgh", 4);
    output_ring_drop(&ring);
    cr_expect_eq(output_ring_copy(&ring, 1, &offset, &at, text, sizeof text), 4);
    cr_expect_eq(offset, 4);
    cr_expect(memcmp(text, "efgh", 4) == 0);
}

Test(output_ring, what_is_renewed_outlives_the_oldest, .init = begin_empty)
{
    char text[16];
    uint64_t offset = 4, at = 0, end;
    output_ring_put(&ring, 1, 5, 0, "abc\nde", 6);
    output_ring_put(&ring, 2, 6, 0, "other", 5);
    output_ring_put(&ring, 1, 7, 6, "f", 1);
    cr_assert(output_ring_renew(&ring, 1, 4));
    cr_assert_eq(output_ring_open(&ring, memory, output_ring_size()), 0);
    cr_expect_eq(first().slot, 2, "nothing of it is older");
    output_ring_drop(&ring);
    cr_expect_eq(first().slot, 1);
    cr_expect_eq(first().time_ms, 7);
    cr_expect_eq(output_ring_copy(&ring, 1, &offset, &at, text, sizeof text), 3);
    cr_expect(memcmp(text, "def", 3) == 0);
    output_ring_put(&ring, 1, 8, 7, "g", 1);
    cr_expect_eq(output_ring_copy(&ring, 1, &offset, &at, text, sizeof text), 4);
    cr_assert(output_ring_end(&ring, 1, &end));
    cr_expect_eq(end, 8);
}

Test(output_ring, more_than_a_rest_is_not_renewed, .init = begin_empty)
{
    add(1, 0, LIMIT_OUTPUT_REST + 1, 'x');
    cr_expect_not(output_ring_renew(&ring, 1, 0), "one over it");
    cr_expect(output_ring_renew(&ring, 1, 1));
    cr_expect_not(output_ring_renew(&ring, 1, LIMIT_OUTPUT_REST + 1), "nothing");
    cr_expect_not(output_ring_renew(&ring, 2, 0));
}

Test(output_ring, there_is_always_room_to_renew_a_rest, .init = begin_empty)
{
    static char copy[LIMIT_OUTPUT_REST];
    uint64_t at = 0, rest = 0, offset = 0;
    memset(copy, 'r', sizeof copy);
    output_ring_put(&ring, 2, 0, 0, copy, sizeof copy);
    for (int i = 0; i < 5000; i++) {
        size_t len = output_ring_chunk(&ring, (size_t)(i * 37) % 9000 + 1);
        while (!output_ring_fits(&ring, len)) {
            if (first().slot == 2)
                cr_assert(output_ring_renew(&ring, 2, 0), "%d", i);
            else
                output_ring_drop(&ring);
            len = output_ring_chunk(&ring, (size_t)(i * 37) % 9000 + 1);
        }
        output_ring_begin(&ring, 1, 0, offset, len);
        output_ring_commit(&ring, len);
        offset += len;
        cr_assert_eq(output_ring_open(&ring, memory, output_ring_size()), 0);
        at = rest = 0;
        cr_assert_eq(output_ring_copy(&ring, 2, &rest, &at, copy, sizeof copy), sizeof copy);
        cr_assert(rest == 0 && copy[0] == 'r' && copy[sizeof copy - 1] == 'r');
    }
}

Test(output_ring, what_is_renewed_makes_room_where_nothing_else_can_go, .init = begin_empty)
{
    uint64_t end[5] = {0};
    for (int i = 0; i < 1000; i++) { /* each slot has one long record, whose last byte is to stay */
        unsigned slot = (unsigned)i % 4 + 1;
        size_t len = output_ring_chunk(&ring, LIMIT_OUTPUT_PART);
        while (!output_ring_fits(&ring, len)) {
            struct output_record oldest = first();
            if (oldest.offset + oldest.len < end[oldest.slot])
                output_ring_drop(&ring);
            else
                cr_assert(output_ring_renew(&ring, oldest.slot, end[oldest.slot] - 1));
            len = output_ring_chunk(&ring, LIMIT_OUTPUT_PART);
        }
        output_ring_begin(&ring, slot, 0, end[slot], len);
        output_ring_commit(&ring, len);
        end[slot] += len;
    }
}

Test(output_ring, a_death_while_renewing_doubles_nothing, .init = begin_empty)
{
    char text[16];
    uint64_t offset = 1, at = 0;
    output_ring_put(&ring, 1, 0, 0, "abc", 3);
    output_ring_put(&ring, 1, 0, 3, "de", 2);
    output_ring_put(&ring, 1, 0, 1, "bcde", 4); /* the copy, and the older ones are there still */
    cr_expect_eq(output_ring_copy(&ring, 1, &offset, &at, text, sizeof text), 4);
    cr_expect(memcmp(text, "bcde", 4) == 0);
    output_ring_put(&ring, 1, 0, 5, "f", 1);
    offset = at = 0;
    cr_expect_eq(output_ring_copy(&ring, 1, &offset, &at, text, sizeof text), 6);
    cr_expect(memcmp(text, "abcdef", 6) == 0);
}

/* --- against a plain model ----------------------------------------------------------------------------- */

#define STREAMS 3
#define ROUNDS 10000

static struct model {
    char *bytes; /* the whole stream, from its first byte */
    size_t len, cap;
} streams[STREAMS + 1];

/* What the ring has of SLOT is the end of that stream, in one piece. */
static void expect_tail_of(unsigned slot)
{
    static char copy[LIMIT_OUTPUT_RING];
    uint64_t offset = 0, at = 0, end = 0;
    size_t n = output_ring_copy(&ring, slot, &offset, &at, copy, sizeof copy);
    cr_assert_eq(output_ring_end(&ring, slot, &end), n > 0);
    if (n == 0)
        return;
    cr_assert_eq(offset + n, streams[slot].len);
    cr_assert_eq(end, streams[slot].len);
    cr_assert(memcmp(copy, streams[slot].bytes + offset, n) == 0);
}

static void write_at_random(unsigned slot)
{
    struct model *m = &streams[slot];
    size_t wanted = (size_t)(random() % 10 ? random() % 100 : random() % 20000) + 1;
    size_t len = output_ring_chunk(&ring, wanted), n;
    cr_assert(len >= 1 && len <= wanted);
    while (!output_ring_fits(&ring, len))
        output_ring_drop(&ring);
    char *to = output_ring_begin(&ring, slot, 0, m->len, len);
    int fate = (int)(random() % 8);
    n = fate == 0 ? 0 : fate == 1 ? (size_t)random() % len + 1 : len;
    if (m->len + len > m->cap)
        m->bytes = realloc(m->bytes, m->cap = 2 * (m->len + len));
    for (size_t i = 0; i < n; i++)
        m->bytes[m->len + i] = to[i] = (char)(random() % 255);
    if (fate > 2) {
        output_ring_commit(&ring, n);
    } else { /* the writer died, and a successor looks */
        if (n > 0 && n < len)
            memset(m->bytes + m->len, 'y', len), memset(to, 'y', len), n = len;
        cr_assert_eq(output_ring_open(&ring, memory, output_ring_size()), 0);
        cr_assert_eq(output_ring_recover(&ring), n > 0);
    }
    m->len += n;
}

Test(output_ring, is_the_end_of_every_stream_whatever_is_written, .init = begin_empty, .timeout = 60)
{
    srandom(17);
    for (int i = 0; i < ROUNDS; i++) {
        write_at_random((unsigned)random() % STREAMS + 1);
        if (i % 50 == 0)
            for (unsigned slot = 1; slot <= STREAMS; slot++)
                expect_tail_of(slot);
    }
    for (unsigned slot = 1; slot <= STREAMS; slot++)
        free(streams[slot].bytes);
}
