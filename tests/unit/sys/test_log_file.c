/* log_file: every line is in one of the files, whole and once, whatever the sizes are, whoever puts files
 * aside, and wherever there was no room. */
#include "config.h"

#include "sys/log_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys_test.h"

TestSuite(log_file, .init = test_dir_make, .fini = test_dir_remove);

static struct log_file file;

static void begin(int64_t max, unsigned keep)
{
    static char path[128];
    snprintf(path, sizeof path, "%s", test_path("log"));
    log_file_init(&file, path, max, keep);
}

/* All of BYTES, as the engine does it. 0, or negative errno with *RET_LEFT bytes left. */
static int write_all(const char *bytes, size_t n, size_t *ret_left)
{
    bool is_open = false;
    ssize_t r = 0;
    for (*ret_left = n; *ret_left > 0; *ret_left -= (size_t)r) {
        const char *rest = bytes + n - *ret_left;
        r = log_file_prepare(&file, rest, *ret_left, is_open);
        if (r > 0)
            r = log_file_append(&file, rest, (size_t)r);
        if (r < 0)
            return (int)r;
        is_open = rest[r - 1] != '\n';
    }
    return 0;
}

static void put(const char *text)
{
    size_t left;
    cr_assert_eq(write_all(text, strlen(text), &left), 0);
}

static const char *content(const char *name)
{
    static char texts[4][8192];
    static int next;
    char *text = texts[next++ % 4];
    int fd = open(test_path(name), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof texts[0] - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n < 0 ? "(none)" : text;
}

Test(log_file, nothing_is_opened_before_there_is_a_line)
{
    struct stat st;
    begin(1000, 5);
    cr_expect_str_eq(content("log"), "(none)");
    put("one\n");
    cr_expect_str_eq(content("log"), "one\n");
    cr_assert_eq(stat(test_path("log"), &st), 0);
    cr_expect_eq(st.st_mode & 07137, 0, "mode %o", st.st_mode);
    cr_expect_eq(fcntl(file.fd, F_GETFD), FD_CLOEXEC);
    log_file_close(&file);
}

Test(log_file, what_was_there_is_appended_to)
{
    begin(1000, 5);
    put("one\n");
    log_file_close(&file);
    put("two\n");
    cr_expect_str_eq(content("log"), "one\ntwo\n");
    log_file_close(&file);
}

Test(log_file, a_line_that_would_go_beyond_the_limit_begins_a_new_file)
{
    begin(10, 2);
    put("12345\n");
    put("abc\n");
    cr_expect_str_eq(content("log"), "12345\nabc\n", "to the last byte");
    put("x\n");
    cr_expect_str_eq(content("log"), "x\n");
    cr_expect_str_eq(content("log.1"), "12345\nabc\n");
    put("a line that is longer than a file\n");
    cr_expect_str_eq(content("log"), "a line that is longer than a file\n");
    cr_expect_str_eq(content("log.1"), "x\n");
    cr_expect_str_eq(content("log.2"), "12345\nabc\n");
    put("y\n");
    cr_expect_str_eq(content("log.2"), "x\n");
    cr_expect_str_eq(content("log.3"), "(none)");
    log_file_close(&file);
}

Test(log_file, many_lines_at_once_are_shared_out)
{
    begin(8, 9);
    put("a\nbb\nccc\ndddd\neeeee\nf\n");
    cr_expect_str_eq(content("log.3"), "a\nbb\n");
    cr_expect_str_eq(content("log.2"), "ccc\n");
    cr_expect_str_eq(content("log.1"), "dddd\n");
    cr_expect_str_eq(content("log"), "eeeee\nf\n");
    log_file_close(&file);
}

Test(log_file, a_line_in_parts_stays_in_one_file)
{
    begin(8, 5);
    cr_assert_eq(log_file_prepare(&file, "123456", 6, false), 6);
    cr_assert_eq(log_file_append(&file, "123456", 6), 6);
    cr_assert_eq(log_file_prepare(&file, "789abc\nnext\n", 12, true), 7);
    cr_assert_eq(log_file_append(&file, "789abc\n", 7), 7);
    put("next\n");
    cr_expect_str_eq(content("log.1"), "123456789abc\n");
    cr_expect_str_eq(content("log"), "next\n");
    log_file_close(&file);
}

Test(log_file, without_older_files_it_begins_anew)
{
    begin(8, 0);
    put("123456\n");
    put("next\n");
    cr_expect_str_eq(content("log"), "next\n");
    cr_expect_str_eq(content("log.1"), "(none)");
    log_file_close(&file);
}

Test(log_file, a_gap_left_by_a_death_costs_no_file)
{
    begin(8, 3);
    put("aaaaaa\n");
    put("bbbbbb\n");
    put("cccccc\n");
    /* log.1 has become log.2 already, and log is still to become log.1 */
    rename(test_path("log.2"), test_path("log.3"));
    rename(test_path("log.1"), test_path("log.2"));
    put("dddddd\n");
    cr_expect_str_eq(content("log"), "dddddd\n");
    cr_expect_str_eq(content("log.1"), "cccccc\n");
    cr_expect_str_eq(content("log.2"), "bbbbbb\n");
    cr_expect_str_eq(content("log.3"), "aaaaaa\n");
    log_file_close(&file);
}

Test(log_file, what_others_do_to_the_file_is_seen)
{
    begin(20, 3);
    put("one\n");
    unlink(test_path("log"));
    put("two\n");
    cr_expect_str_eq(content("log"), "two\n", "removed");
    cr_assert_eq(truncate(test_path("log"), 0), 0);
    put("0123456789abcdef\n");
    cr_expect_str_eq(content("log"), "0123456789abcdef\n", "cut: there is room again");
    rename(test_path("log"), test_path("elsewhere"));
    put("three\n");
    cr_expect_str_eq(content("log"), "three\n", "put aside by another");
    cr_expect_str_eq(content("log.1"), "(none)");
    log_file_close(&file);
}

Test(log_file, after_a_close_the_next_line_opens_a_new_file)
{
    begin(1000, 3);
    put("one\n");
    rename(test_path("log"), test_path("elsewhere"));
    put("two\n");
    log_file_close(&file);
    put("three\n");
    cr_expect_str_eq(content("elsewhere"), "one\ntwo\n");
    cr_expect_str_eq(content("log"), "three\n");
    log_file_close(&file);
}

Test(log_file, what_is_no_regular_file_is_refused_and_not_waited_for)
{
    begin(1000, 3);
    cr_assert_eq(mkfifo(test_path("log"), 0600), 0);
    cr_expect_eq(log_file_prepare(&file, "x\n", 2, false), -EINVAL);
    unlink(test_path("log"));
    mkdir(test_path("log"), 0700);
    cr_expect_eq(log_file_prepare(&file, "x\n", 2, false), -EISDIR);
    rmdir(test_path("log"));
    log_file_init(&file, "/dev/null", 1000, 3);
    cr_expect_eq(log_file_prepare(&file, "x\n", 2, false), -EINVAL);
    log_file_init(&file, "/does/not/exist", 1000, 3);
    cr_expect_eq(log_file_prepare(&file, "x\n", 2, false), -ENOENT);
    cr_expect_eq(file.fd, -1);
}

Test(log_file, a_successor_sees_how_much_was_appended)
{
    begin(1000, 3);
    put("before\n");
    int64_t size = file.size;
    cr_expect_eq(log_file_count(&file, size, "a line\n", 7), 0);
    put("a li");
    cr_expect_eq(log_file_count(&file, size, "a line\n", 7), 4);
    put("ne\n");
    cr_expect_eq(log_file_count(&file, size, "a line\n", 7), 7);
    cr_expect_eq(log_file_count(&file, size, "another", 7), 0);
    log_file_cut(&file, size);
    cr_expect_str_eq(content("log"), "before\n");
    cr_expect_eq(log_file_count(&file, size, "a line\n", 7), 0);
    log_file_close(&file);
}

Test(log_file, a_fast_writer_loses_no_line_over_many_files)
{
    enum { LINES = 3000, KEEP = 400 };
    char text[100000], line[32], all[100000] = "";
    size_t n = 0, left, used = 0;
    for (int i = 0; i < LINES; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "line %d %.*s\n", i, i % 17, "xxxxxxxxxxxxxxxxx");
    begin(1024, KEEP);
    for (size_t at = 0;
         at < n;) { /* in pieces that end anywhere in a line's middle are the engine's affair */
        const char *end = memrchr(text + at, '\n', n - at < 900 ? n - at : 900);
        size_t piece = (size_t)(end - text) + 1 - at;
        cr_assert_eq(write_all(text + at, piece, &left), 0);
        at += piece;
    }
    for (int i = KEEP; i >= 0; i--) {
        snprintf(line, sizeof line, i > 0 ? "log.%d" : "log", i);
        const char *one = content(line);
        if (strcmp(one, "(none)") == 0)
            continue;
        cr_expect_leq(strlen(one), 1024);
        used += (size_t)snprintf(all + used, sizeof all - used, "%s", one);
    }
    cr_expect(used == n && memcmp(all, text, n) == 0);
    log_file_close(&file);
}

static int outgrow_the_limit(void *arg)
{
    struct stat st;
    (void)arg;
    begin(10, 2);
    put("1234567\n");
    if (chmod(test_dir, 0555) < 0 || !test_become_nobody())
        return 77;
    put("1234567\n");
    put("1234567\n");
    return file.aside_error == -EACCES && stat(test_path("log"), &st) == 0 && st.st_size == 24 ? 0 : 1;
}

Test(log_file, one_that_cannot_be_put_aside_loses_no_line)
{
    int status = test_in_child(outgrow_the_limit, NULL);
    chmod(test_dir, 0755);
    if (status == 77)
        test_skip("needs root");
    cr_expect_eq(status, 0, "%d", status);
}

/* --- no room ------------------------------------------------------------------------------------------- */

static int fill_a_small_disk(void *arg)
{
    char line[5000], big[8192];
    size_t left;
    (void)arg;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", test_dir, "tmpfs", 0, "size=16k") < 0)
        return 77;
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    begin(INT64_C(1) << 30, 3);
    for (int i = 0; i < 3; i++)
        if (write_all(line, sizeof line, &left) < 0)
            return 1;
    if (write_all(line, sizeof line, &left) != -ENOSPC || left == 0 || left == sizeof line)
        return 2; /* the last line is there in part */
    if (log_file_append(&file, "y", 1) != -ENOSPC)
        return 3;
    cr_assert(ftruncate(file.fd, 0) == 0);
    ssize_t n = log_file_prepare(&file, line + sizeof line - left, left, true);
    if (n != (ssize_t)left || log_file_append(&file, line + sizeof line - left, left) != n)
        return 4; /* what was left can be completed */
    int fd = open(test_path("log"), O_RDONLY | O_CLOEXEC);
    return read(fd, big, sizeof big) == n && big[n - 1] == '\n' ? 0 : 5;
}

Test(log_file, a_full_disk_is_told_and_what_is_left_can_be_completed)
{
    int status = test_in_child(fill_a_small_disk, NULL);
    if (status == 77)
        test_skip("needs root and a mount namespace");
    cr_expect_eq(status, 0, "%d", status);
}

static int exceed_the_limit(void *arg)
{
    struct rlimit limit = {100, 100};
    size_t left;
    char line[200];
    (void)arg;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    memset(line, 'x', sizeof line);
    begin(1000, 3);
    return write_all(line, sizeof line, &left) == -EFBIG && left == 100 ? 0 : 1;
}

Test(log_file, a_limit_of_size_is_told)
{
    cr_expect_eq(test_in_child(exceed_the_limit, NULL), 0);
}
