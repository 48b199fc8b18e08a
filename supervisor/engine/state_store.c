/* state_store: see the header. */
#include "config.h"

#include "engine/state_store.h"

#include <errno.h>
#include <string.h>

#include "base/must.h"
#include "base/str.h"
#include "engine/crash_point.h"
#include "sys/fd.h"

#define HELD_NAME "state"
#define FIRST_SIZE 4096

static const char *key_of(const void *data, size_t n)
{
    return soft_state_key(data, (int)n);
}

static int find(const struct state_store *s, const char *key)
{
    size_t i = name_table_find(&s->keys, key, key_of, &s->state);
    return i == NAME_TABLE_NONE ? -ENOENT : (int)i;
}

static unsigned columns_of(const struct state_store *s, int record)
{
    struct soft_state_row row;
    soft_state_read(&s->state, record, &row);
    return row.n;
}

/* A key is there twice when our predecessor died while it moved a row into a record with more columns. */
static void index_keys(struct state_store *s)
{
    for (int i = soft_state_next(&s->state, 0), next; i > 0; i = next) {
        const char *key = soft_state_key(&s->state, i);
        int other = find(s, key);
        next = soft_state_next(&s->state, i);
        if (other >= 0 && columns_of(s, other) > columns_of(s, i)) {
            soft_state_remove(&s->state, i);
            continue;
        }
        if (other >= 0)
            state_store_remove(s, key);
        name_table_add(&s->keys, (size_t)i, key_of, &s->state);
    }
}

static int open_held(struct state_store *s, int fd)
{
    int r = shared_memory_open(&s->memory, fd);
    if (r < 0)
        return r;
    r = soft_state_open(&s->state, s->memory.base, s->memory.size);
    if (r < 0)
        shared_memory_close(&s->memory);
    return r;
}

static int begin_new(struct state_store *s, struct berr *err)
{
    int r = shared_memory_new(&s->memory, "berth-state", FIRST_SIZE);
    if (r < 0)
        return berr_set(err, BERR_SYSTEM, -r, "no memory for the supervisor's own state: memfd_create: %s",
                        strerror(-r));
    soft_state_format(&s->state, s->memory.base, s->memory.size);
    crash_point(CRASH_AT_state_created);
    keeper_link_put(s->keeper, HELD_NAME, s->memory.fd);
    return 0;
}

int state_store_open(struct state_store *s, struct keeper_link *k, bool *ret_restored, struct berr *err)
{
    *s = (struct state_store){.memory = {.fd = -1}, .keeper = k};
    *ret_restored = false;
    struct keeper_entry *entry = keeper_link_find(k, HELD_NAME);
    if (entry && !k->is_safe_mode && open_held(s, take_fd(&entry->fd)) == 0) {
        index_keys(s);
        *ret_restored = true;
        return 0;
    }
    return begin_new(s, err);
}

void state_store_close(struct state_store *s)
{
    shared_memory_close(&s->memory);
    name_table_fini(&s->keys);
}

bool state_store_load(const struct state_store *s, const char *key, struct soft_state_row *ret)
{
    int index = find(s, key);
    if (index < 0)
        return false;
    soft_state_read(&s->state, index, ret);
    return true;
}

/* Room for twice as many. Without memory for it the supervisor ends, as it does without any other memory. */
static void grow(struct state_store *s)
{
    int r = shared_memory_grow(&s->memory, 2 * s->memory.size);
    must(r == 0);
    soft_state_grow(&s->state, s->memory.base, s->memory.size);
}

static int add(struct state_store *s, const char *key, const struct soft_state_row *row)
{
    int record = soft_state_add(&s->state, key, row);
    if (record == -ENOSPC) {
        grow(s);
        record = soft_state_add(&s->state, key, row);
    }
    must(record > 0);
    return record;
}

void state_store_save(struct state_store *s, const char *key, int *index, const struct soft_state_row *row)
{
    crash_point(CRASH_AT_state_write_before);
    if (*index < 0)
        *index = find(s, key);
    if (*index >= 0 && columns_of(s, *index) >= row->n) {
        soft_state_write(&s->state, *index, row);
    } else { /* it is new, or another version made it */
        int added = add(s, key, row);
        if (*index >= 0)
            state_store_remove(s, key);
        *index = added;
        name_table_add(&s->keys, (size_t)added, key_of, &s->state);
    }
    crash_point(CRASH_AT_state_write_after);
}

void state_store_set(struct state_store *s, int index, size_t column, int64_t value)
{
    soft_state_set(&s->state, index, column, value);
}

void state_store_remove(struct state_store *s, const char *key)
{
    int index = find(s, key);
    if (index < 0)
        return;
    name_table_remove(&s->keys, key, key_of, &s->state);
    soft_state_remove(&s->state, index);
}
