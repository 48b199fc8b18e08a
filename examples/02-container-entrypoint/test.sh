#!/bin/sh
# Runs this example as process 1 of a pid namespace, which is what a container's runtime does, and ends it as one does, with TERM.
# See test-common.sh for what it may be told.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../test-common.sh"
need nginx gunicorn redis-server /usr/bin/python3 unshare
unshare --pid --fork --mount-proc true 2>/dev/null || { echo "no pid namespace can be had here"; exit 77; }

container=
clean_up() {
    [ -z "$container" ] || kill -9 "$container" 2>/dev/null || true # its process 1 goes with it
}
trap clean_up EXIT

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
