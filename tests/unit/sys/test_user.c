/* Users and groups by name and number. */
#include "config.h"

#include "sys/user.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

Test(user, a_name_gives_ids_and_the_entry)
{
    struct user u = {0};
    struct berr err = {0};
    cr_assert_eq(user_find("root", &u, &err), 0, "%s", err.text);
    cr_assert_eq(u.uid, 0);
    cr_assert_eq(u.gid, 0);
    cr_assert_str_eq(u.name, "root");
    cr_assert_neq(u.home[0], '\0');
    cr_assert_geq(u.n_groups, 1);
    cr_assert_eq(u.groups[0], 0);
    free(u.groups);
}

Test(user, a_number_with_an_entry_gives_the_entry)
{
    struct user u = {0};
    struct berr err = {0};
    cr_assert_eq(user_find("0", &u, &err), 0);
    cr_assert_str_eq(u.name, "root");
    free(u.groups);
}

Test(user, a_number_without_an_entry_is_a_number)
{
    struct user u = {0};
    struct berr err = {0};
    cr_assert_eq(user_find("3999999999", &u, &err), 0);
    cr_assert_eq(u.uid, 3999999999u);
    cr_assert_eq(u.gid, (gid_t)-1);
    cr_assert_str_eq(u.name, "");
    cr_assert_eq(u.n_groups, 0);
    cr_assert_null(u.groups);
}

Test(user, an_unknown_name_is_named_in_the_sentence)
{
    struct user u = {.uid = 77};
    struct berr err = {0};
    cr_assert_eq(user_find("no-such-user\n", &u, &err), -ENOENT);
    cr_assert_not_null(strstr(err.text, "\"no-such-user\\x0a\""), "%s", err.text);
    cr_assert_eq(u.uid, 77);
}

Test(user, the_highest_number_is_no_user)
{
    struct user u;
    struct berr err = {0};
    cr_assert_eq(user_find("4294967295", &u, &err), -ENOENT);
    cr_assert_eq(user_find("", &u, &err), -ENOENT);
}

Test(user, groups_are_found_by_name_and_number)
{
    gid_t gid = 77;
    struct berr err = {0};
    cr_assert_eq(user_find_group("root", &gid, &err), 0);
    cr_assert_eq(gid, 0);
    cr_assert_eq(user_find_group("3999999999", &gid, &err), 0);
    cr_assert_eq(gid, 3999999999u);
    cr_assert_eq(user_find_group("no-such-group", &gid, &err), -ENOENT);
    cr_assert_eq(gid, 3999999999u);
    cr_assert_not_null(strstr(err.text, "no-such-group"));
}
