bin_PROGRAMS += berth
berth_SOURCES = $(main_sources)
main_sources = \
	%D%/logs.c supervisor/main.c %D%/check.c %D%/check_state.c %D%/client.c %D%/client.h %D%/cmd.c %D%/cmd.h %D%/events.c %D%/exec.c %D%/explain.c %D%/explain.h %D%/help.c %D%/keep.c %D%/keep.h %D%/plan.c %D%/plan.h \
	%D%/operate.c %D%/operate.h %D%/options.c %D%/options.h %D%/outcome.c %D%/outcome.h %D%/reply.h \
	%D%/reload.c %D%/restart.c %D%/run.c %D%/scale.c %D%/shutdown.c %D%/signal.c %D%/sockets.c %D%/start.c \
	%D%/status.c %D%/status_table.c %D%/status_table.h %D%/stop.c %D%/table.c %D%/table.h %D%/up.c %D%/update.c %D%/upgrade.c %D%/version.c
# Link order is the layers' order: what a lower layer wanted from a higher one would not be found.
lower_archives = supervisor/core/libcore.a supervisor/sys/libsys.a supervisor/wire/libwire.a supervisor/base/libbase.a
berth_LDADD = supervisor/engine/libengine.a supervisor/keeper/libkeeper.a $(lower_archives) $(EV_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) $(CAPNG_LIBS) -lm
