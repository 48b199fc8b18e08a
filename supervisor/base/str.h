/* str: small things with strings that libc lacks. */
#ifndef BERTH_BASE_STR_H
#define BERTH_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

bool str_eq(const char *a, const char *b);
bool str_starts_with(const char *s, const char *prefix);
/* Copies S into DST of SIZE bytes; false, and an empty DST, when it does not fit. */
bool str_copy(char *dst, size_t size, const char *s);
/* Foreign text made safe for one log line: control characters (of Unicode too: line separators, changes of
 * the writing direction), backslash and bytes that are not UTF-8 become \xNN; the result is cut with "…"
 * where DST ends. Returns DST. */
char *str_escape(char *dst, size_t size, const char *s, size_t n);
/* The same, but a backslash stays as it is: for a sentence whose foreign parts were escaped when they were
 * quoted. */
char *str_escape_controls(char *dst, size_t size, const char *s, size_t n);
/* The N bytes as UTF-8, to be freed by the caller: U+FFFD stands for each byte that is none of it, and for
 * NUL. */
char *str_make_utf8(const char *s, size_t n);
/* Is it UTF-8 without control characters: would str_escape_controls() leave it alone? */
bool str_is_printable(const char *s);
/* A NAME of interface section 3: letters, digits, '.', '_', '-'; 1 to 64 of them. */
bool str_is_name(const char *s);
/* The candidate (NULL-terminated list) nearest to S by edit distance, or NULL when none is near enough to
 * be meant. */
const char *str_nearest(const char *s, const char *const *candidates);

/* A vector of strings, NULL-terminated, owned. {NULL, 0} is an empty one. */
struct strv {
    char **v; /* NULL while empty, else v[n] is NULL */
    size_t n;
};

void strv_fini(struct strv *sv);
struct strv strv_copy(const struct strv *sv);
void strv_add(struct strv *sv, const char *s);
/* Ownership of S goes to SV. */
void strv_put(struct strv *sv, char *s);
/* "A=B": replaces the entry with the same A, or adds it; ownership of ASSIGNMENT goes to SV. */
void strv_put_env(struct strv *sv, char *assignment);
/* Removes every entry "NAME=…". */
void strv_remove_env(struct strv *sv, const char *name);
/* The value of NAME in SV, borrowed; NULL if it is not there. */
const char *strv_find_env(const struct strv *sv, const char *name);

#endif
