/* soft_state: what was written is read, by this version and by others, however the writer ended. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/soft_state.h"

static const struct soft_state_row zeroes;

#define RECORDS 4

/* The layout, said a second time: it is read by other versions, so a change here has to be meant. */
#define MAJOR_AT 8
#define HEADER_SIZE_AT 12
#define RECORD_SIZE_AT 16
#define COLUMNS_AT 20
#define COUNT_AT 24
#define HEADER_SIZE 32
#define HOLDS_SIZE 8
#define ROW_SIZE (8 * SOFT_STATE_COLUMNS)
#define RECORD_SIZE (HOLDS_SIZE + SOFT_STATE_KEY + 2 * ROW_SIZE)

static struct soft_state s;
static unsigned char *memory;
static size_t size;

static void set_up(void)
{
    size = soft_state_size(RECORDS);
    memory = mem_new(size);
    memset(memory, 0xa5, size); /* what was there before must not matter */
    soft_state_format(&s, memory, size);
}

static void tear_down(void)
{
    free(memory);
}

static struct soft_state_row row_of(int64_t first)
{
    struct soft_state_row row;
    for (int i = 0; i < SOFT_STATE_COLUMNS; i++)
        row.column[i] = first + i;
    return row;
}

static int64_t first_of(int index)
{
    struct soft_state_row row, wanted;
    soft_state_read(&s, index, &row);
    wanted = row_of(row.column[0]);
    cr_assert_eq(memcmp(&row, &wanted, sizeof(row)), 0, "a mixture of rows");
    return row.column[0];
}

static void put32(unsigned char *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

TestSuite(soft_state, .init = set_up, .fini = tear_down);

Test(soft_state, a_new_one_has_free_records_only)
{
    cr_assert_eq(soft_state_count(&s), RECORDS);
    for (int i = 0; i < RECORDS; i++)
        cr_assert_null(soft_state_key(&s, i));
    cr_assert_eq(soft_state_find(&s, "worker/web/1"), -ENOENT);
}

Test(soft_state, a_new_record_is_all_zeroes)
{
    struct soft_state_row row, zero = {{0}};
    int i = soft_state_add(&s, "a", &zeroes);
    cr_assert_geq(i, 0);
    cr_assert_str_eq(soft_state_key(&s, i), "a");
    soft_state_read(&s, i, &row);
    cr_assert_eq(memcmp(&row, &zero, sizeof(row)), 0);
}

Test(soft_state, adding_a_key_twice_writes_the_same_record)
{
    struct soft_state_row row = row_of(5), later = row_of(6);
    int i = soft_state_add(&s, "a", &row);
    cr_assert_eq(first_of(i), 5);
    cr_assert_eq(soft_state_add(&s, "a", &later), i);
    cr_assert_eq(first_of(i), 6);
    cr_assert_neq(soft_state_add(&s, "b", &zeroes), i);
}

Test(soft_state, every_write_is_read_back)
{
    int i = soft_state_add(&s, "a", &zeroes);
    for (int64_t n = 1; n < 10; n++) {
        struct soft_state_row row = row_of(n);
        soft_state_write(&s, i, &row);
        cr_assert_eq(first_of(i), n);
    }
}

Test(soft_state, a_full_one_asks_to_be_grown)
{
    static const char *const keys[] = {"a", "b", "c", "d"};
    for (int i = 0; i < RECORDS; i++)
        cr_assert_geq(soft_state_add(&s, keys[i], &zeroes), 0);
    cr_assert_eq(soft_state_add(&s, "e", &zeroes), -ENOSPC);
    cr_assert_geq(soft_state_add(&s, "d", &zeroes), 0);
}

Test(soft_state, a_removed_record_is_free_for_another_key)
{
    int a = soft_state_add(&s, "a", &zeroes), b = soft_state_add(&s, "b", &zeroes);
    struct soft_state_row row = row_of(9);
    soft_state_write(&s, a, &row);
    soft_state_remove(&s, a);
    cr_assert_null(soft_state_key(&s, a));
    cr_assert_eq(soft_state_find(&s, "a"), -ENOENT);
    cr_assert_eq(soft_state_find(&s, "b"), b);
    cr_assert_eq(soft_state_add(&s, "c", &zeroes), a);
    soft_state_read(&s, a, &row);
    cr_assert_eq(row.column[0], 0);
}

Test(soft_state, the_longest_key_fits_and_one_more_does_not)
{
    char key[SOFT_STATE_KEY + 1];
    memset(key, 'k', sizeof(key));
    key[SOFT_STATE_KEY] = '\0';
    cr_assert_eq(soft_state_add(&s, key, &zeroes), -ENAMETOOLONG);
    key[SOFT_STATE_KEY - 1] = '\0';
    int i = soft_state_add(&s, key, &zeroes);
    cr_assert_geq(i, 0);
    cr_assert_str_eq(soft_state_key(&s, i), key);
}

Test(soft_state, a_successor_finds_everything)
{
    struct soft_state_row row = row_of(7);
    soft_state_write(&s, soft_state_add(&s, "a", &zeroes), &row);
    memset(&s, 0, sizeof(s));
    cr_assert_eq(soft_state_open(&s, memory, size), 0);
    int i = soft_state_find(&s, "a");
    cr_assert_geq(i, 0);
    cr_assert_eq(first_of(i), 7);
}

Test(soft_state, growing_keeps_the_records_and_frees_the_new_ones)
{
    static const char *const keys[] = {"a", "b", "c", "d"};
    for (int i = 0; i < RECORDS; i++) {
        struct soft_state_row row = row_of(i);
        soft_state_write(&s, soft_state_add(&s, keys[i], &zeroes), &row);
    }
    size_t larger = soft_state_size_grown(&s, 7);
    cr_assert_eq(larger, soft_state_size(7));
    memory = mem_resize_array(memory, larger, 1);
    memset(memory + size, 0xa5, larger - size);
    soft_state_grow(&s, memory, larger);
    cr_assert_eq(soft_state_count(&s), 7);
    for (int i = 0; i < RECORDS; i++)
        cr_assert_eq(first_of(soft_state_find(&s, keys[i])), i);
    cr_assert_geq(soft_state_add(&s, "e", &zeroes), 0);
    cr_assert_eq(soft_state_open(&s, memory, larger), 0);
}

Test(soft_state, a_write_cut_short_leaves_the_old_row)
{
    struct soft_state_row row = row_of(1);
    int i = soft_state_add(&s, "a", &zeroes);
    soft_state_write(&s, i, &row);

    /* Every byte that the next write touches before the word that counts: the copy that does not hold. */
    cleanup_free unsigned char *before = mem_new(size);
    memcpy(before, memory, size);
    row = row_of(100);
    soft_state_write(&s, i, &row);
    cleanup_free unsigned char *after = mem_new(size);
    memcpy(after, memory, size);

    unsigned char *record = memory + HEADER_SIZE + (size_t)i * RECORD_SIZE;
    for (size_t cut = 0; cut <= RECORD_SIZE - HOLDS_SIZE; cut++) {
        memcpy(memory, before, size);
        memcpy(record + HOLDS_SIZE, after + (record - memory) + HOLDS_SIZE, cut);
        cr_assert_eq(soft_state_open(&s, memory, size), 0);
        cr_assert_eq(first_of(soft_state_find(&s, "a")), 1);
    }
    memcpy(memory, after, size);
    cr_assert_eq(first_of(soft_state_find(&s, "a")), 100);
}

Test(soft_state, a_write_touches_nothing_but_the_idle_copy_and_the_word)
{
    struct soft_state_row row = row_of(1);
    int i = soft_state_add(&s, "a", &zeroes);
    soft_state_write(&s, i, &row); /* the second copy holds */
    cleanup_free unsigned char *before = mem_new(size);
    memcpy(before, memory, size);
    row = row_of(100);
    soft_state_write(&s, i, &row);
    size_t first_copy = HEADER_SIZE + (size_t)i * RECORD_SIZE + HOLDS_SIZE + SOFT_STATE_KEY;
    for (size_t at = 0; at < size; at++) {
        bool may_change =
            (at >= first_copy && at < first_copy + ROW_SIZE) || at == HEADER_SIZE + (size_t)i * RECORD_SIZE;
        cr_assert(may_change || memory[at] == before[at], "byte %zu", at);
    }
}

Test(soft_state, an_addition_cut_short_leaves_a_free_record)
{
    cleanup_free unsigned char *before = mem_new(size);
    memcpy(before, memory, size);
    int i = soft_state_add(&s, "a", &zeroes);
    unsigned char *record = memory + HEADER_SIZE + (size_t)i * RECORD_SIZE;
    memcpy(record, before + (record - memory), HOLDS_SIZE); /* all but the last store */
    cr_assert_eq(soft_state_open(&s, memory, size), 0);
    cr_assert_null(soft_state_key(&s, i));
    cr_assert_eq(soft_state_find(&s, "a"), -ENOENT);
    cr_assert_eq(soft_state_add(&s, "b", &zeroes), i);
    cr_assert_str_eq(soft_state_key(&s, i), "b");
}

/* Makes memory of one record, "a", as a version with COLUMNS columns writes it; column i of the copy that
 * holds is i + 1. */
static size_t other_version(uint32_t columns)
{
    size_t record_size = HOLDS_SIZE + SOFT_STATE_KEY + 2 * 8 * (size_t)columns,
           all = HEADER_SIZE + record_size;
    unsigned char *other = mem_new(all), *record = other + HEADER_SIZE;
    memcpy(other, memory, HEADER_SIZE);
    put32(other + RECORD_SIZE_AT, (uint32_t)record_size);
    put32(other + COLUMNS_AT, columns);
    put32(other + COUNT_AT, 1);
    put32(record, 2);
    record[HOLDS_SIZE] = 'a';
    int64_t *row = (int64_t *)(void *)(record + HOLDS_SIZE + SOFT_STATE_KEY) + columns;
    for (uint32_t i = 0; i < columns; i++)
        row[i] = i + 1;
    free(memory);
    memory = other;
    return all;
}

Test(soft_state, a_version_with_fewer_columns_reads_as_zero_in_the_rest)
{
    struct soft_state_row row;
    size_t all = other_version(3);
    cr_assert_eq(soft_state_open(&s, memory, all), 0);
    soft_state_read(&s, 0, &row);
    for (int i = 0; i < SOFT_STATE_COLUMNS; i++)
        cr_assert_eq(row.column[i], i < 3 ? i + 1 : 0);
    row = row_of(50);
    soft_state_write(&s, 0, &row); /* what does not fit is left out, and stays within the record */
    soft_state_read(&s, 0, &row);
    for (int i = 0; i < SOFT_STATE_COLUMNS; i++)
        cr_assert_eq(row.column[i], i < 3 ? 50 + i : 0);
}

Test(soft_state, a_version_with_more_columns_keeps_those_that_we_do_not_know)
{
    uint32_t columns = SOFT_STATE_COLUMNS + 2;
    size_t all = other_version(columns);
    struct soft_state_row row;
    cr_assert_eq(soft_state_open(&s, memory, all), 0);
    int i = soft_state_find(&s, "a");
    cr_assert_eq(i, 0);
    cr_assert_eq(first_of(i), 1);
    row = row_of(50);
    soft_state_write(&s, i, &row);
    cr_assert_eq(first_of(i), 50);
    const int64_t *first_copy = (const int64_t *)(void *)(memory + HEADER_SIZE + HOLDS_SIZE + SOFT_STATE_KEY);
    cr_assert_eq(first_copy[SOFT_STATE_COLUMNS], SOFT_STATE_COLUMNS + 1);
    cr_assert_eq(first_copy[SOFT_STATE_COLUMNS + 1], SOFT_STATE_COLUMNS + 2);
    cr_assert_eq(soft_state_size_grown(&s, 1), all);
}

/* One record with the key "k" in memory for more, all else zero: so that one wrong number is the only reason.
 */
static void one_sound_record(void)
{
    memset(memory, 0, size);
    soft_state_format(&s, memory, size);
    soft_state_add(&s, "k", &zeroes);
    put32(memory + COUNT_AT, 1);
}

Test(soft_state, what_does_not_add_up_is_refused)
{
    static const struct {
        size_t at;
        uint32_t value;
    } cases[] = {
        {0, 0},                            /* magic */
        {MAJOR_AT, 2},                     /* another major version */
        {HEADER_SIZE_AT, 16},              /* shorter than the header */
        {HEADER_SIZE_AT, 36},              /* not aligned */
        {HEADER_SIZE_AT, 0xfffffff8},      /* beyond the memory */
        {RECORD_SIZE_AT, RECORD_SIZE - 8}, /* not the size of its columns */
        {COLUMNS_AT, 0},
        {COLUMNS_AT, 0xffffffff},
        {COUNT_AT, RECORDS + 1},
        {COUNT_AT + 4, 1},             /* 2^32 more */
        {HEADER_SIZE, 3},              /* a record that holds copy 3 */
        {HEADER_SIZE + HOLDS_SIZE, 0}, /* a record in use without a key */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct soft_state opened = {NULL, 0, 0};
        one_sound_record();
        cr_assert_eq(soft_state_open(&opened, memory, size), 0);
        opened = (struct soft_state){NULL, 0, 0};
        put32(memory + cases[i].at, cases[i].value);
        cr_assert_eq(soft_state_open(&opened, memory, size), -EBADMSG, "case %zu", i);
        cr_assert_null(opened.base);
    }
}

Test(soft_state, a_key_without_an_end_is_refused)
{
    int i = soft_state_add(&s, "a", &zeroes);
    memset(memory + HEADER_SIZE + (size_t)i * RECORD_SIZE + HOLDS_SIZE, 'k', SOFT_STATE_KEY);
    cr_assert_eq(soft_state_open(&s, memory, size), -EBADMSG);
}

Test(soft_state, memory_shorter_than_its_header_is_refused)
{
    for (size_t n = 0; n < HEADER_SIZE; n++)
        cr_assert_eq(soft_state_open(&s, memory, n), -EBADMSG);
}

Test(soft_state, no_record_at_all_is_a_valid_state)
{
    soft_state_format(&s, memory, soft_state_size(0));
    cr_assert_eq(soft_state_count(&s), 0);
    cr_assert_eq(soft_state_add(&s, "a", &zeroes), -ENOSPC);
    cr_assert_eq(soft_state_open(&s, memory, soft_state_size(0)), 0);
}
