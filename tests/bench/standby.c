/* bench standby: what clients see of the death of a worker that boots for 3 seconds, with a spare and
 * without. Both services are one berth's, and their workers die by turns. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "tests/lib/load.h"

#define BOOT_SECONDS 3
#define ROUNDS 6
#define MARGIN_MS 500 /* until a spare that began to boot with a worker has said that it waits */

static void configure(void)
{
    static const char *const names[] = {"with", "without"};
    FILE *f = fopen("berth.ini", "we");

    if (f == NULL)
        die("berth.ini: %s", strerror(errno));
    fprintf(f, "[supervisor]\ncontrol = control.sock\nlog_level = warning\n");
    for (int i = 0; i < 2; i++)
        fprintf(f,
                "[socket:%s]\nlisten = unix:%s.sock\n"
                "[service:%s]\nsockets = %s\nhandoff = channel\nstable_after = 0s\nstandby = %d\n"
                "command = sh -c 'sleep %d; exec \"$$0\" --from channel' '%s'\n",
                names[i], names[i], names[i], names[i], i == 0, BOOT_SECONDS, programs.probe);
    if (fclose(f) != 0)
        die("berth.ini: %s", strerror(errno));
}

/* Who serves at ADDRESS; waits until somebody does. */
static pid_t ask(const char *address)
{
    char body[256] = "";

    for (double begun = now_ms(); load_ask(address, "/", body, sizeof(body)) < 0; sleep_ms(1))
        if (now_ms() - begun > 2 * LOAD_PATIENCE_SECONDS * 1e3)
            die("nobody answers at %s", address);
    if (strncmp(body, "pid=", 4) != 0)
        die("%s answers \"%s\"", address, body);
    return (pid_t)atoi(body + 4);
}

/* Milliseconds from the death of the worker that serves there to the next answer. */
static double gap(const char *address)
{
    double begun = process_kill(ask(address));

    ask(address);
    return now_ms() - begun;
}

void bench_standby(void)
{
    static double with[ROUNDS], without[ROUNDS];
    pid_t keeper;

    configure();
    keeper = subject_up();
    ask("unix:with.sock");
    ask("unix:without.sock");
    for (size_t i = 0; i < ROUNDS; i++) {
        sleep_ms(MARGIN_MS);
        with[i] = gap("unix:with.sock");
        without[i] = gap("unix:without.sock"); /* long enough for the other one's next spare */
    }
    subject_shutdown(keeper);
    figures("standby: KILL of a worker that boots for %d s until the next answer, %d times", BOOT_SECONDS,
            ROUNDS);
    figure("killed to answered, median", "ms", median(with, ROUNDS), "without a spare",
           median(without, ROUNDS));
    figure("killed to answered, worst", "ms", quantile(with, ROUNDS, 1), "without a spare",
           quantile(without, ROUNDS, 1));
}
