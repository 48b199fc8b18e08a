# The real binary under the rig (tests/lib/rig.h). run-criterion.sh gives each program here a pid and mount namespace of its own.
EXTRA_DIST += tests/system/web.py tests/system/reload_guide.sh

# These need no Criterion: the demonstration and the benchmarks have none.
check_PROGRAMS += tests/lib/berth-load tests/lib/probe
tests_lib_berth_load_SOURCES = tests/lib/berth_load.c tests/lib/fastcgi.c tests/lib/fastcgi.h tests/lib/load.c tests/lib/load.h
tests_lib_probe_SOURCES = \
	tests/lib/probe.c tests/lib/probe.h tests/lib/probe_dump.c tests/lib/probe_serve.c tests/lib/fastcgi.c tests/lib/fastcgi.h tests/lib/load.c tests/lib/load.h
tests_lib_probe_LDADD = supervisor/sys/libsys.a

if HAVE_CRITERION
system_tests = \
	%D%/rig.crit %D%/run.crit %D%/handoff.crit %D%/kill.crit %D%/guard.crit %D%/habits.crit %D%/control.crit \
	%D%/output.crit %D%/demand.crit %D%/inetd.crit %D%/share.crit %D%/servers.crit %D%/matrix.crit %D%/pid1.crit %D%/crash.crit %D%/up.crit %D%/update.crit %D%/upgrade.crit %D%/takeover.crit %D%/crash_takeover.crit %D%/reload.crit %D%/standby.crit %D%/scale.crit %D%/hooks.crit %D%/input.crit %D%/limits.crit %D%/surroundings.crit %D%/announce.crit %D%/notify.crit %D%/examples.crit
check_PROGRAMS += tests/berth-crash tests/berth-keeper tests/berth-future $(system_tests)
TESTS += $(system_tests)
check_LIBRARIES = tests/lib/librig.a

tests_lib_librig_a_SOURCES = \
	tests/lib/fastcgi.c tests/lib/fastcgi.h tests/lib/load.c tests/lib/load.h tests/lib/rig.c tests/lib/rig.h tests/lib/rig_control.c tests/lib/rig_private.h \
	tests/lib/rig_process.c
tests_lib_librig_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)

# The example's own source, with the library that is built here in it.
check_PROGRAMS += tests/lib/libberth-worker
tests_lib_libberth_worker_SOURCES = examples/workers/c/worker.c
tests_lib_libberth_worker_LDFLAGS = $(AM_LDFLAGS) -static
tests_lib_libberth_worker_LDADD = libberth.la

if HAVE_LIBSYSTEMD
check_PROGRAMS += tests/lib/sd_probe
tests_lib_sd_probe_SOURCES = tests/lib/sd_probe.c
tests_lib_sd_probe_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_lib_sd_probe_LDADD = $(SYSTEMD_LIBS)
check_PROGRAMS += tests/lib/sd_say
tests_lib_sd_say_SOURCES = tests/lib/sd_say.c
tests_lib_sd_say_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_lib_sd_say_LDADD = $(SYSTEMD_LIBS)
endif

# berth with the places in it where a test lets the supervisor die.
tests_berth_crash_SOURCES = $(main_sources) $(engine_sources)
nodist_tests_berth_crash_SOURCES = $(control_interface)
tests_berth_crash_CPPFLAGS = $(AM_CPPFLAGS) $(INIH_CFLAGS) -DBERTH_CRASH_POINTS
tests_berth_crash_CFLAGS = $(AM_CFLAGS) -Wno-strict-aliasing
tests_berth_crash_LDADD = supervisor/keeper/libkeeper.a $(lower_archives) $(EV_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) $(CAPNG_LIBS) -lm

# berth with a keeper of another version, and one that reads another state: for upgrades.
tests_berth_keeper_SOURCES = $(main_sources) $(keeper_sources) supervisor/engine/keeper_link.c
tests_berth_keeper_CPPFLAGS = $(AM_CPPFLAGS) -DKEEPER_VERSION=1000
tests_berth_keeper_CFLAGS = $(AM_CFLAGS) -Wno-strict-aliasing
tests_berth_keeper_LDADD = supervisor/engine/libengine.a $(lower_archives) $(EV_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) $(CAPNG_LIBS) -lm
tests_berth_future_SOURCES = $(main_sources) supervisor/wire/soft_state.c
tests_berth_future_CPPFLAGS = $(AM_CPPFLAGS) -DSOFT_STATE_MAJOR=1000
tests_berth_future_LDADD = $(berth_LDADD)

system_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/lib $(CRITERION_CFLAGS)
system_ldadd = tests/lib/librig.a $(JANSSON_LIBS) $(CRITERION_LIBS)

tests_system_rig_crit_SOURCES = %D%/test_load.c
tests_system_rig_crit_CPPFLAGS = $(system_cppflags)
tests_system_rig_crit_LDADD = $(system_ldadd)
tests_system_run_crit_SOURCES = %D%/test_run.c %D%/test_restart.c %D%/test_terminal.c
tests_system_run_crit_CPPFLAGS = $(system_cppflags)
tests_system_run_crit_LDADD = $(system_ldadd)
tests_system_handoff_crit_SOURCES = %D%/test_handoff.c %D%/test_addresses.c %D%/test_channel.c %D%/test_libberth.c
tests_system_handoff_crit_CPPFLAGS = $(system_cppflags)
tests_system_handoff_crit_LDADD = $(system_ldadd)
tests_system_kill_crit_SOURCES = %D%/test_kill_worker.c %D%/test_kill_supervisor.c
tests_system_kill_crit_CPPFLAGS = $(system_cppflags)
tests_system_kill_crit_LDADD = $(system_ldadd)
tests_system_guard_crit_SOURCES = %D%/test_guard.c
tests_system_guard_crit_CPPFLAGS = $(system_cppflags)
tests_system_guard_crit_LDADD = $(system_ldadd)
tests_system_habits_crit_SOURCES = %D%/test_habits.c %D%/test_taken_port.c
tests_system_habits_crit_CPPFLAGS = $(system_cppflags)
tests_system_habits_crit_LDADD = $(system_ldadd)
tests_system_control_crit_SOURCES = %D%/test_check.c %D%/test_commands.c %D%/test_control_socket.c %D%/test_exec.c %D%/test_explain.c
tests_system_control_crit_CPPFLAGS = $(system_cppflags)
tests_system_control_crit_LDADD = $(system_ldadd)
tests_system_demand_crit_SOURCES = %D%/test_demand.c
tests_system_demand_crit_CPPFLAGS = $(system_cppflags)
tests_system_demand_crit_LDADD = $(system_ldadd)
tests_system_inetd_crit_SOURCES = %D%/test_inetd.c
tests_system_inetd_crit_CPPFLAGS = $(system_cppflags)
tests_system_inetd_crit_LDADD = $(system_ldadd)
tests_system_share_crit_SOURCES = %D%/test_share.c
tests_system_share_crit_CPPFLAGS = $(system_cppflags)
tests_system_share_crit_LDADD = $(system_ldadd)
tests_system_servers_crit_SOURCES = %D%/test_servers.c
tests_system_servers_crit_CPPFLAGS = $(system_cppflags)
tests_system_servers_crit_LDADD = $(system_ldadd)
tests_system_matrix_crit_SOURCES = %D%/test_server_matrix.c
tests_system_matrix_crit_CPPFLAGS = $(system_cppflags)
tests_system_matrix_crit_LDADD = $(system_ldadd)
tests_system_pid1_crit_SOURCES = %D%/test_pid1.c %D%/test_container.c
tests_system_pid1_crit_CPPFLAGS = $(system_cppflags)
tests_system_pid1_crit_LDADD = $(system_ldadd)
tests_system_crash_crit_SOURCES = %D%/test_crash_matrix.c
tests_system_crash_crit_CPPFLAGS = $(system_cppflags)
tests_system_crash_crit_LDADD = $(system_ldadd)
tests_system_up_crit_SOURCES = %D%/test_up.c %D%/test_inherited.c %D%/test_log_format.c
tests_system_up_crit_CPPFLAGS = $(system_cppflags)
tests_system_up_crit_LDADD = $(system_ldadd)
tests_system_reload_crit_SOURCES = %D%/say.h %D%/test_reload.c %D%/test_reload_servers.c %D%/test_reload_signal.c
tests_system_reload_crit_CPPFLAGS = $(system_cppflags)
tests_system_reload_crit_LDADD = $(system_ldadd)
tests_system_standby_crit_SOURCES = %D%/standby_rig.h %D%/test_standby.c %D%/test_standby_life.c %D%/test_standby_reload.c %D%/test_standby_signal.c %D%/test_standby_store.c
tests_system_standby_crit_CPPFLAGS = $(system_cppflags)
tests_system_standby_crit_LDADD = $(system_ldadd)
tests_system_update_crit_SOURCES = %D%/test_update.c %D%/test_update_ends.c
tests_system_update_crit_CPPFLAGS = $(system_cppflags)
tests_system_update_crit_LDADD = $(system_ldadd)
tests_system_upgrade_crit_SOURCES = %D%/test_check_state.c %D%/test_upgrade.c
tests_system_upgrade_crit_CPPFLAGS = $(system_cppflags)
tests_system_upgrade_crit_LDADD = $(system_ldadd)
tests_system_crash_takeover_crit_SOURCES = %D%/taker.c %D%/taker.h %D%/test_crash_take_over.c
tests_system_crash_takeover_crit_CPPFLAGS = $(system_cppflags)
tests_system_crash_takeover_crit_LDADD = $(system_ldadd)
tests_system_takeover_crit_SOURCES = %D%/taker.c %D%/taker.h %D%/test_take_over.c %D%/test_take_over_kept.c %D%/test_take_over_odds.c
tests_system_takeover_crit_CPPFLAGS = $(system_cppflags)
tests_system_takeover_crit_LDADD = $(system_ldadd)
tests_system_scale_crit_SOURCES = %D%/test_scale.c
tests_system_scale_crit_CPPFLAGS = $(system_cppflags)
tests_system_scale_crit_LDADD = $(system_ldadd)
tests_system_hooks_crit_SOURCES = %D%/test_hooks.c
tests_system_hooks_crit_CPPFLAGS = $(system_cppflags)
tests_system_hooks_crit_LDADD = $(system_ldadd)
tests_system_input_crit_SOURCES = %D%/test_input.c
tests_system_input_crit_CPPFLAGS = $(system_cppflags)
tests_system_input_crit_LDADD = $(system_ldadd)
tests_system_output_crit_SOURCES = %D%/test_output.c %D%/test_output_pipe.c
tests_system_output_crit_CPPFLAGS = $(system_cppflags)
tests_system_output_crit_LDADD = $(system_ldadd)
tests_system_limits_crit_SOURCES = %D%/test_limits.c
tests_system_limits_crit_CPPFLAGS = $(system_cppflags)
tests_system_limits_crit_LDADD = $(system_ldadd)
tests_system_surroundings_crit_SOURCES = %D%/test_surroundings.c
tests_system_surroundings_crit_CPPFLAGS = $(system_cppflags)
tests_system_surroundings_crit_LDADD = $(system_ldadd)
tests_system_announce_crit_SOURCES = %D%/test_announce.c
tests_system_announce_crit_CPPFLAGS = $(system_cppflags)
tests_system_announce_crit_LDADD = $(system_ldadd)
tests_system_notify_crit_SOURCES = %D%/say.h %D%/test_main_pid.c %D%/test_notify.c %D%/test_store.c %D%/test_watchdog.c
tests_system_notify_crit_CPPFLAGS = $(system_cppflags)
tests_system_notify_crit_LDADD = $(system_ldadd)
tests_system_examples_crit_SOURCES = %D%/test_examples.c
tests_system_examples_crit_CPPFLAGS = $(system_cppflags)
tests_system_examples_crit_LDADD = $(system_ldadd)
endif
