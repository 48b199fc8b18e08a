/* fuzz_env_file: variables written down again are read as the same ones, and a refusal names a line and adds
 * nothing. */
#include "config.h"

#include "base/buf.h"
#include "base/limits.h"
#include "core/env_file.h"
#include "fuzz.h"

/* A value in quoted parts: '…' for all but the quote itself. */
static char *write_down(const struct strv *variables)
{
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < variables->n; i++) {
        const char *value = strchr(variables->v[i], '=') + 1;
        buf_add(&out, variables->v[i], (size_t)(value - variables->v[i]));
        buf_add_char(&out, '\'');
        for (const char *c = value; *c != '\0'; c++)
            buf_add_str(&out, *c == '\'' ? "'\"'\"'" : (char[]){*c, '\0'});
        buf_add_str(&out, "'\n");
    }
    return buf_take(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strv variables = {NULL, 0}, again = {NULL, 0};
    struct berr err = {0};
    if (env_file_parse((const char *)data, size, &variables, &err) < 0) {
        check(variables.n == 0 && err.text[0] != '\0' && err.line > 0 && err.line <= size + 1);
    } else {
        check(variables.n <= LIMIT_ENV_FILE_VARIABLES);
        char *text = write_down(&variables);
        check(env_file_parse(text, text ? strlen(text) : 0, &again, &err) == 0 && again.n == variables.n);
        for (size_t i = 0; i < variables.n; i++)
            check(str_eq(variables.v[i], again.v[i]));
        free(text);
    }
    strv_fini(&variables);
    strv_fini(&again);
    return 0;
}
