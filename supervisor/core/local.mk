noinst_LIBRARIES += %D%/libcore.a
%C%_libcore_a_SOURCES = \
	%D%/conf_output.c %D%/output_ring.c %D%/output_ring.h %D%/conf_surroundings.c %D%/cpus.c %D%/cpus.h %D%/env_file.c %D%/env_file.h %D%/conf.c %D%/conf.h %D%/conf_build.c %D%/conf_build.h %D%/conf_check.c %D%/conf_check.h %D%/conf_claims.c %D%/conf_claims.h %D%/conf_diff.c %D%/conf_diff.h \
	%D%/conf_expand.c %D%/conf_expand.h %D%/conf_path.c %D%/conf_print.c %D%/conf_process.c %D%/conf_schema.c %D%/conf_schema.h %D%/conf_service.c %D%/conf_share.c \
	%D%/conf_socket.c %D%/conf_source.c %D%/conf_source.h %D%/conf_supervisor.c %D%/conf_tables.h %D%/conf_upkeep.c %D%/conf_value.c %D%/conf_value.h %D%/diagnose.c %D%/diagnose.h \
	%D%/environment.c %D%/environment.h %D%/explain.c %D%/explain.h %D%/handoff/handoff.c %D%/handoff/handoff.h \
	%D%/handoff/channel.c %D%/handoff/einhorn.c %D%/handoff/listen_fds.c %D%/handoff/nginx.c \
	%D%/handoff/none.c %D%/handoff/numbers.c %D%/handoff/numbers.h %D%/handoff/php_fpm.c %D%/handoff/server_starter.c \
	%D%/handoff/stdin.c %D%/handoff/unicorn.c %D%/held_name.c %D%/held_name.h %D%/order.c %D%/order.h %D%/restart.c \
	%D%/restart.h %D%/rolling.c %D%/rolling.h %D%/run_args.c %D%/run_args.h %D%/service.c %D%/service.h %D%/sockset.c \
	%D%/sockset.h %D%/standby.c %D%/standby.h %D%/conf_standby.c %D%/summary.c %D%/summary.h %D%/words.c %D%/words.h %D%/upgrade.c %D%/upgrade.h %D%/worker_fsm.c %D%/worker_fsm.h
