#!/bin/sh
# h2o on a held socket.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
case $LISTEN in
unix:*) listen="{ port: ${LISTEN#unix:}, type: unix }" ;;
*) listen="{ host: ${LISTEN%:*}, port: ${LISTEN##*:} }" ;;
esac
sed -e "s|@LISTEN@|$listen|" -e "s|@STATE@|$STATE|" -e "s|@HERE@|$here|" "$here/h2o.conf.in" >"$STATE/h2o.conf"
exec berth run --listen "$LISTEN" -- h2o --mode worker --conf "$STATE/h2o.conf"
