#!/bin/sh
# uWSGI on a held socket.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
exec berth run --listen "$LISTEN" --env PYTHONDONTWRITEBYTECODE=1 -- \
    uwsgi --master --processes 1 --need-app --plugin python3 --protocol http \
    --chdir "$here" --module app:app --hook-master-start "unix_signal:15 gracefully_kill_them_all"
