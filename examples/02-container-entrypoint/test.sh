#!/bin/sh
# Runs this example as process 1 of a pid namespace, which is what a container's runtime does, and ends it as one does, with TERM.
# BUILD is the folder in which berth was built, PORT where to serve, STATE an empty folder.
# Ends with 77, and a line that says why, where something is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-$here/../../build}
STATE=${STATE:-$(mktemp -d)}
PORT=${PORT:-8080}
PATH=$BUILD:$PATH:/usr/sbin
export STATE PORT PATH BERTH_CONTROL="$STATE/control.sock"
for program in nginx gunicorn redis-server /usr/bin/python3 unshare; do
    command -v "$program" >/dev/null || { echo "$program is not installed"; exit 77; }
done
unshare --pid --fork --mount-proc true 2>/dev/null || { echo "no pid namespace can be had here"; exit 77; }
chmod 755 "$STATE" # nginx's workers are somebody else, where it was started by root

container=
fail() {
    echo "test.sh: $*" >&2
    tail -n 40 "$STATE/berth.log" >&2
    exit 1
}
clean_up() {
    [ -z "$container" ] || kill -9 "$container" 2>/dev/null || true # its process 1 goes with it
}
trap clean_up EXIT

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
# Zombies among the children of process 1.
zombies() {
    for pid in $(cat "/proc/$init/task/$init/children"); do
        grep '^State:.Z' "/proc/$pid/status" 2>/dev/null || true
    done
}

unshare --pid --fork --mount-proc --kill-child berth up -c "$here/berth.ini" 2>"$STATE/berth.log" &
container=$!
expect / world /api/ visits=
init=$(tr -d " " <"/proc/$container/task/$container/children")
[ "$(awk '/^NSpid:/ { print $NF }' "/proc/$init/status")" -eq 1 ] || fail "berth is not process 1 in there"

echo "== gunicorn is killed, and its workers are process 1's to reap"
berth signal KILL pages
expect / world
for _ in $(seq 200); do
    left=$(zombies)
    [ -n "$left" ] || break
    sleep 0.02
done
[ -z "$left" ] || fail "zombies are left: $left"

echo "== TERM, as on podman stop"
kill -TERM "$init"
status=0
wait "$container" || status=$?
container=
[ "$status" -eq 0 ] || fail "it ended with $status"
/usr/bin/python3 - "$STATE/berth.log" <<'PYTHON' || fail "it did not end in order"
import json, sys
ended = {}
for number, line in enumerate(open(sys.argv[1])):
    if line.startswith("{"):  # the services' own lines are in there as well
        event = json.loads(line)
        if event["message"].startswith("exited with status 0"):
            ended[event["service"]] = number
print("ended:", ", ".join(sorted(ended, key=ended.get)))
sys.exit(not ended["nginx"] < ended["pages"] or not ended["nginx"] < ended["api"] < ended["redis"])
PYTHON
echo "Ended in order."
