# What no compiler holds: layers, imports, the house's habits, the manual.
gates = %D%/layers.sh %D%/symbols.sh %D%/headers.sh %D%/keeper-size.sh %D%/style.sh %D%/manual.sh %D%/libberth-abi.sh %D%/reference.sh
if HAVE_CRITERION
# Reads what the matrix noted.
gates += %D%/servers.sh
%D%/servers.log: tests/system/matrix.log
endif
TESTS += $(gates)
EXTRA_DIST += $(gates) %D%/symbols.allowed
clean-local:
	rm -rf tests/servers
