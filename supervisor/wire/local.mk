noinst_LIBRARIES += %D%/libwire.a
%C%_libwire_a_SOURCES = \
	%D%/address.c %D%/address.h %D%/channel_msg.c %D%/channel_msg.h %D%/einhorn_msg.c %D%/einhorn_msg.h %D%/endpoint.c %D%/fdholder.c %D%/fdholder.h %D%/keeper_msg.c %D%/keeper_msg.h %D%/notify_msg.c %D%/notify_msg.h \
	%D%/query.c %D%/query.h 	%D%/socket_options.h %D%/soft_state.c %D%/soft_state.h %D%/varlink.c %D%/varlink.h
