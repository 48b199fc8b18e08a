/* bench reload: what clients feel of restarts. Requests come at a fixed rate, whatever becomes of the ones
 * before, and each one's latency counts from the instant at which it was due: one that has to wait for
 * another to be over has waited. Quiet rounds and rounds with restarts take turns. */
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
#define RESTART_EVERY_MS 250

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

/* Restarts while clients are at work; how often. */
static unsigned restart_meanwhile(const struct round *r)
{
    unsigned restarts = 0;

    for (double at = r->begun; r->under_way > 0; at += RESTART_EVERY_MS, restarts++) {
        process_time(BERTH("restart"));
        double early = at + RESTART_EVERY_MS - now_ms();
        if (early > 0)
            sleep_ms(early);
    }
    return restarts;
}

/* Fills LATENCY; how many requests got no answer. RESTARTS: NULL for a quiet round. */
static unsigned round_run(double *latency, unsigned *restarts)
{
    struct round r = {.begun = now_ms() + 100, .latency = latency, .under_way = CLIENTS};
    pthread_t threads[CLIENTS];

    for (size_t i = 0; i < CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, client, &r) != 0)
            die("no thread can be had");
    if (restarts != NULL)
        *restarts += restart_meanwhile(&r);
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    return r.lost;
}

static void wait_for_server(void)
{
    char body[256];

    for (double begun = now_ms(); load_ask(ADDRESS, "/", body, sizeof(body)) < 0; sleep_ms(10))
        if (now_ms() - begun > LOAD_PATIENCE_SECONDS * 1e3)
            die("the server does not answer");
}

void bench_reload(void)
{
    static double quiet[ROUNDS * REQUESTS], restarted[ROUNDS * REQUESTS];
    static const struct {
        const char *what;
        double q;
    } lines[] = {{"latency, p50", 0.5}, {"latency, p99", 0.99}, {"latency, max", 1}};
    const size_t n = ROUNDS * REQUESTS;
    unsigned restarts = 0, lost = 0, quiet_lost = 0;
    pid_t keeper = process_start(
        BERTH("run", "--log-level", "warning", "--listen", ADDRESS, "--", programs.probe, "--drain"));

    wait_for_server();
    for (size_t i = 0; i < ROUNDS; i++) {
        quiet_lost += round_run(quiet + i * REQUESTS, NULL);
        lost += round_run(restarted + i * REQUESTS, &restarts);
    }
    subject_shutdown(keeper);
    figures(
        "reload: %d requests a second, %d of them with and %d without restarts (one each %d ms, %u in all)",
        RATE, (int)n, (int)n, RESTART_EVERY_MS, restarts);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        figure(lines[i].what, "ms", quantile(restarted, n, lines[i].q), "no restarts",
               quantile(quiet, n, lines[i].q));
    figure("requests without an answer", "", lost, "no restarts", quiet_lost);
}
