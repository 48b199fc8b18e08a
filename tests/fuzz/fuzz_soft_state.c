/* fuzz_soft_state: two halves, told apart by the first byte. Any memory: what is accepted can be worked with,
 * within its bounds. Any sequence of calls: the state says what a plain array would say, also after it is
 * opened again. */
#include "config.h"

#include <errno.h>

#include "base/str.h"
#include "fuzz.h"
#include "wire/soft_state.h"

#define N_KEYS 8
#define SPARE 512 /* bytes behind what is given: it may be grown */

static int find(const struct soft_state *s, const char *key)
{
    for (int i = soft_state_next(s, 0); i > 0; i = soft_state_next(s, i))
        if (str_eq(soft_state_key(s, i), key))
            return i;
    return 0;
}

static void check_write(struct soft_state *s, int record)
{
    struct soft_state_row row, again;
    soft_state_read(s, record, &row);
    soft_state_write(s, record, &row);
    soft_state_read(s, record, &again);
    check(memcmp(&row, &again, sizeof row) == 0);
}

static void any_memory(const uint8_t *data, size_t size)
{
    struct soft_state s = {.base = NULL}, again;
    struct soft_state_row row = {.n = 3};
    void *memory = malloc(size > 0 ? size : 1);
    check(memory != NULL);
    memcpy(memory, data, size);
    if (soft_state_open(&s, memory, size) == 0) {
        for (int i = soft_state_next(&s, 0); i > 0; i = soft_state_next(&s, i)) {
            check(*soft_state_key(&s, i));
            check_write(&s, i);
        }
        int first = soft_state_next(&s, 0), record = soft_state_add(&s, "one more", &row);
        check(record > 0 || record == -ENOSPC);
        if (record > 0)
            check_write(&s, record);
        if (first > 0)
            soft_state_remove(&s, first);
        check(soft_state_open(&again, memory, size) == 0);
    } else {
        check(s.base == NULL);
    }
    free(memory);
}

/* What the state ought to say. */
struct model {
    unsigned n;    /* columns; 0: there is no record */
    int64_t value; /* of column 0; column i holds value + i */
};

static void check_model(const struct soft_state *s, const struct model *models)
{
    for (int k = 0; k < N_KEYS; k++) {
        char key[2] = {(char)('a' + k), '\0'};
        int record = find(s, key);
        check((models[k].n > 0) == (record > 0));
        if (record == 0)
            continue;
        struct soft_state_row row;
        soft_state_read(s, record, &row);
        check(row.n == models[k].n);
        for (unsigned i = 0; i < SOFT_STATE_COLUMNS; i++)
            check(row.column[i] == (i < row.n ? models[k].value + i : 0));
    }
}

static void grow(struct soft_state *s)
{
    size_t size = s->size + SPARE;
    void *memory = realloc(s->base, size);
    check(memory != NULL);
    memset((char *)memory + s->size, 0xa5, SPARE);
    soft_state_grow(s, memory, size);
}

static struct soft_state_row row_of(unsigned n, int64_t value)
{
    struct soft_state_row row = {.n = n};
    for (unsigned i = 0; i < n; i++)
        row.column[i] = value + i;
    return row;
}

static void add(struct soft_state *s, struct model *m, const char *key, int64_t value)
{
    struct soft_state_row row = row_of((unsigned)(1 + value % SOFT_STATE_COLUMNS), value);
    int record = soft_state_add(s, key, &row);
    if (record == -ENOSPC) {
        grow(s);
        record = soft_state_add(s, key, &row);
    }
    check(record > 0);
    *m = (struct model){row.n, value};
}

/* One call: the low bits of OP say which key, the rest which call. */
static void step(struct soft_state *s, struct model *models, uint8_t op, int64_t value)
{
    struct model *m = &models[op % N_KEYS];
    char key[2] = {(char)('a' + op % N_KEYS), '\0'};
    struct soft_state_row row = row_of(m->n, value);
    switch (op / N_KEYS % 4) {
    case 0:
        if (m->n == 0)
            add(s, m, key, value);
        break;
    case 1:
        if (m->n > 0) {
            soft_state_write(s, find(s, key), &row);
            m->value = value;
        }
        break;
    case 2:
        if (m->n > 0)
            soft_state_remove(s, find(s, key));
        m->n = 0;
        break;
    case 3:
        check(soft_state_open(s, s->base, s->size) == 0);
        break;
    }
}

static void any_calls(const uint8_t *data, size_t size)
{
    struct soft_state s;
    struct model models[N_KEYS] = {{0, 0}};
    size_t first_size = soft_state_least_size();
    void *memory = malloc(first_size);
    check(memory != NULL);
    soft_state_format(&s, memory, first_size);
    for (size_t i = 0; i < size; i++) {
        step(&s, models, data[i], (int64_t)i + 1);
        check_model(&s, models);
    }
    free(s.base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 'c')
        any_calls(data + 1, size - 1 < 512 ? size - 1 : 512);
    else
        any_memory(data + 1, size - 1);
    return 0;
}
