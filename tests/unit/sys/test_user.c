/* Users and groups by name and number. */
#include "config.h"

#include "sys/user.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys_test.h"

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

TestSuite(may_execute, .init = test_dir_make, .fini = test_dir_remove, .timeout = 30);

static const struct user stranger = {.uid = NOBODY, .gid = NOBODY};

/* A file of root's with this MODE; skipped where we are not root and own everything ourselves. */
static void make_file(const char *name, const char *text, mode_t mode)
{
    int fd = open(test_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
    cr_assert_eq(chmod(test_path(name), mode), 0);
    if (geteuid() != 0)
        test_skip("needs root, so that the file is somebody else's");
}

static int may(const struct user *u, const char *name, const char *reason)
{
    char said[512] = "";
    int r = user_may_execute(u, test_path(name), said, sizeof said);
    cr_expect(strstr(said, reason) != NULL, "%s: %s", name, said);
    return r;
}

Test(may_execute, the_mode_decides_for_strangers)
{
    make_file("program", "\177ELF", 0711);
    cr_expect_eq(may(&stranger, "program", ""), 1);
    chmod(test_path("program"), 0770);
    cr_expect_eq(may(&stranger, "program", "its mode is 0770, and it belongs to user 0, group 0"), 0);
}

Test(may_execute, members_of_the_group_are_no_strangers)
{
    gid_t groups[] = {7, 8};
    struct user member = {.uid = NOBODY, .gid = NOBODY, .groups = groups, .n_groups = 2};
    make_file("program", "\177ELF", 0710);
    cr_assert_eq(chown(test_path("program"), 0, 8), 0);
    cr_expect_eq(may(&member, "program", ""), 1);
    cr_expect_eq(may(&stranger, "program", "group 8"), 0);
    cr_assert_eq(chown(test_path("program"), NOBODY, 8), 0);
    chmod(test_path("program"), 0611);
    cr_expect_eq(may(&stranger, "program", "mode is 0611"), 0,
                 "the owner has the owner's bits and no others");
}

Test(may_execute, a_script_must_be_readable_too)
{
    make_file("script", "#!/bin/sh\n", 0711);
    cr_expect_eq(may(&stranger, "script", "its mode is 0711"), 0);
    chmod(test_path("script"), 0755);
    cr_expect_eq(may(&stranger, "script", ""), 1);
}

Test(may_execute, every_folder_on_the_way_must_be_open)
{
    cr_assert_eq(mkdir(test_path("a"), 0755), 0);
    cr_assert_eq(mkdir(test_path("a/closed"), 0700), 0);
    make_file("a/closed/program", "\177ELF", 0755);
    cr_expect_eq(may(&stranger, "a/closed/program", "it may not pass the folder"), 0);
    cr_expect_eq(may(&stranger, "a/closed/program", "/a/closed"), 0);
    chmod(test_path("a/closed"), 0711);
    cr_expect_eq(may(&stranger, "a/closed/program", ""), 1);
}

Test(may_execute, a_link_is_followed)
{
    cr_assert_eq(mkdir(test_path("closed"), 0700), 0);
    make_file("closed/program", "\177ELF", 0755);
    cr_assert_eq(symlink("closed/program", test_path("link")), 0);
    cr_expect_eq(may(&stranger, "link", "/closed"), 0);
}

Test(may_execute, what_cannot_be_told_is_let_pass)
{
    struct user root = {.uid = 0};
    make_file("program", "\177ELF", 0700);
    cr_expect_eq(may(&root, "program", ""), 1);
    cr_expect_eq(may(&stranger, "nothing", ""), 1);
    cr_assert_eq(mkdir(test_path("folder"), 0755), 0);
    cr_expect_eq(may(&stranger, "folder", ""), 1);
}
