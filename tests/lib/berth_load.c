/* berth-load: the tests' clients as a program, for demonstrations: loads an address and says what became of
 * the requests. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

static const char usage[] = "usage: berth-load [--clients N] [--pause USEC] [--keep-alive] [--path PATH] "
                            "[--seconds S | --until-eof] ADDRESS\n";

static const struct option longs[] = {
    {"clients", required_argument, NULL, 'c'},
    {"pause", required_argument, NULL, 'p'},
    {"keep-alive", no_argument, NULL, 'k'},
    {"path", required_argument, NULL, 'P'},
    {"seconds", required_argument, NULL, 's'},
    {"until-eof", no_argument, NULL, 'e'},
    {NULL, 0, NULL, 0},
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signo)
{
    (void)signo;
    interrupted = 1;
}

/* Until stdin ends, or the seconds (if any) are over, or somebody presses ^C. */
static void wait_for_the_end(bool until_eof, int seconds)
{
    struct pollfd in = {.fd = until_eof ? STDIN_FILENO : -1, .events = POLLIN};
    char sink[512];

    while (!interrupted) {
        int n = poll(&in, 1, until_eof ? -1 : seconds * 1000);
        if (n == 0 || (n > 0 && read(STDIN_FILENO, sink, sizeof(sink)) <= 0))
            return;
    }
}

int main(int argc, char *argv[])
{
    struct load_options options = {.clients = 4, .pause_us = 1000};
    struct sigaction interrupt = {.sa_handler = on_interrupt};
    int seconds = 5, o;
    bool until_eof = false;
    struct load_counts counts;
    char text[256];

    while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
        if (o == 'c')
            options.clients = (unsigned)atoi(optarg);
        else if (o == 'p')
            options.pause_us = (unsigned)atoi(optarg);
        else if (o == 'k')
            options.keep_alive = true;
        else if (o == 'P')
            options.path = optarg;
        else if (o == 's')
            seconds = atoi(optarg);
        else if (o == 'e')
            until_eof = true;
        else
            return fputs(usage, stderr), 2;
    }
    if (optind + 1 != argc)
        return fputs(usage, stderr), 2;
    options.address = argv[optind];
    struct load *load = load_start(&options);
    if (load == NULL) {
        fprintf(stderr, "berth-load: cannot load %s: %s\n", options.address, strerror(errno));
        return 1;
    }
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGTERM, &interrupt, NULL);
    wait_for_the_end(until_eof, seconds);
    load_stop(load, &counts);
    printf("%s\n", load_format(text, sizeof(text), &counts));
    return load_lost(&counts) == 0 ? 0 : 1;
}
