/* units: the numbers that a configuration writes: durations, sizes, counts, yes and no. Each parse reads
 * the whole text or fails with -EINVAL (no such number) or -ERANGE (outside what is allowed); nothing is
 * cut or rounded. */
#ifndef BERTH_BASE_UNITS_H
#define BERTH_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "250ms" "10s" "2m" "1h" "1d", "1.5s"; a bare number is seconds. Nanoseconds, never negative; at most 10
 * years; at most nine digits behind the point, and they must come to whole nanoseconds. */
int units_parse_duration(const char *s, int64_t *ret_ns);
/* "64K" "10M" "1G" "1T" (powers of 1024, either case), bare number is bytes. */
int units_parse_size(const char *s, uint64_t *ret_bytes);
/* Decimal, no sign, no spaces; min <= value <= max. */
int units_parse_uint(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
/* "yes" "true" "on" "1", "no" "false" "off" "0", in either case. */
int units_parse_bool(const char *s, bool *ret);
/* An octal file mode 0 to 07777, with or without a leading 0. */
int units_parse_mode(const char *s, unsigned *ret);
/* "1.5s", "250ms", "2m", "0s": the shortest form that parses to the same value and does not begin with
 * "0.", except below 1ms. A negative duration is written with a '-', for logs. Returns DST. */
char *units_format_duration(char *dst, size_t size, int64_t ns);

#endif
