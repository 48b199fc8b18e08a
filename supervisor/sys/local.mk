noinst_LIBRARIES += %D%/libsys.a
%C%_libsys_a_SOURCES = \
	%D%/log_file.c %D%/log_file.h %D%/capability.c %D%/capability.h %D%/cgroup.c %D%/cgroup.h %D%/clock.c %D%/clock.h %D%/connections.c %D%/connections.h %D%/control_socket.c %D%/control_socket.h %D%/fd.c %D%/fd.h %D%/fdbatch.c %D%/fdbatch.h \
	%D%/fdpass.c %D%/fdpass.h %D%/holder.c %D%/holder.h %D%/inherited.c %D%/inherited.h %D%/listener.c \
	%D%/listener.h %D%/net_namespace.c %D%/net_namespace.h %D%/memory_file.c %D%/memory_file.h %D%/notify_socket.c %D%/notify_socket.h %D%/notify_target.c %D%/notify_target.h %D%/path_watch.c %D%/path_watch.h %D%/peer.c %D%/peer.h %D%/pidfd.c \
	%D%/pidfd.h %D%/ready_pipe.c %D%/ready_pipe.h %D%/procfs.c %D%/procfs.h %D%/resolve.c %D%/resolve.h %D%/rlimits.c \
	%D%/rlimits.h %D%/shared_memory.c %D%/shared_memory.h %D%/sockdiag.c %D%/sockdiag.h \
	%D%/socket_events.c %D%/socket_events.h %D%/socket_option.c %D%/socket_option.h %D%/spawn.c %D%/spawn.h %D%/spawn_child.c %D%/spawn_child.h %D%/terminal.c \
	%D%/terminal.h %D%/text_file.c %D%/text_file.h %D%/unix_queues.c %D%/unix_queues.h %D%/unix_path.c %D%/unix_path.h %D%/user.c %D%/user.h %D%/ask_binary.c %D%/ask_binary.h %D%/will.c %D%/will.h
