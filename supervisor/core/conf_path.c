/* conf_path: the paths in values. A relative one belongs to the folder of the file that it stands in,
 * wherever berth itself was started. */
#include "config.h"

#include "core/conf_value.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "core/words.h"

char *value_locate_path(const char *value, const char *folder)
{
    bool is_relative = *value && *value != '/' && *value != '@';
    while (str_starts_with(value, "./") && value[2])
        value += 2;
    return is_relative ? mem_printf("%s/%s", folder, value) : mem_strdup(value);
}

/* One item of a list, with the blanks before it; LEAD is how much of it stands before its path. */
static void locate_item(struct buf *out, const char *item, size_t n, size_t lead, const char *folder)
{
    cleanup_free char *path = mem_strndup(item + lead, n - lead);
    cleanup_free char *located = value_locate_path(path, folder);
    buf_add(out, item, lead);
    buf_add_str(out, located);
}

/* Each item of VALUE; LEAD tells how much of an item stands before its path, or SIZE_MAX when there is none.
 */
static char *locate_items(const char *value, const char *folder,
                          size_t (*lead_of)(const char *item, size_t n))
{
    struct buf out;
    buf_init(&out, SIZE_MAX);
    while (*value) {
        size_t blanks = strspn(value, " \t");
        buf_add(&out, value, blanks);
        value += blanks;
        size_t n = strcspn(value, ","), lead = lead_of(value, n);
        if (lead == SIZE_MAX)
            buf_add(&out, value, n);
        else
            locate_item(&out, value, n, lead, folder);
        value += n;
        if (*value)
            buf_add_char(&out, *value++);
    }
    char *result = mem_strdup(buf_str(&out));
    buf_fini(&out);
    return result;
}

/* "-PATH" may be missing. */
static size_t lead_of_file(const char *item, size_t n)
{
    return n > 0 && item[0] == '-' ? 1 : 0;
}

char *value_locate_list(const char *value, const char *folder)
{
    return locate_items(value, folder, lead_of_file);
}

static size_t lead_of_word(const char *item, size_t n, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) < n && strncmp(item, *words, strlen(*words)) == 0)
            return strlen(*words);
    return SIZE_MAX;
}

static size_t lead_of_address(const char *item, size_t n)
{
    static const char *const words[] = {"unix:", "unix-dgram:", "unix-seqpacket:", NULL};
    return lead_of_word(item, n, words);
}

char *value_locate_addresses(const char *value, const char *folder)
{
    return locate_items(value, folder, lead_of_address);
}

static size_t lead_of_serve(const char *item, size_t n)
{
    static const char *const words[] = {"zerg:", "fdholder:", NULL};
    return lead_of_word(item, n, words);
}

char *value_locate_serve(const char *value, const char *folder)
{
    return locate_items(value, folder, lead_of_serve);
}

/* The first word is a path from here, and not a name to be searched for, when there is a slash in it. The
 * others are written again as words, so that quotes around the first one do not matter. */
char *value_locate_command(const char *value, const char *folder)
{
    struct strv words = {NULL, 0};
    struct berr err;
    struct buf out;
    bool is_relative = words_split(value, &words, &err) >= 0 && words.n > 0 && words.v[0][0] != '/' &&
                       strchr(words.v[0], '/') && words.v[0][0] != '{';

    buf_init(&out, SIZE_MAX);
    for (size_t i = 0; is_relative && i < words.n; i++) {
        cleanup_free char *located = i == 0 ? value_locate_path(words.v[0], folder) : NULL;
        buf_add_str(&out, i > 0 ? " " : "");
        words_quote(&out, located ? located : words.v[i]);
    }
    if (!is_relative)
        buf_add_str(&out, value);
    strv_fini(&words);
    char *result = mem_strdup(buf_str(&out));
    buf_fini(&out);
    return result;
}
