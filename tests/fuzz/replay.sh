#!/bin/sh
# Replays the corpus of every fuzz target. A target without a corpus, or a corpus without a target, is a failure.
set -u
failed=0
targets=0
for source in "$top_srcdir"/tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    corpus=$top_srcdir/tests/fuzz/corpus/$name
    targets=$((targets + 1))
    if [ -z "$(ls "$corpus" 2>/dev/null)" ]; then
        echo "$name: there is no seed in $corpus"
        failed=1
    elif said=$("$top_builddir/tests/fuzz/fuzz-$name" "$corpus"/* 2>&1); then
        echo "$name: $said"
    else
        echo "$name: failed: $said"
        failed=1
    fi
done
for corpus in "$top_srcdir"/tests/fuzz/corpus/*; do
    name=$(basename "$corpus")
    if [ ! -e "$top_srcdir/tests/fuzz/fuzz_$name.c" ]; then
        echo "$name: a corpus, but no fuzz_$name.c"
        failed=1
    fi
done
[ "$targets" -gt 0 ] || failed=1
exit $failed
