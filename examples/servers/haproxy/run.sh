#!/bin/sh
# HAProxy (-W) on a held socket.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
exec berth run --listen "$LISTEN" --env FD={fd:haproxy} --stop-signal USR1 --ready delay:500ms -- haproxy -W -f "$here/haproxy.cfg"
