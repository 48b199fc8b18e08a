#!/bin/sh
# Runs a Criterion program for automake's TAP driver: the TAP goes to stdout, Criterion's own closing line to stderr (the .log). A
# sanitizer report fails the run even where Criterion lets it pass (leaks are found after a test's own end).
#
# Where we may, each program gets a pid, a mount and a network namespace of its own: no other program has its ports, and whatever
# a test that is killed leaves behind ends with the program. Criterion names a socket in /tmp after its pid, so in there it gets a
# pid that nobody else has out here: that of the process that waits for it. Its workers' shared memory is named by their pids, so
# /dev/shm is its own as well. A program that hangs is killed after TEST_PATIENCE seconds.
set -u
program=$1
last_pid=/proc/sys/kernel/ns_last_pid
isolate='unshare --pid --mount --net --fork --kill-child --mount-proc sh'
$isolate -c 'ip link set lo up' 2>/dev/null || isolate='unshare --pid --mount --fork --kill-child --mount-proc sh'
if [ -z "${BERTH_ISOLATED:-}" ] && $isolate -c "echo 300 >$last_pid" 2>/dev/null; then
    export BERTH_ISOLATED=$$
    exec $isolate "$0" "$@"
fi
[ -z "${BERTH_ISOLATED:-}" ] || mount -t tmpfs tmpfs /dev/shm || exit 99
[ -z "${BERTH_ISOLATED:-}" ] || ip link set lo up 2>/dev/null
shift
reports=$(mktemp -d) || exit 99
trap 'rm -rf "$reports"' EXIT
chmod 1777 "$reports"
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$reports/report:detect_stack_use_after_return=0"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}log_path=$reports/report:print_stacktrace=1"
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}log_path=$reports/report"
export CRITERION_SHORT_FILENAME=1
# The next process is timeout, the one after it the program.
[ -z "${BERTH_ISOLATED:-}" ] || echo $((BERTH_ISOLATED - 2)) >$last_pid
timeout --signal=KILL "${TEST_PATIENCE:-600}" "$program" --tap=/dev/stdout "$@"
status=$?
found=$(ls "$reports" 2>/dev/null)
if [ -n "$found" ]; then
    cat "$reports"/* >&2
    echo "not ok 99999 - $(basename "$program"): a sanitizer left reports: $(echo $found)"
    status=1
fi
exit $status
