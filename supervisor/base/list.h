/* list: doubly linked, intrusive, circular. A `struct list` is either a head or a link inside an element.
 *
 * An element's link member says in its comment whose list it is on. Nothing here allocates. */
#ifndef BERTH_BASE_LIST_H
#define BERTH_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/* Puts LINK at the end of HEAD's list. */
static inline void list_append(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

/* Takes LINK off its list; it may be taken off twice. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#define list_entry(link, type, member) ((type *)(void *)((char *)(link) - offsetof(type, member)))

/* The body may remove ITEM itself, but no other element. */
#define list_each(item, head, type, member)                                                                  \
    for (type *item = list_entry((head)->next, type, member),                                                \
              *item##_next = list_entry(item->member.next, type, member);                                    \
         &item->member != (head);                                                                            \
         item = item##_next, item##_next = list_entry(item->member.next, type, member))

#endif
