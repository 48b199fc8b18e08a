/* Small files, whole. */
#include "config.h"

#include "sys/text_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys_test.h"

TestSuite(text_file, .init = test_dir_make, .fini = test_dir_remove);

static const char *make_file(const char *text, size_t n)
{
    const char *path = test_path("file");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && write(fd, text, n) == (ssize_t)n);
    close(fd);
    return path;
}

Test(text_file, the_whole_of_it_is_read)
{
    struct buf text;
    struct berr err = {0};
    static char large[10000];
    memset(large, 'x', sizeof large);
    buf_init(&text, sizeof large);
    cr_assert_eq(text_file_read(make_file(large, sizeof large), &text, &err), 0, "%s", err.text);
    cr_assert(text.len == sizeof large && memcmp(text.data, large, sizeof large) == 0);
    buf_fini(&text);
    cr_assert_eq(text_file_read(make_file("", 0), &text, &err), 0);
    cr_assert_eq(text.len, 0);
}

Test(text_file, one_byte_too_many_is_refused)
{
    struct buf text;
    struct berr err = {0};
    buf_init(&text, 4);
    cr_assert_eq(text_file_read(make_file("1234", 4), &text, &err), 0);
    buf_fini(&text);
    cr_assert_eq(text_file_read(make_file("12345", 5), &text, &err), -EFBIG);
    cr_assert(strstr(err.text, "too large"), "%s", err.text);
    buf_fini(&text);
}

Test(text_file, what_is_missing_or_no_plain_file_is_refused_by_name)
{
    struct buf text;
    struct berr err = {0};
    buf_init(&text, 100);
    cr_assert_eq(text_file_read("/nowhere/x", &text, &err), -ENOENT);
    cr_assert_str_eq(err.text, "/nowhere/x could not be read: No such file or directory");
    cr_assert_eq(text_file_read(test_dir, &text, &err), -EINVAL);
    cr_assert_eq(mkfifo(test_path("fifo"), 0600), 0);
    cr_assert_eq(text_file_read(test_path("fifo"), &text, &err), -EINVAL);
    cr_assert(strstr(err.text, "not a plain file"), "%s", err.text);
}
