#!/bin/sh
# Starts this example, and changes and breaks it while clients ask at its port; not one request may fail.
# It needs `make berth tests/lib/berth-load`; see test-common.sh for what it may be told.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../test-common.sh"
need nginx gunicorn redis-server /usr/bin/python3
cp -r "$here" "$STATE/site" && chmod -R u+w "$STATE/site"

# The pid that service $1 is run by; 0 while there is none.
pid_of() {
    berth --json status "$1" | /usr/bin/python3 -c '
import json, sys
print(next((w["pid"] for w in json.load(sys.stdin)["workers"] if w.get("pid")), 0))'
}
supervisor_pid() {
    berth --json status | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])'
}
# What follows only counts when clients are being served again: a few answers from each.
served() {
    expect / world /api/ visits= / world /api/ visits= / world /api/ visits=
}
# $1 is "-" for the whole group of processes.
kill_services() {
    for service in pages api; do
        before=$(pid_of "$service")
        kill -9 "$1$before"
        served
        [ "$(pid_of "$service")" != "$before" ] || fail "$service was not killed"
    done
}
step() {
    echo "== $*"
}

berth up -c "$STATE/site/berth.ini" 2>"$STATE/berth.log" &
berth_pid=$!
served

begin_load / /api/
served

step "berth update: another greeting for pages, and only they get new processes"
before=$(pid_of api)
sed 's/^env.GREETING = .*/env.GREETING = good morning/' "$here/berth.ini" >"$STATE/site/berth.ini"
berth update
expect / "good morning, world"
[ "$(pid_of api)" = "$before" ] || fail "api was restarted, though nothing of it had changed"

step "berth restart of every service that serves"
berth restart pages api nginx redis
served

step "kill -9 of the supervisor, twice"
before=$(pid_of pages)
for _ in 1 2; do
    kill -9 "$(supervisor_pid)"
    served
done
[ "$(pid_of pages)" = "$before" ] || fail "pages have another process"

step "kill -9 of both gunicorns: berth asks what they leave behind to finish, and starts others"
kill_services ""
served
end_load 0

step "kill -9 of both gunicorns with their workers, in the middle of what they answer"
begin_load / /api/
served
kill_services -
# nginx asks again, but cannot take back an answer that it has begun to pass on: one of each gunicorn worker, at most.
served
end_load 2

step "berth shutdown"
shut_down
echo "Served all the while."
