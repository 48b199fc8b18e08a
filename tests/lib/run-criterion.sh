#!/bin/sh
# Runs a Criterion program for automake's TAP driver: the TAP goes to stdout, Criterion's own closing line to stderr (the .log). A
# sanitizer report fails the run even where Criterion lets it pass (leaks are found after a test's own end).
set -u
program=$1
shift
reports=$(mktemp -d) || exit 99
trap 'rm -rf "$reports"' EXIT
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
