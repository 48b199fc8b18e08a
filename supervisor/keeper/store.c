/* store: see the header. All of it is there from the start, and a page costs memory only once an entry has
 * used it: slots are used again before fresh ones, and the heads of the hash chains are few. */
#include "config.h"

#include "keeper/store.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define HEADS 4096 /* of each hash; a power of two */
/* Bytes that most names fit in, and nearly all. */
enum { SHORT_NAME = 40, MIDDLE_NAME = 96 };

/* The entries by their numbers, from 1 on. */
static struct entry slots[1 + LIMIT_HELD];
static char short_names[1 + LIMIT_HELD][SHORT_NAME], middle_names[1 + LIMIT_HELD][MIDDLE_NAME];
static char long_names[1 + LIMIT_HELD][LIMIT_HELD_NAME + 1];
static size_t n_slots; /* that were ever used */
static size_t n_fds;
static struct list unused = {&unused, &unused}, told = {&told, &told}, untold = {&untold, &untold};
static uint16_t by_name[HEADS], by_pid[HEADS];

/* Where the chain says NAME, or ends without it. */
static uint16_t *find(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    uint16_t *at = &by_name[(hash ^ hash >> 16) % HEADS];
    while (*at && strcmp(slots[*at].name, name) != 0)
        at = &slots[*at].next_by_name;
    return at;
}

struct entry *store_find_process(pid_t pid)
{
    struct entry *e = &slots[by_pid[(uint32_t)pid % HEADS]];
    while (e > slots && e->pid != pid)
        e = &slots[e->next_by_pid];
    return e > slots ? e : NULL;
}

/* From now on its pid may be another process's. */
static void forget_pid(struct entry *e)
{
    uint16_t *at = &by_pid[(uint32_t)e->pid % HEADS];
    while (*at && &slots[*at] != e)
        at = &slots[*at].next_by_pid;
    *at = *at ? e->next_by_pid : 0;
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

/* 0: there is none. */
static uint16_t take_slot(void)
{
    if (list_is_empty(&unused))
        return n_slots < LIMIT_HELD ? (uint16_t)++n_slots : 0;
    struct entry *e = list_entry(unused.next, struct entry, link);
    list_remove(&e->link);
    return (uint16_t)(e - slots);
}

int store_put(const char *name, int fd, pid_t pid)
{
    size_t len = strlen(name);
    if (len == 0 || len > LIMIT_HELD_NAME)
        return -EINVAL;
    uint16_t *at = find(name), *head = &by_pid[(uint32_t)pid % HEADS];
    if (*at)
        empty(&slots[*at]);
    else if ((*at = take_slot()) != 0)
        slots[*at].next_by_name = 0;
    else
        return -ENOSPC;
    struct entry *e = &slots[*at];
    /* It is known, for it came from the supervisor. */
    *e = (struct entry){.next_by_name = e->next_by_name, .known = true, .fd = fd, .pid = pid};
    e->name = len < SHORT_NAME ? short_names[*at] : len < MIDDLE_NAME ? middle_names[*at] : long_names[*at];
    memcpy(e->name, name, len + 1);
    n_fds += fd >= 0;
    list_append(&told, &e->link);
    if (pid > 0) {
        e->next_by_pid = *head;
        *head = *at;
    }
    return 0;
}

void store_drop(const char *name)
{
    uint16_t *at = find(name);
    struct entry *e = &slots[*at];
    if (!*at)
        return;
    *at = e->next_by_name;
    empty(e);
    e->name = NULL;
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
    for (e = e ? e + 1 : slots + 1; e <= slots + n_slots; e++)
        if (e->name)
            return e;
    return NULL;
}

size_t store_count_fds(void)
{
    return n_fds;
}
