#!/bin/sh
# nginx on a held socket.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
sed -e "s|@LISTEN@|$LISTEN|" -e "s|@STATE@|$STATE|" -e "s|@HERE@|$here|" "$here/nginx.conf.in" >"$STATE/nginx.conf"
exec berth run --listen "$LISTEN" --stop-signal QUIT -- nginx -p "$STATE" -c "$STATE/nginx.conf"
