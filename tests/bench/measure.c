/* measure: the clock, what is made of many values, and how figures are printed. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

#define LOG_TAIL 2000

static void print_log_tail(void)
{
    char text[LOG_TAIL];
    FILE *log = fopen("log", "re");

    if (log == NULL)
        return;
    if (fseek(log, -LOG_TAIL, SEEK_END) < 0)
        rewind(log);
    fwrite(text, 1, fread(text, 1, sizeof(text), log), stderr);
    fclose(log);
}

void die(const char *fmt, ...)
{
    va_list args;

    fflush(stdout);
    print_log_tail();
    fputs("bench: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    _Exit(1);
}

double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void sleep_ms(double ms)
{
    struct timespec rest = {.tv_sec = (time_t)(ms / 1e3), .tv_nsec = (long)(ms * 1e6) % 1000000000};

    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        ;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double quantile(double *values, size_t n, double q)
{
    size_t at = (size_t)(q * (double)n);

    if (n == 0)
        die("there is nothing to take a quantile of");
    qsort(values, n, sizeof(*values), compare);
    return values[at < n ? at : n - 1];
}

double median(double *values, size_t n)
{
    return quantile(values, n, 0.5);
}

void figures(const char *fmt, ...)
{
    va_list args;

    putchar('\n');
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n  %-38s %10s %-4s %10s %-4s %-22s %6s\n", "what", "value", "", "baseline", "", "", "ratio");
}

void figure(const char *what, const char *unit, double value, const char *baseline_is, double baseline)
{
    char ratio[32] = "-";

    if (baseline > 0)
        snprintf(ratio, sizeof(ratio), "%.2f", value / baseline);
    if (baseline_is == NULL)
        printf("  %-38s %10.3f%s%s\n", what, value, unit[0] != '\0' ? " " : "", unit);
    else
        printf("  %-38s %10.3f %-4s %10.3f %-4s %-22s %6s\n", what, value, unit, baseline, unit, baseline_is,
               ratio);
    fflush(stdout);
}

void figure_missing(const char *what, const char *why)
{
    printf("  %-38s %s\n", what, why);
}
