#!/bin/sh
# A Go server on a held socket.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
GO111MODULE=off GOCACHE="$STATE/cache" GOPATH="$STATE/path" go build -o "$STATE/server" "$here/server.go"
exec berth run --listen "$LISTEN" -- "$STATE/server"
