noinst_LIBRARIES += %D%/libengine.a
engine_sources = \
	%D%/announce.c %D%/announce.h %D%/notify.c %D%/notify.h %D%/notify_access.c %D%/notify_access.h %D%/main_pid.c %D%/main_pid.h %D%/said.c %D%/said.h %D%/fd_store.c %D%/fd_store.h %D%/ready_fd.c %D%/ready_fd.h %D%/watchdog.c %D%/watchdog.h %D%/cgroups.c %D%/cgroups.h %D%/alarm.c %D%/alarm.h %D%/borrow.c %D%/borrow.h %D%/channel.c %D%/channel.h %D%/conf_load.c %D%/conf_load.h %D%/conf_verify.c %D%/conf_verify.h %D%/control_dispatch.c %D%/control_dispatch.h %D%/control_methods.c %D%/control_methods.h \
	%D%/control_server.c %D%/control_server.h \
	%D%/output.c %D%/output.h %D%/output_inlet.c %D%/output_logs.c %D%/output_logs.h %D%/output_pipe.c %D%/output_sink.c %D%/output_sink.h %D%/output_stream.c %D%/env_files.c %D%/env_files.h %D%/crash_point.c %D%/crash_point.h %D%/demand.c %D%/demand.h %D%/engine.c %D%/engine.h %D%/event_log.c %D%/event_log.h \
	%D%/hold.c %D%/hold.h %D%/hooks.c %D%/hooks.h %D%/hold_open.c %D%/hand_over.c %D%/hand_over.h %D%/passed.c %D%/passed.h %D%/take_over.c %D%/take_over.h %D%/take_over_call.c %D%/take_over_call.h %D%/take_over_keep.c %D%/explanation.c %D%/explanation.h %D%/idle.c %D%/idle.h %D%/inetd.c %D%/inetd.h %D%/keeper_link.c %D%/keeper_link.h %D%/leftover.c %D%/operation.c %D%/operation.h \
	%D%/reconcile.c %D%/reconcile.h %D%/retire.c %D%/retire.h %D%/rolling.c %D%/rolling.h %D%/rolling_facts.c %D%/rolling_facts.h %D%/sequence.c %D%/sequence.h %D%/service.c %D%/service.h %D%/share.c %D%/share.h %D%/share_einhorn.c %D%/share_fdholder.c %D%/share_zerg.c %D%/shutdown.c %D%/signals.c %D%/socket_guard.c %D%/socket_guard.h %D%/spawn_kit.c %D%/spawn_kit.h %D%/spawner.c \
	%D%/spawner.h %D%/standby.c %D%/standby.h %D%/state_store.c %D%/state_store.h %D%/supervisor.c %D%/supervisor.h %D%/task.c %D%/task.h %D%/told.c %D%/told.h %D%/unprotected.c %D%/update.c %D%/update.h %D%/upgrade.c %D%/upgrade.h %D%/unprotected_upgrade.c %D%/upkeep.c %D%/upkeep.h %D%/update_reply.c %D%/update_reply.h \
	%D%/worker.c %D%/worker.h
%C%_libengine_a_SOURCES = $(engine_sources)
# ev.h breaks strict aliasing by design.
%C%_libengine_a_CPPFLAGS = $(AM_CPPFLAGS) $(INIH_CFLAGS)
%C%_libengine_a_CFLAGS = $(AM_CFLAGS) -Wno-strict-aliasing
nodist_%C%_libengine_a_SOURCES = $(control_interface)

# The interface that GetInterfaceDescription tells is the documented one.
control_interface = %D%/control_interface.c
$(control_interface): docs/man/io.berth.varlink
	$(AM_V_GEN)$(MKDIR_P) %D% && { \
	  echo '/* Made from docs/man/io.berth.varlink. */'; \
	  echo '#include "config.h"'; \
	  echo '#include "engine/control_server.h"'; \
	  echo 'const char control_interface_text[] ='; \
	  sed -e 's/[\\"]/\\&/g' -e 's/.*/    "&\\n"/' $(srcdir)/docs/man/io.berth.varlink && \
	  echo '    ;'; } >$@.tmp && mv $@.tmp $@
EXTRA_DIST += docs/man/io.berth.varlink
CLEANFILES += $(control_interface)
