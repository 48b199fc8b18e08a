/* fuzz_conf: what a configuration is accepted as prints to a text that is accepted as the same; what is
 * refused has a mistake to tell, at a line that is there. */
#include "config.h"

#include "core/conf_build.h"
#include "engine/conf_load.h"
#include "fuzz.h"

static size_t count_lines(const uint8_t *data, size_t size)
{
    size_t n = 1;
    for (size_t i = 0; i < size; i++)
        n += data[i] == '\n';
    return n;
}

static void check_problems(struct conf_source *source, size_t n_lines)
{
    struct buf told;
    buf_init(&told, SIZE_MAX);
    conf_source_format_problems(source, &told);
    check(source->n_problems > 0 && told.len > 0 && str_is_printable(source->problems[0].sentence));
    for (size_t i = 0; i < source->n_problems; i++) {
        const struct conf_problem *p = &source->problems[i];
        check(p->place.line <= n_lines && p->sentence[0] != '\0' && !strchr(p->section, '\n'));
    }
    buf_fini(&told);
}

/* The lists behind a text: how often each thing is there. */
static void check_same(const struct conf *a, const struct conf *b)
{
    check(a->n_sockets == b->n_sockets && a->n_services == b->n_services);
    for (size_t i = 0; i < a->n_sockets; i++)
        check(a->sockets[i].listen.n == b->sockets[i].listen.n);
    for (size_t i = 0; i < a->n_services; i++) {
        const struct service_conf *s = &a->services[i], *t = &b->services[i];
        check(s->command.n == t->command.n && s->with->environment.n == t->with->environment.n);
        check(s->with->has_groups == t->with->has_groups && s->with->n_limits == t->with->n_limits);
        for (size_t k = 0; k < s->command.n; k++)
            check(str_eq(s->command.v[k], t->command.v[k]));
        for (size_t k = 0; k < s->with->environment.n; k++)
            check(str_eq(s->with->environment.v[k], t->with->environment.v[k]));
    }
}

static void check_again(const struct conf *c)
{
    struct conf again;
    struct conf_source source;
    struct buf first, second;
    buf_init(&first, SIZE_MAX);
    buf_init(&second, SIZE_MAX);
    conf_print(c, &first);
    int r = conf_load_text(buf_str(&first), first.len, &again, &source);
    if (r < 0)
        fprintf(stderr, "%s\n%s\n", source.problems[0].sentence, buf_str(&first));
    check(r == 0);
    check_same(c, &again);
    conf_print(&again, &second);
    check(str_eq(buf_str(&first), buf_str(&second)));
    buf_fini(&first);
    buf_fini(&second);
    conf_fini(&again);
    conf_source_fini(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf c;
    struct conf_source source;
    setenv("FUZZ", " a\n[service:b]\n$,\t", 1);
    if (conf_load_text((const char *)data, size, &c, &source) == 0)
        check_again(&c);
    else
        check_problems(&source, count_lines(data, size));
    conf_fini(&c);
    conf_source_fini(&source);
    return 0;
}
