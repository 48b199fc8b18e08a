/* conf_value: text to member and back, by the row's own description of the member. A setter changes nothing
 * unless the whole text is good. */
#include "config.h"

#include "core/conf_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/mono.h"
#include "base/must.h"
#include "base/units.h"

int value_refuse(const struct conf_key *self, const char *key, const char *value, struct berr *err)
{
    char quoted[128];
    return berr_set(err, BERR_CONFIG, EINVAL, "%s must be %s, not \"%s\"", key, self->value,
                    str_escape(quoted, sizeof quoted, value, strlen(value)));
}

int value_refuse_later(const char *key, const char *word, struct berr *err)
{
    char quoted[128];
    return berr_set(err, BERR_CONFIG, EINVAL, "%s = %s is not carried out by this version of berth", key,
                    str_escape(quoted, sizeof quoted, word, strlen(word)));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int value_next_item(const char **cursor, char *item, size_t size)
{
    const char *s = *cursor, *end;
    size_t n;

    if (!*s)
        return 0;
    end = s + strcspn(s, ",");
    /* "a," has an empty item behind its comma. */
    if (end[0] == ',' && end[1] == '\0')
        return -EINVAL;
    *cursor = *end ? end + 1 : end;
    while (s < end && is_blank(*s))
        s++;
    while (end > s && is_blank(end[-1]))
        end--;
    n = (size_t)(end - s);
    if (n == 0 || n >= size)
        return -EINVAL;
    memcpy(item, s, n);
    item[n] = '\0';
    return 1;
}

int value_parse_duration(const char *text, int64_t unit, int64_t min, int64_t max, int64_t *ret)
{
    int64_t ns;
    int r = units_parse_duration(text, &ns);

    if (r < 0)
        return r;
    if (ns % unit != 0)
        return -EINVAL;
    if (ns / unit < min || ns / unit > max)
        return -ERANGE;
    *ret = ns / unit;
    return 0;
}

void *value_member(void *section, const struct conf_key *self)
{
    char *base = section;
    if (self->is_in_block)
        base = *(char **)(void *)(base + self->block);
    return base + self->offset;
}

const void *value_const_member(const void *section, const struct conf_key *self)
{
    return value_member((void *)section, self);
}

/* Members are of many integer types; a row knows the size of its own. */
static void store(void *section, const struct conf_key *self, int64_t n)
{
    char *at = value_member(section, self);

    if (self->size == sizeof(int64_t))
        memcpy(at, &n, sizeof n);
    else if (self->size == sizeof(int32_t))
        memcpy(at, &(int32_t){(int32_t)n}, sizeof(int32_t));
    else
        must(!"a member of another size");
}

static int64_t load(const void *section, const struct conf_key *self)
{
    const char *at = value_const_member(section, self);
    int64_t wide;
    int32_t narrow;

    if (self->size == sizeof wide)
        return memcpy(&wide, at, sizeof wide), wide;
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
}

static bool is_none(const struct conf_key *self, const char *value)
{
    return self->none && (str_eq(value, self->none) || str_eq(value, "no"));
}

int value_set_bool(void *section, const struct conf_key *self, const char *key, const char *value,
                   struct berr *err)
{
    bool b;
    if (units_parse_bool(value, &b) < 0)
        return value_refuse(self, key, value, err);
    *(bool *)value_member(section, self) = b;
    return 0;
}

int value_set_number(void *section, const struct conf_key *self, const char *key, const char *value,
                     struct berr *err)
{
    bool is_negative = self->min < 0 && value[0] == '-';
    uint64_t most = (uint64_t)(is_negative ? -self->min : self->max), n;

    if (is_none(self, value)) {
        store(section, self, self->none_value);
        return 0;
    }
    if (units_parse_uint(value + is_negative, self->min > 0 ? (uint64_t)self->min : 0, most, &n) < 0)
        return value_refuse(self, key, value, err);
    store(section, self, is_negative ? -(int64_t)n : (int64_t)n);
    return 0;
}

int value_set_size(void *section, const struct conf_key *self, const char *key, const char *value,
                   struct berr *err)
{
    uint64_t n;

    if (is_none(self, value)) {
        store(section, self, self->none_value);
        return 0;
    }
    if (units_parse_size(value, &n) < 0 || n < (uint64_t)self->min || n > (uint64_t)self->max)
        return value_refuse(self, key, value, err);
    store(section, self, (int64_t)n);
    return 0;
}

int value_set_duration(void *section, const struct conf_key *self, const char *key, const char *value,
                       struct berr *err)
{
    int64_t n = self->none_value;

    if (!is_none(self, value) && value_parse_duration(value, self->unit, self->min, self->max, &n) < 0)
        return value_refuse(self, key, value, err);
    store(section, self, n);
    return 0;
}

int value_set_word(void *section, const struct conf_key *self, const char *key, const char *value,
                   struct berr *err)
{
    for (int i = 0; self->words[i]; i++) {
        if (str_eq(value, self->words[i]) && value[0] != '!') {
            store(section, self, i + self->min);
            return 0;
        }
        if (self->words[i][0] == '!' && str_eq(value, self->words[i] + 1))
            return value_refuse_later(key, value, err);
    }
    return value_refuse(self, key, value, err);
}

int value_set_mode(void *section, const struct conf_key *self, const char *key, const char *value,
                   struct berr *err)
{
    unsigned mode;
    if (units_parse_mode(value, &mode) < 0)
        return value_refuse(self, key, value, err);
    store(section, self, mode);
    return 0;
}

int value_set_string(void *section, const struct conf_key *self, const char *key, const char *value,
                     struct berr *err)
{
    char **member = value_member(section, self);
    if (!*value)
        return value_refuse(self, key, value, err);
    free(*member);
    *member = mem_strdup(value);
    return 0;
}

int value_set_text(void *section, const struct conf_key *self, const char *key, const char *value,
                   struct berr *err)
{
    if (!*value || strlen(value) >= self->size)
        return value_refuse(self, key, value, err);
    str_copy(value_member(section, self), self->size, value);
    return 0;
}

void value_print_bool(const void *section, const struct conf_key *self, struct buf *out)
{
    buf_add_str(out, *(const bool *)value_const_member(section, self) ? "yes" : "no");
}

void value_print_number(const void *section, const struct conf_key *self, struct buf *out)
{
    int64_t n = load(section, self);
    if (self->none && n == self->none_value)
        buf_add_str(out, self->none);
    else
        buf_printf(out, "%lld", (long long)n);
}

void value_print_duration(const void *section, const struct conf_key *self, struct buf *out)
{
    char text[40];
    int64_t n = load(section, self);
    if (self->none && n == self->none_value)
        buf_add_str(out, self->none);
    else
        buf_add_str(out, units_format_duration(text, sizeof text, n * self->unit));
}

void value_print_word(const void *section, const struct conf_key *self, struct buf *out)
{
    buf_add_str(out, self->words[load(section, self) - self->min]);
}

void value_print_mode(const void *section, const struct conf_key *self, struct buf *out)
{
    buf_printf(out, "%04llo", (unsigned long long)load(section, self));
}

void value_print_string(const void *section, const struct conf_key *self, struct buf *out)
{
    const char *s = *(char *const *)value_const_member(section, self);
    buf_add_str(out, s ? s : "");
}

void value_print_text(const void *section, const struct conf_key *self, struct buf *out)
{
    buf_add_str(out, value_const_member(section, self));
}

void value_print_strv(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct strv *sv = value_const_member(section, self);
    for (size_t i = 0; i < sv->n; i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", sv->v[i]);
}
