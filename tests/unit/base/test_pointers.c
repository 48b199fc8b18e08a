/* pointers, shared: one in the owner, more elsewhere; and the last holder frees. */
#include "config.h"

#include <criterion/criterion.h>

#include "base/pointers.h"
#include "base/shared.h"

Test(pointers, one_lies_in_the_owner_and_more_do_not)
{
    struct {
        int **v, *one;
        unsigned n;
    } owner = {NULL, NULL, 0};
    int values[4];
    for (unsigned i = 0; i < 4; i++) {
        pointers_add(owner.v, owner.n, owner.one, &values[i]);
        cr_assert_eq(owner.n, i + 1);
        cr_assert_eq(owner.v == &owner.one, i == 0);
        for (unsigned k = 0; k <= i; k++)
            cr_assert_eq(owner.v[k], &values[k]);
    }
    owner.n = 0; /* whoever takes them all out keeps the room */
    pointers_add(owner.v, owner.n, owner.one, &values[3]);
    cr_assert_eq(owner.v[0], &values[3]);
    pointers_free(owner.v, owner.n, owner.one);
    cr_assert_null(owner.v);
    cr_assert_eq(owner.n, 0);
    pointers_add(owner.v, owner.n, owner.one, &values[2]);
    owner.n = 0;
    pointers_add(owner.v, owner.n, owner.one, &values[1]);
    cr_assert_eq(owner.v, &owner.one);
    cr_assert_eq(owner.v[0], &values[1]);
    pointers_free(owner.v, owner.n, owner.one);
}

static int n_freed;

static void count(void *block)
{
    n_freed += *(int *)block;
}

Test(shared, the_last_holder_frees)
{
    int *block = shared_new(sizeof *block, count);
    cr_assert_eq(*block, 0);
    *block = 7;
    cr_assert_eq(shared_hold(block), block);
    shared_drop(block);
    cr_assert_eq(n_freed, 0);
    shared_drop(block);
    cr_assert_eq(n_freed, 7);
    shared_drop(NULL);
    shared_drop(shared_new(3, NULL));
}
