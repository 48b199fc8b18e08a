/* conf_load: see the header. */
#include "config.h"

#include "engine/conf_load.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <ini.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "core/conf_build.h"
#include "core/conf_schema.h"
#include "core/conf_value.h"
#include "engine/conf_verify.h"
#include "engine/env_files.h"
#include "sys/fd.h"
#include "sys/memory_file.h"

/* Without Debian's variables inih has comments behind values, and lines of this length with newline and NUL.
 */
#if HAVE_DECL_INI_MAX_LINE
#define LINE_ROOM (LIMIT_CONF_LINE + 2)
#else
#define LINE_ROOM INI_MAX_LINE
#endif

/* --- lines for inih ------------------------------------------------------------------------------------ */

struct reader {
    struct conf_source *source;
    FILE *file;
    bool is_our_text;        /* conf_print() made it: what inih cannot read of it is taken without inih */
    struct conf_place place; /* of the line that inih has just now */
    char *line;              /* owned; as getline() has it */
    size_t size;
    const char *unread; /* what of it inih has yet to read; NULL: nothing */
    char *value; /* owned; what inih is expected to make of it; NULL: it has, or it is no KEY = VALUE */
    bool is_in_no_section; /* behind a head that was refused: what stands there is left out */
};

/* The section that the line belongs to. */
static const char *section_of(const struct reader *r)
{
    return r->is_in_no_section ? "" : conf_source_section(r->source);
}

static void refuse(struct reader *r, const char *sentence)
{
    conf_source_refuse(r->source, r->place, section_of(r), "%s", sentence);
}

static char *trim(char *s)
{
    size_t n = strlen(s);
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        s[--n] = '\0';
    return s + strspn(s, " \t");
}

/* "[service:web]", trimmed. inih is not given it: it keeps only 49 bytes of a section's name. */
static bool take_head(struct reader *r, char *line)
{
    char *end = strchr(line, ']'), *rest = end ? trim(end + 1) : NULL;
    r->is_in_no_section = true;
    if (!end) {
        refuse(r, "the head of a section is not closed: ']' is missing");
        return false;
    }
    if (*rest && *rest != ';' && *rest != '#') {
        refuse(r, "there is text behind the head of a section; it belongs on a line of its own");
        return false;
    }
    *end = '\0';
    if (!*trim(line + 1)) {
        refuse(r, "the head of a section is empty");
        return false;
    }
    conf_source_add_head(r->source, r->place, trim(line + 1));
    r->is_in_no_section = false;
    return false;
}

static bool take_assignment(struct reader *r, char *line)
{
    size_t n = strcspn(line, "=:");
    if (r->is_in_no_section)
        return false;
    if (line[n] != '=') {
        refuse(r, strchr(line, '=')
                      ? "':' stands before '='; what is expected is KEY = VALUE"
                      : "what is expected is KEY = VALUE, or the head of a section in brackets");
        return false;
    }
    if (n == 0) {
        refuse(r, "there is no key before '='");
        return false;
    }
    if (r->is_our_text && (!HAVE_DECL_INI_MAX_LINE || strlen(line) > LINE_ROOM - 2)) {
        char *value = trim(line + n + 1);
        line[n] = '\0';
        conf_source_add_line(r->source, r->place, trim(line), value);
        return false;
    }
    r->value = mem_strdup(trim(line + n + 1));
    return true;
}

/* Is LINE, without its newline, one to hand on? Everything else is dealt with here. */
static bool take_line(struct reader *r, char *line, size_t n)
{
    bool is_indented = line[0] == ' ' || line[0] == '\t';
    if (memchr(line, '\0', n)) {
        refuse(r, "there is a NUL byte in the line");
        return false;
    }
    if (n > LINE_ROOM - 2 && !r->is_our_text) {
        conf_source_refuse(r->source, r->place, section_of(r), "the line has %zu bytes, and %d are the most",
                           n, (int)LINE_ROOM - 2);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' && line[i] != '\t') {
            refuse(r, line[i] == '\r' ? "there is a carriage return in the middle of the line"
                                      : "there is a control character in the line");
            return false;
        }
    line = trim(line);
    if (!*line || *line == ';' || *line == '#')
        return false;
    if (is_indented) {
        refuse(r, "the line is indented; begin it at the margin (no line is continued by the next one)");
        return false;
    }
    return *line == '[' ? take_head(r, line) : take_assignment(r, line);
}

/* inih said nothing of the last line: it has lost it. */
static void check_last(struct reader *r)
{
    if (r->value)
        refuse(r, "inih cannot read this line");
    free(r->value);
    r->value = NULL;
}

/* The next line that is to be handed on; false at the end. */
static bool next_line(struct reader *r)
{
    static const char bom[] = "\xEF\xBB\xBF";
    ssize_t n;
    while ((n = getline(&r->line, &r->size, r->file)) >= 0) {
        char *line = r->line;
        r->place.line++;
        if (r->place.line == 1 && n >= 3 && memcmp(line, bom, 3) == 0) {
            line += 3;
            n -= 3;
        }
        if (n > 0 && line[n - 1] == '\n')
            line[--n] = '\0';
        if (n > 0 && line[n - 1] == '\r')
            line[--n] = '\0';
        if (take_line(r, line, (size_t)n)) {
            r->unread = line;
            return true;
        }
    }
    if (ferror(r->file))
        conf_source_refuse(r->source, (struct conf_place){r->place.file, 0}, "", "it cannot be read: %s",
                           strerror(errno));
    return false;
}

/* As fgets(3): at most SIZE - 1 bytes, with a newline at the end of the line. */
static char *read_for_inih(char *dst, int size, void *stream)
{
    struct reader *r = stream;
    if (!r->unread) {
        check_last(r);
        if (!next_line(r))
            return NULL;
    }
    size_t n = strlen(r->unread), room = (size_t)size - 1;
    bool is_end = n < room;
    if (!is_end)
        n = room;
    memcpy(dst, r->unread, n);
    if (is_end)
        dst[n++] = '\n';
    dst[n] = '\0';
    r->unread = is_end ? NULL : r->unread + n;
    return dst;
}

static int on_assignment(void *user, const char *section, const char *name, const char *value)
{
    struct reader *r = user;
    (void)section; /* ours is whole */
    if (!r->value || !str_eq(value, r->value))
        refuse(r,
               "inih would cut the value short; a ';' behind a blank begins a comment in this build of it");
    else
        conf_source_add_line(r->source, r->place, name, value);
    free(r->value);
    r->value = NULL;
    return 1;
}

static void set_up_inih(void)
{
#if HAVE_DECL_INI_MAX_LINE
    ini_use_stack = false;
    ini_allow_realloc = true;
    ini_max_line = ini_initial_alloc = LINE_ROOM;
    ini_allow_inline_comments = false;
    ini_allow_multiline = false;
    ini_allow_no_value = false;
    ini_stop_on_first_error = false;
#endif
}

static void read_lines(struct conf_source *source, unsigned number, FILE *file, bool is_our_text)
{
    struct reader r = {.source = source, .file = file, .place = {number, 0}, .is_our_text = is_our_text};
    set_up_inih();
    ini_parse_stream(read_for_inih, &r, on_assignment,
                     &r); /* its errors are those lines of which it said nothing */
    check_last(&r);
    free(r.line);
}

/* --- files --------------------------------------------------------------------------------------------- */

/* Where a file's line is that wants another one; the first is wanted by nobody. */
struct wanted {
    struct conf_place place;
    bool is_included;
};

struct file_id {
    dev_t dev;
    ino_t ino;
};

struct load {
    struct conf_source *source;
    struct file_id *ids; /* by file; owned */
    unsigned *depths;    /* likewise */
};

static void refuse_file(struct load *l, const struct wanted *w, const char *path, const char *why)
{
    struct conf_place place = w->place;
    if (!w->is_included)
        place.file = conf_source_add_file(l->source, path, "");
    if (w->is_included)
        conf_source_refuse(l->source, place, "supervisor", "include: %s: %s", path, why);
    else
        conf_source_refuse(l->source, place, "", "%s", why);
}

/* The folder of PATH, absolute. */
static char *folder_of(const char *path)
{
    while (str_starts_with(path, "./"))
        path += 2;
    const char *slash = strrchr(path, '/');
    char cwd[PATH_MAX];
    if (slash == path)
        return mem_strdup("/");
    if (path[0] == '/')
        return mem_strndup(path, (size_t)(slash - path));
    if (!getcwd(cwd, sizeof cwd))
        strcpy(cwd, ".");
    return slash ? mem_printf("%s/%.*s", cwd, (int)(slash - path), path) : mem_strdup(cwd);
}

/* Opens PATH, which must be a file; NULL when what is wrong has been told. */
static FILE *open_file(struct load *l, const struct wanted *w, const char *path, struct file_id *ret_id)
{
    struct stat st;
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        refuse_file(l, w, path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        refuse_file(l, w, path, S_ISDIR(st.st_mode) ? "it is a folder" : "it is no regular file");
        return NULL;
    }
    if (st.st_size > LIMIT_CONF_FILE) {
        refuse_file(l, w, path, "it is too large to be a configuration");
        return NULL;
    }
    for (size_t i = 0; i < l->source->files.n; i++)
        if (l->ids[i].dev == st.st_dev && l->ids[i].ino == st.st_ino) {
            refuse_file(l, w, path, "it has been read already; no file may be included twice");
            return NULL;
        }
    *ret_id = (struct file_id){st.st_dev, st.st_ino};
    FILE *file = fdopen(fd, "r");
    if (file)
        take_fd(&fd);
    else
        refuse_file(l, w, path, strerror(errno));
    return file;
}

static void load_one(struct load *l, const struct wanted *w, const char *path, unsigned depth)
{
    struct file_id id;
    if (l->source->files.n >= LIMIT_CONF_FILES || depth > LIMIT_CONF_DEPTH) {
        refuse_file(l, w, path,
                    depth > LIMIT_CONF_DEPTH ? "files include each other too deeply"
                                             : "there are too many files");
        return;
    }
    FILE *file = open_file(l, w, path, &id);
    if (!file)
        return;
    cleanup_free char *folder = folder_of(path);
    unsigned number = conf_source_add_file(l->source, path, folder);
    l->ids[number] = id;
    l->depths[number] = depth;
    read_lines(l->source, number, file, false);
    fclose(file);
}

static int on_glob_error(const char *path, int err)
{
    (void)path;
    return err == ENOENT || err == ENOTDIR ? 0 : -1;
}

/* Appends what stands before a relative PATTERN: the folder, whose own name is none. */
static void add_folder(struct buf *out, const char *pattern, const char *folder)
{
    if (pattern[0] == '/')
        return;
    for (; *folder; folder++) {
        if (strchr("*?[]\\", *folder))
            buf_add_char(out, '\\');
        buf_add_char(out, *folder);
    }
    buf_add_char(out, '/');
}

/* One item of an include; a plain name must be there, a pattern may match nothing. */
static void include_pattern(struct load *l, const struct wanted *w, const char *pattern, unsigned depth)
{
    bool is_pattern = strpbrk(pattern, "*?[") != NULL;
    struct buf located;
    glob_t found;

    buf_init(&located, SIZE_MAX);
    add_folder(&located, pattern, l->source->folders.v[w->place.file]);
    buf_add_str(&located, pattern);
    int r = glob(buf_str(&located), 0, on_glob_error, &found);
    if (r == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            load_one(l, w, found.gl_pathv[i], depth);
        globfree(&found);
    } else if (r == GLOB_NOMATCH && !is_pattern) {
        refuse_file(l, w, pattern, strerror(ENOENT));
    } else if (r != GLOB_NOMATCH) {
        refuse_file(l, w, pattern, r == GLOB_NOSPACE ? "no memory" : "the folder cannot be read");
    }
    buf_fini(&located);
}

/* Those of [supervisor]'s env_file, DATA, come before our own. */
static const char *variable(const void *data, const char *name)
{
    const char *value = data ? strv_find_env(data, name) : NULL;
    return value ? value : getenv(name);
}

static void include(struct load *l, const struct conf_line *line)
{
    cleanup_free char *value = NULL;
    struct wanted w = {line->place, true};
    struct berr err;
    char item[PATH_MAX];

    if (conf_expand(line->value, variable, NULL, &value, &err) < 0)
        return; /* conf_build() tells it */
    const char *cursor = value;
    while (value_next_item(&cursor, item, sizeof item) > 0)
        include_pattern(l, &w, item, l->depths[w.place.file] + 1);
}

/* Lines of included files come behind all others, and are looked at in their turn. */
static void include_all(struct load *l)
{
    for (size_t i = 0; i < l->source->n_lines; i++) {
        struct conf_line line = l->source->lines[i];
        if (line.key && str_eq(line.section, "supervisor") && str_eq(line.key, "include"))
            include(l, &line);
    }
}

/* The variables of [supervisor]'s env_file, for the rest of the configuration. */
static void read_env_file(struct load *l, const struct conf_line *line, struct strv *ret)
{
    cleanup_free char *value = NULL, *located = NULL;
    struct strv files = {NULL, 0};
    struct berr err;
    char item[PATH_MAX];

    if (conf_expand(line->value, variable, NULL, &value, &err) < 0)
        return; /* conf_build() tells it */
    located = value_locate_list(value, l->source->folders.v[line->place.file]);
    const char *cursor = located;
    while (value_next_item(&cursor, item, sizeof item) > 0)
        strv_add(&files, item);
    if (env_files_read_list(&files, ret, &err) < 0)
        conf_source_refuse(l->source, line->place, "supervisor", "%s", err.text);
    strv_fini(&files);
}

static void read_env_files(struct load *l, struct strv *ret)
{
    for (size_t i = 0; i < l->source->n_lines; i++) {
        const struct conf_line *line = &l->source->lines[i];
        if (line->key && str_eq(line->section, "supervisor") && str_eq(line->key, "env_file"))
            read_env_file(l, line, ret);
    }
}

/* --- the whole ----------------------------------------------------------------------------------------- */

int conf_load_find(const char *asked, char **ret, struct berr *err)
{
    static const char *const places[] = {"./berth.ini", "/etc/berth/berth.ini"};
    const char *from_environment = getenv("BERTH_CONFIG");
    if (!asked && from_environment && *from_environment)
        asked = from_environment;
    for (size_t i = 0; !asked && i < sizeof places / sizeof *places; i++)
        if (access(places[i], F_OK) == 0)
            asked = places[i];
    if (!asked)
        return berr_set(
            err, BERR_CONFIG, ENOENT,
            "there is no configuration: neither ./berth.ini nor /etc/berth/berth.ini is there; name one "
            "with -c FILE or BERTH_CONFIG");
    *ret = mem_strdup(asked);
    return 0;
}

int conf_load_file(const char *path, struct conf *ret, struct conf_source *source)
{
    struct load l = {.source = source,
                     .ids = mem_new_array(LIMIT_CONF_FILES + 1, sizeof *l.ids),
                     .depths = mem_new_array(LIMIT_CONF_FILES + 1, sizeof *l.depths)};
    *source = (struct conf_source){0};
    load_one(&l, &(struct wanted){{0, 0}, false}, path, 0);
    struct strv variables = {NULL, 0};
    include_all(&l);
    read_env_files(&l, &variables);
    free(l.ids);
    free(l.depths);
    bool is_read = source->n_problems == 0 || source->n_lines > 0;
    conf_build(source, variable, &variables, ret);
    strv_fini(&variables);
    if (is_read)
        conf_verify(ret, source);
    return source->n_problems > 0 ? -EINVAL : 0;
}

int conf_load_text(const char *text, size_t n, struct conf *ret, struct conf_source *source)
{
    *source = (struct conf_source){0};
    unsigned number = conf_source_add_file(source, "(the configuration in force)", "/");
    FILE *file = fmemopen((void *)(uintptr_t)text, n, "r");
    must(file); /* what cannot be read for want of memory would be taken for one without services */
    read_lines(source, number, file, true);
    fclose(file);
    conf_build(source, variable, NULL, ret);
    return source->n_problems > 0 ? -EINVAL : 0;
}

int conf_load_store(const struct conf *c, const char *origin)
{
    struct buf text;
    char quoted[600];
    buf_init(&text, SIZE_MAX);
    buf_printf(&text, "# %s\n", str_escape(quoted, sizeof quoted, origin, strlen(origin)));
    conf_print(c, &text);
    int fd = memory_file_new("berth-config", text.data, text.len);
    buf_fini(&text);
    return fd;
}
