noinst_LIBRARIES += %D%/libkeeper.a
keeper_sources = \
	%D%/keeper.c %D%/keeper.h %D%/link.c %D%/link.h %D%/once/begin.c %D%/once/bequeath.c %D%/once/bequeath.h \
	%D%/respawn.c %D%/respawn.h %D%/say.c %D%/say.h %D%/signals.c %D%/signals.h %D%/stop.c %D%/stop.h \
	%D%/store.c %D%/store.h
%C%_libkeeper_a_SOURCES = $(keeper_sources)
