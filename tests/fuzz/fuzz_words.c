/* fuzz_words: words quoted again split into the same words, a refusal adds nothing, and a text without braces
 * has no placeholders. */
#include "config.h"

#include "base/buf.h"
#include "base/limits.h"
#include "core/words.h"
#include "fuzz.h"

static const struct placeholder_socket sockets[] = {
    {"web", 3, "::", 8080, "", "tcp://[::]:8080"},
    {"adm", 4, "", 0, "/run/adm", "unix:/run/adm"},
};
static const struct placeholders placeholders = {2, 7, sockets, 2};

/* Each word in single quotes, as a shell wants it. */
static char *quote(const struct strv *words)
{
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < words->n; i++) {
        buf_add_str(&out, i > 0 ? " '" : "'");
        for (const char *c = words->v[i]; *c != '\0'; c++)
            buf_add_str(&out, *c == '\'' ? "'\\''" : (char[]){*c, '\0'});
        buf_add_char(&out, '\'');
    }
    buf_add_char(&out, '\n');
    return buf_take(&out);
}

static void split(const char *text)
{
    struct strv words = {NULL, 0}, again = {NULL, 0};
    struct berr err = {0};
    strv_add(&words, "before");
    if (words_split(text, &words, &err) < 0) {
        check(words.n == 1 && err.text[0] != '\0');
    } else {
        check(words.n <= LIMIT_COMMAND_WORDS);
        char *quoted = quote(&words);
        check(words_split(quoted, &again, &err) == 0 && again.n == words.n);
        for (size_t i = 0; i < words.n; i++)
            check(str_eq(words.v[i], again.v[i]));
        free(quoted);
    }
    strv_fini(&words);
    strv_fini(&again);
}

static void expand(const char *text)
{
    char *expanded = NULL;
    struct berr err = {0};
    if (placeholders_expand(text, &placeholders, &expanded, &err) < 0)
        check(expanded == NULL && err.text[0] != '\0' && strchr(text, '{') != NULL);
    else
        check(strchr(text, '{') != NULL || str_eq(text, expanded));
    free(expanded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    split(text);
    expand(text);
    free(text);
    return 0;
}
