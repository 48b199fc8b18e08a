/* plan: see the header. */
#include "config.h"

#include "cmd/plan.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/table.h"
#include "core/conf_expand.h"
#include "core/conf_schema.h"
#include "core/order.h"
#include "core/words.h"
#include "sys/terminal.h"

/* --- mistakes ------------------------------------------------------------------------------------------ */

static json_t *text_or_placeholder(const char *s)
{
    json_t *string = json_string(s);
    return string ? string : json_string("(not UTF-8)");
}

static void tell_as_json(const struct conf_source *source)
{
    json_t *errors = json_array();
    for (size_t i = 0; i < source->n_problems; i++) {
        const struct conf_problem *p = &source->problems[i];
        json_array_append_new(errors,
                              json_pack("{s:o, s:i, s:o, s:o}", "file",
                                        text_or_placeholder(source->files.v[p->place.file]), "line",
                                        (int)p->place.line, "section", text_or_placeholder(p->section),
                                        "message", text_or_placeholder(p->sentence)));
    }
    json_t *reply = json_pack("{s:o}", "errors", errors);
    cmd_print_json(reply);
    json_decref(reply);
}

int plan_load(const struct cmd_args *args, struct plan_file *ret)
{
    struct berr err;
    struct buf text;

    *ret = (struct plan_file){0};
    conf_init(&ret->conf);
    if (conf_load_find(args->config, &ret->path, &err) < 0)
        return cmd_fail(&err);
    if (conf_load_file(ret->path, &ret->conf, &ret->source) == 0)
        return 0;
    if (args->json) {
        conf_source_sort_problems(&ret->source);
        tell_as_json(&ret->source);
        return 2;
    }
    buf_init(&text, SIZE_MAX);
    conf_source_format_problems(&ret->source, &text);
    fputs(buf_str(&text), stderr);
    buf_fini(&text);
    return 2;
}

void plan_fini(struct plan_file *f)
{
    conf_fini(&f->conf);
    conf_source_fini(&f->source);
    free(f->path);
}

/* --- the plan ------------------------------------------------------------------------------------------ */

/* Who has the socket S? */
static void list_users(const struct conf *c, const struct strv *users, const struct socket_conf *s,
                       struct buf *out)
{
    const struct strv *names = &users[s - c->sockets];
    for (size_t i = 0; i < names->n; i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", names->v[i]);
    if (names->n == 0)
        buf_add_str(out, "-");
}

/* For each socket its services' names. */
static struct strv *collect_users(const struct conf *c)
{
    struct strv *users = mem_new_array(c->n_sockets + 1, sizeof *users);
    for (size_t i = 0; i < c->n_services; i++)
        for (size_t k = 0; k < c->services[i].sockets.n; k++)
            strv_add(&users[conf_find_socket(c, c->services[i].sockets.v[k]) - c->sockets],
                     c->services[i].name);
    return users;
}

static void print_table(struct table *t)
{
    struct table_look look = {.width = isatty(STDOUT_FILENO) ? terminal_width(STDOUT_FILENO) : 0};
    struct buf out;
    buf_init(&out, SIZE_MAX);
    table_format(t, &look, &out);
    fputs(buf_str(&out), stdout);
    buf_fini(&out);
    table_fini(t);
}

static void print_sockets(const struct conf *c)
{
    static const struct table_column columns[] = {
        {"SOCKET", false, NULL}, {"ADDRESS", false, NULL}, {"SERVICES", false, NULL}, {NULL, false, NULL}};
    struct strv *users = collect_users(c);
    struct table t;

    table_init(&t, columns);
    for (size_t i = 0; i < c->n_sockets; i++)
        for (size_t k = 0; k < c->sockets[i].listen.n; k++) {
            struct buf names;
            buf_init(&names, SIZE_MAX);
            list_users(c, users, &c->sockets[i], &names);
            table_add(&t, c->sockets[i].name);
            table_add(&t, c->sockets[i].listen.v[k]);
            table_add(&t, buf_str(&names));
            buf_fini(&names);
        }
    for (size_t i = 0; i < c->n_sockets; i++)
        strv_fini(&users[i]);
    free(users);
    print_table(&t);
}

static const char *start_word(const struct conf *c, const struct service_conf *s)
{
    if (conf_accepts(c, s))
        return "connections";
    if (s->with->start == START_ON_DEMAND)
        return "on-demand";
    if (s->with->start == START_MANUAL)
        return "manual";
    return s->with->type == TYPE_ONESHOT ? "oneshot" : "auto";
}

static void print_services(const struct conf *c, const struct order *o)
{
    static const struct table_column columns[] = {{"SERVICE", false, NULL}, {"START", false, NULL},
                                                  {"WORKERS", true, NULL},  {"AFTER", false, NULL},
                                                  {"COMMAND", false, NULL}, {NULL, false, NULL}};
    struct table t;

    table_init(&t, columns);
    for (size_t i = 0; i < o->n; i++) {
        size_t at = o->sequence[i];
        const struct service_conf *s = &c->services[at];
        struct buf after, command;
        buf_init(&after, SIZE_MAX);
        buf_init(&command, SIZE_MAX);
        for (size_t e = o->first_before[at]; e < o->first_before[at + 1]; e++)
            buf_printf(&after, "%s%s%s", after.len > 0 ? ", " : "", c->services[o->before[e].service].name,
                       o->before[e].is_required ? "!" : "");
        for (size_t k = 0; k < s->command.n; k++) {
            buf_add_str(&command, k > 0 ? " " : "");
            words_quote(&command, s->command.v[k]);
        }
        table_add(&t, s->name);
        table_add(&t, start_word(c, s));
        table_printf(&t, "%u", s->with->workers);
        table_add(&t, after.len > 0 ? buf_str(&after) : "-");
        table_add(&t, buf_str(&command));
        buf_fini(&after);
        buf_fini(&command);
    }
    print_table(&t);
}

/* --- as JSON ------------------------------------------------------------------------------------------- */

static const char *no_variable(const void *data, const char *name)
{
    (void)data, (void)name;
    return NULL;
}

/* LINES of "KEY = VALUE", as a prefix's printer makes them. */
static void describe_lines(json_t *o, char *lines)
{
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
        cleanup_free char *value = NULL;
        char *equals = strstr(line, " = ");
        struct berr err;
        *equals = '\0';
        if (conf_expand(equals + 3, no_variable, NULL, &value, &err) == 0)
            json_object_set_new(o, line, text_or_placeholder(value));
    }
}

/* Every key that has a value, by its name. */
static json_t *describe_section(enum conf_section section, const char *name, const void *of)
{
    json_t *o = json_object();
    if (name)
        json_object_set_new(o, "name", json_string(name));
    for (const struct conf_key *key = conf_schema(section); key->name; key++) {
        struct buf text;
        buf_init(&text, SIZE_MAX);
        key->print(of, key, &text);
        if (key->is_prefix && text.len > 0)
            describe_lines(o, text.data);
        else if (!key->is_prefix && (text.len > 0 || (key->is_given && key->is_given(of))))
            json_object_set_new(o, key->name, text_or_placeholder(buf_str(&text)));
        buf_fini(&text);
    }
    return o;
}

static json_t *describe(const struct plan_file *f, const struct order *o)
{
    json_t *files = json_array(), *sockets = json_array(), *services = json_array();
    for (size_t i = 0; i < f->source.files.n; i++)
        json_array_append_new(files, text_or_placeholder(f->source.files.v[i]));
    for (size_t i = 0; i < f->conf.n_sockets; i++)
        json_array_append_new(sockets,
                              describe_section(CONF_SOCKET, f->conf.sockets[i].name, &f->conf.sockets[i]));
    for (size_t i = 0; i < o->n; i++) {
        const struct service_conf *s = &f->conf.services[o->sequence[i]];
        json_array_append_new(services, describe_section(CONF_SERVICE, s->name, s));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:[]}", "files", files, "supervisor",
                     describe_section(CONF_SUPERVISOR, NULL, &f->conf), "sockets", sockets, "services",
                     services, "errors");
}

void plan_print(const struct cmd_args *args, const struct plan_file *f)
{
    struct order o;
    size_t n;
    cleanup_free size_t *circle = NULL;

    if (!order_make(&f->conf, &o, &circle, &n))
        return; /* conf_check() has refused it */
    if (args->json) {
        json_t *plan = describe(f, &o);
        cmd_print_json(plan);
        json_decref(plan);
        order_fini(&o);
        return;
    }
    printf("%s: %zu socket%s, %zu service%s, no mistake found\n", f->path, f->conf.n_sockets,
           f->conf.n_sockets == 1 ? "" : "s", f->conf.n_services, f->conf.n_services == 1 ? "" : "s");
    if (f->conf.n_sockets > 0) {
        putchar('\n');
        print_sockets(&f->conf);
    }
    if (f->conf.n_services > 0) {
        putchar('\n');
        print_services(&f->conf, &o);
    }
    order_fini(&o);
}
