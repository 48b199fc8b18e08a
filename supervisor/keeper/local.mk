noinst_LIBRARIES += %D%/libkeeper.a
%C%_libkeeper_a_SOURCES = \
	%D%/keeper.c %D%/keeper.h %D%/link.c %D%/link.h %D%/respawn.c %D%/respawn.h %D%/say.c \
	%D%/say.h %D%/signals.c %D%/signals.h %D%/stop.c %D%/stop.h %D%/store.c %D%/store.h
