# The worker's library: libc only, exported by name.
lib_LTLIBRARIES = libberth.la
libberth_la_SOURCES = %D%/drain.c %D%/notify.c %D%/packet.c %D%/private.h %D%/sockets.c
libberth_la_CPPFLAGS = -I$(top_builddir) -I$(top_srcdir)/include -I$(top_srcdir)/supervisor
libberth_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden -pthread
libberth_la_LDFLAGS = $(libberth_ldflags) -version-info 0:0:0 -Wl,--version-script=$(top_srcdir)/%D%/libberth.map -pthread
EXTRA_libberth_la_DEPENDENCIES = $(top_srcdir)/%D%/libberth.map
berthincludedir = $(includedir)/berth
berthinclude_HEADERS = include/berth/berth.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %D%/berth.pc
EXTRA_DIST += %D%/libberth.map
