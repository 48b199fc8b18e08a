/* conf_source: the lines of configuration files as they were read, and what is wrong with them.
 *
 * engine/conf_load reads them, core/conf_build makes a struct conf of them. Everything is kept until all is
 * read, because [supervisor] may stand anywhere and has a say in the rest, and because all mistakes are told,
 * not only the first. */
#ifndef BERTH_CORE_CONF_SOURCE_H
#define BERTH_CORE_CONF_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

struct conf_place {
    unsigned file; /* in conf_source.files */
    unsigned line; /* from 1; 0: the file as a whole */
};

/* A line KEY = VALUE, or with a NULL key the head of a section. */
struct conf_line {
    struct conf_place place;
    const char *section; /* "service:web", borrowed from the head's own; "" before the first head */
    char *key, *value;   /* owned */
};

struct conf_problem {
    struct conf_place place;
    char *section;  /* owned; "" where there is none */
    char *sentence; /* owned */
    size_t number;  /* in the order in which they were found */
};

struct conf_source {
    struct strv files;   /* as the user knows them */
    struct strv folders; /* of each, absolute */
    struct strv heads;   /* the texts of all section heads */
    struct conf_line *lines;
    size_t n_lines;
    struct conf_problem *problems;
    size_t n_problems;
};

/* All empty is a good one to begin with: {0}. */
void conf_source_fini(struct conf_source *s);
/* The number of the new file. */
unsigned conf_source_add_file(struct conf_source *s, const char *file, const char *folder);
/* A head; lines that are added from now on are its own. */
void conf_source_add_head(struct conf_source *s, struct conf_place place, const char *section);
void conf_source_add_line(struct conf_source *s, struct conf_place place, const char *key, const char *value);
/* The section that is open in S; "" at first and behind conf_source_add_file(). */
const char *conf_source_section(const struct conf_source *s);
void conf_source_refuse(struct conf_source *s, struct conf_place place, const char *section, const char *fmt,
                        ...) __attribute__((format(printf, 4, 5)));
/* By file and line, and where these are the same in the order in which they were found. */
void conf_source_sort_problems(struct conf_source *s);
/* "FILE:LINE: section: sentence", a line each, sorted; no more than LIMIT_CONF_PROBLEMS, and then
 * how many more there are. */
void conf_source_format_problems(struct conf_source *s, struct buf *out);

#endif
