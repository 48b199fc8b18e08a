#!/bin/sh
# Dropbear, a process for each connection.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
[ -e "$STATE/host_key" ] || dropbearkey -t ed25519 -f "$STATE/host_key" >/dev/null
exec berth run --listen "ssh=$LISTEN?accept=yes" -- "$(command -v dropbear)" -i -r "$STATE/host_key"
