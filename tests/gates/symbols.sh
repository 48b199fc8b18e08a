#!/bin/sh
# Holds that base, wire and core make no system call: whatever their archives want from outside themselves is in symbols.allowed. What a
# compiler adds by itself (sanitizers, coverage, fortify's _chk) is no choice of theirs.
set -eu
cd "$top_builddir/supervisor"
archives="base/libbase.a wire/libwire.a core/libcore.a"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm --defined-only --format=posix $archives | awk 'NF >= 3 { print $1 }' | sort -u >"$work/defined"
nm --undefined-only --format=posix $archives | awk 'NF == 2 { print $1 }' | sort -u |
    grep -Ev '^(__asan_|__ubsan_|__sanitizer_|__gcov_|__tsan_|__stack_chk_fail$|_GLOBAL_OFFSET_TABLE_$)' |
    sed -E 's/^__([a-z0-9]+)_chk$/\1/; s/^__isoc(99|23)_//' | sort -u >"$work/wanted"
grep -v '^#' "$top_srcdir/tests/gates/symbols.allowed" | sort -u >"$work/allowed"
sort -u "$work/defined" "$work/allowed" >"$work/known"
test "$(wc -l <"$work/wanted")" -gt 20 || { echo "hardly a symbol was found: are the archives built?"; exit 1; }
comm -23 "$work/wanted" "$work/known" >"$work/foreign"
if [ -s "$work/foreign" ]; then
    echo "base, wire or core import what they may not (see tests/gates/symbols.allowed):"
    cat "$work/foreign"
    exit 1
fi
