/* name_table: open addressing with linear probing. At most three in four slots are taken, and what is removed
 * leaves no mark: those behind it move up. */
#include "config.h"

#include "base/name_table.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/str.h"

#define FIRST_SLOTS 16

static uint32_t hash_of(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h ^ h >> 15;
}

void name_table_fini(struct name_table *t)
{
    free(t->slots);
    *t = (struct name_table){NULL, 0, 0};
}

/* Where NUMBER's search begins. */
static size_t home_of(const struct name_table *t, uint32_t number, name_table_name *name_of, const void *data)
{
    return hash_of(name_of(data, number - 1)) & t->mask;
}

static void place(struct name_table *t, uint32_t number, name_table_name *name_of, const void *data)
{
    size_t i = home_of(t, number, name_of, data);
    while (t->slots[i])
        i = (i + 1) & t->mask;
    t->slots[i] = number;
}

static void grow(struct name_table *t, name_table_name *name_of, const void *data)
{
    uint32_t *old = t->slots;
    size_t n_old = old ? t->mask + 1 : 0, n_new = n_old ? 2 * n_old : FIRST_SLOTS;
    t->slots = mem_new_array(n_new, sizeof *t->slots);
    t->mask = n_new - 1;
    for (size_t i = 0; i < n_old; i++)
        if (old[i])
            place(t, old[i], name_of, data);
    free(old);
}

/* The slot of NAME; false when there is none. */
static bool locate(const struct name_table *t, const char *name, name_table_name *name_of, const void *data,
                   size_t *ret)
{
    if (!t->slots)
        return false;
    for (size_t i = hash_of(name) & t->mask; t->slots[i]; i = (i + 1) & t->mask)
        if (str_eq(name_of(data, t->slots[i] - 1), name)) {
            *ret = i;
            return true;
        }
    return false;
}

size_t name_table_find(const struct name_table *t, const char *name, name_table_name *name_of,
                       const void *data)
{
    size_t at;
    return locate(t, name, name_of, data, &at) ? t->slots[at] - 1 : NAME_TABLE_NONE;
}

void name_table_add(struct name_table *t, size_t number, name_table_name *name_of, const void *data)
{
    must(number < UINT32_MAX);
    if (!t->slots || 4 * (t->n + 1) > 3 * (t->mask + 1))
        grow(t, name_of, data);
    place(t, (uint32_t)number + 1, name_of, data);
    t->n++;
}

void name_table_remove(struct name_table *t, const char *name, name_table_name *name_of, const void *data)
{
    size_t hole;
    if (!locate(t, name, name_of, data, &hole))
        return;
    for (size_t i = (hole + 1) & t->mask; t->slots[i]; i = (i + 1) & t->mask) {
        size_t home = home_of(t, t->slots[i], name_of, data);
        if (((i - home) & t->mask) < ((i - hole) & t->mask))
            continue; /* its search begins behind the hole */
        t->slots[hole] = t->slots[i];
        hole = i;
    }
    t->slots[hole] = 0;
    t->n--;
}
