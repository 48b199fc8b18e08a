/* handoff: the dialects, which of them a service's words choose, and whose variables a worker must not
 * inherit. */
#include "config.h"

#include "core/handoff/handoff.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct handoff_dialect *const handoff_dialects[] = {
    &handoff_listen_fds, &handoff_stdin,   &handoff_server_starter, &handoff_einhorn, &handoff_nginx,
    &handoff_php_fpm,    &handoff_unicorn, &handoff_channel,        &handoff_none,    NULL};
#define N_DIALECTS (sizeof handoff_dialects / sizeof *handoff_dialects - 1)

/* Words of the interface whose dialects have no file yet. */
static const char *const later_words[] = {"adopt", NULL};

/* Dialects that mean something else, or something wrong, when both are spoken. */
static const struct contradiction {
    const struct handoff_dialect *one, *other;
    const char *why;
} contradictions[] = {
    {&handoff_unicorn, &handoff_listen_fds, "unicorn reads both, and takes every socket twice"},
};

/* What "auto" adds for a command whose basename begins so. */
static const struct known_command {
    const char *begin;
    const struct handoff_dialect *dialect;
} known_commands[] = {
    {"nginx", &handoff_nginx}, {"php-fpm", &handoff_php_fpm}, {"unicorn", &handoff_unicorn}};

/* Variables of other supervisors and of dialects that are private to one program. Each of them tells its
 * reader of descriptors, a parent or a watchdog that a worker of ours does not have. UWSGI_* is not here:
 * those are a user's options. */
static const char *const foreign[] = {
    /* service managers */
    "NOTIFY_SOCKET", "NOTIFY_FD", "WATCHDOG_USEC", "WATCHDOG_PID", "MAINPID", "FDSTORE", "UPSTART_FDS",
    "UPSTART_EVENTS", "REMOTE_ADDR", "REMOTE_PORT", "CRANK_NAME", "SOCKETMASTER_FD", "HUPTIME_*",
    /* dialects */
    "GUNICORN_FD", "GUNICORN_PID", "PUMA_INHERIT_*", "YAHNS_FD",
    /* programs that replace themselves */
    "TABLEFLIP_*", "ECDYSIS_*", "GOAGAIN_*", "OVERSEER_*", "HAPROXY_MWORKER_REEXEC", "HAPROXY_PROCESSES",
    /* a berth above us; BERTH_CONTROL and BERTH_CONFIG are the user's own */
    "BERTH_SERVICE", "BERTH_WORKER", "BERTH_GENERATION", "BERTH_KEEPER", NULL};

static const struct handoff_dialect *find_dialect(const char *word)
{
    for (size_t i = 0; handoff_dialects[i]; i++)
        if (str_eq(handoff_dialects[i]->word, word))
            return handoff_dialects[i];
    return NULL;
}

static bool is_in(const char *const *list, const char *word)
{
    for (; *list; list++)
        if (str_eq(*list, word))
            return true;
    return false;
}

int handoff_check_word(const char *word, struct berr *err)
{
    char quoted[128];

    if (is_in(later_words, word))
        return berr_set(err, BERR_CONFIG, EINVAL, "handoff = %s is not carried out by this version of berth",
                        word);
    if (str_eq(word, "auto") || find_dialect(word))
        return 0;
    return berr_set(
        err, BERR_CONFIG, EINVAL,
        "\"%s\" is not a kind of handoff: auto, listen-fds, stdin, server-starter, einhorn, nginx, "
        "php-fpm, unicorn, channel and none are",
        str_escape(quoted, sizeof quoted, word, strlen(word)));
}

bool handoff_has_word(const struct strv *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++)
        if (str_eq(words->v[i], word))
            return true;
    return false;
}

static const char *contradiction(const struct handoff_dialect *a, const struct handoff_dialect *b)
{
    if (a != b && (a == &handoff_channel || b == &handoff_channel))
        return "a channel sends the sockets after the start, and the other needs them before";
    for (size_t i = 0; i < sizeof contradictions / sizeof *contradictions; i++) {
        const struct contradiction *c = &contradictions[i];
        if ((c->one == a && c->other == b) || (c->one == b && c->other == a))
            return c->why;
    }
    return NULL;
}

int handoff_check_words(const struct strv *words, struct berr *err)
{
    if (words->n > 1 && handoff_has_word(words, "none"))
        return berr_set(err, BERR_CONFIG, EINVAL, "handoff = none cannot stand beside another word");
    for (size_t i = 0; i < words->n; i++)
        for (size_t k = 0; k < i; k++) {
            const struct handoff_dialect *a = find_dialect(words->v[k]), *b = find_dialect(words->v[i]);
            const char *why = a && b ? contradiction(a, b) : NULL;
            if (why)
                return berr_set(err, BERR_CONFIG, EINVAL, "handoff = %s contradicts %s: %s", a->word, b->word,
                                why);
        }
    return 0;
}

/* The dialects to speak, in order, and from which on they are only "auto"'s. */
struct choice {
    const struct handoff_dialect *dialect[N_DIALECTS];
    size_t n, first_automatic;
};

static void choose(struct choice *c, const struct handoff_dialect *d)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->dialect[i] == d || contradiction(c->dialect[i], d))
            return;
    c->dialect[c->n++] = d;
}

/* What the user says is said first, so that "auto" yields to it. */
static void choose_all(struct choice *c, const struct strv *words, const char *command)
{
    const char *slash = strrchr(command, '/'), *base = slash ? slash + 1 : command;

    *c = (struct choice){.n = 0};
    for (size_t i = 0; i < words->n; i++)
        if (find_dialect(words->v[i]))
            choose(c, find_dialect(words->v[i]));
    c->first_automatic = c->n;
    if (words->n > 0 && !handoff_has_word(words, "auto"))
        return;
    for (size_t i = 0; i < sizeof known_commands / sizeof *known_commands; i++)
        if (str_starts_with(base, known_commands[i].begin))
            choose(c, known_commands[i].dialect);
    choose(c, &handoff_listen_fds);
    choose(c, &handoff_server_starter);
}

static int check_amount(const struct handoff_input *in, struct berr *err)
{
    if (in->n_sockets + in->n_stored <= LIMIT_HANDOFF_FDS)
        return 0;
    return berr_set(err, BERR_CONFIG, E2BIG, "%zu descriptors are too many for one worker: %d is the most",
                    in->n_sockets + in->n_stored, LIMIT_HANDOFF_FDS);
}

/* Without sockets nothing is said at all: LISTEN_FDS=0 is an error to some readers. */
int handoff_emit(const struct strv *words, const char *command, const struct handoff_input *in,
                 struct handoff_output *ret, struct berr *err)
{
    struct handoff_output out = {0};
    struct choice c;
    int r = check_amount(in, err);

    for (size_t i = 0; r == 0 && i < words->n; i++)
        r = handoff_check_word(words->v[i], err);
    choose_all(&c, words, command);
    for (size_t i = 0; r == 0 && i < c.n; i++) {
        bool has_any = in->n_sockets > 0 || (in->n_stored > 0 && c.dialect[i] == &handoff_listen_fds);
        r = has_any || c.dialect[i] == &handoff_channel ? c.dialect[i]->emit(in, &out, err) : 0;
        if (r < 0 && i >= c.first_automatic) {
            strv_add(&out.left_out, err->text);
            r = 0;
        } else if (r < 0) {
            berr_prefix(err, "handoff = %s", c.dialect[i]->word);
        }
    }
    if (r < 0)
        handoff_output_fini(&out);
    else
        *ret = out;
    return r;
}

char *handoff_tells(char *dst, size_t size, const struct strv *words, const char *command)
{
    struct choice c;
    size_t n = 0;

    choose_all(&c, words, command);
    *dst = '\0';
    for (size_t i = 0; i < c.n && n < size; i++)
        if (c.dialect[i]->tells)
            n += (size_t)snprintf(dst + n, size - n, "%s%s", n > 0 ? ", " : "", c.dialect[i]->tells);
    return dst;
}

bool handoff_is_non_blocking(const struct strv *words, const char *command)
{
    struct choice c;

    choose_all(&c, words, command);
    for (size_t i = 0; i < c.n; i++)
        if (c.dialect[i] == &handoff_nginx)
            return true;
    return false;
}

bool handoff_tells_stored(const struct strv *words, const char *command)
{
    struct choice c;

    choose_all(&c, words, command);
    for (size_t i = 0; i < c.n; i++)
        if (c.dialect[i] == &handoff_listen_fds || c.dialect[i] == &handoff_channel)
            return true;
    return false;
}

void handoff_output_fini(struct handoff_output *out)
{
    strv_fini(&out->environment);
    strv_fini(&out->left_out);
    out->listen_pid = out->listen_pidfdid = NULL;
}

static bool matches(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);
    if (pattern[n - 1] == '*')
        return strncmp(pattern, name, n - 1) == 0;
    return strcmp(pattern, name) == 0;
}

static bool matches_any(const char *const *patterns, const char *name)
{
    for (; *patterns; patterns++)
        if (matches(*patterns, name))
            return true;
    return false;
}

const char *handoff_owner(const char *name)
{
    for (size_t i = 0; handoff_dialects[i]; i++)
        if (matches_any(handoff_dialects[i]->variables, name))
            return handoff_dialects[i]->word;
    return NULL;
}

bool handoff_is_foreign_variable(const char *name)
{
    return handoff_owner(name) || matches_any(foreign, name);
}
