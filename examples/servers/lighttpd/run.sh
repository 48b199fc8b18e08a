#!/bin/sh
# lighttpd on a held socket.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
case $LISTEN in
unix:*) bind=${LISTEN#unix:} port=0 ;;
*) bind=${LISTEN%:*} port=${LISTEN##*:} ;;
esac
sed -e "s|@BIND@|$bind|" -e "s|@PORT@|$port|" -e "s|@STATE@|$STATE|" -e "s|@HERE@|$here|" "$here/lighttpd.conf.in" >"$STATE/lighttpd.conf"
exec berth run --listen "$LISTEN" --stop-signal INT -- lighttpd -D -f "$STATE/lighttpd.conf"
