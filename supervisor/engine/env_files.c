/* env_files: see the header. */
#include "config.h"

#include "engine/env_files.h"

#include <errno.h>
#include <string.h>

#include "core/env_file.h"
#include "sys/text_file.h"

static int read_one(const char *path, struct strv *ret, struct berr *err)
{
    bool may_be_missing = path[0] == '-';
    char quoted[300];
    struct buf text;
    path += may_be_missing;
    buf_init(&text, LIMIT_ENV_FILE);
    int r = text_file_read(path, &text, err);
    if (r < 0)
        berr_prefix(err, "env_file");
    else if ((r = env_file_parse(buf_str(&text), text.len, ret, err)) < 0)
        berr_prefix(err, "env_file %s:%u", str_escape(quoted, sizeof quoted, path, strlen(path)), err->line);
    buf_fini(&text);
    return r == -ENOENT && may_be_missing ? 0 : r;
}

int env_files_read_list(const struct strv *files, struct strv *ret, struct berr *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < files->n; i++)
        r = read_one(files->v[i], ret, err);
    return r;
}

int env_files_read(const struct service_conf *s, struct strv *ret, struct berr *err)
{
    return s->with->surroundings ? env_files_read_list(&s->with->surroundings->env_files, ret, err) : 0;
}
