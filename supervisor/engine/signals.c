/* signals: what those mean that berth is sent: to the keeper, which passes them on, or without one to us. */
#include "config.h"

#include <signal.h>

#include "base/signame.h"
#include "engine/announce.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "engine/output.h"
#include "engine/update.h"

static void on_hangup(struct engine *e)
{
    announce_reloading(e);
    announce_await_services(e);
    for (size_t i = 0; i < e->n_services; i++) {
        struct service *s = e->services[i];
        if (s->conf->with->reload == RELOAD_SIGNAL)
            engine_signal(s, s->conf->with->reload_signal);
        else if (s->conf->with->reload == RELOAD_COMMAND)
            hooks_run_reload(s);
        else
            engine_replace(s);
    }
    announce_reloaded(e);
}

void engine_on_signal(struct engine *e, int signo, pid_t sender, unsigned count)
{
    char name[16];
    event_log_say(&e->log, LOG_INFO, "berth", NULL, "received %s (from pid=%d)", signame_format(signo, name),
                  sender);
    bool terminal_closed = signo == SIGHUP && sender == 0 && e->terminal_group != 0;
    if (signo == SIGTERM || signo == SIGINT || terminal_closed) {
        engine_shutdown(e, !terminal_closed && count > 1);
        return;
    }
    if (signo == SIGUSR1)
        output_reopen_all(e);
    if (signo == SIGUSR2)
        upgrade_begin(e, NULL, NULL, false);
    if (signo == SIGUSR1 || signo == SIGUSR2)
        return; /* berth's own */
    if (signo == SIGHUP) {
        if (!e->is_shutting_down && e->config)
            update_begin(e, NULL, NULL, false, false);
        else if (!e->is_shutting_down)
            on_hangup(e);
        return;
    }
    if (sender == 0 && e->terminal_group != 0)
        return; /* from the terminal: the workers have had it as well */
    for (size_t i = 0; i < e->n_services; i++)
        engine_signal(e->services[i], signo);
}
