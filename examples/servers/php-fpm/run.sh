#!/bin/sh
# PHP-FPM on a held socket, for a web server that speaks FastCGI.
# LISTEN is the address ("127.0.0.1:8080" or "unix:/PATH"), STATE a folder for what is written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LISTEN=${LISTEN:-127.0.0.1:8080}
STATE=${STATE:-$(mktemp -d)}
user=
if [ "$(id -u)" = 0 ]; then
    user=nobody # who may not remove a Unix socket's path
    chown "$user" "$STATE"
fi
sed -e "s|@LISTEN@|${LISTEN#unix:}|" -e "s|@STATE@|$STATE|" "$here/php-fpm.conf.in" >"$STATE/php-fpm.conf"
exec berth run --listen "$LISTEN" ${user:+--user "$user"} --stop-signal QUIT -- \
    php-fpm8.2 --nodaemonize --fpm-config "$STATE/php-fpm.conf"
