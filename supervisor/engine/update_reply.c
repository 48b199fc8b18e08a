/* update_reply: see the header. */
#include "config.h"

#include "engine/update_reply.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "core/conf_schema.h"
#include "engine/control_server.h"
#include "engine/engine.h"
#include "engine/update.h"

static json_t *text(const char *s)
{
    json_t *string = json_string(s);
    return string ? string : json_string("(not UTF-8)");
}

static void say(struct engine *e, enum log_level level, const char *sentence)
{
    event_log_say(&e->log, level, "update", NULL, "%s", sentence);
}

void update_reply_refused(struct engine *e, struct control_client *client, const char *why)
{
    if (client)
        control_client_error(client, "io.berth.Failed",
                             json_pack("{s:s, s:s}", "service", "update", "reason", why));
    else
        say(e, LOG_WARNING, why);
}

void update_reply_mistakes(struct engine *e, struct update *u, struct conf_source *source)
{
    struct buf lines;
    buf_init(&lines, SIZE_MAX);
    conf_source_format_problems(source, &lines);
    if (u->client) {
        json_t *errors = json_array();
        for (size_t i = 0; i < source->n_problems; i++) {
            const struct conf_problem *p = &source->problems[i];
            json_array_append_new(errors,
                                  json_pack("{s:o, s:i, s:o, s:o}", "file",
                                            text(source->files.v[p->place.file]), "line", (int)p->place.line,
                                            "section", text(p->section), "message", text(p->sentence)));
        }
        control_client_reply(u->client,
                             json_pack("{s:[], s:[], s:o, s:b, s:b}", "changes", "failures", "errors", errors,
                                       "dry", (int)u->is_dry, "done", 0),
                             false);
    } else {
        for (char *line = strtok(lines.data, "\n"); line; line = strtok(NULL, "\n"))
            say(e, LOG_ERROR, line);
        say(e, LOG_ERROR, "the configuration was not changed");
    }
    buf_fini(&lines);
}

bool update_reply_impossible(struct engine *e, struct update *u)
{
    struct buf why;
    buf_init(&why, SIZE_MAX);
    for (size_t i = 0; i < u->diff.n; i++) {
        const struct conf_change *c = &u->diff.changes[i];
        if (c->impossible)
            buf_printf(&why, "%s%s%s%s: %s", why.len > 0 ? "; " : "", conf_section_name(c->section),
                       *c->name ? " " : "", c->name, c->impossible);
    }
    bool is_impossible = why.len > 0;
    if (is_impossible) {
        buf_add_str(&why, "; nothing was changed");
        update_reply_refused(e, u->client, buf_str(&why));
    }
    buf_fini(&why);
    return is_impossible;
}

void update_note_touched(struct engine *e, struct update *u)
{
    for (size_t i = 0; i < e->n_services; i++) {
        struct service *s = e->services[i];
        s->is_kept_back = false;
        s->was_touched = s->is_wanted && (!s->has_begun || update_concerns(s));
        if (update_renews(s))
            strv_add(&u->touched, s->conf->name);
    }
}

/* What comes, or came, of the change C. */
static const char *effect_of(const struct engine *e, const struct update *u, const struct conf_change *c)
{
    if (c->section == CONF_SOCKET)
        return c->kind == CONF_ADDED ? "opened" : c->kind == CONF_REMOVED ? "closed" : "applied";
    if (c->section == CONF_SUPERVISOR)
        return "applied";
    if (c->kind == CONF_REMOVED)
        return "stopped";
    if (u->is_dry)
        return c->kind == CONF_ADDED ? "started" : c->needs_process ? "restarted" : "applied";
    const struct service *s = engine_find_service(e, c->name);
    if (c->kind == CONF_ADDED)
        return s && s->is_wanted ? "started" : "added";
    for (size_t i = 0; i < u->touched.n; i++)
        if (str_eq(u->touched.v[i], c->name))
            return "restarted";
    return "applied";
}

static bool is_in_diff(const struct update *u, const char *service)
{
    for (size_t i = 0; i < u->diff.n; i++)
        if (u->diff.changes[i].section == CONF_SERVICE && str_eq(u->diff.changes[i].name, service))
            return true;
    return false;
}

static json_t *describe(const struct engine *e, const struct update *u)
{
    json_t *changes = json_array();
    for (size_t i = 0; i < u->diff.n; i++) {
        const struct conf_change *c = &u->diff.changes[i];
        json_array_append_new(changes,
                              json_pack("{s:s, s:s, s:s, s:o, s:s}", "section", conf_section_name(c->section),
                                        "name", c->name, "change", conf_change_name(c->kind), "detail",
                                        text(c->detail ? c->detail : ""), "effect", effect_of(e, u, c)));
    }
    for (size_t i = 0; i < u->touched.n; i++) /* by what has become of their sockets */
        if (!is_in_diff(u, u->touched.v[i]))
            json_array_append_new(changes, json_pack("{s:s, s:s, s:s, s:s, s:s}", "section", "service",
                                                     "name", u->touched.v[i], "change", "changed", "detail",
                                                     "its sockets", "effect", "restarted"));
    return changes;
}

static void tell_log(struct engine *e, const struct update *u, const json_t *changes)
{
    const json_t *c;
    size_t i;
    json_array_foreach (changes, i, c) {
        const char *detail = json_string_value(json_object_get(c, "detail"));
        event_log_say(&e->log, LOG_INFO, "update", NULL, "%s %s %s%s%s%s: %s",
                      json_string_value(json_object_get(c, "section")),
                      json_string_value(json_object_get(c, "name")),
                      json_string_value(json_object_get(c, "change")), *detail ? " (" : "", detail,
                      *detail ? ")" : "", json_string_value(json_object_get(c, "effect")));
    }
    for (size_t k = 0; k < u->failures.n; k++)
        say(e, LOG_ERROR, u->failures.v[k]);
    if (json_array_size(changes) == 0)
        say(e, LOG_INFO, "nothing has changed");
    else
        event_log_say(&e->log, LOG_INFO, "update", NULL, "the configuration of %s is in force", u->path);
}

void update_reply_done(struct engine *e, struct update *u)
{
    json_t *changes = describe(e, u), *failures = json_array();
    for (size_t i = 0; i < u->failures.n; i++)
        json_array_append_new(failures, text(u->failures.v[i]));
    if (!u->is_dry)
        tell_log(e, u, changes);
    if (u->client)
        control_client_reply(u->client,
                             json_pack("{s:O, s:o, s:[], s:b, s:b}", "changes", changes, "failures", failures,
                                       "errors", "dry", (int)u->is_dry, "done", 1),
                             false);
    else
        json_decref(failures);
    json_decref(changes);
}

void update_reply_started(const struct engine *e, struct update *u)
{
    control_client_reply(u->client,
                         json_pack("{s:o, s:[], s:[], s:b, s:b}", "changes", describe(e, u), "failures",
                                   "errors", "dry", 0, "done", 0),
                         false);
    u->client = NULL;
}
