/* fuzz_soft_state: two halves, told apart by the first byte. Any memory: what is accepted can be worked with,
 * within its bounds. Any sequence of calls: the state says what a plain array would say, also after it is
 * opened again. */
#include "config.h"

#include <errno.h>

#include "base/str.h"
#include "fuzz.h"
#include "wire/soft_state.h"

static const struct soft_state_row zeroes;

#define N_KEYS 8

static void check_write(struct soft_state *s, int index)
{
    struct soft_state_row row, again;
    soft_state_read(s, index, &row);
    soft_state_write(s, index, &row);
    soft_state_read(s, index, &again);
    check(memcmp(&row, &again, sizeof(row)) == 0);
}

static void any_memory(const uint8_t *data, size_t size)
{
    struct soft_state s = {NULL, 0, 0}, again;
    void *memory = malloc(size > 0 ? size : 1);
    check(memory != NULL);
    memcpy(memory, data, size);
    if (soft_state_open(&s, memory, size) == 0) {
        for (size_t i = 0; i < soft_state_count(&s); i++) {
            const char *key = soft_state_key(&s, (int)i);
            if (key == NULL)
                continue;
            int found = soft_state_find(&s, key);
            check(found >= 0 && found <= (int)i);
            check_write(&s, (int)i);
        }
        int index = soft_state_add(&s, "one more", &zeroes);
        check(index >= 0 || index == -ENOSPC);
        if (index >= 0)
            check_write(&s, index);
        check(soft_state_open(&again, memory, size) == 0);
        check(soft_state_size_grown(&s, soft_state_count(&s)) <= size);
    } else {
        check(s.base == NULL);
    }
    free(memory);
}

/* What the state ought to say. */
struct model {
    bool used;
    int64_t value; /* of column 0; column i holds value + i */
};

static void check_model(const struct soft_state *s, const struct model *models)
{
    for (int k = 0; k < N_KEYS; k++) {
        char key[2] = {(char)('a' + k), '\0'};
        int index = soft_state_find(s, key);
        check(models[k].used ? index >= 0 : index == -ENOENT);
        if (index < 0)
            continue;
        struct soft_state_row row;
        soft_state_read(s, index, &row);
        for (int i = 0; i < SOFT_STATE_COLUMNS; i++)
            check(row.column[i] == (models[k].value != 0 ? models[k].value + i : 0));
    }
}

static void grow(struct soft_state *s)
{
    size_t size = soft_state_size_grown(s, soft_state_count(s) + 1);
    void *memory = realloc(s->base, size);
    check(memory != NULL);
    memset((char *)memory + s->size, 0xa5, size - s->size);
    soft_state_grow(s, memory, size);
}

/* One call: the low bits of OP say which key, the rest which call. */
static void step(struct soft_state *s, struct model *models, uint8_t op, int64_t value)
{
    struct model *m = &models[op % N_KEYS];
    char key[2] = {(char)('a' + op % N_KEYS), '\0'};
    struct soft_state_row row;
    switch (op / N_KEYS % 4) {
    case 0: {
        int index = soft_state_add(s, key, &zeroes);
        if (index == -ENOSPC) {
            grow(s);
            index = soft_state_add(s, key, &zeroes);
        }
        check(index >= 0);
        if (!m->used)
            *m = (struct model){true, 0};
        break;
    }
    case 1:
        if (!m->used)
            break;
        for (int i = 0; i < SOFT_STATE_COLUMNS; i++)
            row.column[i] = value + i;
        soft_state_write(s, soft_state_find(s, key), &row);
        m->value = value;
        break;
    case 2:
        if (m->used)
            soft_state_remove(s, soft_state_find(s, key));
        m->used = false;
        break;
    case 3: {
        void *memory = s->base;
        check(soft_state_open(s, memory, s->size) == 0);
        break;
    }
    }
}

static void any_calls(const uint8_t *data, size_t size)
{
    struct soft_state s;
    struct model models[N_KEYS] = {{false, 0}};
    size_t first_size = soft_state_size(1);
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
