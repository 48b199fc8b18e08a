/* name_table: from names to numbers, in a time that does not depend on how many there are.
 *
 * It keeps no names: whoever has numbered things (the elements of an array, the records of a memory) tells
 * the name of a number. Names are unique in it. */
#ifndef BERTH_BASE_NAME_TABLE_H
#define BERTH_BASE_NAME_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define NAME_TABLE_NONE ((size_t)-1)

/* The name of number N; never NULL for one that is in the table. */
typedef const char *name_table_name(const void *data, size_t n);

struct name_table {
    uint32_t *slots; /* numbers + 1, 0: free; owned; `mask` + 1 of them, or NULL while it is empty */
    size_t mask, n;
};

void name_table_fini(struct name_table *t);
/* NAME_TABLE_NONE when NAME is not there. */
size_t name_table_find(const struct name_table *t, const char *name, name_table_name *name_of,
                       const void *data);
/* NUMBER, below 2^32 - 1, is in it from now on; its name must not be there yet. */
void name_table_add(struct name_table *t, size_t number, name_table_name *name_of, const void *data);
/* NAME is not there any more; nothing where it never was. */
void name_table_remove(struct name_table *t, const char *name, name_table_name *name_of, const void *data);

#endif
