/* bench scale: how berth grows with the number of services. The same is done with 10, 100, 1000 and 5000 of
 * them; per service it should cost the same as with 100 of them, so a ratio that grows with the number is a
 * step that is not linear. Ten pay for berth's own start and end, too.
 *
 * Noise only ever makes something slower: of each time the least of some rounds is taken, and a round has all
 * sizes, so that a disturbance meets them all. */
#include "config.h"

#include <stdio.h>

#include "bench.h"

#define ROUNDS 5
#define SETTLE_MS 12000 /* longer than a worker's stable_after, and any other timer that is on its way */
#define IDLE_MS 3000

static const size_t sizes[] = {10, 100, 1000, SERVICES_MOST};
/* As the baseline does it. A rolling update would wait for `settle`, and needs room for twice the workers. */
#define KEYS "reload = restart\n"
enum { TEN, HUNDRED, N_SIZES = sizeof(sizes) / sizeof(*sizes) };

enum deed { START, STATUS, UPDATE_NOTHING, UPDATE_ALL, STOP, N_DEEDS };
enum process { KEEPER, SUPERVISOR, N_PROCESSES };

static const struct {
    const char *name, *baseline; /* NULL: there is none that is not berth */
} deeds[N_DEEDS] = {
    [START] = {"start", "fork and exec"},
    [STATUS] = {"status", NULL},
    [UPDATE_NOTHING] = {"update, nothing new", "berth check"},
    [UPDATE_ALL] = {"update, all changed", "TERM, wait, exec"},
    [STOP] = {"stop", "TERM and wait"},
};
static const char *const processes[N_PROCESSES] = {"keeper", "supervisor"};

/* What one size gave; times in milliseconds for all services together, 0 where there is none yet. */
struct result {
    double took[N_DEEDS], bare[N_DEEDS];
    double pss[N_PROCESSES], sleeps[N_PROCESSES];
    double updated_pss; /* the supervisor's, once every service was changed */
};

static void least(double *ms, double one)
{
    if (*ms == 0 || one < *ms)
        *ms = one;
}

static void measure_bare(size_t n, struct result *ret)
{
    static pid_t pids[SERVICES_MOST];
    double start = bare_start_all(pids, n), stop = bare_stop_all(pids, n);

    least(&ret->bare[START], start);
    least(&ret->bare[STOP], stop);
    least(&ret->bare[UPDATE_ALL], stop + start);
    least(&ret->bare[UPDATE_NOTHING], process_time(BERTH("check", "-c", "berth.ini")));
}

static void measure_idle(const pid_t *pids, struct result *ret)
{
    sleep_ms(SETTLE_MS);
    for (enum process p = 0; p < N_PROCESSES; p++) {
        ret->pss[p] = process_pss(pids[p]);
        ret->sleeps[p] = -process_sleeps(pids[p]);
    }
    sleep_ms(IDLE_MS);
    for (enum process p = 0; p < N_PROCESSES; p++)
        ret->sleeps[p] += process_sleeps(pids[p]);
}

static void measure_berth(size_t n, bool has_idleness, struct result *ret)
{
    pid_t pids[N_PROCESSES];
    double begun = now_ms();

    pids[KEEPER] = subject_up();
    greeting_wait(n);
    least(&ret->took[START], now_ms() - begun);
    pids[SUPERVISOR] = subject_supervisor(pids[KEEPER]);
    if (has_idleness)
        measure_idle(pids, ret);
    least(&ret->took[STATUS], process_time(BERTH("status")));
    least(&ret->took[UPDATE_NOTHING], process_time(BERTH("update")));
    subject_configure(n, 2, KEYS);
    least(&ret->took[UPDATE_ALL], process_time(BERTH("update")));
    greeting_wait(n);
    if (has_idleness)
        ret->updated_pss = process_pss(pids[SUPERVISOR]);
    least(&ret->took[STOP], subject_shutdown(pids[KEEPER]));
}

/* What the baseline of a line is; NULL where it would be itself. */
static const char *beside_hundred(size_t i)
{
    return i == HUNDRED ? NULL : "each of 100";
}

static void print_deed(enum deed d, const struct result *results, size_t n_results)
{
    char what[64];

    for (size_t i = 0; i < n_results; i++) {
        double n = (double)sizes[i], each = results[i].took[d] / n;
        snprintf(what, sizeof(what), "%s, each of %zu", deeds[d].name, sizes[i]);
        figure(what, "ms", each, beside_hundred(i), results[HUNDRED].took[d] / (double)sizes[HUNDRED]);
        if (deeds[d].baseline != NULL)
            figure(what, "ms", each, deeds[d].baseline, results[i].bare[d] / n);
    }
}

/* KiB for each service more than ten. */
static double growth(enum process p, const struct result *results, size_t i)
{
    return (results[i].pss[p] - results[TEN].pss[p]) / (double)(sizes[i] - sizes[TEN]);
}

static void print_memory(const struct result *results, size_t i)
{
    double sum = 0, baseline = 0;
    char what[64];

    for (enum process p = 0; p < N_PROCESSES; p++) {
        snprintf(what, sizeof(what), "PSS of the %s, each of %zu", processes[p], sizes[i]);
        figure(what, "KiB", growth(p, results, i), beside_hundred(i), growth(p, results, HUNDRED));
        sum += growth(p, results, i);
        baseline += growth(p, results, HUNDRED);
    }
    snprintf(what, sizeof(what), "PSS of both, each of %zu", sizes[i]);
    figure(what, "KiB", sum, beside_hundred(i), baseline);
    snprintf(what, sizeof(what), "supervisor's PSS, all %zu changed", sizes[i]);
    figure(what, "KiB", results[i].updated_pss, "before", results[i].pss[SUPERVISOR]);
}

static void print_idle(const struct result *r, size_t n)
{
    char what[64];

    for (enum process p = 0; p < N_PROCESSES; p++) {
        snprintf(what, sizeof(what), "idle, %s of %zu woke up", processes[p], n);
        figure(what, "", r->sleeps[p], NULL, 0);
    }
}

void bench_scale(void)
{
    static struct result results[N_SIZES];
    size_t n = 0;

    greeting_open();
    while (n < N_SIZES && subject_is_permitted(sizes[n]))
        n++;
    for (unsigned round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < n; i++) {
            subject_configure(sizes[i], 1, KEYS);
            measure_bare(sizes[i], &results[i]);
            measure_berth(sizes[i], round == 0, &results[i]);
        }
    figures("scale: services with a Unix socket each; times are per service, the least of %d rounds", ROUNDS);
    for (enum deed d = 0; d < N_DEEDS; d++)
        print_deed(d, results, n);
    figures("scale: what a service more takes (beyond ten), and wakeups in %d s of idleness", IDLE_MS / 1000);
    for (size_t i = HUNDRED; i < n; i++)
        print_memory(results, i);
    for (size_t i = 0; i < n; i++)
        print_idle(&results[i], sizes[i]);
    for (; n < N_SIZES; n++) {
        char what[64];
        snprintf(what, sizeof(what), "%zu services", sizes[n]);
        figure_missing(what, NOT_PERMITTED);
    }
}
