/* bench reload: what clients feel of restarts and of reloads. Requests come at a fixed rate, whatever becomes
 * of the ones before, and each one's latency counts from the instant at which it was due: one that has to
 * wait for another to be over has waited. Quiet rounds and the others take turns. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "tests/lib/load.h"

#define ADDRESS "unix:web.sock"
#define CLIENTS 32 /* that many requests are under way at once, at most */
#define RATE 500   /* a second */
#define ROUND_SECONDS 3
#define ROUNDS 4                        /* of each kind */
#define REQUESTS (RATE * ROUND_SECONDS) /* of a round */
#define DEED_EVERY_MS 250
#define SETTLE "100ms"

struct round {
    double begun;
    double *latency; /* of each request, by its number; borrowed */
    _Atomic unsigned next, lost, under_way;
};

static void *client(void *argument)
{
    struct round *r = argument;
    char body[256];

    for (unsigned i = r->next++; i < REQUESTS; i = r->next++) {
        double due = r->begun + i * 1e3 / RATE, early = due - now_ms();
        if (early > 0)
            sleep_ms(early);
        r->lost += load_ask(ADDRESS, "/", body, sizeof(body)) < 0;
        r->latency[i] = now_ms() - due;
    }
    r->under_way--;
    return NULL;
}

/* What is done to the server in the rounds of a kind. */
static const struct kind {
    const char *command; /* of berth; NULL: nothing */
    const char *name;
} kinds[] = {{NULL, NULL}, {"restart", "restarts"}, {"reload", "rolling reloads (settle = " SETTLE ")"}};
enum { QUIET, N_KINDS = sizeof(kinds) / sizeof(*kinds) };

/* All rounds of a kind. */
static struct tally {
    double latency[ROUNDS * REQUESTS];
    unsigned lost, deeds;
} tallies[N_KINDS];

/* Does KIND's deed while clients are at work; how often. */
static unsigned meddle(const struct kind *kind, const struct round *r)
{
    unsigned deeds = 0;

    for (double at = r->begun; r->under_way > 0; at += DEED_EVERY_MS, deeds++) {
        process_time(BERTH(kind->command));
        double early = at + DEED_EVERY_MS - now_ms();
        if (early > 0)
            sleep_ms(early);
    }
    return deeds;
}

/* Round number I of KIND. */
static void round_run(size_t i, size_t kind)
{
    struct tally *t = &tallies[kind];
    struct round r = {.begun = now_ms() + 100, .latency = t->latency + i * REQUESTS, .under_way = CLIENTS};
    pthread_t threads[CLIENTS];

    for (size_t k = 0; k < CLIENTS; k++)
        if (pthread_create(&threads[k], NULL, client, &r) != 0)
            die("no thread can be had");
    if (kinds[kind].command != NULL)
        t->deeds += meddle(&kinds[kind], &r);
    for (size_t k = 0; k < CLIENTS; k++)
        pthread_join(threads[k], NULL);
    t->lost += r.lost;
}

static void wait_for_server(void)
{
    char body[256];

    for (double begun = now_ms(); load_ask(ADDRESS, "/", body, sizeof(body)) < 0; sleep_ms(10))
        if (now_ms() - begun > LOAD_PATIENCE_SECONDS * 1e3)
            die("the server does not answer");
}

static void print(size_t kind)
{
    static const struct {
        const char *what;
        double q;
    } lines[] = {{"latency, p50", 0.5}, {"latency, p99", 0.99}, {"latency, max", 1}};
    const size_t n = ROUNDS * REQUESTS;
    struct tally *t = &tallies[kind], *quiet = &tallies[QUIET];

    figures("reload: %d requests with, and as many without, %u %s;\n  %d requests a second, one of those "
            "each %d ms",
            (int)n, t->deeds, kinds[kind].name, RATE, DEED_EVERY_MS);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        figure(lines[i].what, "ms", quantile(t->latency, n, lines[i].q), "nothing is done",
               quantile(quiet->latency, n, lines[i].q));
    figure("requests without an answer", "", t->lost, "nothing is done", quiet->lost);
}

void bench_reload(void)
{
    pid_t keeper = process_start(BERTH("run", "--log-level", "warning", "--set", "settle=" SETTLE, "--listen",
                                       ADDRESS, "--", programs.probe, "--drain"));

    wait_for_server();
    for (size_t i = 0; i < ROUNDS; i++)
        for (size_t kind = 0; kind < N_KINDS; kind++)
            round_run(i, kind);
    subject_shutdown(keeper);
    for (size_t kind = QUIET + 1; kind < N_KINDS; kind++)
        print(kind);
}
