/* store: see the header. All of it is there from the start, and a page costs memory only once an entry has
 * used it: slots are used again before fresh ones, and the heads of the hash chains are few. */
#include "config.h"

#include "keeper/store.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define HEADS 4096 /* of each hash; a power of two */

static struct entry slots[LIMIT_HELD];
static size_t n_slots; /* that were ever used */
static size_t n_fds;
static struct list unused = {&unused, &unused}, told = {&told, &told}, untold = {&untold, &untold};
static struct entry *by_name[HEADS], *by_pid[HEADS];

/* Where the chain says NAME, or ends without it. */
static struct entry **find(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    struct entry **at = &by_name[(hash ^ hash >> 16) % HEADS];
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next_by_name;
    return at;
}

struct entry *store_find_process(pid_t pid)
{
    struct entry *e = by_pid[(uint32_t)pid % HEADS];
    while (e && e->pid != pid)
        e = e->next_by_pid;
    return e;
}

/* From now on its pid may be another process's. */
static void forget_pid(struct entry *e)
{
    struct entry **at = &by_pid[(uint32_t)e->pid % HEADS];
    while (*at && *at != e)
        at = &(*at)->next_by_pid;
    if (*at)
        *at = e->next_by_pid;
}

static void empty(struct entry *e)
{
    forget_pid(e);
    if (e->fd >= 0) {
        close(e->fd);
        n_fds--;
    }
    list_remove(&e->link);
}

static struct entry *take_slot(void)
{
    if (list_is_empty(&unused))
        return n_slots < LIMIT_HELD ? &slots[n_slots++] : NULL;
    struct entry *e = list_entry(unused.next, struct entry, link);
    list_remove(&e->link);
    return e;
}

int store_put(const char *name, int fd, pid_t pid)
{
    size_t len = strlen(name);
    if (len == 0 || len > LIMIT_HELD_NAME)
        return -EINVAL;
    struct entry **at = find(name);
    if (*at)
        empty(*at);
    else if ((*at = take_slot()) != NULL)
        (*at)->next_by_name = NULL;
    else
        return -ENOSPC;
    struct entry *e = *at, **head = &by_pid[(uint32_t)pid % HEADS];
    memcpy(e->name, name, len + 1);
    e->fd = fd;
    n_fds += fd >= 0;
    e->pid = pid;
    e->status = 0;
    e->ended = false;
    e->known = true; /* it came from the supervisor */
    list_append(&told, &e->link);
    if (pid > 0) {
        e->next_by_pid = *head;
        *head = e;
    }
    return 0;
}

void store_drop(const char *name)
{
    struct entry **at = find(name), *e = *at;
    if (!e)
        return;
    *at = e->next_by_name;
    empty(e);
    e->name[0] = '\0';
    list_append(&unused, &e->link);
}

void store_end(struct entry *e, int wait_status)
{
    forget_pid(e);
    e->ended = true;
    e->status = wait_status;
    if (!e->known)
        return; /* it is untold already, and will be told of as one that has ended */
    list_remove(&e->link);
    list_append(&untold, &e->link);
}

void store_forget_told(void)
{
    list_each (e, &told, struct entry, link) {
        list_remove(&e->link);
        list_append(&untold, &e->link);
    }
    list_each (e, &untold, struct entry, link)
        e->known = false;
}

struct entry *store_first_untold(void)
{
    return list_is_empty(&untold) ? NULL : list_entry(untold.next, struct entry, link);
}

void store_tell(struct entry *e)
{
    e->known = true;
    list_remove(&e->link);
    list_append(&told, &e->link);
}

struct entry *store_next(struct entry *e)
{
    for (e = e ? e + 1 : slots; e < slots + n_slots; e++)
        if (e->name[0])
            return e;
    return NULL;
}

size_t store_count_fds(void)
{
    return n_fds;
}
