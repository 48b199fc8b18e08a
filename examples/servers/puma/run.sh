#!/bin/sh
# puma on a held socket.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
exec berth run --listen "$LISTEN" --set success_status=TERM -- \
    puma --quiet --config "$here/puma.rb" --bind-to-activated-sockets=only "$here/config.ru"
