#!/bin/sh
# Holds docs/LAYERS: every #include "…" of supervisor/ stays inside its folder or goes where its folder may go, and the headers that only
# some folders may have are not found elsewhere. A folder inside a folder (core/handoff) belongs to the outer one.
set -eu
cd "$top_srcdir/supervisor"
find . -name '*.[ch]' | sed 's|^\./||' | sort | xargs awk -v layers="$top_srcdir/docs/LAYERS" '
    function allowed(list, what,   words, n, i) {
        n = split(list, words, " ")
        for (i = 1; i <= n; i++)
            if (words[i] == what)
                return 1
        return 0
    }
    BEGIN {
        while ((getline line < layers) > 0) {
            if (line ~ /^[ \t]*(#|$)/)
                continue
            at = index(line, ":")
            name = substr(line, 1, at - 1)
            rest = substr(line, at + 1)
            if (name ~ /^</)
                only[substr(name, 2, length(name) - 2)] = rest
            else
                may[name] = rest
        }
        close(layers)
    }
    /^[ \t]*#[ \t]*include/ {
        seen++
        folder = FILENAME
        sub("/.*", "", folder)
        if (!(folder in may)) {
            print FILENAME ":" FNR ": docs/LAYERS does not know " folder
            bad = 1
        }
        header = $0
        sub(/^[ \t]*#[ \t]*include[ \t]*["<]/, "", header)
        sub(/[">].*/, "", header)
        if ($0 ~ /</) {
            if (header in only && !allowed(only[header], folder)) {
                print FILENAME ":" FNR ": only" only[header] " may include <" header ">"
                bad = 1
            }
            next
        }
        target = header
        sub("/.*", "", target)
        if (header == "config.h" || target == folder || allowed(may[folder], target) || allowed(may[folder], header))
            next
        print FILENAME ":" FNR ": " folder " may not include \"" header "\""
        bad = 1
    }
    END {
        if (seen < 100) {
            print "only " seen " #include lines were found: is this the source tree?"
            bad = 1
        }
        exit bad
    }'
