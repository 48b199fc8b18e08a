#!/bin/sh
# The loader of configurations, by example. conf/NAME.in is a file; NAME.ok is what `berth check --dump` prints of it, or NAME.err what it
# says on stderr, with status 2. Of NAME.ok those lines are left out that a section has of itself (conf/defaults.ok shows these), so that a
# new key is one line more in one file. The folder's own path is HERE in both. What is dumped must load, and dump the same again.
#
# GOLDEN_UPDATE=yes writes the files anew, to be read before they are committed.
set -u
grep -q '^#define HAVE_DECL_INI_MAX_LINE 1' "$top_builddir/config.h" || {
    echo "this inih reads short lines only, and has comments behind values: berth refuses such lines here"
    exit 77
}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cd "$top_srcdir/tests/golden/conf" || exit 99
status=0
n=0

fail() {
    echo "$*"
    status=1
}

# berth, with no other variable than these.
check() {
    env -i ${ASAN_OPTIONS:+"ASAN_OPTIONS=$ASAN_OPTIONS"} ${UBSAN_OPTIONS:+"UBSAN_OPTIONS=$UBSAN_OPTIONS"} \
        GOLDEN=value GOLDEN_EMPTY= GOLDEN_NUMBER=3 "GOLDEN_LIST=:80, :81" "GOLDEN_LINES= one
[service:b]
two $ 	" "$BERTH" check "$@"
}

# The first file with the paths of this machine replaced.
without_here() {
    HERE=$(pwd -P) WORK=$work awk '
        function replace(s, what, by,   at, out) {
            out = ""
            while ((at = index(s, what)) > 0) {
                out = out substr(s, 1, at - 1) by
                s = substr(s, at + length(what))
            }
            return out s
        }
        { print replace(replace($0, ENVIRON["HERE"], "HERE"), ENVIRON["WORK"], "WORK") }' "$1"
}

# The lines of the dump $1 that are not in the same kind of section of conf/defaults.in.
without_defaults() {
    awk '
        /^\[/ { kind = $0; sub(/[]:].*/, "", kind) }
        FNR == NR { is_default[kind $0] = 1; next }
        /^\[/ || !((kind $0) in is_default) || $0 == "" { print }' "$work/defaults" "$1"
}

compare() {
    if [ "${GOLDEN_UPDATE:-}" = yes ]; then
        cp "$2" "$1"
    else
        diff -u "$1" "$2" || fail "$1: this is not what berth prints (GOLDEN_UPDATE=yes writes it anew)"
    fi
}

# The dump of $1, as a text for NAME.ok, in $work/made; it must load to the same.
make_ok() {
    without_here "$work/out" >"$work/made"
    [ "$1" = defaults ] || { without_defaults "$work/made" >"$work/short" && mv "$work/short" "$work/made"; }
    check --dump -c "$work/out" >"$work/again" 2>&1 && cmp -s "$work/out" "$work/again" ||
        { fail "$1: what was dumped does not load to the same:"; diff "$work/out" "$work/again"; }
}

check --dump -c defaults.in >"$work/out" || fail "defaults.in is refused"
without_here "$work/out" | sed '/^listen = /d; /^command = /d' >"$work/defaults"
for file in *.in; do
    name=${file%.in}
    n=$((n + 1))
    check --dump -c "$file" >"$work/out" 2>"$work/err"
    got=$?
    if [ "${GOLDEN_UPDATE:-}" = yes ]; then
        rm -f "$name.ok" "$name.err"
        [ $got -eq 0 ] && : >"$name.ok" || : >"$name.err"
    fi
    if [ -e "$name.ok" ] && [ $got -eq 0 ] && [ ! -s "$work/err" ]; then
        make_ok "$name"
        compare "$name.ok" "$work/made"
    elif [ -e "$name.err" ] && [ $got -eq 2 ] && [ ! -s "$work/out" ]; then
        without_here "$work/err" >"$work/made"
        compare "$name.err" "$work/made"
    else
        fail "$name: ended with $got:"
        cat "$work/out" "$work/err"
    fi
done
[ $n -ge 50 ] || fail "only $n files were found"

# --- what is too large, or too odd, to be kept as a file ---

# $1: the status; $2: what is printed last on either stream; the rest: what is checked.
expect() {
    wanted=$1
    last=$2
    shift 2
    n=$((n + 1))
    check "$@" >"$work/out" 2>&1
    got=$?
    without_here "$work/out" | tail -n 1 >"$work/last"
    [ $got -eq "$wanted" ] && [ "$(cat "$work/last")" = "$last" ] || fail "check $*: ended with $got and: $(cat "$work/last"), not: $last"
}

# A key of $1 bytes in all, in the file x.ini.
line_of() {
    awk -v n="$1" 'BEGIN { s = "env.A = "; printf "[service:a]\ncommand = true\n%s", s; for (i = length(s); i < n; i++) printf "x"; print "" }' >"$work/x.ini"
}
line_of 65536
expect 0 "output_keep = 5" --dump -c "$work/x.ini"
awk 'length($0) == 65536 { found = 1 } END { exit !found }' "$work/out" || fail "a line of the greatest length was not read whole"
line_of 65537
expect 2 "WORK/x.ini:3: service:a: the line has 65537 bytes, and 65536 are the most" -c "$work/x.ini"

mkdir "$work/many"
for i in $(awk 'BEGIN { for (i = 1; i <= 1024; i++) print i }'); do
    : >"$work/many/$i.ini"
done
printf '[supervisor]\ninclude = many/*.ini\n' >"$work/x.ini"
expect 2 "WORK/x.ini:2: supervisor: include: WORK/many/999.ini: there are too many files" -c "$work/x.ini"
rm "$work/many/1.ini"
expect 0 "WORK/x.ini: 0 sockets, 0 services, no mistake found" -c "$work/x.ini"


: >"$work/large.ini"
truncate -s $((16 * 1024 * 1024 + 1)) "$work/large.ini" 2>/dev/null && {
    expect 2 "WORK/large.ini: it is too large to be a configuration" -c "$work/large.ini"
    truncate -s $((16 * 1024 * 1024)) "$work/large.ini"
    expect 2 "WORK/large.ini:1: there is a NUL byte in the line" -c "$work/large.ini"
}

expect 2 "WORK/nothing: No such file or directory" -c "$work/nothing"
expect 2 "WORK: it is a folder" -c "$work"
mkfifo "$work/fifo"
expect 2 "WORK/fifo: it is no regular file" -c "$work/fifo"
printf '[supervisor]\ninclude = fifo\n' >"$work/x.ini"
expect 2 "WORK/x.ini:2: supervisor: include: WORK/fifo: it is no regular file" -c "$work/x.ini"

echo "$n files"
exit $status
