/* take_over_keep: what another berth has passed on goes into our keeper. What is wanted here under the same
 * name and address gets the name that it would have had from us; other sockets wait under a name of their own
 * until one is looked for at their address, as those do that berth was started with. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "core/sockset.h"
#include "engine/engine.h"
#include "sys/fd.h"
#include "sys/unix_path.h"

#define SUBJECT "take-over"

/* A socket's file may be another one here, or none, where not all directories are shared: whoever looks for
 * the service here would not find it. */
static bool is_reachable(const struct passed *p, const char *path)
{
    uint64_t device, inode;
    return p->inode == 0 ||
           (unix_path_file(path, &device, &inode) && device == p->device && inode == p->inode);
}

static void let_go(struct engine *e, struct passed *p, const char *why)
{
    event_log_say(&e->log, LOG_WARNING, SUBJECT, NULL, "lets go of %s (%s): %s",
                  p->bound ? p->bound : p->held, p->held, why);
    fd_close(&p->fd);
}

static void keep(struct engine *e, struct passed *p, const char *held)
{
    keeper_link_adopt(&e->keeper, held, take_fd(&p->fd));
}

static void keep_for_its_address(struct engine *e, struct passed *p, unsigned number, const char *name)
{
    struct held_name h = {.kind = HELD_PASSED, .slot = number};
    char held[LIMIT_HELD_NAME + 1];
    snprintf(h.name, sizeof h.name, "%s", name);
    int r = held_name_format(held, &h);
    must(r == 0);
    keep(e, p, held);
}

/* --- what workers stored ------------------------------------------------------------------------------- */

static bool is_served(const struct service *s, unsigned slot)
{
    return slot >= 1 && slot <= s->n_wanted;
}

/* The slot of S with the least in it. */
static unsigned find_room(const struct service *s, const struct held_name *names, size_t n)
{
    cleanup_free size_t *stored = mem_new_array(s->n_wanted + 1, sizeof *stored);
    unsigned best = 1;
    for (size_t i = 0; i < n; i++)
        if (names[i].kind == HELD_STORED && str_eq(names[i].name, s->conf->name) &&
            is_served(s, names[i].slot))
            stored[names[i].slot]++;
    for (unsigned slot = 2; slot <= s->n_wanted; slot++)
        if (stored[slot] < stored[best])
            best = slot;
    return best;
}

/* What was in the slot of NAMES[AT], which no worker here has, goes to another one, all of it together. */
static void move_slot(const struct service *s, struct held_name *names, size_t at, size_t n)
{
    struct held_name old = names[at];
    unsigned to = find_room(s, names, n);
    for (size_t i = at; i < n; i++)
        if (names[i].kind == HELD_STORED && names[i].slot == old.slot && str_eq(names[i].name, old.name))
            names[i].slot = to;
}

static void keep_stored(struct engine *e, struct passed_list *l, struct held_name *names, size_t i)
{
    const struct service *s = engine_find_service(e, names[i].name);
    char held[LIMIT_HELD_NAME + 1];
    if (s && s->n_wanted > 0 && !is_served(s, names[i].slot))
        move_slot(s, names, i, l->n);
    if (!s)
        let_go(e, &l->items[i], "there is no service of that name here");
    else if (s->n_wanted == 0)
        let_go(e, &l->items[i], "its service has no workers here");
    else if (held_name_format(held, &names[i]) < 0)
        let_go(e, &l->items[i], "its name is too long");
    else
        keep(e, &l->items[i], held);
}

/* --- all that was passed ------------------------------------------------------------------------------- */

/* What is no socket, and what is none for us. */
static void sort_out(struct engine *e, struct passed_list *l, struct held_name *names)
{
    for (size_t i = 0; i < l->n; i++)
        held_name_parse(l->items[i].held, &names[i]);
    for (size_t i = 0; i < l->n; i++)
        if (names[i].kind == HELD_STORED)
            keep_stored(e, l, names, i);
    for (size_t i = 0; i < l->n; i++) {
        struct passed *p = &l->items[i];
        const char *path = str_starts_with(names[i].address, "/") ? names[i].address
                           : p->bound && strchr(p->bound, ':')    ? strchr(p->bound, ':') + 1
                                                                  : "";
        if (p->fd >= 0 && !is_reachable(p, path))
            let_go(e, p, "its file is not there in this mount namespace");
        else if (names[i].kind == HELD_SHARE)
            keep(e, p, p->held);
        if (p->fd < 0)
            names[i].kind = HELD_UNKNOWN;
    }
}

void take_over_keep(struct engine *e)
{
    struct passed_list *l = &e->take_over.list;
    struct sockset_plan plan;
    cleanup_free struct held_name *names = mem_new_array(l->n + 1, sizeof *names);
    cleanup_free unsigned *workers = mem_new_array(e->n_services + 1, sizeof *workers);
    for (size_t i = 0; i < e->n_services; i++)
        workers[i] = e->services[i]->n_workers;
    sort_out(e, l, names);
    sockset_compare(e->conf, workers, names, l->n, &plan);
    for (size_t i = 0; i < plan.n_wants; i++)
        for (size_t k = 0; k < plan.wants[i].n_held; k++)
            keep(e, &l->items[plan.wants[i].held[k]], l->items[plan.wants[i].held[k]].held);
    for (size_t i = 0; i < plan.n_drops; i++)
        keep_for_its_address(e, &l->items[plan.drops[i]], (unsigned)plan.drops[i] + 1,
                             names[plan.drops[i]].name);
    sockset_plan_fini(&plan);
    passed_list_fini(l);
}
