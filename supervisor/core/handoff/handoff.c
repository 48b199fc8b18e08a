/* handoff: the dialects, which of them a service's words choose, and whose variables a worker must not
 * inherit. */
#include "config.h"

#include "core/handoff/handoff.h"

#include <errno.h>
#include <string.h>

const struct handoff_dialect *const handoff_dialects[] = {&handoff_listen_fds, &handoff_none, NULL};

/* Words of the interface whose dialects have no file yet. */
static const char *const later_words[] = {"stdin",   "server-starter", "einhorn", "nginx", "php-fpm",
                                          "unicorn", "channel",        "adopt",   NULL};

/* Variables of other supervisors and of dialects that are private to one program. Each of them tells its
 * reader of descriptors, a parent or a watchdog that a worker of ours does not have. UWSGI_* is not here:
 * those are a user's options. */
static const char *const foreign[] = {
    /* service managers */
    "NOTIFY_SOCKET", "NOTIFY_FD", "WATCHDOG_USEC", "WATCHDOG_PID", "MAINPID", "FDSTORE", "UPSTART_FDS",
    "UPSTART_EVENTS", "REMOTE_ADDR", "REMOTE_PORT", "CRANK_NAME", "SOCKETMASTER_FD", "HUPTIME_*",
    /* dialects */
    "SERVER_STARTER_PORT", "SERVER_STARTER_GENERATION", "EINHORN_*", "NGINX", "FPM_SOCKETS", "FPM_SOCKETS_*",
    "UNICORN_FD", "GUNICORN_FD", "GUNICORN_PID", "PUMA_INHERIT_*", "YAHNS_FD",
    /* programs that replace themselves */
    "TABLEFLIP_*", "ECDYSIS_*", "GOAGAIN_*", "OVERSEER_*", "HAPROXY_MWORKER_REEXEC", "HAPROXY_PROCESSES",
    /* a berth above us; BERTH_CONTROL and BERTH_CONFIG are the user's own */
    "BERTH_SERVICE", "BERTH_WORKER", "BERTH_GENERATION", "BERTH_CHANNEL", "BERTH_KEEPER", NULL};

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

    if (str_eq(word, "auto") || find_dialect(word))
        return 0;
    if (is_in(later_words, word))
        return berr_set(err, BERR_CONFIG, EINVAL, "handoff = %s is not carried out by this version of berth",
                        word);
    return berr_set(err, BERR_CONFIG, EINVAL,
                    "\"%s\" is not a kind of handoff: listen-fds, none and auto are",
                    str_escape(quoted, sizeof quoted, word, strlen(word)));
}

/* What "auto" stands for. Every program that is known by its name reads LISTEN_FDS in this version, or
 * nothing. */
static const struct handoff_dialect *dialect_of(const char *word)
{
    return str_eq(word, "auto") ? &handoff_listen_fds : find_dialect(word);
}

static bool is_used(const struct handoff_dialect *const *used, size_t n, const struct handoff_dialect *d)
{
    for (size_t i = 0; i < n; i++)
        if (used[i] == d)
            return true;
    return false;
}

int handoff_emit(const struct strv *words, const char *command, const struct handoff_input *in,
                 struct handoff_output *ret, struct berr *err)
{
    const struct handoff_dialect *used[sizeof handoff_dialects / sizeof *handoff_dialects];
    struct handoff_output out = {0};
    size_t n_used = 0;
    int r = 0;

    (void)command; /* for the dialects of programs that "auto" will know by their name */
    for (size_t i = 0; r == 0 && i < (words->n > 0 ? words->n : 1); i++) {
        const char *word = words->n > 0 ? words->v[i] : "auto";
        const struct handoff_dialect *d = dialect_of(word);
        if (!d)
            r = handoff_check_word(word, err);
        else if (!is_used(used, n_used, d)) {
            used[n_used++] = d;
            r = d->emit(in, &out, err);
        }
    }
    if (r < 0)
        handoff_output_fini(&out);
    else
        *ret = out;
    return r;
}

void handoff_output_fini(struct handoff_output *out)
{
    strv_fini(&out->environment);
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

bool handoff_is_foreign_variable(const char *name)
{
    for (size_t i = 0; handoff_dialects[i]; i++)
        if (matches_any(handoff_dialects[i]->variables, name))
            return true;
    return matches_any(foreign, name);
}
