/* conf_load: which file, and the text in force. What is made of files is tests/golden's. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/conf_build.h"
#include "engine/conf_load.h"

static char folder[64];
static struct conf conf;
static struct conf_source source;
static struct buf text;

static void set_up(void)
{
    strcpy(folder, "/tmp/berth-conf-XXXXXX");
    cr_assert(mkdtemp(folder) && chdir(folder) == 0);
    unsetenv("BERTH_CONFIG");
    conf_init(&conf);
    source = (struct conf_source){0};
    buf_init(&text, SIZE_MAX);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void tear_down(void)
{
    conf_fini(&conf);
    conf_source_fini(&source);
    buf_fini(&text);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(conf_load, .init = set_up, .fini = tear_down);

static void write_file(const char *path, const char *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    cr_assert(fd >= 0 && write(fd, bytes, strlen(bytes)) == (ssize_t)strlen(bytes) && close(fd) == 0);
}

static void expect_found(const char *asked, const char *wanted)
{
    struct berr err = {0};
    char *path = NULL;
    cr_assert_eq(conf_load_find(asked, &path, &err), 0, "%s", err.text);
    cr_expect_str_eq(path, wanted);
    free(path);
}

Test(conf_load, what_is_asked_for_comes_before_the_variable_and_that_before_the_folder)
{
    write_file("berth.ini", "");
    expect_found(NULL, "./berth.ini");
    setenv("BERTH_CONFIG", "", 1);
    expect_found(NULL, "./berth.ini");
    setenv("BERTH_CONFIG", "/x", 1);
    expect_found(NULL, "/x");
    expect_found("y", "y");
}

Test(conf_load, no_configuration_is_a_sentence)
{
    struct berr err = {0};
    char *path = NULL;
    if (access("/etc/berth/berth.ini", F_OK) == 0)
        cr_skip_test("this host has a configuration");
    cr_assert_eq(conf_load_find(NULL, &path, &err), -ENOENT);
    cr_expect_eq(err.class, BERR_CONFIG);
    cr_expect(strstr(err.text, "-c FILE"), "%s", err.text);
}

Test(conf_load, what_is_wrong_leaves_problems_and_no_configuration)
{
    write_file("x.ini", "[service:a]\nworkers = x\n");
    cr_assert_eq(conf_load_file("x.ini", &conf, &source), -EINVAL);
    cr_assert_eq(source.n_problems, 1);
    cr_expect_eq(source.problems[0].place.line, 2);
}

Test(conf_load, a_relative_path_is_as_well_found_from_another_folder)
{
    cr_assert_eq(mkdir("sub", 0755), 0);
    write_file("sub/x.ini", "[service:a]\ncommand = ./server\n");
    cr_assert_eq(conf_load_file("./sub/x.ini", &conf, &source), 0);
    char *wanted = mem_printf("%s/sub/server", folder);
    cr_expect_str_eq(conf.services[0].command.v[0], wanted);
    free(wanted);
}

/* What conf_print() makes of the configuration in force is what the supervisor and every successor of it
 * reads. */
static void expect_kept(void)
{
    struct conf again;
    struct conf_source second;
    struct buf printed;
    conf_print(&conf, &text);
    cr_assert_eq(conf_load_text(text.data, text.len, &again, &second), 0, "%s",
                 second.n_problems ? second.problems[0].sentence : "");
    buf_init(&printed, SIZE_MAX);
    conf_print(&again, &printed);
    cr_expect(str_eq(buf_str(&printed), buf_str(&text)));
    buf_fini(&printed);
    conf_fini(&again);
    conf_source_fini(&second);
}

Test(conf_load, the_text_in_force_may_have_lines_that_no_file_could)
{
    struct service_conf *s = conf_add_service(&conf, "a");
    char *value = mem_new(200001);
    memset(value, '$', 200000);
    strv_add(&s->command, "x");
    strv_put(&s->with->environment, mem_printf("A=%s", value));
    for (int i = 0; i < 4000; i++) {
        char name[64];
        snprintf(name, sizeof name, "service-with-a-long-name-%d", i);
        strv_add(&conf_add_service(&conf, name)->command, "y");
        strv_add(&conf.services[0].with->after, name);
    }
    expect_kept();
    free(value);
}

Test(conf_load, the_text_in_force_keeps_whatever_a_variable_had_in_it)
{
    setenv("LINES_OF_IT", " a\n[service:b]\ncommand = c\n\t${X} $$ ; # \r", 1);
    write_file(
        "x.ini",
        "[service:a]\ncommand = x \"${LINES_OF_IT}\"\nenv.A = ${LINES_OF_IT}\ndirectory = ${LINES_OF_IT}\n");
    cr_assert_eq(conf_load_file("x.ini", &conf, &source), 0, "%s",
                 source.n_problems ? source.problems[0].sentence : "");
    cr_expect_str_eq(conf.services[0].command.v[1], getenv("LINES_OF_IT"));
    cr_expect_str_eq(strv_find_env(&conf.services[0].with->environment, "A"), getenv("LINES_OF_IT"));
    expect_kept();
}

Test(conf_load, no_text_is_an_empty_configuration)
{
    struct conf empty;
    struct conf_source of;
    cr_assert_eq(conf_load_text("", 0, &empty, &of), 0);
    cr_expect_eq(empty.n_services, 0);
    conf_fini(&empty);
    conf_source_fini(&of);
}
