/* conf_value: one setter and one printer a type of value, for the rows of core/conf_schema.
 *
 * A row says which member it means with one of the macros below. Whatever is wrong with a value, the sentence is the same:
 * KEY must be so-and-so, not "this". */
#ifndef BERTH_CORE_CONF_VALUE_H
#define BERTH_CORE_CONF_VALUE_H

#include "core/conf_schema.h"

typedef int conf_set_function(void *section, const struct conf_key *self, const char *key, const char *value,
                              struct berr *err);
typedef void conf_print_function(const void *section, const struct conf_key *self, struct buf *out);

conf_set_function value_set_bool, value_set_number, value_set_word, value_set_duration, value_set_size, value_set_mode,
    value_set_string, value_set_text;
conf_print_function value_print_bool, value_print_number, value_print_word, value_print_duration, value_print_mode,
    value_print_string, value_print_text, value_print_strv;

/* -EINVAL: "KEY must be VALUE, not …". */
int value_refuse(const struct conf_key *self, const char *key, const char *value, struct berr *err);
/* -EINVAL: "KEY = WORD is not carried out by this version of berth". */
int value_refuse_later(const char *key, const char *word, struct berr *err);
/* Takes the next item off a list: the text up to a comma, without the blanks around it. 1: one was taken; 0: the end; -EINVAL:
 * an empty item, or one that does not fit. */
int value_next_item(const char **cursor, char *item, size_t size);
/* As units_parse_duration(), in multiples of UNIT nanoseconds, MIN to MAX of them. */
int value_parse_duration(const char *text, int64_t unit, int64_t min, int64_t max, int64_t *ret);

/* For conf_key.locate: a path or @NAME; a list of paths ("-PATH" too); of addresses; of PROTOCOL:PATH; a command, whose first
 * word is a path if there is a slash in it. */
char *value_locate_path(const char *value, const char *folder);
char *value_locate_list(const char *value, const char *folder);
char *value_locate_addresses(const char *value, const char *folder);
char *value_locate_serve(const char *value, const char *folder);
char *value_locate_command(const char *value, const char *folder);

#define VALUE_TEXT_(x) #x
#define VALUE_TEXT(x) VALUE_TEXT_(x)
/* SECTION is the struct that the including file's keys are about, and THROUGH its member that points to the BLOCK where
 * most of the keys' members are; VALUE_AT is the file's name for one of the two. */
#define VALUE_IN_SECTION(member) .offset = offsetof(SECTION, member), .size = sizeof(((SECTION *)0)->member)
#define VALUE_IN_BLOCK(member)                                                                                 \
    .is_in_block = true, .block = offsetof(SECTION, THROUGH), .offset = offsetof(BLOCK, member),               \
    .size = sizeof(((BLOCK *)0)->member)
/* The member of SECTION that SELF means. */
void *value_member(void *section, const struct conf_key *self);
const void *value_const_member(const void *section, const struct conf_key *self);

#define VALUE_BOOL(member)                                                                             \
    .value = "yes or no", .set = value_set_bool, .print = value_print_bool, VALUE_AT(member)
#define VALUE_NUMBER(member, lo, hi)                                                                   \
    .value = "a number from " VALUE_TEXT(lo) " to " VALUE_TEXT(hi), .set = value_set_number,                 \
    .print = value_print_number, .min = (lo), .max = (hi), VALUE_AT(member)
#define VALUE_NUMBER_OR_OFF(member, lo, hi)                                                            \
    .value = "a number from " VALUE_TEXT(lo) " to " VALUE_TEXT(hi) ", or off", .set = value_set_number,      \
    .print = value_print_number, .min = (lo), .max = (hi), .none = "off", .none_value = -1,                  \
    VALUE_AT(member)
#define VALUE_SIZE_OR_OFF(member)                                                                      \
    .value = "a size such as 64K, below 2G, or off", .set = value_set_size, .print = value_print_number,     \
    .min = 1, .max = INT32_MAX, .none = "off", .none_value = -1, VALUE_AT(member)
#define VALUE_WORD(member, list, text)                                                                 \
    .value = text, .set = value_set_word, .print = value_print_word, .words = list, VALUE_AT(member)
#define VALUE_DURATION(member)                                                                         \
    .value = "a duration such as 250ms or 10s", .set = value_set_duration, .print = value_print_duration,    \
    .max = INT64_MAX, .unit = 1, VALUE_AT(member)
#define VALUE_DURATION_OR_NONE(member)                                                                 \
    .value = "a duration such as 250ms or 10s, or none", .set = value_set_duration,                          \
    .print = value_print_duration, .max = INT64_MAX, .unit = 1, .none = "none", .none_value = INT64_MAX,     \
    VALUE_AT(member)
#define VALUE_STRING(member, text)                                                                     \
    .value = text, .set = value_set_string, .print = value_print_string, VALUE_AT(member)
#define VALUE_CHARS(member, text)                                                                      \
    .value = text, .set = value_set_text, .print = value_print_text, VALUE_AT(member)
#define VALUE_MODE(member)                                                                             \
    .value = "an octal mode from 0 to 07777", .set = value_set_mode, .print = value_print_mode,              \
    VALUE_AT(member)

#endif
