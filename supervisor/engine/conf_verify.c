/* conf_verify: see the header. Only what is surely a mistake: a command that is not there may be there when
 * its service is started. */
#include "config.h"

#include "engine/conf_verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sys/user.h"

/* The line of KEY in [service:NAME], or the section's head. */
static struct conf_place find_place(const struct conf_source *source, const char *head, const char *key)
{
    struct conf_place place = {0, 0};
    bool found = false;
    for (size_t i = 0; i < source->n_lines; i++) {
        const struct conf_line *l = &source->lines[i];
        if (!str_eq(l->section, head))
            continue;
        if (!found || (l->key && str_eq(l->key, key)))
            place = l->place;
        found = true;
        if (l->key && str_eq(l->key, key))
            break;
    }
    return place;
}

static void refuse(struct conf_source *source, const struct service_conf *s, const char *key,
                   const char *sentence)
{
    cleanup_free char *head = mem_printf("service:%s", s->name);
    conf_source_refuse(source, find_place(source, head, key), head, "%s", sentence);
}

/* Only a path says which file is meant; a name is searched for when the service is started. */
static void verify_command(const struct service_conf *s, const struct user *u, struct conf_source *source)
{
    char reason[512];
    if (s->command.n == 0 || s->command.v[0][0] != '/' || strchr(s->command.v[0], '{'))
        return;
    if (user_may_execute(u, s->command.v[0], reason, sizeof reason) == 0) {
        cleanup_free char *sentence =
            mem_printf("user %s cannot run %s: %s", s->with->user, s->command.v[0], reason);
        refuse(source, s, "command", sentence);
    }
}

void conf_verify(const struct conf *c, struct conf_source *source)
{
    struct berr err;
    gid_t gid;
    for (size_t i = 0; i < c->n_services; i++) {
        const struct service_conf *s = &c->services[i];
        struct user u = {.groups = NULL};
        if (s->with->user && user_find(s->with->user, &u, &err) < 0)
            refuse(source, s, "user", err.text);
        else if (s->with->user)
            verify_command(s, &u, source);
        if (s->with->group && user_find_group(s->with->group, &gid, &err) < 0)
            refuse(source, s, "group", err.text);
        for (size_t k = 0; k < s->with->groups.n; k++)
            if (user_find_group(s->with->groups.v[k], &gid, &err) < 0)
                refuse(source, s, "groups", err.text);
        free(u.groups);
    }
}
