#!/bin/sh
# OpenSSH, a process for each connection.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
[ -d /run/sshd ] || mkdir /run/sshd # its package makes it at boot only
[ -e "$STATE/host_key" ] || ssh-keygen -q -t ed25519 -N "" -f "$STATE/host_key"
exec berth run --listen "ssh=$LISTEN?accept=yes" -- "$(command -v sshd)" -i -e -f "$here/sshd_config" -h "$STATE/host_key"
