# What no compiler holds: layers, imports, the house's habits, the manual.
gates = %D%/layers.sh %D%/symbols.sh %D%/headers.sh %D%/keeper-size.sh %D%/style.sh %D%/manual.sh
TESTS += $(gates)
EXTRA_DIST += $(gates) %D%/symbols.allowed
