/* test_terminal: berth run in the foreground of a terminal: the command gets it, keys and all, and gives it
 * back. */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

struct screen {
    int fd; /* ours */
    char text[8192];
    size_t len;
};

/* Reads what there is; true if WORD is on the screen. */
static bool shows(struct screen *s, const char *word)
{
    struct pollfd in = {.fd = s->fd, .events = POLLIN};

    while (s->len < sizeof(s->text) - 1 && poll(&in, 1, 0) > 0) {
        ssize_t n = read(s->fd, s->text + s->len, sizeof(s->text) - 1 - s->len);
        if (n <= 0)
            break;
        s->len += (size_t)n;
    }
    s->text[s->len] = '\0';
    return strstr(s->text, word) != NULL;
}

static void type(const struct screen *s, const char *keys)
{
    cr_assert(write(s->fd, keys, strlen(keys)) == (ssize_t)strlen(keys));
}

rig_test(terminal, the_command_reads_what_is_typed)
{
    struct screen s = {
        .fd = rig_start_on_terminal(
            r, rig_run_argv(r, RIG_ARGV("--", "sh", "-c", "echo ready; read word; echo \"got $word\"")))};

    rig_until(r, shows(&s, "ready"));
    type(&s, "anchor\n");
    rig_until(r, shows(&s, "got anchor"));
    cr_assert(rig_wait_exit(r) == 0, "%d: %s", r->exit_status, s.text);
    close(s.fd);
}

rig_test(terminal, an_interrupt_key_ends_the_command_in_order)
{
    struct screen s = {.fd = rig_start_on_terminal(
                           r, rig_run_argv(r, RIG_ARGV("--restart", "no", "--", "sh", "-c",
                                                       "trap 'echo interrupted; exit 5' INT TERM; echo "
                                                       "prepared; while :; do sleep 0.02; done")))};

    rig_until(r, shows(&s, "prepared")); /* berth itself writes that it is ready */
    type(&s, "\003");
    rig_until(r, shows(&s, "interrupted"));
    cr_assert(rig_wait_exit(r) == 5, "%d: %s", r->exit_status, s.text);
    close(s.fd);
}

rig_test(terminal, a_restarted_command_gets_it_too)
{
    struct screen s = {
        .fd = rig_start_on_terminal(
            r, rig_run_argv(r, RIG_ARGV("--set", "stable_after=0", "--", "sh", "-c",
                                        "echo \"ready as $$\"; read word; echo \"got $word\"")))};

    rig_until(r, shows(&s, "ready as"));
    pid_t first = rig_wait_worker(r, 1, 0);
    rig_kill(r, first, SIGKILL);
    pid_t second = rig_wait_worker(r, 1, first);
    rig_until(r, shows(&s, rig_format(r, "ready as %d", (int)second)));
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    type(&s, "anchor\n");
    rig_until(r, shows(&s, "got anchor"));
    cr_assert(rig_wait_exit(r) == 0, "%d: %s", r->exit_status, s.text);
    close(s.fd);
}

rig_test(terminal, that_is_closed_ends_it_in_order)
{
    struct screen s = {
        .fd = rig_start_on_terminal(r, rig_run_argv(r, RIG_ARGV("--listen", rig_address(r, 4), "--", r->probe,
                                                                "--report", r->report)))};

    rig_wait_report(r, "serving");
    pid_t worker = rig_wait_worker(r, 1, 0);
    close(s.fd);
    rig_wait_exit(r);
    cr_assert(!rig_process_is_alive(worker));
}
