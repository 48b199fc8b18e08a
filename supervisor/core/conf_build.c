/* conf_build: see the header. A line that is refused is left out, and the rest is read on, so that one run
 * tells every mistake. */
#include "config.h"

#include "core/conf_build.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/conf_check.h"
#include "core/conf_schema.h"

/* What is known of one section while it is read. */
struct section {
    enum conf_section kind;
    char *name;              /* owned; "" for [supervisor] */
    struct conf_place place; /* of its first head */
    size_t at;               /* its place in the conf's array */
    bool has_refused_line;
    size_t n_keys;
    struct seen {
        const struct conf_key *key;
        const char *name; /* as written: "env.A" */
        struct conf_place place;
    } * seen; /* owned */
};

struct build {
    struct conf_source *source;
    struct conf *conf;
    conf_variable *variable;
    const void *data;
    struct section *sections;
    size_t n_sections;
    struct name_table names; /* of their heads */
    struct strv heads;       /* by section */
};

static const char *head_of(const void *data, size_t n)
{
    return ((const struct build *)data)->heads.v[n];
}

/* --- heads --------------------------------------------------------------------------------------------- */

/* "service:web" in its parts. False when it is none of the three. */
static bool parse_head(const char *head, enum conf_section *ret_kind, const char **ret_name)
{
    *ret_name = "";
    if (str_eq(head, "supervisor")) {
        *ret_kind = CONF_SUPERVISOR;
        return true;
    }
    *ret_kind = str_starts_with(head, "socket:") ? CONF_SOCKET : CONF_SERVICE;
    if (!str_starts_with(head, "socket:") && !str_starts_with(head, "service:"))
        return false;
    *ret_name = strchr(head, ':') + 1;
    return true;
}

static void refuse_head(struct build *b, const struct conf_line *l)
{
    static const char *const words[] = {"supervisor", "socket", "service", NULL};
    size_t n = strcspn(l->section, ":");
    cleanup_free char *word = mem_strndup(l->section, n);
    const char *nearest = str_nearest(word, words);
    char quoted[160];

    str_escape(quoted, sizeof quoted, l->section, strlen(l->section));
    if (nearest && !str_eq(nearest, "supervisor"))
        conf_source_refuse(b->source, l->place, quoted, "there is no such section; did you mean [%s:%s]?",
                           nearest, l->section[n] ? l->section + n + 1 : "NAME");
    else
        conf_source_refuse(
            b->source, l->place, quoted,
            "there is no such section; there are [supervisor], [socket:NAME] and [service:NAME]%s",
            nearest ? "; did you mean [supervisor]?" : "");
}

static struct section *add_section(struct build *b, const struct conf_line *l)
{
    struct section s = {.place = l->place};
    const char *name;
    char quoted[160];

    if (!parse_head(l->section, &s.kind, &name)) {
        refuse_head(b, l);
        return NULL;
    }
    if (s.kind != CONF_SUPERVISOR && !str_is_name(name)) {
        conf_source_refuse(b->source, l->place, conf_section_name(s.kind),
                           "\"%s\" is not a name: letters, digits, '.', '_' and '-', 1 to %d",
                           str_escape(quoted, sizeof quoted, name, strlen(name)), LIMIT_NAME);
        return NULL;
    }
    s.name = mem_strdup(name);
    if (s.kind == CONF_SOCKET)
        s.at = (size_t)(conf_add_socket(b->conf, name) - b->conf->sockets);
    else if (s.kind == CONF_SERVICE)
        s.at = (size_t)(conf_add_service(b->conf, name) - b->conf->services);
    if ((b->n_sections & (b->n_sections - 1)) == 0)
        b->sections =
            mem_resize_array(b->sections, b->n_sections ? 2 * b->n_sections : 1, sizeof *b->sections);
    strv_add(&b->heads, l->section);
    name_table_add(&b->names, b->n_sections, head_of, b);
    b->sections[b->n_sections] = s;
    return &b->sections[b->n_sections++];
}

static struct section *find_section(const struct build *b, const char *head)
{
    size_t i = name_table_find(&b->names, head, head_of, b);
    return i == NAME_TABLE_NONE ? NULL : &b->sections[i];
}

/* --- keys ---------------------------------------------------------------------------------------------- */

static void *struct_of(const struct build *b, const struct section *s)
{
    switch (s->kind) {
    case CONF_SUPERVISOR:
        return b->conf;
    case CONF_SOCKET:
        return &b->conf->sockets[s->at];
    case CONF_SERVICE:
        break;
    }
    return &b->conf->services[s->at];
}

static const struct seen *find_seen(const struct section *s, const char *key)
{
    for (size_t i = 0; i < s->n_keys; i++)
        if (str_eq(s->seen[i].name, key))
            return &s->seen[i];
    return NULL;
}

static void note_seen(struct section *s, const struct conf_key *key, const struct conf_line *l)
{
    s->seen = mem_resize_array(s->seen, s->n_keys + 1, sizeof *s->seen);
    s->seen[s->n_keys++] = (struct seen){key, l->key, l->place};
}

/* A scalar has one value. */
static bool is_first(struct build *b, const struct section *s, const struct conf_line *l)
{
    const struct seen *before = find_seen(s, l->key);
    char quoted[160];
    if (!before || before->key->is_list)
        return true;
    conf_source_refuse(b->source, l->place, l->section, "%s is given twice; it has a value at %s:%u already",
                       str_escape(quoted, sizeof quoted, l->key, strlen(l->key)),
                       b->source->files.v[before->place.file], before->place.line);
    return false;
}

static void take_line(struct build *b, struct section *s, const struct conf_line *l)
{
    const struct conf_key *key = conf_find_key(s->kind, l->key);
    const char *folder = b->source->folders.v[l->place.file];
    cleanup_free char *value = NULL, *located = NULL;
    struct berr err;

    if (key && !is_first(b, s, l))
        return;
    int r = conf_expand(l->value, b->variable, b->data, &value, &err);
    if (r == 0 && key && key->locate)
        located = key->locate(value, folder);
    if (located && key->is_list && strchr(folder, ',') && !str_eq(located, value))
        r = berr_set(
            &err, BERR_CONFIG, EINVAL,
            "a relative path cannot stand in a list here, for there is a comma in the folder's name");
    if (r < 0)
        berr_prefix(&err, "%s", l->key);
    else
        r = conf_set(s->kind, struct_of(b, s), l->key, located ? located : value, &err);
    if (r < 0) {
        conf_source_refuse(b->source, l->place, l->section, "%s", err.text);
        s->has_refused_line = true;
    }
    if (key)
        note_seen(s, key, l);
}

/* Sections first: a service may name a socket that stands behind it. */
static void take_heads(struct build *b)
{
    for (size_t i = 0; i < b->source->n_lines; i++) {
        const struct conf_line *l = &b->source->lines[i];
        if (!l->key && !find_section(b, l->section))
            add_section(b, l);
    }
}

/* The reader has refused lines of sections as well. */
static void note_refused_lines(struct build *b)
{
    for (size_t i = 0; i < b->source->n_problems; i++) {
        struct section *s = find_section(b, b->source->problems[i].section);
        if (s)
            s->has_refused_line = true;
    }
}

static void take_lines(struct build *b)
{
    struct section *s = NULL;
    const char *of = NULL;
    for (size_t i = 0; i < b->source->n_lines; i++) {
        const struct conf_line *l = &b->source->lines[i];
        if (l->section != of) {
            s = find_section(b, l->section);
            of = l->section;
        }
        if (l->key && s)
            take_line(b, s, l);
        else if (l->key && !*l->section)
            conf_source_refuse(b->source, l->place, "",
                               "%s stands before any section; put it under [supervisor], "
                               "[socket:NAME] or [service:NAME]",
                               l->key);
    }
}

/* --- the whole ----------------------------------------------------------------------------------------- */

struct report {
    struct conf_report report;
    struct build *build;
};

static void on_problem(struct conf_report *self, enum conf_section section, const char *name, const char *key,
                       const char *sentence)
{
    struct build *b = ((struct report *)self)->build;
    cleanup_free char *head = section == CONF_SUPERVISOR
                                  ? mem_strdup("supervisor")
                                  : mem_printf("%s:%s", conf_section_name(section), name);
    const struct section *s = find_section(b, head);
    struct conf_place place = s ? s->place : (struct conf_place){0, 0};

    if (s && !key && s->has_refused_line)
        return; /* it follows from that, most likely */
    for (size_t i = 0; s && key && i < s->n_keys; i++)
        if (str_eq(s->seen[i].key->name, key))
            place = s->seen[i].place;
    conf_source_refuse(b->source, place, head, "%s", sentence);
}

void conf_build(struct conf_source *source, conf_variable *variable, const void *data, struct conf *ret)
{
    struct build b = {.source = source, .conf = ret, .variable = variable, .data = data};
    struct report report = {{on_problem}, &b};

    conf_init(ret);
    take_heads(&b);
    note_refused_lines(&b);
    take_lines(&b);
    conf_mark_sinks(ret);
    conf_check_all(ret, &report.report);
    conf_share(ret);
    for (size_t i = 0; i < b.n_sections; i++) {
        free(b.sections[i].name);
        free(b.sections[i].seen);
    }
    free(b.sections);
    name_table_fini(&b.names);
    strv_fini(&b.heads);
}
