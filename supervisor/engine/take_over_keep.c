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

static void keep_stored(struct engine *e, struct passed *p, const struct held_name *h)
{
    const struct service *s = engine_find_service(e, h->name);
    if (!s)
        let_go(e, p, "there is no service of that name here");
    else if (h->slot == 0 || h->slot > s->n_wanted)
        let_go(e, p, "its service has fewer workers here");
    else
        keep(e, p, p->held);
}

/* What is no socket, and what is none for us. */
static void sort_out(struct engine *e, struct passed_list *l, struct held_name *names)
{
    for (size_t i = 0; i < l->n; i++) {
        struct passed *p = &l->items[i];
        held_name_parse(p->held, &names[i]);
        const char *path = str_starts_with(names[i].address, "/") ? names[i].address
                           : p->bound && strchr(p->bound, ':')    ? strchr(p->bound, ':') + 1
                                                                  : "";
        if (names[i].kind == HELD_STORED)
            keep_stored(e, p, &names[i]);
        else if (!is_reachable(p, path))
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
