#!/bin/sh
# Runs a Criterion program for automake's TAP driver: the TAP goes to stdout, Criterion's own closing line to stderr (the .log). A
# sanitizer report fails the run even where Criterion lets it pass (leaks are found after a test's own end).
#
# Programs of tests/system get a pid and a mount namespace of their own where we may make them: whatever a test that is
# killed leaves behind ends with the program.
set -u
program=$1
case $program in
tests/system/* | */tests/system/*)
    if [ -z "${BERTH_ISOLATED:-}" ] && unshare --pid --mount --fork --kill-child --mount-proc true 2>/dev/null; then
        BERTH_ISOLATED=yes exec unshare --pid --mount --fork --kill-child --mount-proc sh "$0" "$@"
    fi
    ;;
esac
shift
reports=$(mktemp -d) || exit 99
trap 'rm -rf "$reports"' EXIT
chmod 1777 "$reports"
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$reports/report:detect_stack_use_after_return=0"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}log_path=$reports/report:print_stacktrace=1"
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}log_path=$reports/report"
export CRITERION_SHORT_FILENAME=1
"$program" --tap=/dev/stdout "$@"
status=$?
found=$(ls "$reports" 2>/dev/null)
if [ -n "$found" ]; then
    cat "$reports"/* >&2
    echo "not ok 99999 - $(basename "$program"): a sanitizer left reports: $(echo $found)"
    status=1
fi
exit $status
