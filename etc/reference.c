/* reference: writes what is told of the keys of a configuration from the one table that there is of them.
 *
 *     reference ini           etc/berth.ini: every key, its sentence, its default
 *     reference man FILE      the manual page FILE with its tables of keys made anew
 *
 * A table of the page stands between lines .\" BEGIN KEYS SECTION and .\" END KEYS. `make etc-regenerate`
 * runs both, and tests/gates/reference.sh sees to it that somebody did. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "core/conf_schema.h"

#define INI_COLUMNS 110
#define MAN_COLUMNS 78

/* Without these a configuration is none. */
static const struct {
    enum conf_section section;
    const char *key, *value;
} required[] = {
    {CONF_SOCKET, "listen", "tcp://:8080"},
    {CONF_SERVICE, "command", "server --listen-fd {fd:web}"},
    {CONF_SERVICE, "sockets", "web"},
};

static const char *required_value(enum conf_section section, const char *key)
{
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (required[i].section == section && str_eq(required[i].key, key))
            return required[i].value;
    return NULL;
}

/* A piece of text that is broken into lines, each behind PREFIX and not wider than COLUMNS. */
struct filler {
    const char *prefix;
    size_t columns;
    size_t at; /* 0: at a line's beginning */
};

static void fill_word(struct filler *f, const char *word, size_t n)
{
    if (f->at > 0 && f->at + 1 + n > f->columns) {
        putchar('\n');
        f->at = 0;
    }
    f->at += (size_t)printf("%s%.*s", f->at == 0 ? f->prefix : " ", (int)n, word);
}

static void fill_end(struct filler *f)
{
    if (f->at > 0)
        putchar('\n');
    f->at = 0;
}

static void fill(struct filler *f, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, " ");
        fill_word(f, text, n);
        text += n + strspn(text + n, " ");
    }
}

/* --- etc/berth.ini ------------------------------------------------------------------------------------- */

static void print_ini_key(enum conf_section section, const struct conf_key *key)
{
    struct filler f = {"# ", INI_COLUMNS, 0};
    const char *value = required_value(section, key->name);
    bool is_set = value || *key->initial;

    putchar('\n');
    fill(&f, key->sentence);
    fill_end(&f);
    fill(&f, "Value:");
    fill(&f, key->value);
    fill_end(&f);
    value = value ? value : key->initial;
    printf("%s%s%s =%s%s\n", is_set ? "" : ";", key->name, key->is_prefix ? "NAME" : "", *value ? " " : "",
           value);
}

static void print_ini_section(enum conf_section section, const char *head)
{
    printf("\n[%s]\n", head);
    for (const struct conf_key *key = conf_schema(section); key->name; key++)
        print_ini_key(section, key);
}

static void print_ini(void)
{
    printf("# Every key of a configuration of berth, with its default; berth.conf(5) tells more. Those that "
           "are commented\n"
           "# out have none. A configuration needs only what differs: berth-minimal.ini is a beginning.\n"
           "#\n"
           "# berth check -c FILE tells every mistake in a file, or what it comes to.\n");
    print_ini_section(CONF_SUPERVISOR, "supervisor");
    print_ini_section(CONF_SOCKET, "socket:web");
    print_ini_section(CONF_SERVICE, "service:web");
}

/* --- tables of the manual page ------------------------------------------------------------------------- */

/* TEXT for mdoc: no backslash, no dash that would be a hyphen, no macro at a line's beginning. To be freed.
 */
static char *mdoc_text(const char *text)
{
    struct buf out;
    buf_init(&out, SIZE_MAX);
    for (const char *s = text; *s; s++) {
        bool begins_word = s == text || s[-1] == ' ';
        if (begins_word && (*s == '.' || *s == '\''))
            buf_add_str(&out, "\\&");
        if (*s == '\\')
            buf_add_str(&out, "\\e");
        else if (*s == '-' && begins_word)
            buf_add_str(&out, "\\-");
        else if (*s == '-' && s[-1] == '-')
            buf_add_str(&out, "\\-");
        else
            buf_add_char(&out, *s);
    }
    return buf_take(&out);
}

/* Each sentence begins a line. */
static void print_mdoc(const char *text)
{
    struct filler f = {"", MAN_COLUMNS, 0};
    cleanup_free char *escaped = mdoc_text(text);
    for (const char *s = escaped; *s;) {
        size_t n = strcspn(s, " ");
        bool ends_sentence = n > 0 && s[n - 1] == '.';
        fill_word(&f, s, n);
        if (ends_sentence)
            fill_end(&f);
        s += n + strspn(s + n, " ");
    }
    fill_end(&f);
}

static void print_man_key(const struct conf_key *key)
{
    size_t n = strlen(key->name);
    cleanup_free char *value =
        mem_printf("Value: %s; default: %s%s.", key->value, *key->initial ? key->initial : "none",
                   key->is_live ? "; live" : "");
    if (key->is_prefix)
        printf(".It Cm %.*s\\&. Ns Ar NAME\n", (int)n - 1, key->name);
    else
        printf(".It Cm %s\n", key->name);
    print_mdoc(key->sentence);
    print_mdoc(value);
}

static void print_man_table(enum conf_section section)
{
    printf(".Bl -tag -width Ds\n");
    for (const struct conf_key *key = conf_schema(section); key->name; key++)
        print_man_key(key);
    printf(".El\n");
}

static bool begin_table(const char *line)
{
    static const char begin[] = ".\\\" BEGIN KEYS ";
    if (!str_starts_with(line, begin))
        return false;
    for (int section = CONF_SUPERVISOR; section <= CONF_SERVICE; section++)
        if (strncmp(line + strlen(begin), conf_section_name(section), strlen(conf_section_name(section))) ==
            0)
            print_man_table(section);
    return true;
}

static int print_man(const char *path)
{
    FILE *page = fopen(path, "re");
    char *line = NULL;
    size_t size = 0, n_tables = 0;
    bool in_table = false;

    if (!page) {
        perror(path);
        return 1;
    }
    while (getline(&line, &size, page) >= 0) {
        if (str_starts_with(line, ".\\\" END KEYS"))
            in_table = false;
        if (in_table)
            continue;
        fputs(line, stdout);
        in_table = begin_table(line);
        n_tables += in_table;
    }
    bool is_read = !ferror(page) && n_tables == 3 && !in_table;
    if (!is_read)
        fprintf(stderr, "%s: there are no three tables of keys in it\n", path);
    free(line);
    fclose(page);
    return is_read ? 0 : 1;
}

int main(int argc, char **argv)
{
    int status = 2;
    if (argc == 2 && str_eq(argv[1], "ini")) {
        print_ini();
        status = 0;
    } else if (argc == 3 && str_eq(argv[1], "man")) {
        status = print_man(argv[2]);
    } else {
        fprintf(stderr, "usage: reference ini | man FILE\n");
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? status : 1;
}
