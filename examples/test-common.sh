# What the tests of the numbered examples share; read by each test.sh, which has said in $here where it is.
# BUILD is the folder in which berth was built, PORT where to serve, STATE an empty folder.
BUILD=${BUILD:-$here/../../build}
STATE=${STATE:-$(mktemp -d)}
PORT=${PORT:-8080}
PATH=$BUILD:$PATH:/usr/sbin
export STATE PORT PATH BERTH_CONTROL="$STATE/control.sock"
chmod 755 "$STATE" # nginx's workers are somebody else, where it was started by root

# Ends with 77, and a line that says why, where one of these programs is not installed.
need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || { echo "$program is not installed"; exit 77; }
    done
}
# Whatever way the test ends: the pids in $loads and $berth_pid go with it.
berth_pid=
loads=
clean_up() {
    for pid in $loads $berth_pid; do
        kill "$pid" 2>/dev/null && wait "$pid" || true
    done
}
trap clean_up EXIT
# Clients that open a connection for each request, until end_load; the arguments are the paths that they ask at.
begin_load() {
    rm -f "$STATE/stop"
    mkfifo "$STATE/stop"
    for path in "$@"; do
        "$BUILD/tests/lib/berth-load" --clients 3 --pause 5000 --path "$path" --until-eof "127.0.0.1:$PORT" \
            <"$STATE/stop" >>"$STATE/report" &
        loads="$loads $!"
    done
    exec 3>"$STATE/stop"
}
# Of how many answers each path's clients may have seen only the beginning: $1.
end_load() {
    exec 3>&-
    for pid in $loads; do
        wait "$pid" || true # it has written what was lost
    done
    loads=
    cat "$STATE/report"
    ! grep -v "refused 0, reset 0, closed early [0-$1], timed out 0, slowest" "$STATE/report" || fail "requests have failed"
    ! grep "otherwise lost" "$STATE/report" || fail "requests have failed"
    rm "$STATE/report"
}
# The end of the berth that is $berth_pid.
shut_down() {
    berth shutdown
    status=0
    wait "$berth_pid" || status=$?
    berth_pid=
    [ "$status" -eq 0 ] || fail "berth ended with $status"
}
fail() {
    echo "test.sh: $*" >&2
    tail -n 40 "$STATE/berth.log" >&2
    exit 1
}
# Asks at each path until an answer has the text behind it: PATH TEXT PATH TEXT …
expect() {
    /usr/bin/python3 - "$PORT" "$@" <<'PYTHON' || fail "these never answered as expected: $*"
import sys, time, urllib.request
give_up = time.monotonic() + 20
for path, text in zip(sys.argv[2::2], sys.argv[3::2]):
    while True:
        try:
            if text in urllib.request.urlopen("http://127.0.0.1:%s%s" % (sys.argv[1], path), timeout=10).read().decode():
                break
        except OSError:
            pass
        if time.monotonic() > give_up:
            sys.exit(1)
        time.sleep(0.02)
PYTHON
}
