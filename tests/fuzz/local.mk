# Every tests/fuzz/fuzz_NAME.c becomes tests/fuzz/fuzz-NAME. Configured with CC=clang --enable-fuzzing --enable-sanitizers
# it is a libFuzzer program (`make fuzz` runs them all); otherwise it replays the corpus, which `make check` does.
fuzzers = tests/fuzz/fuzz-address tests/fuzz/fuzz-conf tests/fuzz/fuzz-fdholder tests/fuzz/fuzz-einhorn_msg tests/fuzz/fuzz-keeper_msg tests/fuzz/fuzz-notify_msg tests/fuzz/fuzz-packet tests/fuzz/fuzz-query tests/fuzz/fuzz-soft_state tests/fuzz/fuzz-env_file \
	tests/fuzz/fuzz-varlink tests/fuzz/fuzz-words
check_PROGRAMS += $(fuzzers)
EXTRA_DIST += tests/fuzz/replay.sh tests/fuzz/corpus
fuzz_ldadd = $(lower_archives) $(JANSSON_LIBS)

if FUZZING
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_main = tests/fuzz/fuzz.h
FUZZ_SECONDS = 60
.PHONY: fuzz
fuzz: $(fuzzers)
	@for program in $(fuzzers); do \
	    name=$${program#tests/fuzz/fuzz-}; \
	    $(MKDIR_P) tests/fuzz/found/$$name; \
	    $$program -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 tests/fuzz/found/$$name \
	        $(top_srcdir)/tests/fuzz/corpus/$$name || exit 1; \
	done
else
fuzz_ldflags = $(AM_LDFLAGS)
fuzz_main = tests/fuzz/fuzz.h tests/fuzz/replay.c
TESTS += tests/fuzz/replay.sh
endif

tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz_address.c $(fuzz_main)
tests_fuzz_fuzz_address_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_address_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_keeper_msg_SOURCES = tests/fuzz/fuzz_keeper_msg.c $(fuzz_main)
tests_fuzz_fuzz_keeper_msg_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_keeper_msg_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_notify_msg_SOURCES = tests/fuzz/fuzz_notify_msg.c $(fuzz_main)
tests_fuzz_fuzz_notify_msg_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_notify_msg_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_query_SOURCES = tests/fuzz/fuzz_query.c $(fuzz_main)
tests_fuzz_fuzz_query_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_query_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_soft_state_SOURCES = tests/fuzz/fuzz_soft_state.c $(fuzz_main)
tests_fuzz_fuzz_soft_state_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_soft_state_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_varlink_SOURCES = tests/fuzz/fuzz_varlink.c $(fuzz_main)
tests_fuzz_fuzz_varlink_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_varlink_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_words_SOURCES = tests/fuzz/fuzz_words.c $(fuzz_main)
tests_fuzz_fuzz_words_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_words_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_fdholder_SOURCES = tests/fuzz/fuzz_fdholder.c $(fuzz_main)
tests_fuzz_fuzz_fdholder_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_fdholder_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_einhorn_msg_SOURCES = tests/fuzz/fuzz_einhorn_msg.c $(fuzz_main)
tests_fuzz_fuzz_einhorn_msg_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_einhorn_msg_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_env_file_SOURCES = tests/fuzz/fuzz_env_file.c $(fuzz_main)
tests_fuzz_fuzz_env_file_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_env_file_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_packet_SOURCES = tests/fuzz/fuzz_packet.c supervisor/libberth/packet.c supervisor/libberth/private.h $(fuzz_main)
tests_fuzz_fuzz_packet_LDFLAGS = $(fuzz_ldflags)

# These of the engine stand on their own.
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c supervisor/engine/conf_load.c supervisor/engine/conf_verify.c supervisor/engine/env_files.c $(fuzz_main)
tests_fuzz_fuzz_conf_CPPFLAGS = $(AM_CPPFLAGS) $(INIH_CFLAGS)
tests_fuzz_fuzz_conf_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_conf_LDADD = $(lower_archives) $(INIH_LIBS) $(JANSSON_LIBS) $(CAPNG_LIBS)
