/* sd_say: an independent client of the notify protocol: libsystemd's own. It does what its arguments say, one
 * after the other, and ends with 1 when one of them fails:
 *
 *   say:TEXT         sd_notify(); "\\n" is a newline
 *   for-parent:TEXT  sd_pid_notify() in the name of the parent
 *   store:TEXT       sd_pid_notify_with_fds() with a memfd that holds TEXT
 *   barrier          sd_notify_barrier()
 *   watchdog:N       sd_watchdog_enabled() must say N microseconds; 0: none
 *   feed:MS          sd_notify("WATCHDOG=1") every MS milliseconds, for ever
 *   listen           sd_listen_fds_with_names(): for each descriptor a line "NAME: what is in it"
 *   wait             for ever
 *   exit:N           ends with N */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

static char *unescape(const char *text)
{
    char *copy = strdup(text);
    for (char *at = copy; copy && (at = strstr(at, "\\n")) != NULL;) {
        *at++ = '\n';
        memmove(at, at + 1, strlen(at));
    }
    return copy;
}

static int store(const char *text)
{
    int fd = memfd_create("stored", MFD_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return -1;
    char state[300];
    snprintf(state, sizeof state, "FDSTORE=1\nFDNAME=%s", text);
    int r = sd_pid_notify_with_fds(0, 0, state, &fd, 1);
    close(fd);
    return r;
}

static int tell_what_is_there(void)
{
    char **names = NULL;
    int n = sd_listen_fds_with_names(0, &names);
    for (int i = 0; i < n; i++) {
        char text[256] = "";
        if (pread(SD_LISTEN_FDS_START + i, text, sizeof text - 1, 0) < 0)
            snprintf(text, sizeof text, "(no file)");
        printf("%s: %s\n", names[i], text);
    }
    printf("%d\n", n);
    fflush(stdout);
    return n < 0 ? n : 1;
}

static int feed(int ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
    while (sd_notify(0, "WATCHDOG=1") > 0)
        nanosleep(&pause, NULL);
    return -1;
}

/* Negative: it has failed. */
static int act(const char *word)
{
    const char *colon = strchr(word, ':'), *value = colon ? colon + 1 : "";
    char *text = unescape(value);
    int r = -1;
    if (strncmp(word, "say:", 4) == 0) {
        r = sd_notify(0, text);
    } else if (strncmp(word, "for-parent:", 11) == 0) {
        r = sd_pid_notify(getppid(), 0, text);
    } else if (strncmp(word, "store:", 6) == 0) {
        r = store(text);
    } else if (strcmp(word, "barrier") == 0) {
        r = sd_notify_barrier(0, 5000000);
    } else if (strncmp(word, "watchdog:", 9) == 0) {
        uint64_t usec = 0;
        int enabled = sd_watchdog_enabled(0, &usec);
        r = enabled == (atol(value) > 0) && (!enabled || usec == strtoull(value, NULL, 10)) ? 1 : -1;
    } else if (strncmp(word, "feed:", 5) == 0) {
        r = feed(atoi(value));
    } else if (strcmp(word, "listen") == 0) {
        r = tell_what_is_there();
    } else if (strcmp(word, "wait") == 0) {
        r = pause();
    } else if (strncmp(word, "exit:", 5) == 0) {
        exit(atoi(value));
    }
    free(text);
    return r;
}

int main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        int r = act(argv[i]);
        if (r <= 0) {
            fprintf(stderr, "sd_say: %s: %s\n", argv[i], strerror(-r));
            return 1;
        }
    }
    return 0;
}
