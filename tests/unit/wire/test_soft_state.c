/* soft_state: what was written is read, by this version and by others, however the writer ended. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "wire/soft_state.h"

#define ROOM 1024 /* bytes behind the header */

/* The layout, said a second time: it is read by other versions, so a change here has to be meant. */
#define MAJOR_AT 8
#define HEADER_SIZE_AT 12
#define END_AT 16
#define CHANGING_AT 24
#define COLUMNS_AT 28
#define HEADER_SIZE (32 + 8 * SOFT_STATE_COLUMNS)
#define FIRST (HEADER_SIZE / 8) /* the number of the first record */

static struct soft_state s;
static unsigned char *memory;
static size_t size;

static void set_up(void)
{
    size = soft_state_least_size() + ROOM;
    memory = mem_new(size);
    memset(memory, 0xa5, size); /* what was there before must not matter */
    soft_state_format(&s, memory, size);
}

static void tear_down(void)
{
    free(memory);
}

TestSuite(soft_state, .init = set_up, .fini = tear_down);

static struct soft_state_row row_of(unsigned n, int64_t first)
{
    struct soft_state_row row = {.n = n};
    for (unsigned i = 0; i < n; i++)
        row.column[i] = first + i;
    return row;
}

static int add(const char *key, unsigned n, int64_t first)
{
    struct soft_state_row row = row_of(n, first);
    return soft_state_add(&s, key, &row);
}

static void write_row(int record, unsigned n, int64_t first)
{
    struct soft_state_row row = row_of(n, first);
    soft_state_write(&s, record, &row);
}

static int find(const char *key)
{
    for (int i = soft_state_next(&s, 0); i > 0; i = soft_state_next(&s, i))
        if (str_eq(soft_state_key(&s, i), key))
            return i;
    return 0;
}

/* The first column of a row of N; the others go with it. */
static int64_t first_of(int record, unsigned n)
{
    struct soft_state_row row, wanted;
    soft_state_read(&s, record, &row);
    wanted = row_of(n, row.column[0]);
    cr_assert_eq(row.n, n);
    cr_assert_eq(memcmp(row.column, wanted.column, sizeof row.column), 0, "a mixture of rows");
    return row.column[0];
}

static void put32(size_t at, uint32_t value)
{
    memcpy(memory + at, &value, sizeof value);
}

static void put16(size_t at, uint16_t value)
{
    memcpy(memory + at, &value, sizeof value);
}

Test(soft_state, a_new_one_has_no_record)
{
    cr_assert_eq(soft_state_least_size(), HEADER_SIZE);
    cr_assert_eq(soft_state_next(&s, 0), 0);
    cr_assert_eq(soft_state_open(&s, memory, size), 0);
    cr_assert_eq(soft_state_next(&s, 0), 0);
}

Test(soft_state, records_have_as_many_columns_as_they_were_made_with)
{
    int none = add("none", 0, 0), few = add("few", 3, 10), most = add("most", SOFT_STATE_COLUMNS, 20);
    struct soft_state_row row;
    cr_assert_eq(none, FIRST);
    soft_state_read(&s, none, &row);
    cr_assert_eq(row.n, 0);
    cr_assert_eq(first_of(few, 3), 10);
    cr_assert_eq(first_of(most, SOFT_STATE_COLUMNS), 20);
    cr_assert_str_eq(soft_state_key(&s, few), "few");
    cr_assert_eq(find("most"), most);
}

Test(soft_state, every_write_is_read_back)
{
    int record = add("a", 5, 0), other = add("b", 5, 1000);
    for (int64_t n = 1; n < 10; n++) {
        write_row(record, 5, n);
        cr_assert_eq(first_of(record, 5), n);
    }
    cr_assert_eq(first_of(other, 5), 1000);
}

Test(soft_state, one_column_is_set_by_itself)
{
    struct soft_state_row row;
    int record = add("a", 3, 10);
    soft_state_set(&s, record, 1, -7);
    soft_state_read(&s, record, &row);
    cr_assert_eq(row.column[0], 10);
    cr_assert_eq(row.column[1], -7);
    cr_assert_eq(row.column[2], 12);
}

Test(soft_state, a_full_one_asks_to_be_grown)
{
    char key[16];
    int n = 0;
    do
        snprintf(key, sizeof key, "key%d", ++n);
    while (add(key, 4, n) > 0);
    cr_assert_eq(add(key, 4, n), -ENOSPC);
    cr_assert_eq(n, 1 + ROOM / (8 + 8 + 4 * 8));
    memory = mem_resize_array(memory, 2 * size, 1);
    memset(memory + size, 0xa5, size);
    soft_state_grow(&s, memory, 2 * size);
    cr_assert_gt(add(key, 4, n), 0);
    cr_assert_eq(soft_state_open(&s, memory, 2 * size), 0);
    for (int i = 1; i <= n; i++) {
        snprintf(key, sizeof key, "key%d", i);
        cr_assert_eq(first_of(find(key), 4), i);
    }
}

Test(soft_state, a_removed_record_is_free_for_one_of_its_size)
{
    int a = add("a", 2, 1), b = add("b", 2, 2);
    soft_state_remove(&s, a);
    cr_assert_eq(find("a"), 0);
    cr_assert_eq(find("b"), b);
    cr_assert_gt(add("larger", 3, 3), b);
    cr_assert_eq(add("c", 2, 4), a);
    cr_assert_eq(first_of(a, 2), 4);
    cr_assert_gt(add("d", 2, 5), b, "the free one is taken once");
}

Test(soft_state, a_successor_finds_what_is_free)
{
    int a = add("a", 2, 1), b = add("b", 2, 2), c = add("c", 2, 3);
    soft_state_remove(&s, a);
    soft_state_remove(&s, c);
    cr_assert_eq(soft_state_open(&s, memory, size), 0);
    int one = add("d", 2, 4), two = add("e", 2, 5);
    cr_assert((one == a && two == c) || (one == c && two == a));
    cr_assert_eq(first_of(b, 2), 2);
}

Test(soft_state, the_longest_key_fits_and_one_more_does_not)
{
    char key[SOFT_STATE_KEY + 1];
    memset(key, 'k', sizeof key);
    key[SOFT_STATE_KEY] = '\0';
    cr_assert_eq(add(key, 1, 1), -ENAMETOOLONG);
    cr_assert_eq(add("", 1, 1), -EINVAL);
    key[SOFT_STATE_KEY - 1] = '\0';
    cr_assert_str_eq(soft_state_key(&s, add(key, 1, 1)), key);
    cr_assert_eq(soft_state_open(&s, memory, size), 0);
    cr_assert_gt(find(key), 0);
}

Test(soft_state, a_successor_finds_everything)
{
    add("a", 3, 1);
    write_row(add("b", 4, 0), 4, 7);
    memset(&s, 0, sizeof s);
    cr_assert_eq(soft_state_open(&s, memory, size), 0);
    cr_assert_eq(first_of(find("a"), 3), 1);
    cr_assert_eq(first_of(find("b"), 4), 7);
}

/* All that a write of a row has stored when it is cut short: into the header, the word that says whose it is,
 * and then into the record, byte by byte. */
Test(soft_state, a_write_cut_short_leaves_the_old_row_or_the_new_one)
{
    enum { COLUMNS = 4, ROW = 8 * COLUMNS };
    int record = add("a", COLUMNS, 1);
    struct soft_state_row row = row_of(COLUMNS, 100);
    size_t at = (size_t)record * 8 + 8 + 8;
    cleanup_free unsigned char *before = mem_new(size);
    memcpy(before, memory, size);
    for (size_t cut = 0; cut <= 2 * ROW; cut++) {
        bool is_decided = cut >= ROW;
        memcpy(memory, before, size);
        put32(COLUMNS_AT, COLUMNS);
        memcpy(memory + 32, row.column, is_decided ? ROW : cut);
        if (is_decided) {
            put32(CHANGING_AT, (uint32_t)record);
            memcpy(memory + at, row.column, cut - ROW);
        }
        cr_assert_eq(soft_state_open(&s, memory, size), 0);
        cr_assert_eq(first_of(find("a"), COLUMNS), is_decided ? 100 : 1, "cut at %zu", cut);
        cr_assert_eq(soft_state_open(&s, memory, size), 0, "the second successor too");
        cr_assert_eq(first_of(find("a"), COLUMNS), is_decided ? 100 : 1);
    }
}

Test(soft_state, an_addition_cut_short_has_not_been)
{
    cleanup_free unsigned char *before = mem_new(size);
    int a = add("a", 2, 1);
    memcpy(before, memory, size);
    add("b", 2, 2);
    memcpy(memory + END_AT, before + END_AT, 8); /* all but the last store */
    cr_assert_eq(soft_state_open(&s, memory, size), 0);
    cr_assert_eq(find("b"), 0);
    soft_state_remove(&s, a);
    int c = add("c", 2, 3);
    cr_assert_eq(c, a);
    put16((size_t)c * 8 + 6, 0); /* in a record that was free, the last store says that it is in use */
    cr_assert_eq(soft_state_open(&s, memory, size), 0);
    cr_assert_eq(soft_state_next(&s, 0), 0);
}

Test(soft_state, a_row_of_another_version_keeps_its_columns)
{
    struct soft_state_row row;
    int record = add("a", 6, 1);
    write_row(record, 4, 50); /* we know four of them */
    soft_state_read(&s, record, &row);
    cr_assert_eq(row.n, 6);
    cr_assert_eq(row.column[3], 53);
    cr_assert_eq(row.column[4], 5);
    write_row(record, 8, 90); /* we know more: what does not fit stays out */
    cr_assert_eq(first_of(record, 6), 90);
    cr_assert_eq(add("b", 1, 1), record + 1 + 1 + 6);
}

/* A version whose rows are longer than any of ours. */
Test(soft_state, more_columns_than_we_know_are_left_alone)
{
    enum { THEIRS = SOFT_STATE_COLUMNS + 2, WORDS = 1 + 1 + THEIRS };
    struct soft_state_row row;
    int64_t theirs[THEIRS];
    size_t at = HEADER_SIZE;
    for (int i = 0; i < THEIRS; i++)
        theirs[i] = i + 1;
    memset(memory + at, 0, 16);
    put16(at, WORDS);
    put16(at + 2, 1);
    put16(at + 4, THEIRS);
    put16(at + 6, 1);
    memory[at + 8] = 'a';
    memcpy(memory + at + 16, theirs, sizeof theirs);
    put32(END_AT, HEADER_SIZE + WORDS * 8);
    cr_assert_eq(soft_state_open(&s, memory, size), 0);
    cr_assert_eq(first_of(find("a"), SOFT_STATE_COLUMNS), 1);
    write_row(find("a"), SOFT_STATE_COLUMNS, 50);
    soft_state_read(&s, find("a"), &row);
    cr_assert_eq(row.column[SOFT_STATE_COLUMNS - 1], 50 + SOFT_STATE_COLUMNS - 1);
    memcpy(theirs, memory + at + 16, sizeof theirs);
    cr_assert_eq(theirs[SOFT_STATE_COLUMNS], SOFT_STATE_COLUMNS + 1);
    cr_assert_eq(theirs[SOFT_STATE_COLUMNS + 1], SOFT_STATE_COLUMNS + 2);
}

Test(soft_state, what_does_not_add_up_is_refused)
{
    static const struct {
        size_t at;
        uint32_t value;
    } cases[] = {
        {0, 0},                               /* magic */
        {MAJOR_AT, 1},                        /* another major version */
        {HEADER_SIZE_AT, 16},                 /* shorter than the header */
        {HEADER_SIZE_AT, HEADER_SIZE + 4},    /* not aligned */
        {HEADER_SIZE_AT, 0xfffffff8},         /* beyond the memory */
        {END_AT, HEADER_SIZE + ROOM + 8},     /* … */
        {END_AT + 4, 1},                      /* … */
        {END_AT, HEADER_SIZE - 8},            /* before the first record */
        {END_AT, HEADER_SIZE + 20},           /* not aligned */
        {END_AT, HEADER_SIZE + 16},           /* within a record */
        {COLUMNS_AT, SOFT_STATE_COLUMNS + 1}, /* more than the header has room for */
        {CHANGING_AT, FIRST + 1},             /* not where a record begins */
        {CHANGING_AT, 1},                     /* … */
        {HEADER_SIZE, 0x00010001},            /* a record of one word */
        {HEADER_SIZE, 0x00010005},            /* not as long as its parts */
        {HEADER_SIZE + 4, 0x00020002},        /* neither free nor in use */
        {HEADER_SIZE + 8, 0},                 /* in use without a key */
        {HEADER_SIZE + 8, 0x6b6b6b6b},        /* with a key that has no end, together with the next */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct soft_state opened = {.base = NULL};
        memset(memory, 0, size);
        soft_state_format(&s, memory, size);
        add("kkkkkkk", 2, 1);
        cr_assert_eq(soft_state_open(&opened, memory, size), 0);
        opened = (struct soft_state){.base = NULL};
        put32(cases[i].at, cases[i].value);
        if (cases[i].value == 0x6b6b6b6b)
            put32(cases[i].at + 4, 0x6b6b6b6b);
        cr_assert_eq(soft_state_open(&opened, memory, size), -EBADMSG, "case %zu", i);
        cr_assert_null(opened.base);
    }
}

Test(soft_state, a_row_for_a_record_that_cannot_have_it_is_refused)
{
    int few = add("few", 2, 1), gone = add("gone", 2, 1);
    soft_state_remove(&s, gone);
    put32(COLUMNS_AT, 3);
    put32(CHANGING_AT, (uint32_t)few);
    cr_assert_eq(soft_state_open(&s, memory, size), -EBADMSG);
    put32(COLUMNS_AT, 1);
    put32(CHANGING_AT, (uint32_t)gone);
    cr_assert_eq(soft_state_open(&s, memory, size), -EBADMSG);
    put32(CHANGING_AT, 0);
    cr_assert_eq(soft_state_open(&s, memory, size), 0);
}

Test(soft_state, memory_shorter_than_its_header_is_refused)
{
    for (size_t n = 0; n < HEADER_SIZE; n++)
        cr_assert_eq(soft_state_open(&s, memory, n), -EBADMSG);
}

Test(soft_state, no_room_at_all_is_a_valid_state)
{
    soft_state_format(&s, memory, HEADER_SIZE);
    cr_assert_eq(add("a", 0, 0), -ENOSPC);
    cr_assert_eq(soft_state_open(&s, memory, HEADER_SIZE), 0);
}

Test(soft_state, another_version_is_told_by_its_number)
{
    cr_expect_eq(soft_state_major(memory, size), SOFT_STATE_MAJOR);
    put32(MAJOR_AT, 77);
    cr_expect_eq(soft_state_major(memory, size), 77);
    cr_expect_eq(soft_state_open(&s, memory, size), -EBADMSG);
    cr_expect_eq(soft_state_major(memory, 8), 0);
    memory[0] ^= 1;
    cr_expect_eq(soft_state_major(memory, size), 0);
}
