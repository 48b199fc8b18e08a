#!/bin/sh
# PHP-FPM on a held socket, for a web server that speaks FastCGI.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
sed -e "s|@LISTEN@|${LISTEN#unix:}|" -e "s|@STATE@|$STATE|" -e "s|@USER@|$(id -un)|" -e "s|@HERE@|$here|" "$here/php-fpm.conf.in" >"$STATE/php-fpm.conf"
exec berth run --listen "$LISTEN" --stop-signal QUIT -- php-fpm8.2 --nodaemonize --allow-to-run-as-root --fpm-config "$STATE/php-fpm.conf"
