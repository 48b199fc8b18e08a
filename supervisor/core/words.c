/* words: splitting and placeholders. Text comes from users and from files, so both read byte by byte, never
 * past the NUL, and leave what they do not understand as it is, or refuse it with a sentence. */
#include "config.h"

#include "core/words.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#define WORD_LIMIT (1024 * 1024) /* bytes; far beyond what execve(2) takes in one string */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Within double quotes a backslash is one only before these. */
static bool is_escapable_in_quotes(char c)
{
    return c == '"' || c == '\\' || c == '$' || c == '`';
}

static int unclosed(struct berr *err, const char *text, char quote)
{
    char quoted[128];
    return berr_set(err, BERR_CONFIG, EINVAL, "the %s quote is not closed in: %s",
                    quote == '"' ? "double" : "single",
                    str_escape(quoted, sizeof quoted, text, strlen(text)));
}

static const char *read_single_quoted(const char *s, struct buf *word)
{
    const char *end = strchr(s, '\'');
    if (end)
        buf_add(word, s, (size_t)(end - s));
    return end ? end + 1 : NULL;
}

static const char *read_double_quoted(const char *s, struct buf *word)
{
    for (; *s && *s != '"'; s++) {
        if (s[0] == '\\' && s[1] == '\n') {
            s++;
            continue;
        }
        if (s[0] == '\\' && is_escapable_in_quotes(s[1]))
            s++;
        buf_add_char(word, *s);
    }
    return *s ? s + 1 : NULL;
}

/* Reads one word at *CURSOR, which is no blank. */
static int read_word(const char **cursor, const char *text, struct buf *word, struct berr *err)
{
    const char *s = *cursor;

    while (*s && !is_blank(*s)) {
        char c = *s++;
        if (c == '\'' || c == '"') {
            s = c == '"' ? read_double_quoted(s, word) : read_single_quoted(s, word);
            if (!s)
                return unclosed(err, text, c);
        } else if (c != '\\') {
            buf_add_char(word, c);
        } else if (*s == '\0') {
            return berr_set(err, BERR_CONFIG, EINVAL,
                            "a command cannot end in a backslash: there is nothing to quote");
        } else if (*s++ != '\n') {
            buf_add_char(word, s[-1]);
        }
    }
    *cursor = s;
    if (word->overflown)
        return berr_set(err, BERR_CONFIG, E2BIG, "a word of a command is longer than %d bytes", WORD_LIMIT);
    return 0;
}

static int split(const char *text, size_t room, struct strv *words, struct berr *err)
{
    const char *s = text;

    for (;;) {
        struct buf word;
        int r;
        while (is_blank(*s) || (s[0] == '\\' && s[1] == '\n'))
            s += *s == '\\' ? 2 : 1;
        if (!*s)
            return 0;
        if (words->n >= room)
            return berr_set(err, BERR_CONFIG, E2BIG, "a command cannot have more than %d words",
                            LIMIT_COMMAND_WORDS);
        buf_init(&word, WORD_LIMIT);
        r = read_word(&s, text, &word, err);
        if (r < 0) {
            buf_fini(&word);
            return r;
        }
        strv_put(words, word.len > 0 ? buf_take(&word) : mem_strdup(""));
        buf_fini(&word);
    }
}

int words_split(const char *text, struct strv *ret, struct berr *err)
{
    struct strv words = {NULL, 0};
    size_t room = ret->n < LIMIT_COMMAND_WORDS ? LIMIT_COMMAND_WORDS - ret->n : 0;
    int r = split(text, room, &words, err);

    for (size_t i = 0; r == 0 && i < words.n; i++)
        strv_add(ret, words.v[i]);
    strv_fini(&words);
    return r;
}

enum what { WHAT_WORKER, WHAT_GENERATION, WHAT_FD, WHAT_PORT, WHAT_HOST, WHAT_PATH, WHAT_ADDRESS };

/* A placeholder as it stands in the text. */
struct found {
    enum what what;
    char socket[LIMIT_NAME + 1];
    size_t len; /* of all of it, with its braces */
};

static const struct {
    const char *opening;
    bool has_socket;
} kinds[] = {
    [WHAT_WORKER] = {"{worker", false},   [WHAT_GENERATION] = {"{generation", false},
    [WHAT_FD] = {"{fd:", true},           [WHAT_PORT] = {"{port:", true},
    [WHAT_HOST] = {"{host:", true},       [WHAT_PATH] = {"{path:", true},
    [WHAT_ADDRESS] = {"{address:", true},
};

/* Does a placeholder begin at S? Only a whole one with a proper NAME is: JSON and shell text are full of
 * braces. */
static bool find_placeholder(const char *s, struct found *ret)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t opening = strlen(kinds[i].opening), name;
        if (!str_starts_with(s, kinds[i].opening))
            continue;
        name = strcspn(s + opening, "}");
        if (s[opening + name] != '}' || name >= sizeof ret->socket)
            return false;
        memcpy(ret->socket, s + opening, name);
        ret->socket[name] = '\0';
        ret->what = (enum what)i;
        ret->len = opening + name + 1;
        return kinds[i].has_socket ? str_is_name(ret->socket) : name == 0;
    }
    return false;
}

static const struct placeholder_socket *find_socket(const struct placeholders *p, const char *name)
{
    for (size_t i = 0; i < p->n_sockets; i++)
        if (str_eq(p->sockets[i].name, name))
            return &p->sockets[i];
    return NULL;
}

static int lacks(struct berr *err, const char *socket, const char *what)
{
    return berr_set(err, BERR_CONFIG, EINVAL, "{%s:%s} cannot be filled: socket %s has no %s", what, socket,
                    socket, what);
}

static int add_text(struct buf *out, const char *text, const char *socket, const char *what, struct berr *err)
{
    if (*text == '\0')
        return lacks(err, socket, what);
    buf_add_str(out, text);
    return 0;
}

static int add_of_socket(struct buf *out, const struct found *f, const struct placeholder_socket *s,
                         struct berr *err)
{
    switch (f->what) {
    case WHAT_FD:
        if (s->fd < 0)
            return berr_set(err, BERR_CONFIG, EINVAL,
                            "{fd:%s} cannot be filled: a worker does not have that socket when it starts",
                            s->name);
        buf_printf(out, "%d", s->fd);
        return 0;
    case WHAT_PORT:
        if (s->port == 0)
            return lacks(err, s->name, "port");
        buf_printf(out, "%u", s->port);
        return 0;
    case WHAT_HOST:
        return add_text(out, s->host, s->name, "host", err);
    case WHAT_PATH:
        return add_text(out, s->path, s->name, "path", err);
    case WHAT_ADDRESS:
        return add_text(out, s->address, s->name, "address", err);
    case WHAT_WORKER:
    case WHAT_GENERATION:
        break;
    }
    return 0;
}

static int add_placeholder(struct buf *out, const struct found *f, const char *text,
                           const struct placeholders *p, struct berr *err)
{
    const struct placeholder_socket *s;

    if (!kinds[f->what].has_socket) {
        buf_printf(out, "%u", f->what == WHAT_WORKER ? p->worker : p->generation);
        return 0;
    }
    s = find_socket(p, f->socket);
    if (!s)
        return berr_set(
            err, BERR_CONFIG, EINVAL,
            "%.*s cannot be filled: no socket %s is handed over (write {%.*s to mean it literally)",
            (int)f->len, text, f->socket, (int)f->len, text);
    return add_of_socket(out, f, s, err);
}

static int expand(const char *s, const struct placeholders *p, struct buf *out, struct berr *err)
{
    struct found f;

    while (*s) {
        if (s[0] == '{' && find_placeholder(s + 1, &f)) {
            buf_add(out, s + 1, f.len);
            s += 1 + f.len;
        } else if (find_placeholder(s, &f)) {
            int r = add_placeholder(out, &f, s, p, err);
            if (r < 0)
                return r;
            s += f.len;
        } else {
            buf_add_char(out, *s++);
        }
    }
    if (out->overflown)
        return berr_set(err, BERR_CONFIG, E2BIG,
                        "a word is longer than %d bytes with its placeholders filled", WORD_LIMIT);
    return 0;
}

int placeholders_expand(const char *text, const struct placeholders *p, char **ret, struct berr *err)
{
    struct buf out;
    int r;

    buf_init(&out, WORD_LIMIT);
    r = expand(text, p, &out, err);
    if (r == 0)
        *ret = out.len > 0 ? buf_take(&out) : mem_strdup("");
    buf_fini(&out);
    return r;
}

static bool is_plain(const char *word)
{
    return *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                       "@%_+=:,./-{}~^!?*[]()<>|&;#$")];
}

void words_quote(struct buf *out, const char *word)
{
    if (is_plain(word)) {
        buf_add_str(out, word);
        return;
    }
    buf_add_char(out, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_add_str(out, "'\\''");
        else
            buf_add_char(out, *word);
    }
    buf_add_char(out, '\'');
}
