/* unix_queues: see the header. */
#include "config.h"

#include "sys/unix_queues.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "sys/sockdiag.h"

struct unix_queue {
    uint32_t inode; /* as much of it as sock_diag(7) tells */
    struct listener_queue queue;
};

static void on_queue(uint32_t inode, unsigned depth, unsigned limit, void *arg)
{
    struct unix_queues *q = arg;
    if ((q->n & (q->n - 1)) == 0)
        q->items = mem_resize_array(q->items, q->n ? 2 * q->n : 1, sizeof *q->items);
    q->items[q->n++] = (struct unix_queue){inode, {.depth = depth, .limit = limit}};
}

static int compare(const void *a, const void *b)
{
    const struct unix_queue *one = a, *other = b;
    return (one->inode > other->inode) - (one->inode < other->inode);
}

int unix_queues_read(struct unix_queues *ret)
{
    *ret = (struct unix_queues){NULL, 0};
    int r = sockdiag_unix_queues(on_queue, ret);
    if (r < 0)
        unix_queues_fini(ret);
    else if (ret->n > 0)
        qsort(ret->items, ret->n, sizeof *ret->items, compare);
    return r;
}

void unix_queues_fini(struct unix_queues *q)
{
    free(q->items);
    *q = (struct unix_queues){NULL, 0};
}

int unix_queues_find(const struct unix_queues *q, int fd, struct listener_queue *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    struct unix_queue key = {.inode = (uint32_t)st.st_ino}, *found = NULL;
    if (q->n > 0)
        found = bsearch(&key, q->items, q->n, sizeof key, compare);
    if (!found)
        return -ENOENT;
    *ret = found->queue;
    return 0;
}
