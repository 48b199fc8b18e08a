#!/bin/sh
# Holds that every header can be included alone, and twice.
set -u
status=0
n=0
for header in $(cd "$top_srcdir/supervisor" && find . -name '*.h' | sed 's|^\./||' | sort); do
    n=$((n + 1))
    printf '#include "config.h"\n#include "%s"\n#include "%s"\n' "$header" "$header" |
        ${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -I"$top_builddir" -I"$top_srcdir/supervisor" -I"$top_srcdir/include" \
            -Wno-strict-aliasing -fsyntax-only -x c - || { echo "$header cannot be included alone"; status=1; }
done
test $n -gt 30 || { echo "only $n headers were found"; status=1; }
exit $status
