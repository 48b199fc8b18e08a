noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES = \
	%D%/berr.c %D%/berr.h %D%/buf.c %D%/buf.h %D%/limits.h %D%/list.h %D%/logline.c %D%/logline.h \
	%D%/mem.c %D%/mem.h %D%/mono.h %D%/must.h %D%/name_table.c %D%/name_table.h %D%/pointers.h %D%/shared.c %D%/shared.h %D%/signame.c %D%/signame.h %D%/str.c %D%/str.h \
	%D%/units.c %D%/units.h
