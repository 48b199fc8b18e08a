/* units: the numbers that a configuration writes.
 *
 * Everything is computed in whole numbers, so that what is accepted is exactly what was written. */
#include "config.h"

#include "base/units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mono.h"
#include "base/str.h"

#define LONGEST_DURATION (INT64_C(10) * 365 * 24 * 3600 * NSEC_PER_SEC)
#define FRACTION_DIGITS 9
#define BILLION INT64_C(1000000000)

struct duration_unit {
    const char *name;
    int64_t ns;
};

static const struct duration_unit duration_units[] = {
    {"d", 24 * 3600 * NSEC_PER_SEC}, {"h", 3600 * NSEC_PER_SEC},
    {"m", 60 * NSEC_PER_SEC},        {"s", NSEC_PER_SEC},
    {"ms", NSEC_PER_MSEC},
};

static const size_t n_duration_units = sizeof(duration_units) / sizeof(duration_units[0]);

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads decimal digits at *S and moves it behind them. -EINVAL: there is none; -ERANGE: more than 64 bits. */
static int take_digits(const char **s, uint64_t *ret)
{
    const char *p = *s;
    if (!is_digit(*p))
        return -EINVAL;
    uint64_t value = 0;
    bool too_large = false;
    for (; is_digit(*p); p++) {
        too_large |= __builtin_mul_overflow(value, 10u, &value);
        too_large |= __builtin_add_overflow(value, (unsigned)(*p - '0'), &value);
    }
    if (too_large)
        return -ERANGE;
    *s = p;
    *ret = value;
    return 0;
}

/* Reads ".25" at *S, if a fraction stands there, as billionths; finer ones are refused, not rounded. */
static int take_fraction(const char **s, int64_t *ret_billionths)
{
    const char *p = *s;
    int64_t value = 0, digit_worth = BILLION / 10;
    if (*p == '.') {
        if (!is_digit(*++p))
            return -EINVAL;
        for (; is_digit(*p); p++, digit_worth /= 10) {
            if (digit_worth == 0 && *p != '0')
                return -EINVAL;
            value += (*p - '0') * digit_worth;
        }
    }
    *s = p;
    *ret_billionths = value;
    return 0;
}

static const struct duration_unit *find_unit(const char *name)
{
    if (name[0] == '\0')
        name = "s";
    for (size_t i = 0; i < n_duration_units; i++)
        if (str_eq(duration_units[i].name, name))
            return &duration_units[i];
    return NULL;
}

/* BILLIONTHS of UNIT in whole nanoseconds, or -EINVAL. Either is a multiple of the other, so nothing
 * overflows. */
static int64_t fraction_of(int64_t unit_ns, int64_t billionths)
{
    if (unit_ns >= BILLION)
        return billionths * (unit_ns / BILLION);
    int64_t grain = BILLION / unit_ns;
    return billionths % grain == 0 ? billionths / grain : -EINVAL;
}

int units_parse_duration(const char *s, int64_t *ret_ns)
{
    uint64_t whole;
    int64_t billionths = 0;
    int r = take_digits(&s, &whole);
    if (r == 0)
        r = take_fraction(&s, &billionths);
    if (r < 0)
        return r;
    const struct duration_unit *unit = find_unit(s);
    if (unit == NULL)
        return -EINVAL;
    int64_t fraction = fraction_of(unit->ns, billionths);
    if (fraction < 0)
        return -EINVAL;
    if (whole > (uint64_t)(LONGEST_DURATION / unit->ns))
        return -ERANGE;
    int64_t ns = (int64_t)whole * unit->ns + fraction;
    if (ns > LONGEST_DURATION)
        return -ERANGE;
    *ret_ns = ns;
    return 0;
}

int units_parse_size(const char *s, uint64_t *ret_bytes)
{
    uint64_t value;
    int r = take_digits(&s, &value);
    if (r < 0)
        return r;
    static const char letters[] = "KMGT";
    unsigned shift = 0;
    if (*s != '\0') {
        const char *letter = strchr(letters, *s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s);
        if (letter == NULL || s[1] != '\0')
            return -EINVAL;
        shift = 10 * (unsigned)(letter - letters + 1);
    }
    if (value > UINT64_MAX >> shift)
        return -ERANGE;
    *ret_bytes = value << shift;
    return 0;
}

int units_parse_uint(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t value;
    if (s[strspn(s, "0123456789")] != '\0')
        return -EINVAL;
    int r = take_digits(&s, &value);
    if (r < 0)
        return r;
    if (value < min || value > max)
        return -ERANGE;
    *ret = value;
    return 0;
}

int units_parse_bool(const char *s, bool *ret)
{
    static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (int value = 0; value < 2; value++) {
            if (strcasecmp(s, words[i][value]) != 0)
                continue;
            *ret = value;
            return 0;
        }
    }
    return -EINVAL;
}

int units_parse_mode(const char *s, unsigned *ret)
{
    unsigned mode = 0;
    if (*s == '\0' || s[strspn(s, "01234567")] != '\0')
        return -EINVAL;
    for (; *s != '\0'; s++) {
        mode = mode * 8 + (unsigned)(*s - '0');
        if (mode > 07777)
            return -ERANGE;
    }
    *ret = mode;
    return 0;
}

/* NS as a decimal of UNIT; false when no nine digits behind the point express it. */
static bool format_in(char *dst, size_t size, uint64_t ns, const struct duration_unit *unit)
{
    uint64_t unit_ns = (uint64_t)unit->ns, rest = ns % unit_ns, billionths;
    if (unit->ns >= BILLION) {
        uint64_t grain = unit_ns / BILLION;
        if (rest % grain != 0)
            return false;
        billionths = rest / grain;
    } else {
        billionths = rest * (BILLION / unit_ns);
    }
    char fraction[FRACTION_DIGITS + 2] = "";
    if (billionths > 0) {
        snprintf(fraction, sizeof(fraction), ".%09u", (unsigned)billionths);
        for (size_t n = strlen(fraction); fraction[n - 1] == '0'; n--)
            fraction[n - 1] = '\0';
    }
    snprintf(dst, size, "%llu%s%s", (unsigned long long)(ns / unit_ns), fraction, unit->name);
    return true;
}

char *units_format_duration(char *dst, size_t size, int64_t ns)
{
    const char *sign = ns < 0 ? "-" : "";
    uint64_t magnitude = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    char best[48] = "0s", text[48];
    bool found = magnitude == 0;
    for (size_t i = 0; i < n_duration_units && magnitude > 0; i++) {
        const struct duration_unit *unit = &duration_units[i];
        bool last = i == n_duration_units - 1;
        if (magnitude < (uint64_t)unit->ns && !last) /* nobody wants to read 0.1s for 100ms */
            continue;
        if (!format_in(text, sizeof(text), magnitude, unit))
            continue;
        if (!found || strlen(text) <= strlen(best)) /* as short, but with fewer digits behind the point */
            memcpy(best, text, sizeof(best));
        found = true;
    }
    snprintf(dst, size, "%s%s", sign, best);
    return dst;
}
