/* name_table: against a plain array, through growth and removal. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/name_table.h"

#define MANY 3000

static char names[MANY][16];
static struct name_table table;

static const char *name_of(const void *data, size_t n)
{
    (void)data;
    return names[n];
}

static void set_up(void)
{
    for (size_t i = 0; i < MANY; i++)
        snprintf(names[i], sizeof names[i], "name-%zu", i * 7919 % 100003);
}

static void tear_down(void)
{
    name_table_fini(&table);
}

TestSuite(name_table, .init = set_up, .fini = tear_down);

Test(name_table, an_empty_one_has_nothing)
{
    cr_assert_eq(name_table_find(&table, "a", name_of, NULL), NAME_TABLE_NONE);
    name_table_remove(&table, "a", name_of, NULL);
    cr_assert_eq(table.n, 0);
}

Test(name_table, what_is_added_is_found_by_its_number)
{
    for (size_t i = 0; i < MANY; i++)
        name_table_add(&table, i, name_of, NULL);
    cr_assert_eq(table.n, MANY);
    for (size_t i = 0; i < MANY; i++)
        cr_assert_eq(name_table_find(&table, names[i], name_of, NULL), i);
    cr_assert_eq(name_table_find(&table, "name-x", name_of, NULL), NAME_TABLE_NONE);
}

/* Whatever the order in which names come and go, those that are in are found and no others. */
Test(name_table, names_come_and_go)
{
    static bool in[MANY];
    unsigned seed = 12345;
    for (int round = 0; round < 40000; round++) {
        seed = seed * 1103515245 + 12345;
        size_t i = seed / 65536 % 64 + (round < 20000 ? 0 : 1000);
        if (in[i])
            name_table_remove(&table, names[i], name_of, NULL);
        else
            name_table_add(&table, i, name_of, NULL);
        in[i] = !in[i];
        size_t other = seed / 7 % 64 + (round < 20000 ? 0 : 1000);
        cr_assert_eq(name_table_find(&table, names[other], name_of, NULL),
                     in[other] ? other : NAME_TABLE_NONE);
    }
}
