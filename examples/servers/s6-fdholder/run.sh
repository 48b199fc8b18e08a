#!/bin/sh
# Any program behind s6-fdholder-retrieve, which fetches the held socket.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
exec berth run --listen "web=$LISTEN?serve=fdholder:$STATE/fdholder" --set handoff=none -- \
    s6-fdholder-retrieve "$STATE/fdholder" web node "$here/../node/server.js" 0
