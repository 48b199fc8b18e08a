noinst_LIBRARIES += %D%/libkeeper.a
%C%_libkeeper_a_SOURCES = \
	%D%/keeper.c %D%/keeper.h %D%/link.c %D%/link.h %D%/reap.c %D%/reap.h %D%/respawn.c \
	%D%/respawn.h %D%/store.c %D%/store.h
