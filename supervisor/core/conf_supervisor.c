/* conf_supervisor: the keys of [supervisor]. */
#include "config.h"

#include "core/conf_tables.h"

#include <errno.h>

#include "base/mem.h"

/* Items as they are; an item with a comma cannot be had. */
static int set_list(void *section, const struct conf_key *self, const char *key, const char *value,
                    struct berr *err)
{
    struct strv *list = value_member(section, self);
    const char *cursor = value;
    char item[4096];
    int r = *value ? 0 : -EINVAL;

    while (r >= 0 && (r = value_next_item(&cursor, item, sizeof item)) > 0)
        strv_add(list, item);
    return r < 0 ? value_refuse(self, key, value, err) : 0;
}

/* What was included is in the configuration already, and is printed as part of it. */
static void print_nothing(const void *section, const struct conf_key *self, struct buf *out)
{
    (void)section, (void)self, (void)out;
}

static const char *const log_level_words[] = {"debug", "info", "warning", "error", NULL};
static const char *const log_format_words[] = {"text", "json", NULL};

#define SECTION struct conf
#define VALUE_AT VALUE_IN_SECTION

/* clang-format off */
const struct conf_key conf_supervisor_keys[] = {
    {"control", "", "The control socket; without it, the default of the user.", VALUE_STRING(control, "a path or @NAME"),
     .locate = value_locate_path},
    {"control_mode", "0600", "Permissions of the control socket; whoever gets in may read, and change things as its owner, root or a member of control_group.",
     VALUE_MODE(control_mode)},
    {"control_group", "", "The control socket's group; its members may change things.", VALUE_STRING(control_group, "a group's name or number")},
    {"include", "", "More files, by their names or by patterns of a shell; they are read as if they stood at the end of this one.",
     "a list of paths or patterns", .is_list = true, .set = set_list, .print = print_nothing, .locate = value_locate_list, VALUE_AT(include)},
    {"log_level", "info", "What berth tells of itself on standard error.", VALUE_WORD(log_level, log_level_words, "debug, info, warning or error"), .is_live = true},
    {"log_format", "text", "How it tells it: a line of text, or an object of JSON in a line.", VALUE_WORD(log_format, log_format_words, "text or json"), .is_live = true},
    {"shutdown_timeout", "none", "How long an orderly shutdown may take before everything that is left is killed.",
     VALUE_DURATION_OR_NONE(shutdown_timeout_ns), .is_live = true},
    {"env_file", "", "Files of NAME=VALUE lines: variables for ${NAME} and for every service. One behind a '-' may be missing.",
     "a list of paths", .is_list = true, .set = set_list, .print = value_print_strv, .locate = value_locate_list, VALUE_AT(env_file)},
    {.name = NULL},
};
/* clang-format on */
