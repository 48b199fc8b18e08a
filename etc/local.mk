# Installed as examples. berth.ini and the tables of keys in berth.conf(5) are made from the table of keys in supervisor/core by
# `make etc-regenerate`, and checked in; tests/gates/reference.sh compares.
check_PROGRAMS += %D%/reference
%C%_reference_SOURCES = %D%/reference.c
%C%_reference_LDADD = supervisor/core/libcore.a supervisor/wire/libwire.a supervisor/base/libbase.a $(JANSSON_LIBS)
dist_example_DATA += %D%/berth.ini %D%/berth-minimal.ini
etc-regenerate: %D%/reference$(EXEEXT)
	$(AM_V_GEN)%D%/reference ini >reference.tmp && cat reference.tmp >$(srcdir)/%D%/berth.ini && \
	    %D%/reference man $(srcdir)/docs/man/berth.conf.5 >reference.tmp && cat reference.tmp >$(srcdir)/docs/man/berth.conf.5; \
	    status=$$?; rm -f reference.tmp; exit $$status
