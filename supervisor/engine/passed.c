/* passed: see the header. Only kinds that may move are understood: another berth cannot make us hold anything
 * else. */
#include "config.h"

#include "engine/passed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/fd.h"

static const struct {
    const char *word;
    enum held_kind kind;
} kinds[] = {{"socket", HELD_SOCKET}, {"stored", HELD_STORED}, {"share", HELD_SHARE}};
#define N_KINDS (sizeof kinds / sizeof *kinds)

void passed_add(struct passed_list *l, const char *held, const char *bound, uint64_t device, uint64_t inode,
                int fd)
{
    if ((l->n & (l->n - 1)) == 0) /* room doubles at the powers of two */
        l->items = mem_resize_array(l->items, l->n ? 2 * l->n : 1, sizeof *l->items);
    l->items[l->n++] = (struct passed){mem_strdup(held), bound ? mem_strdup(bound) : NULL, device, inode, fd};
}

void passed_list_fini(struct passed_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        fd_close(&l->items[i].fd);
        free(l->items[i].held);
        free(l->items[i].bound);
    }
    free(l->items);
    *l = (struct passed_list){NULL, 0};
}

json_t *passed_describe(const struct passed *p)
{
    struct held_name h;
    const char *kind = "";
    held_name_parse(p->held, &h);
    for (size_t i = 0; i < N_KINDS; i++)
        if (kinds[i].kind == h.kind)
            kind = kinds[i].word;
    json_t *o = json_pack("{s:s, s:s, s:i, s:i, s:i, s:s}", "kind", kind, "name", h.name, "slot", (int)h.slot,
                          "part", (int)h.part, "parts", (int)h.parts, "address", h.address);
    if (p->bound)
        json_object_set_new(o, "bound", json_string(p->bound));
    if (p->inode != 0) {
        json_object_set_new(o, "device", json_integer((json_int_t)p->device));
        json_object_set_new(o, "inode", json_integer((json_int_t)p->inode));
    }
    return o;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* Whatever is no number comes out as 0, and numbers that are too large as others: the name is none then. */
static unsigned number_of(const json_t *o, const char *key)
{
    return (unsigned)json_integer_value(json_object_get(o, key));
}

/* The name in its text; what it does not parse to again is refused. */
static int parse_name(const json_t *o, char held[LIMIT_HELD_NAME + 1])
{
    struct held_name h = {.slot = number_of(o, "slot"),
                          .part = number_of(o, "part"),
                          .parts = number_of(o, "parts")},
                     again;
    for (size_t i = 0; i < N_KINDS; i++)
        if (str_eq(kinds[i].word, text_of(o, "kind")))
            h.kind = kinds[i].kind;
    if (h.kind == HELD_UNKNOWN || !str_copy(h.name, sizeof h.name, text_of(o, "name")) ||
        !str_copy(h.address, sizeof h.address, text_of(o, "address")) || held_name_format(held, &h) < 0)
        return -EBADMSG;
    held_name_parse(held, &again);
    return again.kind == h.kind ? 0 : -EBADMSG;
}

int passed_parse(struct passed_list *l, const json_t *o, int fd)
{
    char held[LIMIT_HELD_NAME + 1];
    const json_t *bound = json_object_get(o, "bound");
    int r = parse_name(o, held);
    if (r < 0) {
        fd_close(&fd);
        return r;
    }
    passed_add(l, held, json_string_value(bound), (uint64_t)json_integer_value(json_object_get(o, "device")),
               (uint64_t)json_integer_value(json_object_get(o, "inode")), fd);
    return 0;
}

size_t passed_count(const struct passed_list *l, enum held_kind kind)
{
    struct held_name h;
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        held_name_parse(l->items[i].held, &h);
        n += h.kind == kind;
    }
    return n;
}
