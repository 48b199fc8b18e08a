# Whole files in, whole texts out. `make golden-regenerate` writes what is expected anew, into the source tree.
TESTS += %D%/conf.sh %D%/shipped.sh
EXTRA_DIST += %D%/conf.sh %D%/conf %D%/shipped.sh
golden-regenerate: berth
	$(AM_V_at)$(AM_TESTS_ENVIRONMENT) GOLDEN_UPDATE=yes $(SHELL) $(top_srcdir)/%D%/conf.sh
