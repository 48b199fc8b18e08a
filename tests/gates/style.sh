#!/bin/sh
# Holds what the house asks of every source file and a machine can see: at most 500 lines (tests of one module may have more), a comment first, config.h before all other
# headers, no tab, no blank at a line's end.
set -eu
cd "$top_srcdir"
find supervisor etc tests/lib tests/system tests/unit tests/fuzz tests/bench -name '*.[ch]' | sort | xargs awk '
    function complain(text) {
        print FILENAME ":" FNR ": " text
        bad = 1
    }
    FNR == 1 {
        files++
        included = 0
        if ($0 !~ /^\/\*/)
            complain("begins without a comment")
    }
    FNR == 501 && FILENAME !~ "^tests/unit/" { complain("has more than 500 lines") }
    /\t/ { complain("has a tab") }
    /[ \r]$/ { complain("ends in a blank") }
    /^#include/ && FILENAME ~ /\.c$/ && !included {
        included = 1
        if ($0 != "#include \"config.h\"")
            complain("includes something before config.h")
    }
    END { exit bad || files < 50 }'
