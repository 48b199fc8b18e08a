noinst_LIBRARIES += %D%/libengine.a
engine_sources = \
	%D%/control_methods.c %D%/control_methods.h %D%/control_server.c %D%/control_server.h \
	%D%/crash_point.c %D%/crash_point.h %D%/engine.c %D%/engine.h %D%/event_log.c %D%/event_log.h \
	%D%/hold.c %D%/hold.h %D%/keeper_link.c %D%/keeper_link.h %D%/operation.c %D%/operation.h \
	%D%/reconcile.c %D%/reconcile.h %D%/socket_guard.c %D%/socket_guard.h %D%/spawner.c \
	%D%/spawner.h %D%/state_store.c %D%/state_store.h %D%/supervisor.c %D%/supervisor.h \
	%D%/worker.c %D%/worker.h
%C%_libengine_a_SOURCES = $(engine_sources)
# ev.h breaks strict aliasing by design.
%C%_libengine_a_CFLAGS = $(AM_CFLAGS) -Wno-strict-aliasing
