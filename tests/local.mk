TEST_EXTENSIONS = .crit .sh
AM_TESTS_ENVIRONMENT = \
	BERTH=$(abs_top_builddir)/berth; export BERTH; \
	BERTH_CRASH=$(abs_top_builddir)/tests/berth-crash; export BERTH_CRASH; \
	top_srcdir=$(abs_top_srcdir); export top_srcdir; \
	top_builddir=$(abs_top_builddir); export top_builddir; \
	SANITIZERS='$(sanitizers)'; export SANITIZERS;
CRIT_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
CRIT_LOG_DRIVER_FLAGS = --merge
CRIT_LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/lib/run-criterion.sh
SH_LOG_COMPILER = $(SHELL)
EXTRA_DIST += tests/lib/run-criterion.sh

if HAVE_CRITERION
unit_tests = tests/unit/base.crit tests/unit/wire.crit tests/unit/core.crit tests/unit/sys.crit tests/unit/keeper.crit \
	tests/unit/engine.crit tests/unit/cmd.crit tests/unit/libberth.crit
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

tests_unit_base_crit_SOURCES = tests/unit/base/test_berr.c tests/unit/base/test_buf.c tests/unit/base/test_logline.c \
	tests/unit/base/test_mem.c tests/unit/base/test_name_table.c tests/unit/base/test_pointers.c tests/unit/base/test_signame.c tests/unit/base/test_str.c tests/unit/base/test_units.c
tests_unit_base_crit_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_base_crit_LDADD = supervisor/base/libbase.a $(CRITERION_LIBS)

tests_unit_wire_crit_SOURCES = tests/unit/wire/test_address.c tests/unit/wire/test_channel_msg.c tests/unit/wire/test_fdholder.c tests/unit/wire/test_einhorn_msg.c tests/unit/wire/test_keeper_msg.c tests/unit/wire/test_notify_msg.c tests/unit/wire/test_query.c \
	tests/unit/wire/test_soft_state.c tests/unit/wire/test_varlink.c
tests_unit_wire_crit_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_wire_crit_LDADD = supervisor/wire/libwire.a supervisor/base/libbase.a $(JANSSON_LIBS) $(CRITERION_LIBS)

tests_unit_core_crit_SOURCES = tests/unit/core/test_conf.c tests/unit/core/test_conf_build.c tests/unit/core/test_conf_claims.c tests/unit/core/test_output_ring.c tests/unit/core/test_env_file.c \
	tests/unit/core/test_conf_expand.c tests/unit/core/test_conf_path.c tests/unit/core/test_conf_share.c tests/unit/core/test_conf_schema.c tests/unit/core/test_conf_source.c \
	tests/unit/core/test_diagnose.c \
	tests/unit/core/test_environment.c tests/unit/core/test_explain.c tests/unit/core/test_handoff.c tests/unit/core/test_held_name.c tests/unit/core/test_order.c tests/unit/core/test_restart.c tests/unit/core/test_rolling.c tests/unit/core/test_standby.c \
	tests/unit/core/test_run_args.c tests/unit/core/test_service.c tests/unit/core/test_sockset.c tests/unit/core/test_summary.c tests/unit/core/test_upgrade.c tests/unit/core/test_words.c \
	tests/unit/core/test_worker_fsm.c
tests_unit_core_crit_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_core_crit_LDADD = supervisor/core/libcore.a supervisor/wire/libwire.a supervisor/base/libbase.a $(JANSSON_LIBS) $(CRITERION_LIBS)

tests_unit_sys_crit_SOURCES = tests/unit/sys/sys_test.c tests/unit/sys/sys_test.h \
	tests/unit/sys/test_log_file.c tests/unit/sys/test_capability.c tests/unit/sys/test_cgroup.c tests/unit/sys/test_text_file.c tests/unit/sys/test_control_socket.c tests/unit/sys/test_fd.c tests/unit/sys/test_fdbatch.c tests/unit/sys/test_holder.c tests/unit/sys/test_inherited.c \
	tests/unit/sys/test_listener.c tests/unit/sys/test_memory_file.c tests/unit/sys/test_net_namespace.c tests/unit/sys/test_notify_socket.c tests/unit/sys/test_notify_target.c tests/unit/sys/test_pidfd.c tests/unit/sys/test_procfs.c tests/unit/sys/test_ready_pipe.c tests/unit/sys/test_resolve.c \
	tests/unit/sys/test_shared_memory.c tests/unit/sys/test_spawn.c tests/unit/sys/test_unix_path.c tests/unit/sys/test_unix_queues.c tests/unit/sys/test_user.c tests/unit/sys/test_will.c
tests_unit_sys_crit_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_sys_crit_LDADD = supervisor/sys/libsys.a supervisor/wire/libwire.a supervisor/base/libbase.a $(JANSSON_LIBS) $(CAPNG_LIBS) $(CRITERION_LIBS)

tests_unit_keeper_crit_SOURCES = tests/lib/keeper_host.h tests/lib/keeper_rig.c tests/lib/keeper_rig.h tests/unit/keeper/test_fdpass.c \
	tests/unit/keeper/test_keeper.c tests/unit/keeper/test_store.c tests/unit/keeper/test_upgrade.c
tests_unit_keeper_crit_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS) -I$(top_srcdir)
tests_unit_keeper_crit_LDADD = supervisor/keeper/libkeeper.a supervisor/sys/libsys.a supervisor/wire/libwire.a supervisor/base/libbase.a $(CRITERION_LIBS)
EXTRA_tests_unit_keeper_crit_DEPENDENCIES = tests/lib/keeper-host$(EXEEXT)

check_PROGRAMS += tests/lib/keeper-host
tests_lib_keeper_host_SOURCES = tests/lib/keeper_host.c tests/lib/keeper_host.h
tests_lib_keeper_host_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_lib_keeper_host_LDADD = supervisor/keeper/libkeeper.a supervisor/sys/libsys.a supervisor/wire/libwire.a supervisor/base/libbase.a

# The engine's archive needs everything; these parts of it stand on their own.
tests_unit_engine_crit_SOURCES = tests/unit/engine/test_conf_load.c tests/unit/engine/test_control_server.c tests/unit/engine/test_passed.c supervisor/engine/passed.c \
	supervisor/engine/conf_load.c supervisor/engine/conf_verify.c supervisor/engine/env_files.c supervisor/engine/control_dispatch.c supervisor/engine/control_server.c
nodist_tests_unit_engine_crit_SOURCES = $(control_interface)
tests_unit_engine_crit_CPPFLAGS = $(AM_CPPFLAGS) $(INIH_CFLAGS) $(CRITERION_CFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_engine_crit_CFLAGS = $(AM_CFLAGS) -Wno-strict-aliasing
tests_unit_engine_crit_LDADD = $(lower_archives) $(EV_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) $(CRITERION_LIBS)

tests_unit_cmd_crit_SOURCES = tests/unit/cmd/test_client.c tests/unit/cmd/test_options.c tests/unit/cmd/test_outcome.c \
	tests/unit/cmd/test_status_table.c tests/unit/cmd/test_table.c supervisor/cmd/client.c supervisor/cmd/options.c \
	supervisor/cmd/outcome.c supervisor/cmd/status_table.c supervisor/cmd/table.c
tests_unit_cmd_crit_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_cmd_crit_LDADD = supervisor/sys/libsys.a supervisor/wire/libwire.a supervisor/base/libbase.a $(JANSSON_LIBS) $(CRITERION_LIBS)

# The objects themselves: their insides are not exported.
tests_unit_libberth_crit_SOURCES = tests/unit/libberth/libberth_test.c tests/unit/libberth/libberth_test.h \
	tests/unit/libberth/test_libberth.c tests/unit/libberth/test_packet.c tests/unit/libberth/test_trouble.c $(libberth_la_SOURCES)
tests_unit_libberth_crit_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS) -I$(top_srcdir)
tests_unit_libberth_crit_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_libberth_crit_LDADD = $(CRITERION_LIBS) -lpthread
endif

include tests/system/local.mk
include tests/fuzz/local.mk
include tests/golden/local.mk
include tests/gates/local.mk
include tests/bench/local.mk
