/* conf_share: makes a configuration small that has a thousand services: what they have in common is kept
 * once, and what each has of its own lies in one piece. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/shared.h"
#include "core/conf.h"
#include "core/conf_schema.h"

/* --- blocks -------------------------------------------------------------------------------------------- */

/* The blocks that differ, each with what is printed of it: two are the same when that is the same. */
struct pool {
    struct strv texts;
    struct name_table names; /* of the texts */
    void **blocks;           /* the array is owned */
};

static const char *text_of(const void *data, size_t n)
{
    return ((const struct pool *)data)->texts.v[n];
}

static char *print(enum conf_section section, const void *of)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    for (const struct conf_key *key = conf_schema(section); key->name; key++) {
        if (key->is_own)
            continue;
        buf_printf(&text, "%s%c", key->name, key->is_given && key->is_given(of) ? '=' : ':');
        key->print(of, key, &text);
        buf_add_char(&text, '\n');
    }
    char *result = mem_strdup(buf_str(&text));
    buf_fini(&text);
    return result;
}

/* BLOCK, or the one in P that says the same; TEXT is taken. */
static void *share(struct pool *p, void *block, char *text)
{
    size_t i = name_table_find(&p->names, text, text_of, p);
    if (i == NAME_TABLE_NONE) {
        i = p->texts.n;
        p->blocks = mem_resize_array(p->blocks, i + 1, sizeof *p->blocks);
        p->blocks[i] = block;
        strv_put(&p->texts, text);
        name_table_add(&p->names, i, text_of, p);
        return block;
    }
    free(text);
    if (p->blocks[i] != block) {
        shared_drop(block);
        shared_hold(p->blocks[i]);
    }
    return p->blocks[i];
}

static void pool_fini(struct pool *p)
{
    name_table_fini(&p->names);
    strv_fini(&p->texts);
    free(p->blocks);
}

static void share_blocks(struct conf *c)
{
    struct pool options = {.blocks = NULL}, settings = {.blocks = NULL};
    for (size_t i = 0; i < c->n_sockets; i++)
        c->sockets[i].options = share(&options, c->sockets[i].options, print(CONF_SOCKET, &c->sockets[i]));
    for (size_t i = 0; i < c->n_services; i++)
        c->services[i].with = share(&settings, c->services[i].with, print(CONF_SERVICE, &c->services[i]));
    pool_fini(&options);
    pool_fini(&settings);
}

/* --- texts --------------------------------------------------------------------------------------------- */

/* One piece of memory: first the vectors, then the texts, each of them once. It is gone through twice: until
 * there is memory, what belongs into it is only counted. */
struct pack {
    size_t n_pointers, n_bytes;
    char **next_vector, *next_text; /* NULL while it is counted */
    struct strv texts;              /* those that are in it */
    char **places;                  /* … and where; the array is owned */
    struct name_table names;        /* of them */
};

static const char *packed_text(const void *data, size_t n)
{
    return ((const struct pack *)data)->texts.v[n];
}

static char *pack_text(struct pack *p, const char *text)
{
    size_t i = name_table_find(&p->names, text, packed_text, p), size = strlen(text) + 1;
    if (i == NAME_TABLE_NONE) {
        i = p->texts.n;
        strv_add(&p->texts, text);
        name_table_add(&p->names, i, packed_text, p);
        p->n_bytes += size;
    }
    if (!p->next_text)
        return NULL;
    if (!p->places[i]) {
        p->places[i] = memcpy(p->next_text, text, size);
        p->next_text += size;
    }
    return p->places[i];
}

static void pack_name(struct pack *p, char **name)
{
    char *packed = pack_text(p, *name);
    if (!packed)
        return;
    free(*name);
    *name = packed;
}

static void pack_vector(struct pack *p, struct strv *sv)
{
    struct strv packed = {p->next_vector, sv->n};
    if (sv->n == 0)
        return;
    for (size_t i = 0; i < sv->n; i++) {
        char *text = pack_text(p, sv->v[i]);
        if (text)
            packed.v[i] = text;
    }
    p->n_pointers += sv->n + 1; /* with the NULL behind it */
    if (!packed.v)
        return;
    p->next_vector += sv->n + 1;
    strv_fini(sv);
    *sv = packed;
}

static void pack_all(struct conf *c, struct pack *p)
{
    for (size_t i = 0; i < c->n_sockets; i++) {
        pack_name(p, &c->sockets[i].name);
        pack_vector(p, &c->sockets[i].listen);
        pack_vector(p, &c->sockets[i].serve);
    }
    for (size_t i = 0; i < c->n_services; i++) {
        pack_name(p, &c->services[i].name);
        pack_vector(p, &c->services[i].command);
        pack_vector(p, &c->services[i].sockets);
    }
}

static void pack_texts(struct conf *c)
{
    struct pack p = {.n_bytes = 1}; /* there is a piece even if there is nothing in it */
    pack_all(c, &p);
    c->texts = mem_new(p.n_pointers * sizeof(char *) + p.n_bytes);
    p.next_vector = c->texts;
    p.next_text = (char *)(p.next_vector + p.n_pointers);
    p.places = mem_new_array(p.texts.n + 1, sizeof(char *));
    pack_all(c, &p);
    name_table_fini(&p.names);
    strv_fini(&p.texts);
    free(p.places);
}

void conf_share(struct conf *c)
{
    share_blocks(c);
    pack_texts(c);
    c->sockets = mem_resize_array(c->sockets, c->n_sockets + 1, sizeof *c->sockets);
    c->services = mem_resize_array(c->services, c->n_services + 1, sizeof *c->services);
}
