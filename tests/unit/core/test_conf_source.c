/* conf_source: lines stay with their sections, and mistakes are told in order. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "core/conf_source.h"

static struct conf_source source;
static struct buf told;

static void set_up(void)
{
    source = (struct conf_source){0};
    buf_init(&told, SIZE_MAX);
}

static void tear_down(void)
{
    conf_source_fini(&source);
    buf_fini(&told);
}

TestSuite(conf_source, .init = set_up, .fini = tear_down);

static struct conf_place at(unsigned file, unsigned line)
{
    return (struct conf_place){file, line};
}

static const char *problems(void)
{
    conf_source_format_problems(&source, &told);
    return buf_str(&told);
}

Test(conf_source, a_line_belongs_to_the_head_before_it)
{
    unsigned one = conf_source_add_file(&source, "one", "/");
    conf_source_add_line(&source, at(one, 1), "a", "1");
    conf_source_add_head(&source, at(one, 2), "service:x");
    conf_source_add_line(&source, at(one, 3), "b", "2");
    cr_expect_str_eq(conf_source_section(&source), "service:x");
    unsigned other = conf_source_add_file(&source, "other", "/x");
    cr_expect_str_eq(conf_source_section(&source), "");
    conf_source_add_line(&source, at(other, 1), "c", "3");
    cr_assert_eq(source.n_lines, 4);
    cr_expect_str_eq(source.lines[0].section, "");
    cr_expect_null(source.lines[1].key);
    cr_expect_str_eq(source.lines[1].section, "service:x");
    cr_expect_str_eq(source.lines[2].section, "service:x");
    cr_expect_str_eq(source.lines[2].value, "2");
    cr_expect_str_eq(source.lines[3].section, "");
    cr_expect_eq(source.lines[3].place.file, 1);
}

Test(conf_source, sections_stay_good_when_many_follow)
{
    unsigned file = conf_source_add_file(&source, "f", "/");
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "service:%u", i);
        conf_source_add_head(&source, at(file, i + 1), name);
        conf_source_add_line(&source, at(file, i + 1), "a", name);
    }
    for (size_t i = 1; i < source.n_lines; i += 2)
        cr_assert_str_eq(source.lines[i].section, source.lines[i].value);
}

Test(conf_source, problems_come_by_file_and_line_and_then_as_they_were_found)
{
    conf_source_add_file(&source, "one", "/");
    conf_source_add_file(&source, "other", "/");
    conf_source_refuse(&source, at(1, 1), "", "f");
    conf_source_refuse(&source, at(0, 9), "service:x", "d %d", 1);
    conf_source_refuse(&source, at(0, 10), "", "e");
    conf_source_refuse(&source, at(0, 9), "service:x", "a");
    conf_source_refuse(&source, at(0, 0), "", "the whole");
    cr_expect_str_eq(problems(), "one: the whole\none:9: service:x: d 1\none:9: service:x: a\none:10: e\n"
                                 "other:1: f\n");
}

Test(conf_source, foreign_text_in_them_is_escaped)
{
    conf_source_add_file(&source, "a\033b", "/");
    conf_source_refuse(&source, at(0, 1), "x\ny", "%s", "\xffz\\x1b");
    cr_expect_str_eq(problems(), "a\\x1bb:1: x\\x0ay: \\xffz\\x1b\n");
}

Test(conf_source, as_many_as_the_limit_are_told_and_then_counted)
{
    conf_source_add_file(&source, "f", "/");
    for (unsigned i = 0; i < LIMIT_CONF_PROBLEMS; i++)
        conf_source_refuse(&source, at(0, i + 1), "", "x");
    cr_expect_null(strstr(problems(), "more mistake"));
    conf_source_refuse(&source, at(0, 1), "", "y");
    cr_expect_not_null(strstr(problems(), "f: and 1 more mistake\n"));
}

Test(conf_source, none_is_no_text)
{
    conf_source_add_file(&source, "f", "/");
    cr_expect_str_eq(problems(), "");
}
