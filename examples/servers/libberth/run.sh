#!/bin/sh
# A C program that uses libberth: its sockets come over a channel, and it says when it is ready.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
cc -O2 -o "$STATE/server" "$here/server.c" ${BERTH_FLAGS:-$(pkg-config --cflags --libs berth)} -pthread
exec berth run --listen "web=$LISTEN" --set handoff=channel --ready notify -- "$STATE/server"
