# How fast, how much memory: `make bench`, or `make bench BENCH="scale restart"` for some sections. Never part of `make check`.
bench_programs = %D%/bench %D%/worker
bench_cppflags = -I$(top_builddir) -I$(top_srcdir)
EXTRA_PROGRAMS = $(bench_programs)
CLEANFILES += $(bench_programs)
tests_bench_bench_SOURCES = \
	%D%/bench.h %D%/main.c %D%/measure.c %D%/process.c %D%/greeting.c %D%/subject.c \
	%D%/scale.c %D%/restart.c %D%/recover.c %D%/reload.c %D%/standby.c %D%/memory.c %D%/others.c \
	tests/lib/fastcgi.c tests/lib/fastcgi.h tests/lib/load.c tests/lib/load.h
tests_bench_bench_CPPFLAGS = $(bench_cppflags)
tests_bench_bench_CFLAGS = $(AM_CFLAGS) -pthread
tests_bench_bench_LDADD = -lpthread
tests_bench_worker_SOURCES = %D%/bench.h %D%/worker.c %D%/measure.c
tests_bench_worker_CPPFLAGS = $(bench_cppflags)

BENCH =
.PHONY: bench
bench: berth tests/lib/probe $(bench_programs)
	$(AM_V_at)$(AM_TESTS_ENVIRONMENT) %D%/bench $(BENCH)
